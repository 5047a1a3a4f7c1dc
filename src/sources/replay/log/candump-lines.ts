import { hexByte, isBlank, latin1, microsOf, wholeNumber } from './bytes.ts';
import type { LogFrame, LogTally } from './log-frame.ts';
import type { LineFormat } from './text-log.ts';

/**
 * Lines of can-utils' `candump -l` (lib.c, parse_canframe) and of python-can, which adds a direction:
 *
 *   (1436509052.249713) can0 123#DEADBEEF
 *   (1436509052.249714) can0 18DAF110#R R
 *
 * Three digits are an identifier of 11 bits, more one of 29; a dot may stand between bytes, and `_9`
 * behind them is the length code of a frame of 8 bytes. A second `#` makes a CAN FD frame.
 */
const OPEN = 0x28;
const CLOSE = 0x29;
const HASH = 0x23;
const DOT = 0x2e;
const UNDERSCORE = 0x5f;
const BIG_R = 0x52;
const SMALL_R = 0x72;
const STANDARD_MAX = 0x7ff;
const EXTENDED_MAX = 0x1fff_ffff;
/** CAN_ERR_FLAG of linux/can.h. */
const ERROR_FLAG = 0x2000_0000;
const STANDARD_DIGITS = 3;
const DATA_BYTES_MAX = 8;
/** Of the kernel, 15; more is no name of an interface, and kept from filling a set. */
const NAME_BYTES_MAX = 32;

export class CandumpLines implements LineFormat {
  readonly #tally: LogTally;
  readonly #data = new Uint8Array(DATA_BYTES_MAX);
  /** The last bus: most lines are of the same one. */
  #name = '';

  constructor(tally: LogTally) {
    this.#tally = tally;
  }

  line(bytes: Uint8Array, start: number, to: number, where: () => string): LogFrame | undefined {
    const from = afterBlanks(bytes, start, to);
    if (from === to) return undefined;
    const close = indexIn(bytes, CLOSE, from, to);
    const t = bytes[from] === OPEN ? microsOf(bytes, from + 1, close) : -1;
    if (t < 0) return this.#fault(where, 'does not begin with a time such as (1436509052.249713)');
    const name = afterBlanks(bytes, close + 1, to);
    const nameEnd = wordEnd(bytes, name, to);
    const id = afterBlanks(bytes, nameEnd, to);
    const hash = indexIn(bytes, HASH, id, to);
    if (nameEnd === name || nameEnd - name > NAME_BYTES_MAX || hash === to) {
      return this.#fault(where, 'expected a bus and a frame such as can0 123#DEADBEEF');
    }
    const flags = wholeNumber(bytes, id, hash, 16);
    const extended = hash - id > STANDARD_DIGITS;
    const mark = hash + 1 < to ? bytes[hash + 1] : undefined;
    if (!this.#isData(mark, flags, extended)) return undefined;
    if (flags < 0 || flags > (extended ? EXTENDED_MAX : STANDARD_MAX)) {
      return this.#fault(where, `no identifier: ${latin1(bytes, id, hash)}`);
    }
    const length = this.#read(bytes, hash + 1, to);
    if (length < 0) return this.#fault(where, 'no data of 0 to 8 bytes');
    const channel = this.#nameOf(bytes, name, nameEnd);
    return { channel, t, id: flags, extended, data: this.#data.slice(0, length) };
  }

  /** Whether it is a data frame; else it is counted. @param mark behind the `#` */
  #isData(mark: number | undefined, flags: number, extended: boolean): boolean {
    if (mark === HASH) this.#tally.fd++;
    else if (extended && flags >= ERROR_FLAG && flags < 2 * ERROR_FLAG) this.#tally.errorFrames++;
    else if (mark === BIG_R || mark === SMALL_R) this.#tally.remote++;
    else return true;
    return false;
  }

  /** Bytes of data, which are in #data; -1 where they are none. */
  #read(bytes: Uint8Array, from: number, to: number): number {
    let length = 0;
    let at = from;
    while (at < to && !isBlank(bytes[at]) && bytes[at] !== UNDERSCORE) {
      if (bytes[at] === DOT) {
        at++;
        continue;
      }
      const byte = at + 1 < to ? hexByte(bytes, at) : -1;
      if (byte < 0 || length === DATA_BYTES_MAX) return -1;
      this.#data[length++] = byte;
      at += 2;
    }
    return length;
  }

  #nameOf(bytes: Uint8Array, from: number, to: number): string {
    const last = this.#name;
    let same = last.length === to - from;
    for (let i = 0; same && i < last.length; i++) same = last.charCodeAt(i) === bytes[from + i];
    if (!same) this.#name = latin1(bytes, from, to);
    return this.#name;
  }

  #fault(where: () => string, what: string): undefined {
    this.#tally.fault(where(), what);
  }
}

function afterBlanks(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && isBlank(bytes[at])) at++;
  return at;
}

function wordEnd(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && !isBlank(bytes[at])) at++;
  return at;
}

/** `to` where it is not there. */
function indexIn(bytes: Uint8Array, byte: number, from: number, to: number): number {
  let at = from;
  while (at < to && bytes[at] !== byte) at++;
  return at;
}
