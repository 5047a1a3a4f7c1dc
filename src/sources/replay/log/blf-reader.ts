import { constants, inflateSync } from 'node:zlib';
import { codeOf } from '#core/errors.ts';
import type { Micros } from '#core/stream.ts';
import { EXTENDED_FLAG } from '#core/stream.ts';
import { type BlfObject, BlfObjects } from './blf-objects.ts';
import type { LogFrame, LogReader, LogTally } from './log-frame.ts';

/**
 * Vector's binary log: a header with the start, then containers, whose contents put together are a
 * series of objects. After Vector's "CAN and General BLF Logging Format" as the open readers have it:
 * vector_blf, python-can, Wireshark.
 */
const HEADER_BYTES = 144;
/** A header of another size is passed over whole, up to this one. */
const HEADER_BYTES_MAX = 4_096;
/** What a container may become. */
const CONTENT_BYTES_MAX = 16 * 1024 * 1024;
const CONTAINER_HEADER_BYTES = 32;
/** Of an object that has a time. */
const OBJECT_HEADER_BYTES = 32;
const STORED = 0;
const ZLIB = 2;

/** Object types. */
const CAN_MESSAGE = 1;
const CAN_ERROR = 2;
const LOG_CONTAINER = 10;
const CAN_ERROR_EXT = 73;
const CAN_MESSAGE2 = 86;
const CAN_FD_MESSAGE = 100;
const CAN_FD_MESSAGE_64 = 101;
const CAN_FD_ERROR_64 = 104;
const CAN_TYPES: readonly number[] = [
  ...[CAN_MESSAGE, CAN_ERROR, CAN_ERROR_EXT, CAN_MESSAGE2],
  ...[CAN_FD_MESSAGE, CAN_FD_MESSAGE_64, CAN_FD_ERROR_64],
];

/** Units of an object's time, in its flags: 10 us, or ns where it is not that one. */
const TEN_MICROS = 1;
const DATA_BYTES_MAX = 8;
const STANDARD_MAX = 0x7ff;
const EXTENDED_MAX = 0x1fff_ffff;

/** Where the parts of a frame are, from the end of the object's header. */
interface Layout {
  /** Bits that make it a CAN FD frame; without, it was a classical one on a bus that could. */
  readonly edl: (view: DataView, at: number) => boolean;
  readonly remote: (view: DataView, at: number) => boolean;
  readonly channel: (view: DataView, at: number) => number;
  readonly lengthAt: number;
  readonly dataAt: number;
}

const CLASSIC: Layout = {
  edl: () => false,
  remote: (view, at) => (view.getUint8(at + 2) & 0x80) !== 0,
  channel: (view, at) => view.getUint16(at, true),
  ...{ lengthAt: 3, dataAt: 8 },
};
const FD: Layout = {
  ...CLASSIC,
  edl: (view, at) => (view.getUint8(at + 13) & 1) !== 0,
  ...{ lengthAt: 14, dataAt: 20 },
};
const FD_64: Layout = {
  edl: (view, at) => (view.getUint32(at + 12, true) & 0x1000) !== 0,
  remote: (view, at) => (view.getUint32(at + 12, true) & 0x10) !== 0,
  channel: (view, at) => view.getUint8(at),
  ...{ lengthAt: 2, dataAt: 40 },
};

export class BlfReader implements LogReader {
  readonly #tally: LogTally;
  #header = Buffer.alloc(0);
  #start: Micros = 0;
  /** Of the file, from the end of its header on. */
  #file: BlfObjects | undefined;
  /** Of what the containers hold. */
  #contents: BlfObjects;
  /** The last bus: most frames are of the same one. */
  #channel = -1;
  #name = '';

  constructor(tally: LogTally) {
    this.#tally = tally;
    this.#contents = this.#contentsFrom(0);
  }

  *frames(piece: Uint8Array): Generator<LogFrame> {
    if (this.#file) {
      yield* this.#framesOf(this.#file, piece);
      return;
    }
    this.#header = Buffer.concat([this.#header, piece]);
    if (this.#header.length < HEADER_BYTES) return;
    const size = this.#header.readUInt32LE(4);
    const known = size >= HEADER_BYTES / 2 && size <= HEADER_BYTES_MAX;
    if (!known) this.#tally.fault('byte 4', `a header of ${size} bytes`);
    const end = known ? size : HEADER_BYTES;
    if (this.#header.length < end) return;
    this.#start = startIn(this.#header);
    const wants = (type: number): boolean => type === LOG_CONTAINER || CAN_TYPES.includes(type);
    this.#file = new BlfObjects(end, { tally: this.#tally, wants, of: 'byte' });
    const rest = this.#header.subarray(end);
    this.#header = Buffer.alloc(0);
    yield* this.#framesOf(this.#file, rest);
  }

  *end(): Generator<LogFrame> {
    if (this.#file === undefined) {
      this.#tally.fault(`byte ${this.#header.length}`, 'the file ends in its header');
      return;
    }
    const cut = this.#file.end();
    if (cut === undefined) return;
    this.#tally.fault(cut.where, 'the file ends in the middle of an object');
    if (cut.type === LOG_CONTAINER && cut.size >= CONTAINER_HEADER_BYTES)
      yield* this.#contained(cut);
  }

  *#framesOf(objects: BlfObjects, piece: Uint8Array): Generator<LogFrame> {
    for (const object of objects.push(piece)) {
      if (object.type === LOG_CONTAINER) yield* this.#contained(object);
      else {
        const frame = this.#frameIn(object);
        if (frame) yield frame;
      }
    }
  }

  *#contained(container: BlfObject): Generator<LogFrame> {
    const content = this.#contentOf(container);
    if (content) yield* this.#framesOf(this.#contents, content);
    const { view, at, size } = container;
    const said = size < CONTAINER_HEADER_BYTES ? 0 : view.getUint32(at + 24, true);
    if (content && content.length >= said) return;
    if (content) {
      const what = `a container with ${content.length} of ${said} bytes`;
      this.#tally.fault(container.where, what);
    }
    // What comes next is not the rest of what this one ended with.
    this.#contents = this.#contentsFrom(0);
  }

  #contentOf(container: BlfObject): Uint8Array | undefined {
    const { view, at, size } = container;
    if (size < CONTAINER_HEADER_BYTES) return this.#fault(container, 'an empty container');
    const method = view.getUint16(at + 16, true);
    const from = view.byteOffset + at + CONTAINER_HEADER_BYTES;
    const data = new Uint8Array(view.buffer, from, size - CONTAINER_HEADER_BYTES);
    if (method === STORED) return data;
    if (method !== ZLIB) {
      return this.#fault(container, `a container by an unknown method ${method}`);
    }
    try {
      // One that is cut off gives what there is of it.
      const finishFlush = constants.Z_SYNC_FLUSH;
      return inflateSync(data, { maxOutputLength: CONTENT_BYTES_MAX, finishFlush });
    } catch (error) {
      if (!/^(Z_|ERR_BUFFER_TOO_LARGE$)/.test(codeOf(error))) throw error;
      return this.#fault(container, 'a container that cannot be decompressed');
    }
  }

  #frameIn(object: BlfObject): LogFrame | undefined {
    const { view, headerBytes, size } = object;
    const layout = layoutOf(object.type);
    if (layout === undefined) {
      this.#tally.errorFrames++;
      return undefined;
    }
    // The time of an object is in the 16 bytes behind what all headers have.
    if (headerBytes < OBJECT_HEADER_BYTES || size < headerBytes + layout.dataAt) {
      return this.#fault(object, 'an object too short');
    }
    const at = object.at + headerBytes;
    if (layout.edl(view, at)) this.#tally.fd++;
    else if (layout.remote(view, at)) this.#tally.remote++;
    else return this.#dataFrame(layout, object, at);
    return undefined;
  }

  /** @param at of what its type is about */
  #dataFrame(layout: Layout, object: BlfObject, at: number): LogFrame | undefined {
    const { view } = object;
    const { lengthAt, dataAt } = layout;
    const length = Math.min(view.getUint8(at + lengthAt), DATA_BYTES_MAX);
    if (object.size < object.headerBytes + dataAt + length) {
      return this.#fault(object, 'an object too short');
    }
    const flagged = view.getUint32(at + 4, true);
    const extended = flagged >= EXTENDED_FLAG;
    const id = extended ? flagged - EXTENDED_FLAG : flagged;
    if (id > (extended ? EXTENDED_MAX : STANDARD_MAX)) {
      return this.#fault(object, `no identifier: ${id.toString(16)}`);
    }
    const data = new Uint8Array(length);
    for (let i = 0; i < length; i++) data[i] = view.getUint8(at + dataAt + i);
    const t = this.#start + microsOf(view, object.at);
    return { channel: this.#nameOf(layout.channel(view, at)), t, id, extended, data };
  }

  #nameOf(channel: number): string {
    if (channel !== this.#channel) {
      this.#channel = channel;
      this.#name = `can${channel}`;
    }
    return this.#name;
  }

  #contentsFrom(position: number): BlfObjects {
    const wants = (type: number): boolean => CAN_TYPES.includes(type);
    return new BlfObjects(position, { tally: this.#tally, wants, of: 'contained byte' });
  }

  #fault(object: BlfObject, what: string): undefined {
    this.#tally.fault(object.where, what);
  }
}

/** Undefined for error frames. */
function layoutOf(type: number): Layout | undefined {
  switch (type) {
    case CAN_MESSAGE:
    case CAN_MESSAGE2:
      return CLASSIC;
    case CAN_FD_MESSAGE:
      return FD;
    case CAN_FD_MESSAGE_64:
      return FD_64;
    default:
      return undefined;
  }
}

/** Since the start of the file. */
function microsOf(view: DataView, at: number): Micros {
  const units = view.getUint32(at + 28, true) * 2 ** 32 + view.getUint32(at + 24, true);
  return view.getUint32(at + 16, true) === TEN_MICROS ? units * 10 : Math.round(units / 1000);
}

/** A SYSTEMTIME of Windows, in local time; 0 where there is none. */
function startIn(header: Buffer): Micros {
  const field = (i: number): number => header.readUInt16LE(40 + i * 2);
  const [year, month, day] = [field(0), field(1), field(3)];
  if (year < 1601 || month < 1 || month > 12) return 0;
  return new Date(year, month - 1, day, field(4), field(5), field(6), field(7)).getTime() * 1000;
}
