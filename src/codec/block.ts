import { crc32 } from 'node:zlib';
import type { Stream } from '#core/stream.ts';
import { BlockError } from './block-error.ts';
import {
  FRAMES,
  type Head,
  pack,
  readBody,
  unpack,
  WAVE,
  type Written,
  writeBody,
} from './body.ts';
import type { Columns, Scalars, Waves } from './columns.ts';
import { ByteWriter } from './varint.ts';

/**
 * A block: what is stored of one stream (of one channel, where a device has several) over some
 * minutes. Little-endian:
 *
 *   0  u16  magic, the letters VB
 *   2  u8   version of this layout
 *   3  u8   kind: 1 scalars, 2 wave of 16 bits, 3 wave of up to 32 bits, 4 frames
 *   4  u8   time codec: 0 even, from t0 over span; 1 ticks (time-codec.ts) of 1 ms; 2 of 1 us, by id
 *   5  u8   value codec: 1 counts, 2 floats, 3 doubles, 4 wave, 5 frames; bit 7: packed with zstd
 *   6  u16  flags: bit 1 recovered from the journal; the others are reserved, and 0
 *   8  i64  t0, the earliest time, in microseconds
 *   16 u32  span, from there to the latest time, in microseconds
 *   20 u32  n, samples or frames, at least 1
 *   24 f64  scale   for information: value = count * scale + offset. What decodes exactly is in the
 *   32 f64  offset  payload
 *   40 f32  min     bounds of the values, rounded outwards: in the unit of the stream for scalars,
 *   44 f32  max     counts for waves, 0 for frames. A NaN is in none of the three; where all are,
 *   48 f64  sum     min is Infinity and max is -Infinity
 *   56 u32  length of the payload
 *   60 u64  sequence number of the first sample in its stream
 *   68 u32  crc32 of the header with 0 in this field, the payload, and the key it is stored under:
 *           a block that was moved is as bad as one that was damaged
 *   72      payload
 *
 * A codec's number never changes its meaning, so that blocks of older versions stay readable until
 * the ring takes them.
 */
const HEADER_BYTES = 72;
const CRC_AT = 68;
const MAGIC = 0x4256;
const VERSION = 1;
const RECOVERED = 2;
const PACKED = 0x80;
const NO_CRC = new Uint8Array(HEADER_BYTES - CRC_AT);

const KIND = { scalars: 1, wave16: 2, wave32: 3, frames: 4 };
const TIME = { even: 0, milliseconds: 1, microseconds: 2 };

export interface BlockHeader extends Written {
  readonly version: number;
  readonly kind: number;
  readonly timeCodec: number;
  /** Value codec, without the bit that says `packed`. */
  readonly codec: number;
  readonly packed: boolean;
  /** It was sealed from the journal, after a power cut. */
  readonly recovered: boolean;
  readonly min: number;
  readonly max: number;
  readonly sum: number;
  readonly payloadBytes: number;
}

export interface BlockOptions {
  readonly stream: Stream;
  readonly recovered?: boolean;
}

/** Bodies are written here before they are packed; nothing of one is left when a call returns. */
const scratch = new ByteWriter();

/**
 * @param key the block will be stored under
 * @throws RangeError as writeBody
 */
export function encodeBlock(columns: Columns, key: Uint8Array, options: BlockOptions): Uint8Array {
  scratch.clear();
  const written = writeBody(scratch, columns, options.stream);
  const packed = pack(scratch.written());
  const payload = packed ?? scratch.written();
  const stats = statsOf(columns);
  const block = new Uint8Array(HEADER_BYTES + payload.length);
  block.set(payload, HEADER_BYTES);
  const view = new DataView(block.buffer);
  view.setUint16(0, MAGIC, true);
  view.setUint8(2, VERSION);
  view.setUint8(3, kindOf(written, stats));
  view.setUint8(4, timeCodecOf(written));
  view.setUint8(5, written.codec | (packed ? PACKED : 0));
  view.setUint16(6, options.recovered ? RECOVERED : 0, true);
  view.setBigInt64(8, BigInt(written.t0), true);
  view.setUint32(16, written.span, true);
  view.setUint32(20, written.n, true);
  view.setFloat64(24, written.scale, true);
  view.setFloat64(32, written.offset, true);
  view.setFloat32(40, floatBelow(stats.min), true);
  view.setFloat32(44, -floatBelow(-stats.max), true);
  view.setFloat64(48, stats.sum, true);
  view.setUint32(56, payload.length, true);
  view.setBigUint64(60, BigInt(written.seq), true);
  view.setUint32(CRC_AT, crcOf(block, key), true);
  return block;
}

/**
 * What a block says of itself, unchecked: enough to tell whether it is worth decoding.
 *
 * @throws BlockError SHORT_BLOCK, BAD_MAGIC, NEWER_VERSION
 */
export function readHeader(block: Uint8Array): BlockHeader {
  if (block.length < HEADER_BYTES) {
    throw new BlockError('SHORT_BLOCK', `${block.length} bytes, a header has ${HEADER_BYTES}`);
  }
  const view = new DataView(block.buffer, block.byteOffset, block.length);
  const magic = view.getUint16(0, true);
  if (magic !== MAGIC) {
    throw new BlockError(
      'BAD_MAGIC',
      `not a block: it begins with ${hex(magic)}, not ${hex(MAGIC)}`,
    );
  }
  const version = view.getUint8(2);
  if (version > VERSION) {
    throw new BlockError('NEWER_VERSION', `block version ${version}, ${VERSION} is known here`);
  }
  const codec = view.getUint8(5);
  return {
    version,
    kind: view.getUint8(3),
    timeCodec: view.getUint8(4),
    codec: codec & ~PACKED,
    packed: (codec & PACKED) !== 0,
    recovered: (view.getUint16(6, true) & RECOVERED) !== 0,
    t0: Number(view.getBigInt64(8, true)),
    span: view.getUint32(16, true),
    n: view.getUint32(20, true),
    scale: view.getFloat64(24, true),
    offset: view.getFloat64(32, true),
    min: view.getFloat32(40, true),
    max: view.getFloat32(44, true),
    sum: view.getFloat64(48, true),
    payloadBytes: view.getUint32(56, true),
    seq: Number(view.getBigUint64(60, true)),
  };
}

/**
 * Whether the block is whole and in its place.
 *
 * @throws BlockError as readHeader, SHORT_BLOCK, BAD_CRC
 */
export function verifyBlock(block: Uint8Array, key: Uint8Array): void {
  verified(block, key);
}

/** @throws BlockError as verifyBlock, and BAD_PAYLOAD for what only a bug of the encoder makes */
export function decodeBlock(block: Uint8Array, key: Uint8Array): Columns {
  const header = verified(block, key);
  const payload = block.subarray(HEADER_BYTES);
  return readBody(header.packed ? unpack(payload) : payload, header);
}

function verified(block: Uint8Array, key: Uint8Array): BlockHeader {
  const header = readHeader(block);
  const whole = HEADER_BYTES + header.payloadBytes;
  if (block.length !== whole) {
    throw new BlockError('SHORT_BLOCK', `${block.length} bytes, its header says ${whole}`);
  }
  const told = new DataView(block.buffer, block.byteOffset).getUint32(CRC_AT, true);
  const found = crcOf(block, key);
  if (told !== found) {
    throw new BlockError('BAD_CRC', `its check says ${hex(told)}, its bytes ${hex(found)}`);
  }
  return header;
}

/** The block may be mapped from the file, so it is not touched: the field is left out instead. */
function crcOf(block: Uint8Array, key: Uint8Array): number {
  const header = crc32(NO_CRC, crc32(block.subarray(0, CRC_AT)));
  return crc32(key, crc32(block.subarray(HEADER_BYTES), header));
}

interface Stats {
  readonly min: number;
  readonly max: number;
  readonly sum: number;
}

function statsOf(columns: Columns): Stats {
  return columns.kind === 'frames' ? { min: 0, max: 0, sum: 0 } : statsOfValues(columns);
}

function statsOfValues({ v }: Scalars | Waves): Stats {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let sum = 0;
  for (let i = 0; i < v.length; i++) {
    const value = v[i] ?? 0;
    if (value < min) min = value;
    if (value > max) max = value;
    if (!Number.isNaN(value)) sum += value;
  }
  return { min, max, sum };
}

function kindOf({ codec }: Head, { min, max }: Stats): number {
  if (codec === FRAMES) return KIND.frames;
  if (codec !== WAVE) return KIND.scalars;
  return min >= -0x8000 && max <= 0x7fff ? KIND.wave16 : KIND.wave32;
}

function timeCodecOf({ codec }: Head): number {
  if (codec === WAVE) return TIME.even;
  return codec === FRAMES ? TIME.microseconds : TIME.milliseconds;
}

const float = new Float32Array(1);
const floatBits = new Uint32Array(float.buffer);

/** The largest single-precision number that is not above `value`. */
function floatBelow(value: number): number {
  const near = Math.fround(value);
  if (near <= value) return near;
  // One step down: bits count away from 0, and the first below 0 is the negative one nearest to it.
  float[0] = near;
  const bits = floatBits[0] ?? 0;
  floatBits[0] = near === 0 ? 0x8000_0001 : bits + (near > 0 ? -1 : 1);
  return float[0];
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
