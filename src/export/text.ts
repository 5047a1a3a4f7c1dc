/**
 * Text as bytes, written in place: a string a row, to be joined and encoded, would take three times
 * as long. Bytes leave in pieces of their own, of some PIECE_BYTES, so that a piece may be kept,
 * transferred to another thread or thrown away.
 */

/** A piece leaves when it has reached this many bytes. */
export const PIECE_BYTES = 65_536;
/** Room for a row behind a piece that is nearly full. A longer row makes the buffer grow. */
const ROOM_BYTES = 4_096;
/** Numbers whose text is remembered, as ADC counts come again and again; others take their place. */
const REMEMBERED = 1 << 13;
const SECOND_US = 1_000_000;
/** Up to here, an integer is written digit by digit; beyond, as String() does. */
const INTEGER_MAX = 1e15;

const ZERO = 0x30;
const encoder = new TextEncoder();

export class TextWriter {
  #bytes = new Uint8Array(PIECE_BYTES + ROOM_BYTES);
  #length = 0;
  /** The second whose date and time of day are in #second. */
  #secondAt = Number.NaN;
  #second = '';
  readonly #bits = new Float64Array(1);
  readonly #words = new Uint32Array(this.#bits.buffer);
  readonly #numbers = new Float64Array(REMEMBERED).fill(Number.NaN);
  readonly #texts = new Array<string>(REMEMBERED).fill('');

  /** Whether a piece is complete. */
  get full(): boolean {
    return this.#length >= PIECE_BYTES;
  }

  get empty(): boolean {
    return this.#length === 0;
  }

  /** What was written since the last one. */
  take(): Uint8Array {
    const piece = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    return piece;
  }

  /** One character of ASCII. */
  char(code: number): void {
    this.#room(1);
    this.#bytes[this.#length++] = code;
  }

  /** Characters of ASCII. */
  ascii(text: string): void {
    const { length } = text;
    this.#room(length);
    const bytes = this.#bytes;
    const at = this.#length;
    for (let i = 0; i < length; i++) bytes[at + i] = text.charCodeAt(i);
    this.#length = at + length;
  }

  /** Any text, as UTF-8. What is no text (half a surrogate pair) becomes U+FFFD. */
  text(text: string): void {
    this.#room(text.length * 3);
    this.#length += encoder.encodeInto(text, this.#bytes.subarray(this.#length)).written;
  }

  bytes(bytes: Uint8Array): void {
    this.#room(bytes.length);
    const to = this.#bytes;
    const at = this.#length;
    for (let i = 0; i < bytes.length; i++) to[at + i] = bytes[i] ?? 0;
    this.#length = at + bytes.length;
  }

  /** RFC 3339 in UTC with microseconds: `2025-11-22T00:29:12.123456Z`. @param us since 1970, whole */
  time(us: number): void {
    const second = Math.floor(us / SECOND_US);
    if (second !== this.#secondAt) {
      this.#secondAt = second;
      this.#second = new Date(second * 1000).toISOString().slice(0, -4);
    }
    this.ascii(this.#second);
    this.digits(us - second * SECOND_US, 6);
    this.char(0x5a);
  }

  /** A whole number from 0 to 2^31 - 1, with zeros in front. */
  digits(n: number, width: number): void {
    this.#room(width);
    let rest = n | 0;
    for (let at = this.#length + width - 1; at >= this.#length; at--) {
      const tenth = (rest / 10) | 0;
      this.#bytes[at] = ZERO + rest - tenth * 10;
      rest = tenth;
    }
    this.#length += width;
  }

  /** The shortest text that reads back as the same double: what String() gives. */
  number(v: number): void {
    if (Math.abs(v) < INTEGER_MAX && Number.isInteger(v)) this.#integer(v);
    else this.ascii(this.#textOf(v));
  }

  #integer(v: number): void {
    if (v < 0) this.char(0x2d);
    const n = Math.abs(v);
    if (n < 1e9) {
      this.digits(n, widthOf(n));
      return;
    }
    const high = Math.floor(n / 1e9);
    this.digits(high, widthOf(high));
    this.digits(n - high * 1e9, 9);
  }

  #textOf(v: number): string {
    this.#bits[0] = v;
    const [low = 0, high = 0] = this.#words;
    const slot = Math.imul(low ^ Math.imul(high, 0x85eb_ca6b), 0x9e37_79b1) >>> 19;
    if (this.#numbers[slot] === v) return this.#texts[slot] ?? '';
    const text = String(v);
    this.#numbers[slot] = v;
    this.#texts[slot] = text;
    return text;
  }

  #room(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

/** Digits of a whole number from 0 to 2^31 - 1. */
function widthOf(n: number): number {
  let width = 1;
  for (let limit = 10; n >= limit; limit *= 10) width++;
  return width;
}
