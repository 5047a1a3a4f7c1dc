/**
 * A block of a wave as clients get it while it is measured: over the WebSocket, and under
 * `car/<device>/stream/` of MQTT. Little-endian:
 *
 *    0  u8   1 = wave
 *    1  u8   version of this layout, 1
 *    2  u16  number of the stream, as told in `subscribed` (WebSocket) or `info` (MQTT)
 *    4  u32  position of the first value in its stream, modulo 2^32
 *    8  i64  time of the first value, us
 *   16  u16  values per channel, n
 *   18  u8   channels, 1
 *   19  u8   format: 1 = int16, 2 = int24, 3 = float32
 *   20  u32  measured rate, mHz
 *   24       n counts; times the stream's `lsb` they are in its unit
 *
 * A block of 32-bit counts goes out as int24 where every count fits and else as float32.
 */
import type { Wave } from '#core/stream.ts';

const WAVE_TYPE = 1;
const LAYOUT_VERSION = 1;
const HEADER_BYTES = 24;
/** The count field is 16 bits wide; sources send blocks of well under a second. */
const BLOCK_SAMPLES_MAX = 0xffff;
const INT24_MIN = -0x80_0000;
const INT24_MAX = 0x7f_ffff;
const FORMAT = { int16: 1, int24: 2, float32: 3 } as const;
type WaveFormat = keyof typeof FORMAT;
const SAMPLE_BYTES: Readonly<Record<WaveFormat, number>> = { int16: 2, int24: 3, float32: 4 };

/** @param number of the stream, as the client was told */
export function encodeWaveBinary(wave: Wave, number: number): Uint8Array {
  const { v } = wave;
  if (v.length > BLOCK_SAMPLES_MAX) throw new RangeError(`a block of ${v.length} samples`);
  const format = formatOf(v);
  const bytes = Buffer.alloc(HEADER_BYTES + v.length * SAMPLE_BYTES[format]);
  bytes.writeUInt8(WAVE_TYPE, 0);
  bytes.writeUInt8(LAYOUT_VERSION, 1);
  bytes.writeUInt16LE(number, 2);
  bytes.writeUInt32LE(wave.seq % 2 ** 32, 4);
  bytes.writeBigInt64LE(BigInt(wave.t), 8);
  bytes.writeUInt16LE(v.length, 16);
  bytes.writeUInt8(1, 18);
  bytes.writeUInt8(FORMAT[format], 19);
  bytes.writeUInt32LE(Math.round(wave.hz * 1000), 20);
  let at = HEADER_BYTES;
  for (const count of v) {
    if (format === 'int16') at = bytes.writeInt16LE(count, at);
    else if (format === 'int24') at = bytes.writeIntLE(count, at, 3);
    else at = bytes.writeFloatLE(count, at);
  }
  return bytes;
}

function formatOf(v: Int16Array | Int32Array): WaveFormat {
  if (v instanceof Int16Array) return 'int16';
  return v.every((count) => count >= INT24_MIN && count <= INT24_MAX) ? 'int24' : 'float32';
}
