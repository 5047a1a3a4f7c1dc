import { deflateSync } from 'node:zlib';
import { EXTENDED_FLAG } from '#core/stream.ts';
import type { Rows } from './rows.ts';

/**
 * A container of a BLF file: objects, compressed together by zlib. Each object has a header of 32
 * bytes: `LOBJ`, size and version of the header, size of the object, its type; then the unit of its
 * time and the time since the start of the file.
 *
 * Vector's own containers hold 128 KB and cut the last object in two. Ours end with an object, which
 * every reader takes: what follows a container may begin with an object or with the rest of one.
 */
const CONTAINER_BYTES = 0x20000;
export const CONTAINER_HEADER_BYTES = 32;
const OBJECT_HEADER_BYTES = 32;
const FRAME_BYTES = OBJECT_HEADER_BYTES + 16;
const TEXT_HEADER_BYTES = OBJECT_HEADER_BYTES + 16;

/** Object types. */
const CAN_MESSAGE = 1;
const LOG_CONTAINER = 10;
const APP_TEXT = 65;

/** `LOBJ`. */
const SIGNATURE = 0x4a42_4f4c;
/** Of the header of an object whose time is in nanoseconds. */
const NANOSECONDS = 2;
/** Of an APP_TEXT: a comment on the measurement. */
const MEASUREMENT_COMMENT = 0;
const ZLIB = 2;
/** Frames of a bus come out 3 % larger than at level 6, four times as fast. */
const LEVEL = 1;

export class BlfContainer {
  /** In it. */
  objects = 0;
  /** Time of the last object, in microseconds since the start. */
  last = 0;
  /** Bytes of its objects. */
  length = 0;
  readonly #bytes = new Uint8Array(CONTAINER_BYTES);
  readonly #view = new DataView(this.#bytes.buffer);

  /** Whether there is no room for another frame. */
  get full(): boolean {
    return this.length + FRAME_BYTES > CONTAINER_BYTES;
  }

  /** A comment on the whole. @param text at most 100 KB, into an empty container */
  addText(text: string): void {
    const encoded = new TextEncoder().encode(text);
    const at = this.length;
    this.#head(APP_TEXT, TEXT_HEADER_BYTES + encoded.length, 0);
    this.#view.setUint32(at + 32, MEASUREMENT_COMMENT, true);
    this.#view.setUint32(at + 40, encoded.length, true);
    this.#bytes.set(encoded, at + TEXT_HEADER_BYTES);
    this.length += encoded.length % 4; // Padded so, and not to a multiple of 4: Vector's rule.
  }

  /** @param shift makes microseconds since the start of the row's time */
  addFrame(rows: Rows, i: number, shift: number): void {
    const at = this.length;
    const view = this.#view;
    const id = rows.v[i] ?? 0;
    const length = rows.length[i] ?? 0;
    this.#head(CAN_MESSAGE, FRAME_BYTES, (rows.t[i] ?? 0) + shift);
    view.setUint16(at + 32, (rows.stream[i] ?? 0) + 1, true);
    view.setUint8(at + 34, 0); // Received.
    view.setUint8(at + 35, length);
    // An identifier of 29 bits has the uppermost bit set, as EXTENDED_FLAG does.
    view.setUint32(at + 36, id >= EXTENDED_FLAG ? id : id & 0x7ff, true);
    for (let k = 0; k < 8; k++) {
      view.setUint8(at + 40 + k, k < length ? (rows.data[i * 8 + k] ?? 0) : 0);
    }
  }

  /** As it stands in the file, padding included. Begins the next one. */
  take(): Uint8Array {
    const data = deflateSync(this.#bytes.subarray(0, this.length), { level: LEVEL });
    const size = CONTAINER_HEADER_BYTES + data.length;
    const container = new Uint8Array(size + (size % 4)); // As above.
    const view = new DataView(container.buffer);
    view.setUint32(0, SIGNATURE, true);
    view.setUint16(4, 16, true); // The header, without what only a container has.
    view.setUint16(6, 1, true);
    view.setUint32(8, size, true);
    view.setUint32(12, LOG_CONTAINER, true);
    view.setUint16(16, ZLIB, true);
    view.setUint32(24, this.length, true);
    container.set(data, CONTAINER_HEADER_BYTES);
    this.objects = 0;
    this.length = 0;
    this.#bytes.fill(0);
    return container;
  }

  #head(type: number, size: number, us: number): void {
    const at = this.length;
    const view = this.#view;
    view.setUint32(at, SIGNATURE, true);
    view.setUint16(at + 4, OBJECT_HEADER_BYTES, true);
    view.setUint16(at + 6, 1, true);
    view.setUint32(at + 8, size, true);
    view.setUint32(at + 12, type, true);
    view.setUint32(at + 16, NANOSECONDS, true);
    const ns = us * 1000; // Exact for 104 days.
    view.setUint32(at + 24, ns % 2 ** 32, true);
    view.setUint32(at + 28, Math.floor(ns / 2 ** 32), true);
    this.objects++;
    this.last = us;
    this.length += size;
  }
}
