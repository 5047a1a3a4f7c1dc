/**
 * Rows as PostgreSQL's COPY takes them in its binary format (chapter "COPY", "Binary Format"): a
 * header, for each row the number of its fields, for each field its length and its bytes, and a trailer.
 * Numbers are big-endian. Nothing has to be escaped, and no number is printed and parsed.
 */
const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1');
const HEADER_BYTES = SIGNATURE.length + 8;
const TRAILER = -1;
const NULL_LENGTH = -1;
const ROOM_BYTES = 64 * 1024;
/** PostgreSQL counts its timestamps from 2000-01-01. */
const Y2000_US = 946_684_800_000_000;
const JSONB_VERSION = 1;

export class CopyWriter {
  rows = 0;
  #bytes = Buffer.alloc(ROOM_BYTES);
  #length = HEADER_BYTES;

  constructor() {
    SIGNATURE.copy(this.#bytes);
  }

  /** @param fields of the row that follows */
  row(fields: number): void {
    this.#reserve(2);
    this.#length = this.#bytes.writeInt16BE(fields, this.#length);
    this.rows++;
  }

  int4(value: number): void {
    this.#reserve(8);
    this.#length = this.#bytes.writeInt32BE(4, this.#length);
    this.#length = this.#bytes.writeInt32BE(value, this.#length);
  }

  /** @param value a whole number that a double holds */
  int8(value: number): void {
    this.#reserve(12);
    let at = this.#bytes.writeInt32BE(8, this.#length);
    at = this.#bytes.writeInt32BE(Math.floor(value / 2 ** 32), at);
    this.#length = this.#bytes.writeUInt32BE(value - Math.floor(value / 2 ** 32) * 2 ** 32, at);
  }

  /** @param us whole microseconds since 1970 */
  time(us: number): void {
    this.int8(us - Y2000_US);
  }

  float8(value: number): void {
    this.#reserve(12);
    const at = this.#bytes.writeInt32BE(8, this.#length);
    this.#length = this.#bytes.writeDoubleBE(value, at);
  }

  boolean(value: boolean): void {
    this.bytes(Uint8Array.of(value ? 1 : 0));
  }

  /** @param text JSON */
  jsonb(text: string): void {
    const length = 1 + Buffer.byteLength(text);
    this.#reserve(4 + length);
    const at = this.#bytes.writeInt32BE(length, this.#length);
    this.#bytes[at] = JSONB_VERSION;
    this.#length = at + 1 + this.#bytes.write(text, at + 1);
  }

  bytes(value: Uint8Array): void {
    this.#reserve(4 + value.length);
    const at = this.#bytes.writeInt32BE(value.length, this.#length);
    this.#bytes.set(value, at);
    this.#length = at + value.length;
  }

  null(): void {
    this.#reserve(4);
    this.#length = this.#bytes.writeInt32BE(NULL_LENGTH, this.#length);
  }

  /** All of it. Nothing can be written after this. */
  end(): Buffer {
    this.#reserve(2);
    this.#length = this.#bytes.writeInt16BE(TRAILER, this.#length);
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.alloc(Math.max(needed, 2 * this.#bytes.length));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}
