import { crc32, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { Stream } from '#core/stream.ts';
import { ZSTD_OPTIONS } from '../../codec/body.ts';
import { StoreError } from '../errors.ts';
import { HOUR_US, type RollupKey, rollupKey } from '../keys.ts';
import { type BinColumns, emptyColumns } from './bins.ts';

/**
 * A rollup: one stream over one hour of an epoch in buckets of equal width, so that a long range is
 * drawn without its samples. It is written when the hour closes, and samples that come later are
 * merged into it. Little-endian:
 *
 *   0  u32  crc32 of the key and everything behind this field
 *   4  u8   version of this layout
 *   5  u8   0
 *   6  u16  n, buckets that hold a sample; the others are in no column
 *   8       packed with zstd:
 *           1 bit a bucket of the level, the lowest of a byte first: whether it holds a sample
 *           n x u32  samples
 *           n x f64  sum
 *           n x f64  min
 *           n x f64  max
 *
 * Values are in the unit of the stream. The mean is not stored: it is sum / samples. Bounds would fit
 * into floats for most streams, but zstd packs those no better.
 */
const HEADER_BYTES = 8;
/** Of one bucket in all columns. */
const ROW_BYTES = 4 + 3 * 8;
const VERSION = 1;

/** Minimum, maximum, sum and count of one stream in buckets of equal width over one hour. */
export interface HourRollup extends RollupKey, BinColumns {}

export interface Level {
  readonly level: number;
  /** Width of a bucket, in microseconds. */
  readonly us: number;
  readonly buckets: number;
}

const FINE: Level = { level: 0, us: 5_000_000, buckets: HOUR_US / 5_000_000 };
const COARSE: Level = { level: 1, us: 60_000_000, buckets: HOUR_US / 60_000_000 };
/** Slower streams have too few samples in 5 s for a rollup to be shorter than they are. */
const FINE_HZ_MIN = 5;

/** The rollups that a stream has, from coarse to fine; frames and events have none. */
export function levelsOf({ kind, hz }: Stream): readonly Level[] {
  if (kind === 'wave') return [COARSE, FINE];
  if (kind !== 'sample') return [];
  return hz >= FINE_HZ_MIN ? [COARSE, FINE] : [COARSE];
}

/** @throws StoreError NEWER for a level that this version does not know */
function levelOf(level: number): Level {
  const known = [FINE, COARSE].find((one) => one.level === level);
  if (known === undefined) throw new StoreError('NEWER', `rollups of a level ${level}`);
  return known;
}

export function emptyRollup(key: RollupKey): HourRollup {
  return { ...key, ...emptyColumns(levelOf(key.level).buckets) };
}

/** Both together, under the key of the first. They have no sample in common. */
export function mergeRollup(a: HourRollup, b: HourRollup): HourRollup {
  return {
    ...a,
    min: a.min.map((min, i) => Math.min(min, b.min[i] ?? min)),
    max: a.max.map((max, i) => Math.max(max, b.max[i] ?? max)),
    sum: a.sum.map((sum, i) => sum + (b.sum[i] ?? 0)),
    n: a.n.map((n, i) => n + (b.n[i] ?? 0)),
  };
}

/** To be stored under `rollupKey(rollup)`. */
export function encodeRollup(rollup: HourRollup): Uint8Array {
  const filled = [...rollup.n.keys()].filter((i) => (rollup.n[i] ?? 0) > 0);
  const pick = (column: Float64Array): number[] => filled.map((i) => column[i] ?? 0);
  const held = new Uint8Array(Math.ceil(rollup.n.length / 8));
  for (const i of filled) held[i >> 3] = (held[i >> 3] ?? 0) | (1 << (i & 7));
  const payload = zstdCompressSync(
    Buffer.concat([
      held,
      bytesOf(Uint32Array.from(pick(rollup.n))),
      bytesOf(Float64Array.from(pick(rollup.sum))),
      bytesOf(Float64Array.from(pick(rollup.min))),
      bytesOf(Float64Array.from(pick(rollup.max))),
    ]),
    ZSTD_OPTIONS,
  );
  const bytes = Buffer.alloc(HEADER_BYTES + payload.length);
  bytes.writeUInt8(VERSION, 4);
  bytes.writeUInt16LE(filled.length, 6);
  payload.copy(bytes, HEADER_BYTES);
  bytes.writeUInt32LE(crc32(bytes.subarray(4), crc32(rollupKey(rollup))), 0);
  return bytes;
}

/** @throws StoreError BAD_RECORD, NEWER */
export function decodeRollup(key: RollupKey, value: Uint8Array): HourRollup {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length);
  const crc = crc32(bytes.subarray(4), crc32(rollupKey(key)));
  if (bytes.length < HEADER_BYTES || bytes.readUInt32LE(0) !== crc) {
    throw bad(key, `its ${bytes.length} bytes are damaged`);
  }
  const version = bytes.readUInt8(4);
  if (version > VERSION) throw new StoreError('NEWER', `rollup version ${version}`);
  const rollup = emptyRollup(key);
  const n = bytes.readUInt16LE(6);
  const held = Math.ceil(rollup.n.length / 8);
  const payload = zstdDecompressSync(bytes.subarray(HEADER_BYTES));
  const expected = held + n * ROW_BYTES;
  if (payload.length !== expected) {
    throw bad(key, `${payload.length} bytes unpacked, ${expected} expected`);
  }
  fill(rollup, payload, n);
  return rollup;
}

/** Puts each row of the columns into its bucket. */
function fill(rollup: HourRollup, payload: Buffer, n: number): void {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const counts = Math.ceil(rollup.n.length / 8);
  const sums = counts + 4 * n;
  const mins = sums + 8 * n;
  const maxs = mins + 8 * n;
  let row = 0;
  for (let i = 0; i < rollup.n.length && row < n; i++) {
    if (((payload[i >> 3] ?? 0) & (1 << (i & 7))) === 0) continue;
    rollup.n[i] = view.getUint32(counts + 4 * row, true);
    rollup.sum[i] = view.getFloat64(sums + 8 * row, true);
    rollup.min[i] = view.getFloat64(mins + 8 * row, true);
    rollup.max[i] = view.getFloat64(maxs + 8 * row, true);
    row++;
  }
}

function bad({ level, epoch, hour, stream }: RollupKey, text: string): StoreError {
  const name = `rollup of level ${level}, epoch ${epoch}, hour ${hour}, stream ${stream}`;
  return new StoreError('BAD_RECORD', `${name}: ${text}`);
}

function bytesOf(column: Uint32Array | Float64Array): Uint8Array {
  return new Uint8Array(column.buffer, column.byteOffset, column.byteLength);
}
