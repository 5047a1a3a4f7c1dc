import { EXTENDED_FLAG } from '#core/stream.ts';
import { Cursor } from './cursor.ts';
import { bytesOf, type Signal } from './database.ts';
import { NO_LABELS } from './definitions.ts';
import type { MessageDraft, SignalDraft } from './draft.ts';
import type { Statement } from './statements.ts';
import { TEXTS, type Warnings } from './warnings.ts';

/**
 * The statements that say where the bits are:
 *
 *   BO_ id name: length sender
 *   SG_ name [M|m3|m3M] : start|bits@order sign (factor,offset) [min|max] "unit" receiver,receiver
 *
 * `id` has bit 31 set for a 29-bit identifier. Signals belong to the message above them.
 */

/** Some 2,500 messages make up the whole of SAE J1939. */
const MESSAGES_MAX = 8_192;
/** Diagnosis over extended multiplexing comes to some 500. */
const SIGNALS_PER_MESSAGE_MAX = 1_024;
/** Of CAN FD. */
const FRAME_BYTES_MAX = 64;

/** VECTOR__INDEPENDENT_SIG_MSG: where editors keep the signals that are in no message. */
const NO_MESSAGE_ID = 0xc000_0000;
const ID_11_BITS_MAX = 0x7ff;
const ID_29_BITS_MAX = 0x1fff_ffff;

const IDENTIFIER = /^[A-Za-z_]\w*$/;

export class FrameReader {
  /** By keyOf. */
  readonly messages = new Map<number, MessageDraft>();
  readonly #warnings: Warnings;
  readonly #names = new Set<string>();
  /** What signals belong to; `dropped` where the message above them is left out. */
  #current: MessageDraft | 'dropped' | undefined;

  constructor(warnings: Warnings) {
    this.#warnings = warnings;
  }

  readMessage(statement: Statement): void {
    this.#current = 'dropped';
    const cursor = new Cursor(statement, this.#warnings);
    const raw = cursor.integer('an identifier');
    const name = cursor.word('a name');
    if (!cursor.failed && !cursor.has(':')) cursor.warn(TEXTS.noColon);
    const length = cursor.integer('a length');
    if (cursor.failed || isPlaceholder(raw)) return;
    // The sender; files without one are common.
    if (cursor.nextWord !== undefined) cursor.skip();
    cursor.end();
    const key = keyOf(raw);
    const problem = this.#problemOf(key, length);
    if (problem !== undefined) this.#warnings.add(statement.line, problem, `${raw} ${name}`);
    if (key === undefined || problem !== undefined) return;
    this.#current = this.#add(statement.line, key, name, length);
    if ((key & EXTENDED_FLAG) !== 0 && raw < EXTENDED_FLAG) {
      this.#warnings.add(statement.line, TEXTS.longId, String(raw));
    }
  }

  /** Why a message is left out. */
  #problemOf(key: number | undefined, length: number): string | undefined {
    if (key === undefined || length < 0) return TEXTS.badId;
    if (this.messages.has(key)) return TEXTS.sameId;
    if (this.messages.size === MESSAGES_MAX) return TEXTS.manyMessages;
    return undefined;
  }

  #add(line: number, key: number, name: string, length: number): MessageDraft {
    if (!IDENTIFIER.test(name)) this.#warnings.add(line, TEXTS.name, name);
    if (this.#names.has(name)) this.#warnings.add(line, TEXTS.sameMessage, name);
    if (length > FRAME_BYTES_MAX) this.#warnings.add(line, TEXTS.longMessage, `${name}: ${length}`);
    this.#names.add(name);
    const extended = (key & EXTENDED_FLAG) !== 0;
    const message: MessageDraft = {
      ...{ line, id: key & ID_29_BITS_MAX, extended, name, length },
      ...{ signals: new Map(), longName: name, comment: '' },
      ...{ cycleMs: undefined, format: undefined },
    };
    this.messages.set(key, message);
    return message;
  }

  /**
   * What cannot be read and begins like BO_ may be a misspelt message: the signals below it are not those
   * of the message above.
   */
  passUnknown({ keyword }: Statement): void {
    if (/^bo/i.test(keyword)) this.#current = 'dropped';
  }

  readSignal(statement: Statement): void {
    const message = this.#current;
    if (message === 'dropped') return;
    const cursor = new Cursor(statement, this.#warnings);
    const signal = signalOf(cursor, statement.line);
    if (!signal) return;
    const problem = message ? problemOf(message, signal) : TEXTS.orphan;
    if (problem !== undefined) this.#warnings.add(statement.line, problem, signal.name);
    if (problem === TEXTS.manySignals) this.#current = 'dropped';
    if (message === undefined || problem !== undefined) return;
    if (!IDENTIFIER.test(signal.name)) this.#warnings.add(statement.line, TEXTS.name, signal.name);
    message.signals.set(signal.name, signal);
  }
}

/** Whether an identifier of the file is that of the message that is none. */
export function isPlaceholder(raw: number): boolean {
  return raw === NO_MESSAGE_ID;
}

/**
 * The identifier of a message with EXTENDED_FLAG where it has 29 bits; undefined where it is none. One of
 * more than 11 bits has 29, whether the file says so or not: there is no other way to send it.
 */
export function keyOf(raw: number): number | undefined {
  const id = raw >= EXTENDED_FLAG ? raw - EXTENDED_FLAG : raw;
  if (id < 0 || id > ID_29_BITS_MAX) return undefined;
  return raw >= EXTENDED_FLAG || id > ID_11_BITS_MAX ? id + EXTENDED_FLAG : id;
}

function problemOf(message: MessageDraft, signal: SignalDraft): string | undefined {
  if (signal.bits < 1 || signal.bits > 64) return TEXTS.bits;
  if (signal.startBit < 0 || bytesOf(signal)[1] >= FRAME_BYTES_MAX) return TEXTS.place;
  if (signal.factor === 0) return TEXTS.factor;
  if (message.signals.has(signal.name)) return TEXTS.sameSignal;
  if (message.signals.size === SIGNALS_PER_MESSAGE_MAX) return TEXTS.manySignals;
  return undefined;
}

function signalOf(cursor: Cursor, line: number): SignalDraft | undefined {
  const name = cursor.word('a name');
  const multiplexed = cursor.nextWord === undefined ? '' : cursor.word('a name');
  const [, value, isSwitch] = /^(?:m(\d{1,15}))?(M)?$/.exec(multiplexed) ?? [];
  if (multiplexed !== '' && value === undefined && isSwitch === undefined)
    cursor.fail('M, m<n> or ":"');
  cursor.mark(':');
  const startBit = cursor.integer('a start bit');
  cursor.mark('|');
  const bits = cursor.integer('a length in bits');
  cursor.mark('@');
  const [byteOrder, type] = orderOf(cursor);
  cursor.mark('(');
  const factor = cursor.number('a factor');
  cursor.mark(',');
  const offset = cursor.number('an offset');
  cursor.mark(')');
  const limits = limitsOf(cursor);
  const unit = unitOf(cursor);
  if (cursor.failed) return undefined;
  skipReceivers(cursor);
  return {
    ...{ line, name, startBit, bits, byteOrder, type, factor, offset, limits, unit },
    ...{
      isSwitch: isSwitch !== undefined,
      chosenBy: value === undefined ? undefined : Number(value),
    },
    ...{ labels: NO_LABELS, longName: name, comment: '', selection: undefined },
  };
}

function orderOf(cursor: Cursor): [Signal['byteOrder'], Signal['type']] {
  let word = cursor.nextWord ?? '';
  const isOne = /^[01][+-]$/.test(word);
  if (isOne || /^[01]$/.test(word)) cursor.skip();
  else cursor.fail('1+, 1-, 0+ or 0-');
  if (!isOne && !cursor.failed) {
    const sign = cursor.nextWord ?? '';
    if (sign === '+' || sign === '-') cursor.skip();
    else cursor.fail('+ or -');
    word += sign;
  }
  return [word.startsWith('1') ? 'little' : 'big', word.endsWith('-') ? 'signed' : 'unsigned'];
}

/** Zeros are what editors write where nobody gave any. */
function limitsOf(cursor: Cursor): Signal['limits'] {
  if (cursor.failed) return undefined;
  if (!cursor.has('[')) {
    cursor.warn(TEXTS.noLimits);
    return undefined;
  }
  const min = cursor.number('a minimum');
  cursor.mark('|');
  const max = cursor.number('a maximum');
  cursor.mark(']');
  if (min > max) cursor.warn(TEXTS.limits, `[${min}|${max}]`);
  return min < max ? [min, max] : undefined;
}

function unitOf(cursor: Cursor): string {
  if (cursor.failed) return '';
  if (!cursor.nextIsString) {
    cursor.warn(TEXTS.noUnit);
    return '';
  }
  // Where a quote is missing nobody knows which of the words is the unit.
  const open = cursor.nextIsOpen;
  const text = cursor.string('a unit');
  return open ? '' : text;
}

function skipReceivers(cursor: Cursor): void {
  while (cursor.nextWord !== undefined || cursor.has(',')) {
    if (cursor.nextWord !== undefined) cursor.skip();
  }
  cursor.end();
}
