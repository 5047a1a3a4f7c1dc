import type { Micros } from '#core/stream.ts';
import { ascDate } from './asc-date.ts';
import { isBlank, latin1, microsOf, wholeNumber } from './bytes.ts';
import type { LogFrame, LogTally } from './log-frame.ts';
import type { LineFormat } from './text-log.ts';

/**
 * Lines of Vector's ASCII log:
 *
 *   0.001234 1  123             Rx   d 8 11 22 33 44 55 66 77 88  Length = 230000 BitCount = 119
 *   0.001300 1  18DAF110x       Tx   r 8
 *   0.001400 1  ErrorFrame
 *   0.001500 CANFD   1 Rx        123                       0 0 8  8 11 22 ...
 *
 * `base dec` has identifiers and data decimal, `timestamps relative` counts each line from the one
 * before, whatever that was. Times count from a `date`, or from a `Begin Triggerblock` after which
 * they begin anew: what python-can and loggers write. In a later block of a file of CANoe they go on.
 */
/** Those of a CAN FD line; what is behind them is not looked at. */
const WORDS_MAX = 96;
const STANDARD_MAX = 0x7ff;
const EXTENDED_MAX = 0x1fff_ffff;
const DATA_BYTES_MAX = 8;
/** A length code beyond is 8 bytes on a classical bus (ISO 11898-1). */
const LENGTH_CODE_MAX = 15;
const X = 0x78;
/** Of the flags of a CANFD line: it is one. Without, it is a classical frame on a bus that could. */
const EDL = 1 << 12;
/** Lines that are no events. */
const HEADS = /^(\/\/|internal events|no internal events|end triggerblock|previous log|split)/;

export class AscLines implements LineFormat {
  readonly #tally: LogTally;
  readonly #data = new Uint8Array(DATA_BYTES_MAX);
  /** Beginning and end of each word of the line. */
  readonly #words = new Int32Array(WORDS_MAX * 2);
  #count = 0;
  #base: 10 | 16 = 16;
  #relative = false;
  /** Time of the last event, since the start. */
  #last: Micros = 0;
  #start: Micros = 0;
  /** Where a block began, until its first event tells whether its times begin anew. */
  #block: Micros | undefined;
  #blocks = 0;
  readonly #channels = new Map<number, string>();

  constructor(tally: LogTally) {
    this.#tally = tally;
  }

  line(bytes: Uint8Array, from: number, to: number, where: () => string): LogFrame | undefined {
    this.#split(bytes, from, to);
    if (this.#count === 0) return undefined;
    const first = bytes[this.#from(0)] ?? 0;
    if (first < 0x30 || first > 0x39) return this.#head(latin1(bytes, this.#from(0), to), where);
    const t = microsOf(bytes, this.#from(0), this.#to(0));
    if (t < 0) return this.#fault(where, 'does not begin with a time');
    const time = this.#timeOf(t);
    if (this.#is(bytes, 1, 'canfd')) return this.#fdFrame(bytes, time, where);
    if (this.#is(bytes, 2, 'errorframe')) this.#tally.errorFrames++;
    else if (this.#count >= 5 && this.#isDirection(bytes, 3)) {
      if (this.#is(bytes, 4, 'd')) return this.#frame(bytes, time, [1, 2, 5], where);
      if (this.#is(bytes, 4, 'r')) this.#tally.remote++;
      else this.#tally.other++;
    } else this.#tally.other++;
    return undefined;
  }

  #timeOf(t: Micros): Micros {
    if (this.#block !== undefined) {
      const anew = this.#relative || this.#blocks === 1 || t < this.#last;
      if (anew) this.#start = this.#block;
      if (anew) this.#last = 0;
      this.#block = undefined;
    }
    this.#last = this.#relative ? this.#last + t : t;
    return this.#start + this.#last;
  }

  /** @param places of the channel, the identifier and the length, before the data */
  #frame(
    bytes: Uint8Array,
    t: Micros,
    [channelAt, idAt, lengthAt]: readonly [number, number, number],
    where: () => string,
  ): LogFrame | undefined {
    const channel = this.#number(bytes, channelAt, 10);
    if (channel < 0) return this.#fault(where, 'no number of a channel');
    const extended = ((bytes[this.#to(idAt) - 1] ?? 0) | 0x20) === X;
    const end = this.#to(idAt) - (extended ? 1 : 0);
    const id = wholeNumber(bytes, this.#from(idAt), end, this.#base);
    if (id < 0 || id > (extended ? EXTENDED_MAX : STANDARD_MAX)) {
      return this.#fault(where, `no identifier: ${latin1(bytes, this.#from(idAt), end)}`);
    }
    const code = this.#number(bytes, lengthAt, 16);
    const length = Math.min(code, DATA_BYTES_MAX);
    if (length < 0 || code > LENGTH_CODE_MAX)
      return this.#fault(where, 'no length of 0 to 8 bytes');
    for (let i = 0; i < length; i++) {
      const byte = this.#number(bytes, lengthAt + 1 + i, this.#base);
      if (byte < 0 || byte > 255) return this.#fault(where, `no ${length} bytes of data`);
      this.#data[i] = byte;
    }
    const data = this.#data.slice(0, length);
    return { channel: this.#nameOf(channel), t, id, extended, data };
  }

  /** A name may stand behind the identifier. */
  #fdFrame(bytes: Uint8Array, t: Micros, where: () => string): LogFrame | undefined {
    if (this.#is(bytes, 4, 'errorframe')) {
      this.#tally.errorFrames++;
      return undefined;
    }
    const brsAt = this.#number(bytes, 5, 10) < 0 ? 6 : 5;
    const bytesAt = brsAt + 3;
    const flagsAt = bytesAt + this.#number(bytes, bytesAt, 10) + 3;
    const flags = this.#number(bytes, flagsAt, 16);
    if (flags < 0 || (flags & EDL) !== 0) {
      this.#tally.fd++;
      return undefined;
    }
    if (this.#is(bytes, bytesAt, '0') && !this.#is(bytes, bytesAt - 1, '0')) {
      this.#tally.remote++;
      return undefined;
    }
    return this.#frame(bytes, t, [2, 4, bytesAt], where);
  }

  #head(line: string, where: () => string): undefined {
    const text = line.trimEnd();
    const lower = text.toLowerCase();
    const [, base, stamps] = /^base\s+(hex|dec)(?:\s+timestamps\s+(\w+))?/.exec(lower) ?? [];
    const [, kind, date = ''] = /^(date|begin\s+triggerblock)\b\s*(.*)$/i.exec(text) ?? [];
    if (base !== undefined) {
      this.#base = base === 'dec' ? 10 : 16;
      this.#relative = stamps === 'relative';
    } else if (kind !== undefined) this.#begin(/^d/i.test(kind), date, where);
    else if (!HEADS.test(lower)) this.#fault(where, 'neither an event nor a line of the header');
  }

  #begin(isFile: boolean, text: string, where: () => string): void {
    if (!isFile) this.#blocks++;
    if (!isFile && text === '') return; // A block may have no date.
    const date = ascDate(text);
    if (date === undefined) this.#fault(where, `no date that is known: ${text.slice(0, 60)}`);
    else if (isFile) this.#start = date;
    else this.#block = date;
  }

  #split(bytes: Uint8Array, from: number, to: number): void {
    let count = 0;
    let at = from;
    while (count < WORDS_MAX) {
      while (at < to && isBlank(bytes[at])) at++;
      if (at >= to) break;
      this.#words[count * 2] = at;
      while (at < to && !isBlank(bytes[at])) at++;
      this.#words[count * 2 + 1] = at;
      count++;
    }
    this.#count = count;
  }

  #from(word: number): number {
    return this.#words[word * 2] ?? 0;
  }

  #to(word: number): number {
    return this.#words[word * 2 + 1] ?? 0;
  }

  /** -1 where there is none. */
  #number(bytes: Uint8Array, word: number, base: 10 | 16): number {
    if (word >= this.#count) return -1;
    return wholeNumber(bytes, this.#from(word), this.#to(word), base);
  }

  /** @param text in small letters */
  #is(bytes: Uint8Array, word: number, text: string): boolean {
    const from = this.#from(word);
    if (word >= this.#count || this.#to(word) - from !== text.length) return false;
    for (let i = 0; i < text.length; i++) {
      if (((bytes[from + i] ?? 0) | 0x20) !== text.charCodeAt(i)) return false;
    }
    return true;
  }

  #isDirection(bytes: Uint8Array, word: number): boolean {
    return (
      this.#is(bytes, word, 'rx') || this.#is(bytes, word, 'tx') || this.#is(bytes, word, 'txrq')
    );
  }

  #nameOf(channel: number): string {
    const known = this.#channels.get(channel);
    if (known !== undefined) return known;
    const name = `can${channel}`;
    if (this.#channels.size < 256) this.#channels.set(channel, name);
    return name;
  }

  #fault(where: () => string, what: string): undefined {
    this.#tally.fault(where(), what);
  }
}
