import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { SAMPLE_TICK_US, type Stream } from '#core/stream.ts';
import { BlockError } from './block-error.ts';
import { type Columns, countOf, type Waves } from './columns.ts';
import { readFrames, writeFrames } from './frame-codec.ts';
import {
  COUNTS,
  DOUBLES,
  FLOATS,
  readScalars,
  type ScalarForm,
  scalarForm,
  writeScalars,
} from './scalar-codec.ts';
import { readTicks, SPAN_US_MAX, toTicks, writeTicks } from './time-codec.ts';
import { ByteReader, type ByteWriter } from './varint.ts';
import { readCounts, writeCounts } from './wave-codec.ts';

/**
 * What blocks (block.ts) and pieces (piece.ts) have in common: the bytes of the columns without
 * what their headers tell, and the numbers that name a codec for ever.
 */

/** Samples or frames in one; an encoder refuses more, and a larger number is damage. */
const COUNT_MAX = 2 ** 22;
/** Bytes of a body, packed or not; an encoder refuses more, and a larger number is damage. */
const BODY_BYTES_MAX = 32 * 2 ** 20;

/** Value codecs. Scalars have COUNTS, FLOATS and DOUBLES (1 to 3). */
export const WAVE = 4;
export const FRAMES = 5;

/** Times of frames are kept as they are, those of scalars in SAMPLE_TICK_US. */
const FRAME_TICK_US = 1;

/** What the header must tell so that a body can be read. */
export interface Head {
  readonly codec: number;
  readonly n: number;
  readonly seq: number;
  /** The earliest time, in microseconds. */
  readonly t0: number;
  /** From the earliest to the latest time, in microseconds. */
  readonly span: number;
}

/** What only the encoder knows of a body that it has written. */
export interface Written extends Head {
  /** How counts became values. */
  readonly scale: number;
  readonly offset: number;
}

/**
 * @throws RangeError for what no source delivers: none or more than COUNT_MAX, columns of different
 *   lengths, times that are no whole ticks or too far apart, a body above BODY_BYTES_MAX
 */
export function writeBody(writer: ByteWriter, columns: Columns, stream: Stream): Written {
  const before = writer.length;
  check(columns);
  const written = writeColumns(writer, columns, stream);
  const bytes = writer.length - before;
  if (bytes > BODY_BYTES_MAX) throw new RangeError(`${bytes} bytes: ${BODY_BYTES_MAX} at most`);
  return written;
}

function writeColumns(writer: ByteWriter, columns: Columns, stream: Stream): Written {
  switch (columns.kind) {
    case 'scalars': {
      const { t0, span, ticks } = toTicks(columns.t, SAMPLE_TICK_US);
      const form = scalarForm(columns.v, stream.step);
      writeTicks(writer, ticks);
      writeScalars(writer, columns.v, form);
      return { codec: form.codec, n: ticks.length, seq: columns.seq, t0, span, ...scaleOf(form) };
    }
    case 'waves': {
      const { v, seq, t0, span } = columns;
      writeCounts(writer, v);
      return { codec: WAVE, n: v.length, seq, t0, span, scale: stream.lsb ?? 1, offset: 0 };
    }
    case 'frames': {
      const { t0, span, ticks } = toTicks(columns.t, FRAME_TICK_US);
      writeFrames(writer, columns, ticks);
      return { codec: FRAMES, n: ticks.length, seq: columns.seq, t0, span, scale: 1, offset: 0 };
    }
  }
}

function scaleOf(form: ScalarForm): { scale: number; offset: number } {
  if (form.codec !== COUNTS) return { scale: 1, offset: 0 };
  return { scale: form.step.mul / form.step.div, offset: form.step.add };
}

function check(columns: Columns): void {
  const { seq } = columns;
  const n = countOf(columns);
  if (!Number.isSafeInteger(seq) || seq < 0) throw new RangeError(`a sequence number of ${seq}`);
  if (n < 1 || n > COUNT_MAX) throw new RangeError(`${n} samples: 1 to ${COUNT_MAX} make a block`);
  if (columns.kind === 'waves') {
    checkTime(columns);
  } else if (columns.kind === 'scalars') {
    checkLengths([n, columns.v.length]);
  } else {
    const { id, length, data } = columns;
    checkLengths([n, id.length, length.length, data.length / 8]);
  }
}

function checkLengths(lengths: readonly number[]): void {
  if (new Set(lengths).size > 1) throw new RangeError(`columns of ${lengths.join(', ')} rows`);
}

function checkTime({ t0, span }: Waves): void {
  const whole = Number.isSafeInteger(t0) && Number.isInteger(span);
  if (whole && span >= 0 && span <= SPAN_US_MAX) return;
  throw new RangeError(`a wave from ${t0} us over ${span} us: whole, ${SPAN_US_MAX} at most`);
}

/** @throws BlockError BAD_PAYLOAD for what no encoder writes, NEWER_VERSION for an unknown codec */
export function readBody(bytes: Uint8Array, head: Head): Columns {
  // Every sample has a byte at least, so that no number in a header makes an array by itself.
  if (head.n < 1 || head.n > Math.min(COUNT_MAX, bytes.length)) {
    throw new BlockError('BAD_PAYLOAD', `damaged: ${head.n} samples in ${bytes.length} bytes`);
  }
  const reader = new ByteReader(bytes);
  const columns = readColumns(reader, head);
  reader.end();
  return columns;
}

function readColumns(reader: ByteReader, { codec, n, seq, t0, span }: Head): Columns {
  switch (codec) {
    case COUNTS:
    case FLOATS:
    case DOUBLES: {
      const t = new Float64Array(n);
      const v = new Float64Array(n);
      readTicks(reader, t);
      readScalars(reader, v, codec);
      for (let i = 0; i < n; i++) t[i] = (t[i] ?? 0) * SAMPLE_TICK_US + t0;
      return { kind: 'scalars', seq, t, v };
    }
    case WAVE: {
      const v = new Int32Array(n);
      readCounts(reader, v);
      return { kind: 'waves', seq, t0, span, v };
    }
    case FRAMES: {
      const frames = readFrames(reader, n);
      for (let i = 0; i < n; i++) frames.t[i] = (frames.t[i] ?? 0) + t0;
      return { kind: 'frames', seq, ...frames };
    }
    default:
      throw new BlockError('NEWER_VERSION', `value codec ${codec} is not known here`);
  }
}

/** For all that the store packs: the least effort. */
export const ZSTD_OPTIONS = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
const LENGTH_BYTES = 4;

/**
 * The body behind its length (u32, low byte first), as one zstd frame; undefined where that is not
 * shorter. To be called once a block: each call makes a native context of its own.
 */
export function pack(body: Uint8Array): Uint8Array | undefined {
  const frame = zstdCompressSync(body, ZSTD_OPTIONS);
  if (LENGTH_BYTES + frame.length >= body.length) return undefined;
  const packed = new Uint8Array(LENGTH_BYTES + frame.length);
  new DataView(packed.buffer).setUint32(0, body.length, true);
  packed.set(frame, LENGTH_BYTES);
  return packed;
}

/** @throws BlockError BAD_PAYLOAD; never makes more than the length says, nor than BODY_BYTES_MAX */
export function unpack(packed: Uint8Array): Uint8Array {
  const reader = new ByteReader(packed);
  const head = reader.take(LENGTH_BYTES);
  const length = new DataView(head.buffer, head.byteOffset).getUint32(0, true);
  if (length < 1 || length > BODY_BYTES_MAX) throw reader.bad(`a body of ${length} bytes`);
  const body = inflate(reader.take(reader.left), length);
  if (body.length !== length) throw reader.bad(`${body.length} bytes, ${length} were packed`);
  return body;
}

function inflate(frame: Uint8Array, length: number): Uint8Array {
  try {
    // In one step: a chunk is zlib's unit of allocation, and its least is 64.
    return zstdDecompressSync(frame, { maxOutputLength: length, chunkSize: Math.max(64, length) });
  } catch (cause) {
    throw new BlockError('BAD_PAYLOAD', 'damaged payload: not what zstd wrote', { cause });
  }
}
