import { oneLine } from '#core/text.ts';
import { Cursor } from './cursor.ts';
import { type Definitions, type Labels, NO_LABELS, readLabels } from './definitions.ts';
import type { MessageDraft, SignalDraft } from './draft.ts';
import { isPlaceholder, keyOf } from './frames.ts';
import { rawRange } from './scale.ts';
import type { Statement } from './statements.ts';
import { TEXTS, type Warnings } from './warnings.ts';

/** Comments are for people, who get them with each message; the rest of a longer one is cut. */
const COMMENT_CHARS_MAX = 500;
/** Milliseconds; an hour between two frames is no rate any more. */
export const CYCLE_MS_MAX = 3_600_000;

/**
 * The statements about messages and signals that are there:
 *
 *   CM_ BO_ id "text" ;    CM_ SG_ id signal "text" ;
 *   VAL_ id signal 0 "off" 1 "on" ;    VAL_ id signal table ;
 *   SIG_VALTYPE_ id signal : 1 ;       1 a float, 2 a double
 *   SG_MUL_VAL_ id signal switch 0-3,7-7 ;
 *   BA_ "GenMsgCycleTime" BO_ id 100 ;    BA_ "SystemSignalLongSymbol" SG_ id signal "name" ;
 */
export class DetailReader {
  readonly #messages: ReadonlyMap<number, MessageDraft>;
  readonly #definitions: Definitions;
  readonly #warnings: Warnings;

  constructor(
    messages: ReadonlyMap<number, MessageDraft>,
    definitions: Definitions,
    warnings: Warnings,
  ) {
    this.#messages = messages;
    this.#definitions = definitions;
    this.#warnings = warnings;
  }

  readComment(statement: Statement): void {
    const cursor = new Cursor(statement, this.#warnings);
    const of = cursor.nextWord;
    if (of !== 'BO_' && of !== 'SG_') return;
    cursor.skip();
    const about = of === 'BO_' ? this.#message(cursor) : this.#signal(cursor);
    if (!about) return;
    const text = cursor.string('a text in quotes');
    if (cursor.failed) return;
    about.comment = oneLine(text, COMMENT_CHARS_MAX);
    cursor.end();
  }

  readValues(statement: Statement): void {
    const cursor = new Cursor(statement, this.#warnings);
    // Those of an environment variable begin with its name.
    if (!/^\d/.test(cursor.nextWord ?? '0')) return;
    const signal = this.#signal(cursor);
    if (!signal) return;
    const table = cursor.nextWord;
    const labels =
      table === undefined || /^[-+\d]/.test(table)
        ? readLabels(cursor)
        : this.#definitions.tables.get(table);
    if (!labels) cursor.warn(TEXTS.noTable);
    else if (signal.labels !== NO_LABELS) cursor.warn(TEXTS.sameLabels, signal.name);
    else this.#label(signal, labels, statement.line);
  }

  /** A table is shared by all signals that name it, however many they are. */
  #label(signal: SignalDraft, labels: Labels, line: number): void {
    const [min, max] = rawRange(signal);
    if (labels.min < min) this.#warnings.add(line, TEXTS.label, `${signal.name} ${labels.min}`);
    if (labels.max > max) this.#warnings.add(line, TEXTS.label, `${signal.name} ${labels.max}`);
    signal.labels = labels.texts;
  }

  readType(statement: Statement): void {
    const cursor = new Cursor(statement, this.#warnings);
    const message = this.#message(cursor);
    const signal = message && this.#signalOf(message, cursor);
    if (!message || !signal) return;
    cursor.has(':');
    const type = cursor.integer('0, 1 or 2');
    if (type !== 0 && type !== 1 && type !== 2) cursor.fail('0, 1 or 2');
    if (cursor.failed || type === 0) return;
    cursor.end();
    signal.type = 'float';
    if (signal.bits === type * 32) return;
    this.#warnings.add(statement.line, TEXTS.floatBits, `${signal.name}: ${signal.bits}`);
    message.signals.delete(signal.name);
  }

  readSelection(statement: Statement): void {
    const cursor = new Cursor(statement, this.#warnings);
    const signal = this.#signal(cursor);
    if (!signal) return;
    const by = cursor.word('the name of the multiplexer');
    const ranges: [number, number][] = [];
    while (!cursor.atEnd) {
      const [from, to] = rangeOf(cursor);
      if (from > to) cursor.warn(TEXTS.range, `${from}-${to}`);
      else if (!cursor.failed) ranges.push([from, to]);
      cursor.has(',');
    }
    if (!cursor.failed) signal.selection = { by, ranges: merged(ranges) };
  }

  readAttribute(statement: Statement): void {
    const cursor = new Cursor(statement, this.#warnings);
    const name = cursor.string('a name in quotes');
    const of = cursor.nextWord;
    if (of === 'BO_' && MESSAGE_ATTRIBUTES.has(name)) {
      cursor.skip();
      const message = this.#message(cursor);
      if (message) this.#describe(message, name, cursor);
    } else if (of === 'SG_' && name === 'SystemSignalLongSymbol') {
      cursor.skip();
      const signal = this.#signal(cursor);
      const longName = signal ? cursor.string('a name in quotes') : '';
      if (signal && longName !== '') signal.longName = longName;
    }
  }

  #describe(message: MessageDraft, attribute: string, cursor: Cursor): void {
    if (attribute === 'SystemMessageLongSymbol') {
      message.longName = cursor.string('a name in quotes') || message.name;
    } else if (attribute === 'VFrameFormat') {
      message.format = this.#definitions.formatOf(cursor.skip());
    } else {
      const ms = cursor.number('milliseconds');
      if (ms < 0 || ms > CYCLE_MS_MAX) cursor.warn(TEXTS.cycle, String(ms));
      else message.cycleMs = ms;
    }
  }

  /** Undefined, after a warning, where the file has no message of this identifier. */
  #message(cursor: Cursor): MessageDraft | undefined {
    const seen = cursor.nextWord ?? '';
    const raw = cursor.integer('an identifier');
    if (cursor.failed || isPlaceholder(raw)) return undefined;
    const message = this.#messages.get(keyOf(raw) ?? -1);
    if (!message) cursor.warn(TEXTS.noMessage, seen);
    return message;
  }

  #signal(cursor: Cursor): SignalDraft | undefined {
    const message = this.#message(cursor);
    return message && this.#signalOf(message, cursor);
  }

  #signalOf(message: MessageDraft, cursor: Cursor): SignalDraft | undefined {
    const name = cursor.word('the name of a signal');
    const signal = message.signals.get(name);
    if (!signal && !cursor.failed) cursor.warn(TEXTS.noSignal, `${message.name} ${name}`);
    return signal;
  }
}

const MESSAGE_ATTRIBUTES = new Set(['GenMsgCycleTime', 'SystemMessageLongSymbol', 'VFrameFormat']);

/** `3-5`, with blanks or without, or `3`. */
function rangeOf(cursor: Cursor): [number, number] {
  let text = '';
  while (cursor.nextWord !== undefined) text += cursor.skip();
  const [, from, to] = /^(\d{1,15})(?:-(\d{1,15}))?$/.exec(text) ?? [];
  if (from === undefined) cursor.fail('a range of values');
  return [Number(from ?? 0), Number(to ?? from ?? 0)];
}

/** Ascending, and those that overlap or touch as one. */
function merged(ranges: readonly (readonly [number, number])[]): [number, number][] {
  const result: [number, number][] = [];
  for (const [from, to] of ranges.toSorted((a, b) => a[0] - b[0])) {
    const last = result.at(-1);
    if (last && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else result.push([from, to]);
  }
  return result;
}
