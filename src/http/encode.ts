/**
 * Messages of the telemetry WebSocket that carry readings.
 *
 * JSON text:
 *   {"type":"samples","t":<us>,"values":{"<stream>":<number>,...}}   newest value per stream
 *   {"type":"wave","stream":"<id>","seq":<n>,"t":<us>,"hz":<n>,"values":[...]}
 *   {"type":"event","seq":<n>,"stream":"<id>","t":<us>,"data":{...}}
 *   {"type":"alert","seq":<n>,"t":<us>,"state":"started",...}        see below
 *   {"type":"gap","stream":"<id>","lost":<samples>}                  missing before what follows
 *
 * `t` is microseconds since the epoch's start; of `samples`, the time of the newest value in it. The
 * values of a wave are in the stream's unit, rounded to a decimal below the step of its ADC. The `seq`
 * of events and alerts counts all of them, whoever gets them, from 1 at the start of the process; what
 * is told again in a snapshot has none.
 *
 * Events of the streams `alert` and `alert.change` go out as `alert`, with what `alertEvent` of
 * core/alert.ts puts in: `state` is what happened (started, escalated, ended, acknowledged, silenced,
 * noted), the rest is the alert as it is then; its `stream` is the one that decided. Its times count
 * from the start of an epoch, `{"epoch":7,"t":<us>}`, as an alert may be older than this one.
 *
 * Binary wave, little-endian:
 *    0  u8   1 = wave
 *    1  u8   version of this layout, 1
 *    2  u16  number of the stream, as told in `subscribed`
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
import { ALERT, ALERT_CHANGE } from '#core/alert.ts';
import type { Event, Micros, Sample, Stream, Wave } from '#core/stream.ts';

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
/** Values whose times lie further apart do not share a message, or the old would look fresh. */
const SAME_MESSAGE_US = 100_000;

const ALERTS: ReadonlySet<string> = new Set([ALERT.id, ALERT_CHANGE.id]);

/** UTF-8 of `message` as JSON. */
export function encodeJson(message: object): Uint8Array {
  return Buffer.from(JSON.stringify(message));
}

/** `"id":value`, the part of a `samples` message that every client shares. */
export function encodeValue({ stream, v }: Sample): string {
  return `"${stream.id}":${Number.isFinite(v) ? v : 'null'}`;
}

/** @param values of `encodeValue`, at least one */
export function encodeSamples(t: Micros, values: readonly string[]): Uint8Array {
  return Buffer.from(`{"type":"samples","t":${t},"values":{${values.join(',')}}}`);
}

/** Splits samples of any age into runs that may share one message, oldest first. */
export function runsByAge(samples: readonly Sample[]): Sample[][] {
  const runs: Sample[][] = [];
  for (const sample of samples.toSorted((a, b) => a.t - b.t)) {
    const run = runs.at(-1);
    if (run?.[0] && sample.t - run[0].t <= SAME_MESSAGE_US) run.push(sample);
    else runs.push([sample]);
  }
  return runs;
}

/** @param seq left out where it is told again */
export function encodeEvent({ stream, t, data }: Event, seq?: number): Uint8Array {
  if (ALERTS.has(stream.id)) return encodeJson({ type: 'alert', seq, t, ...data });
  return encodeJson({ type: 'event', seq, stream: stream.id, t, data });
}

/** @param lost samples */
export function encodeGap(stream: Stream, lost: number): Uint8Array {
  return encodeJson({ type: 'gap', stream: stream.id, lost });
}

export function encodeWaveJson({ stream, t, hz, v, seq }: Wave): Uint8Array {
  const lsb = stream.lsb ?? 1;
  const scale = 10 ** decimalsOf(lsb);
  const values = Array.from(v, (count) => Math.round(count * lsb * scale) / scale);
  return encodeJson({ type: 'wave', stream: stream.id, seq, t, hz, values });
}

/** Decimals at which the counts of an ADC with this step stay apart by at least ten units. */
function decimalsOf(lsb: number): number {
  return Math.max(0, Math.ceil(-Math.log10(lsb)) + 1);
}

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
