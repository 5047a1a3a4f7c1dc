/**
 * What is recorded before the power goes: every value follows from its epoch, its stream and its
 * place in it, so that whoever finds one knows whether it is right without a list of what was written.
 *
 * Element `i` of a stream has the time `i * periodUs`. An element is a sample, a sample of a wave, a
 * frame or an event.
 */
import type { Event, Frame, Reading, Sample, Stream, Wave } from '#core/stream.ts';
import type { TableName } from '../../src/store/lmdb.ts';

export interface Modelled {
  readonly stream: Stream;
  /** Tells the values of two streams apart. */
  readonly salt: number;
  /** Whole milliseconds, which is what the store keeps of a sample's time. */
  readonly periodUs: number;
  /** Elements of one reading: 1, but for waves. */
  readonly chunk: number;
  /** Where it is kept, and evicted from. */
  readonly table: Extract<TableName, 'samples' | 'waves' | 'frames' | 'events'>;
}

/** An epoch begins here, so that an hour ends, and its rollups are written, soon after. */
export const START_US = 3_350_000_000;
/** The tables that the ring takes the oldest from. */
export const RING_TABLES = ['samples', 'waves', 'frames', 'events'] as const;
/** Of these chunks of a wave one is lost on its way. */
const CHUNKS_PER_LOSS = 97;
/** Of these events one is an alarm, which is flushed at once. */
const EVENTS_PER_ALARM = 16;

/** Of the data of a short frame. */
const SHORT_BYTES = 3;

const WIDE = [-1e9, 1e9] as const;

function declare(id: string, kind: Stream['kind'], hz: number, more: Partial<Stream> = {}): Stream {
  return { id, kind, hz, name: id, unit: '1', range: WIDE, ...more };
}

/** A load with everything the store keeps; frames of noise fill the ring in a few slots. */
export const MODEL: readonly Modelled[] = [
  {
    stream: declare('power.counts', 'sample', 20, { step: { mul: 1, div: 4, add: -40 } }),
    ...{ salt: 1, periodUs: 50_000, chunk: 1, table: 'samples' },
  },
  {
    stream: declare('power.doubles', 'sample', 5),
    ...{ salt: 2, periodUs: 200_000, chunk: 1, table: 'samples' },
  },
  {
    stream: declare('power.slow', 'sample', 1),
    ...{ salt: 3, periodUs: 1_000_000, chunk: 1, table: 'samples' },
  },
  {
    stream: declare('power.wave', 'wave', 500, { lsb: 0.25 }),
    ...{ salt: 4, periodUs: 2_000, chunk: 50, table: 'waves' },
  },
  {
    stream: declare('power.frames', 'frame', 500),
    ...{ salt: 5, periodUs: 2_000, chunk: 1, table: 'frames' },
  },
  {
    stream: declare('power.events', 'event', 0),
    ...{ salt: 6, periodUs: 2_000_000, chunk: 1, table: 'events' },
  },
];

/** The first element at or behind a time. Waves begin with a whole chunk. */
export function elementAt({ periodUs, chunk }: Modelled, t: number): number {
  return Math.ceil(t / (periodUs * chunk)) * chunk;
}

/** Whether an element never came: only waves lose some. */
export function isLost({ chunk }: Modelled, i: number): boolean {
  return chunk > 1 && Math.floor(i / chunk) % CHUNKS_PER_LOSS === CHUNKS_PER_LOSS - 1;
}

/** Everything of a stream from element `from` up to before `to`, both whole chunks. */
export function readingsOf(one: Modelled, epoch: number, from: number, to: number): Reading[] {
  const readings: Reading[] = [];
  for (let i = from; i < to; i += one.chunk) {
    if (!isLost(one, i)) readings.push(readingAt(one, epoch, i));
  }
  return readings;
}

function readingAt(one: Modelled, epoch: number, i: number): Reading {
  const { stream, periodUs } = one;
  const t = i * periodUs;
  switch (stream.kind) {
    case 'sample':
      return { kind: 'sample', stream, t, v: sampleAt(one, epoch, i) } satisfies Sample;
    case 'frame':
      return { kind: 'frame', stream, t, ...frameOf(frameAt(one, epoch, i)) } satisfies Frame;
    case 'event':
      return { kind: 'event', stream, t, data: eventAt(one, epoch, i) } satisfies Event;
    case 'wave':
      return waveAt(one, epoch, i);
  }
}

function frameOf({ id, extended, length, head, tail }: FrameModel) {
  const data = Buffer.alloc(8);
  data.writeUInt32BE(head, 0);
  data.writeUInt32BE(tail, 4);
  return { id, extended, data: data.subarray(0, length) };
}

function waveAt(one: Modelled, epoch: number, i: number): Wave {
  const { stream, periodUs, chunk } = one;
  const lost = isLost(one, i - chunk) ? chunk : 0;
  const v = Int16Array.from({ length: chunk }, (_, k) => countAt(one, epoch, i + k));
  const seq = i - elementAt(one, START_US);
  return { kind: 'wave', stream, t: i * periodUs, hz: stream.hz, v, seq, lost };
}

export function sampleAt({ stream, salt }: Modelled, epoch: number, i: number): number {
  const noise = mix(epoch, salt, i);
  if (stream.step) return (noise % 4000) / stream.step.div + stream.step.add;
  return stream.hz === 1 ? noise % 256 : noise / 7;
}

export function countAt({ salt }: Modelled, epoch: number, i: number): number {
  return (mix(epoch, salt, i) % 2000) - 1000;
}

/** What the data of a frame begins with and goes on with; every 16th has `SHORT_BYTES` of it. */
export interface FrameModel {
  readonly id: number;
  readonly extended: boolean;
  readonly length: number;
  /** Bytes 0 to 3 and 4 to 7, big-endian; 0 behind the length. */
  readonly head: number;
  readonly tail: number;
}

export function frameAt({ salt }: Modelled, epoch: number, i: number): FrameModel {
  const noise = mix(epoch, salt, 2 * i);
  const isShort = i % 16 === 0;
  return {
    id: 0x100 + (i % 8),
    extended: i % 5 === 0,
    length: isShort ? SHORT_BYTES : 8,
    head: isShort ? (noise & 0xffff_ff00) >>> 0 : noise,
    tail: isShort ? 0 : mix(epoch, salt, 2 * i + 1),
  };
}

export function eventAt({ salt }: Modelled, epoch: number, i: number) {
  const severity = i % EVENTS_PER_ALARM === 0 ? 'alarm' : 'note';
  return { i, epoch, severity, noise: mix(epoch, salt, i) };
}

/** 32 bits that look like noise, the same for the same arguments. */
export function mix(a: number, b: number, c: number): number {
  let h =
    Math.imul(a + 1, 0x9e3779b1) ^ Math.imul(b + 1, 0x85ebca77) ^ Math.imul(c + 1, 0xc2b2ae3d);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  h = Math.imul(h ^ (h >>> 12), 0x297a2d39);
  return (h ^ (h >>> 15)) >>> 0;
}
