/**
 * A load for the store, of which every value can be checked: a pure function of a seed and time.
 *
 *   60 sample streams   286 samples/s; one more of which each tenth sample comes 7 s late
 *   one wave            512 Hz, 64 samples at a time
 *   one bus             4,115 frames/s, or fewer
 *   one event stream    every 5 s; each seventh event is an alarm
 *
 * Item `i` of a stream belongs to time `i * period`, so a stored time tells which item it has to be.
 */
import {
  type Event,
  EXTENDED_FLAG,
  type Frame,
  type Micros,
  type Reading,
  type Sample,
  type Stream,
  type Wave,
} from '#core/stream.ts';
import { type Columns, countOf } from '../../src/codec/columns.ts';
import type { StoreReader } from '../../src/store/reading/reader.ts';

const SAMPLES_HZ = [
  ...Array.from({ length: 10 }, () => 20),
  ...Array.from({ length: 5 }, () => 10),
  ...Array.from({ length: 14 }, () => 2),
  ...Array.from({ length: 8 }, () => 1),
  ...Array.from({ length: 23 }, () => 1 / 30),
];
const WAVE_HZ = 512;
const WAVE_SAMPLES = 64;
const LATE_US = 7_000_000;
/** Of a bus of 500 kbit/s that is full: 4,115 frames/s. */
export const FULL_BUS_US = 243;

/** One stream of the load. */
interface Feed {
  readonly stream: Stream;
  /** From one item to the next; for the wave, from one delivery to the next. */
  readonly period: Micros;
  /** How much later than its time item `i` comes. */
  delay(i: number): Micros;
  reading(i: number): Reading;
  /** Samples of an item: 1, or those of a delivery of the wave. */
  readonly samples: number;
}

/** What is stored of one stream, held against what was to be stored. */
export interface Comparison {
  readonly id: string;
  /** Samples, frames or events that came in the window. */
  readonly expected: number;
  /** Of them stored with the right value. */
  right: number;
  wrong: number;
  /** Stored once more. */
  twice: number;
  /** Stored, but not of the window: what came after its last mark. */
  beyond: number;
  /** Places at which `seq` does not go on by one. */
  breaks: number;
  /** When the first came that is not stored; infinity where all are. */
  firstMissing: Micros;
  /** When the last came that is stored. */
  lastRight: Micros;
}

export interface LoadOptions {
  readonly seed: number;
  /** From one frame to the next; 0 for no bus. */
  readonly framePeriod: Micros;
}

export class StoreLoad {
  readonly #feeds: readonly Feed[];
  readonly #start: Micros;

  /** @param start when it begins to come in; positions of the wave count from there */
  constructor({ seed, framePeriod }: LoadOptions, start: Micros) {
    this.#start = start;
    this.#feeds = [
      ...SAMPLES_HZ.map((hz, k) => sampleFeed(seed, k, hz)),
      lateFeed(seed),
      waveFeed(seed, start),
      ...(framePeriod > 0 ? [frameFeed(seed, framePeriod)] : []),
      eventFeed(seed),
    ];
  }

  get streams(): Stream[] {
    return this.#feeds.map(({ stream }) => stream);
  }

  /** What comes in from one time to before another, stream by stream. */
  readings(from: Micros, to: Micros): Reading[] {
    return this.#feeds.flatMap((feed) => {
      return arriving(feed, Math.max(from, this.#start), to).map((i) => feed.reading(i));
    });
  }

  /**
   * Reads everything of an epoch that is stored and holds it against what came in from the start to
   * before `to`.
   */
  compare(reader: StoreReader, epoch: number, to: Micros): Comparison[] {
    return this.#feeds.map((feed) => {
      const tally = new Tally(feed, this.#start, to);
      if (feed.stream.kind === 'event') countEvents(tally, reader, epoch);
      else countColumns(tally, reader, epoch);
      return tally.result();
    });
  }
}

/** Items that come in from one time to before another, in that order. */
function arriving({ period, delay }: Feed, from: Micros, to: Micros): number[] {
  const items: { i: number; at: Micros }[] = [];
  const first = Math.max(0, Math.ceil((from - LATE_US) / period));
  for (let i = first; i * period < to; i++) {
    const at = i * period + delay(i);
    if (at >= from && at < to) items.push({ i, at });
  }
  return items.sort((a, b) => a.at - b.at || a.i - b.i).map(({ i }) => i);
}

/** Marks what is found. */
class Tally {
  readonly feed: Feed;
  readonly #start: Micros;
  readonly #to: Micros;
  readonly #first: number;
  readonly #seen: Uint8Array;
  readonly #result: Comparison;

  constructor(feed: Feed, start: Micros, to: Micros) {
    this.feed = feed;
    this.#start = start;
    this.#to = to;
    this.#first = Math.max(0, Math.ceil((start - LATE_US) / feed.period));
    const items = Math.max(0, Math.ceil(to / feed.period) - this.#first);
    this.#seen = new Uint8Array(items * feed.samples);
    this.#result = {
      id: feed.stream.id,
      expected: arriving(feed, start, to).length * feed.samples,
      ...{ right: 0, wrong: 0, twice: 0, beyond: 0, breaks: 0 },
      ...{ firstMissing: Number.POSITIVE_INFINITY, lastRight: 0 },
    };
  }

  break(): void {
    this.#result.breaks++;
  }

  /** @param position item, or sample of the wave, from time 0 */
  mark(position: number, right: boolean): void {
    const { samples } = this.feed;
    const at = this.#arrival(position);
    if (!Number.isInteger(position) || !right || at < this.#start) {
      this.#result.wrong++;
      return;
    }
    if (at >= this.#to) {
      this.#result.beyond++;
      return;
    }
    const place = position - this.#first * samples;
    if (this.#seen[place]) this.#result.twice++;
    else this.#result.right++;
    this.#seen[place] = 1;
    this.#result.lastRight = Math.max(this.#result.lastRight, at);
  }

  result(): Comparison {
    for (const i of arriving(this.feed, this.#start, this.#to)) {
      const begin = (i - this.#first) * this.feed.samples;
      if (this.#seen.subarray(begin, begin + this.feed.samples).every((seen) => seen === 1))
        continue;
      this.#result.firstMissing = this.#arrival(i * this.feed.samples);
      break;
    }
    return this.#result;
  }

  #arrival(position: number): Micros {
    const i = Math.floor(position / this.feed.samples);
    return i * this.feed.period + this.feed.delay(i);
  }
}

function countColumns(tally: Tally, reader: StoreReader, epoch: number): void {
  const range = { epoch, from: 0, to: Number.MAX_SAFE_INTEGER };
  for (const number of reader.numbersOf(tally.feed.stream.id)) {
    const places: { seq: number; n: number }[] = [];
    for (const columns of reader.columns(number, range)) {
      places.push({ seq: columns.seq, n: countOf(columns) });
      countPiece(tally, columns);
    }
    places.sort((a, b) => a.seq - b.seq);
    for (const [k, { seq }] of places.entries()) {
      const before = places[k - 1];
      if (before && before.seq + before.n !== seq) tally.break();
    }
  }
}

function countPiece(tally: Tally, columns: Columns): void {
  const { feed } = tally;
  if (columns.kind === 'waves') {
    const begin = Math.round((columns.t0 * WAVE_HZ) / 1e6);
    for (const [k, v] of columns.v.entries()) {
      tally.mark(begin + k, v === waveValue(feed, begin + k));
    }
    return;
  }
  for (const [k, t] of columns.t.entries()) {
    const i = t / feed.period;
    tally.mark(i, Number.isInteger(i) && isItem(feed.reading(i), columns, k));
  }
}

function isItem(reading: Reading, columns: Columns, k: number): boolean {
  if (reading.kind === 'sample') return columns.kind === 'scalars' && columns.v[k] === reading.v;
  if (reading.kind !== 'frame' || columns.kind !== 'frames') return false;
  const id = reading.extended ? (reading.id | EXTENDED_FLAG) >>> 0 : reading.id;
  const data = columns.data.subarray(k * 8, k * 8 + reading.data.length);
  const same = Buffer.compare(data, reading.data) === 0;
  return same && columns.id[k] === id && columns.length[k] === reading.data.length;
}

function countEvents(tally: Tally, reader: StoreReader, epoch: number): void {
  const { feed } = tally;
  const range = { epoch, from: 0, to: Number.MAX_SAFE_INTEGER };
  const streams = reader.numbersOf(feed.stream.id);
  let page = reader.events(range, { streams, limit: 500 });
  while (page.length > 0) {
    for (const { row } of page) {
      const i = row.t / feed.period;
      const wanted = Number.isInteger(i) ? feed.reading(i) : undefined;
      const right = wanted?.kind === 'event' && sameJson(wanted.data, row.data);
      tally.mark(i, right);
    }
    const after = page.at(-1)?.key;
    page = after ? reader.events(range, { streams, limit: 500, after }) : [];
  }
}

function sameJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

const never = (): Micros => 0;

function declare(id: string, kind: Stream['kind'], more: Partial<Stream>): Stream {
  return { id, name: id, unit: '1', range: [-1e9, 1e9], hz: 1, kind, ...more };
}

/** A third in counts of a step, a third whole numbers, a third single floats. */
function sampleFeed(seed: number, k: number, hz: number): Feed {
  const step = k % 3 === 0 ? { step: { mul: 1, div: 4, add: -40 } } : {};
  const stream = declare(`load.sample_${k}`, 'sample', { hz, ...step });
  const period = Math.round(1e6 / hz);
  const reading = (i: number): Sample => {
    const count = Math.round(400 + 300 * Math.sin(i / 99 + k)) + (hash(seed, k, i) & 3);
    const values = [count / 4 - 40, count, Math.fround(count / 7)];
    return { kind: 'sample', stream, t: i * period, v: values[k % 3] ?? 0 };
  };
  return { stream, period, delay: never, reading, samples: 1 };
}

function lateFeed(seed: number): Feed {
  const stream = declare('load.late', 'sample', {});
  const reading = (i: number): Sample => {
    return { kind: 'sample', stream, t: i * 1e6, v: hash(seed, 1000, i) & 0xffff };
  };
  const delay = (i: number): Micros => (i % 10 === 0 ? LATE_US : 0);
  return { stream, period: 1e6, delay, reading, samples: 1 };
}

function waveFeed(seed: number, start: Micros): Feed {
  const stream = declare('load.wave', 'wave', { hz: WAVE_HZ, lsb: 0.5, unit: 'uV' });
  const period = (WAVE_SAMPLES * 1e6) / WAVE_HZ;
  const first = Math.ceil(start / period);
  const value = (n: number): number =>
    Math.round(900 * Math.sin(n / 17)) + (hash(seed, 2000, n) & 31);
  const reading = (i: number): Wave => {
    const v = Int16Array.from({ length: WAVE_SAMPLES }, (_, k) => value(i * WAVE_SAMPLES + k));
    const seq = (i - first) * WAVE_SAMPLES;
    return { kind: 'wave', stream, t: i * period, hz: WAVE_HZ, v, seq, lost: 0 };
  };
  return { stream, period, delay: never, reading, samples: WAVE_SAMPLES };
}

function waveValue(feed: Feed, n: number): number | undefined {
  const reading = feed.reading(Math.floor(n / feed.samples));
  return reading.kind === 'wave' ? reading.v[n % feed.samples] : undefined;
}

function frameFeed(seed: number, period: Micros): Feed {
  const stream = declare('load.bus', 'frame', { hz: 0 });
  const reading = (i: number): Frame => {
    const noise = hash(seed, 3000, i);
    const extended = noise % 11 === 0;
    const data = new Uint8Array(noise % 13 === 0 ? 3 : 8);
    for (let k = 0; k < data.length; k++)
      data[k] = k < 6 ? (i >> (4 * k)) & 0x3f : noise >> (8 * k);
    const id = 0x100 + (noise & 31) * (extended ? 0x1000 : 8);
    return { kind: 'frame', stream, t: i * period, id, extended, data };
  };
  return { stream, period, delay: never, reading, samples: 1 };
}

function eventFeed(seed: number): Feed {
  const stream = declare('load.event', 'event', {});
  const period = 5_000_000;
  const reading = (i: number): Event => {
    const severity = i % 7 === 0 ? 'alarm' : 'info';
    return {
      kind: 'event',
      stream,
      t: i * period,
      data: { i, noise: hash(seed, 4000, i), severity },
    };
  };
  return { stream, period, delay: never, reading, samples: 1 };
}

/** 32 bits that look like chance. */
function hash(seed: number, k: number, i: number): number {
  let h = Math.imul(seed ^ 0x9e37_79b9, 0x85eb_ca6b) ^ Math.imul(k + 1, 0xc2b2_ae35);
  h = Math.imul(h ^ i ^ (h >>> 15), 0x2c1b_3c6d);
  h = Math.imul(h ^ (h >>> 12), 0x297a_2d39);
  return (h ^ (h >>> 15)) >>> 0;
}

/** Numbers in [0, 1) of a seed (mulberry32), for the choices of a test. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b_79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A record as the writer commits it: `n` tells all of it. */
export function loadRecord(n: number): { readonly n: number; readonly text: string } {
  return { n, text: `record ${n} `.padEnd(20 + ((n * 37) % 400), 'x') };
}

/** The table that record `n` is in. */
export function tableOfRecord(n: number): 'rules' | 'sessions' | 'users' {
  const tables = ['rules', 'sessions', 'users'] as const;
  return tables[n % 3] ?? 'rules';
}
