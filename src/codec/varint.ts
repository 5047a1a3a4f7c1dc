import { BlockError } from './block-error.ts';

/**
 * Integers as bytes: what all codecs of the store write with and read with.
 *
 *   varint  0 to 2^53 - 1: 7 bits a byte, low bits first, bit 7 set on all but the last (LEB128)
 *   signed  -2^52 to 2^52 - 1 as a varint, zigzag: 0, -1, 1, -2 ... become 0, 1, 2, 3 ...
 *   number  any double: a whole one up to NUMBER_MAX as a varint of twice its zigzag, so one with
 *           bit 0 clear; any other as the byte 1 and 8 bytes of IEEE 754, low byte first
 */
const VARINT_BYTES_MAX = 8;
const FLOAT_BYTES = 8;
/** Twice the zigzag of a larger one would not be exact. */
const NUMBER_MAX = 2 ** 50;
const ROOM_BYTES = 4096;
/** A buffer that has grown larger is not kept for the next one. */
const KEPT_BYTES_MAX = 2 ** 20;

/** Bytes that grow. One is used for many blocks, so that a block costs no allocation but its own. */
export class ByteWriter {
  /** What has been written so far. Loops that write by themselves move it on. */
  length = 0;
  #bytes = new Uint8Array(ROOM_BYTES);

  /** Makes room for so many more bytes and returns the buffer, valid until the next call. */
  reserve(count: number): Uint8Array {
    const needed = this.length + count;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
      grown.set(this.#bytes.subarray(0, this.length));
      this.#bytes = grown;
    }
    return this.#bytes;
  }

  byte(value: number): void {
    this.reserve(1)[this.length++] = value;
  }

  varint(value: number): void {
    const bytes = this.reserve(VARINT_BYTES_MAX);
    let at = this.length;
    let rest = value;
    for (; rest > 0x7fff_ffff; rest = Math.floor(rest / 0x80)) bytes[at++] = (rest % 0x80) | 0x80;
    for (; rest > 0x7f; rest >>>= 7) bytes[at++] = (rest & 0x7f) | 0x80;
    bytes[at++] = rest;
    this.length = at;
  }

  signed(value: number): void {
    this.varint(zigzag(value));
  }

  number(value: number): void {
    if (Number.isInteger(value) && Math.abs(value) <= NUMBER_MAX && !Object.is(value, -0)) {
      this.varint(2 * zigzag(value));
      return;
    }
    this.byte(1);
    const bytes = this.reserve(FLOAT_BYTES);
    new DataView(bytes.buffer).setFloat64(this.length, value, true);
    this.length += FLOAT_BYTES;
  }

  /** What has been written, valid until the next write. */
  written(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  clear(): void {
    this.length = 0;
    if (this.#bytes.length > KEPT_BYTES_MAX) this.#bytes = new Uint8Array(ROOM_BYTES);
  }
}

/** Reads what a ByteWriter wrote. Every method throws BlockError BAD_PAYLOAD where bytes run out. */
export class ByteReader {
  readonly bytes: Uint8Array;
  /** Where the next byte is. Loops that read by themselves move it on. */
  at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  byte(): number {
    const value = this.bytes[this.at];
    if (value === undefined) throw this.bad('it ends too early');
    this.at++;
    return value;
  }

  varint(): number {
    const first = this.byte();
    return first < 0x80 ? first : this.#rest(first & 0x7f);
  }

  signed(): number {
    return unzigzag(this.varint());
  }

  number(): number {
    const value = this.varint();
    if (value % 2 === 0) return unzigzag(value / 2);
    const bytes = this.take(FLOAT_BYTES);
    return new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0, true);
  }

  /** The next bytes, not copied. */
  take(count: number): Uint8Array {
    if (count > this.left)
      throw this.bad(`it ends too early, ${count - this.left} bytes are missing`);
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  /** To be called when all is read: what is left over was not written by an encoder. */
  end(): void {
    if (this.left > 0) throw this.bad(`${this.left} bytes are left over`);
  }

  /** The error to throw for what was found before the next byte. */
  bad(what: string): BlockError {
    const place = `byte ${this.at} of ${this.bytes.length}`;
    return new BlockError('BAD_PAYLOAD', `damaged payload: ${what} (${place})`);
  }

  #rest(low: number): number {
    let value = low;
    let scale = 0x80;
    for (let i = 1; i < VARINT_BYTES_MAX; i++) {
      const next = this.byte();
      value += (next & 0x7f) * scale;
      if (next < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) break;
        return value;
      }
      scale *= 0x80;
    }
    throw this.bad('an integer above 2^53');
  }
}

function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

function unzigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}
