/**
 * Recordings for the tests of exports: what a car gives within some seconds and much worse, from a
 * seed; and the rows that an export must hold, found without any code of the exports.
 */
import type { Epoch } from '#core/clock.ts';
import type { Stretch } from '#core/session.ts';
import type { Json, Stream } from '#core/stream.ts';
import type { Columns, EventRow } from '../../src/codec/columns.ts';
import type { ExportAbout } from '../../src/export/about.ts';
import type { ExportSource } from '../../src/export/source.ts';
import { seededRandom } from '../../src/sim/random.ts';

export type Random = () => number;

type Declared = Pick<Stream, 'id' | 'unit' | 'kind'> & Partial<Stream>;

function declare(stream: Declared): Stream {
  return { name: `name of ${stream.id}`, range: [-1e9, 1e9], hz: 0, ...stream };
}

export const RPM = declare({ id: 'obd.engine.rpm', unit: '/min', kind: 'sample' });
export const FUEL = declare({
  id: 'obd.fuel.status',
  unit: '1',
  kind: 'sample',
  states: { 1: 'open loop', 2: '=closed, "loop"', 4: 'défaut\r\nligne' },
});
export const EEG = declare({ id: 'eeg.raw', unit: 'uV', kind: 'wave', hz: 512, lsb: 0.2197265625 });
export const EEG_2 = declare({ id: 'eeg.raw2', unit: 'uV', kind: 'wave', hz: 512, lsb: 0.1 });
export const MARKS = declare({ id: 'marks', unit: '1', kind: 'event' });
export const FACE = declare({ id: 'face.events', unit: '1', kind: 'event' });
export const BUS = declare({ id: 'can.can0', unit: '1', kind: 'frame' });
export const BUS_2 = declare({ id: 'body', unit: '1', kind: 'frame' });

/** What people may have said of a session: also what has a meaning in the formats. */
export const ABOUT: ExportAbout = {
  ...{ session: 1, device: 'golf-7', driver: 'Zoë, "Z"', vehicle: null, study: 'S1' },
  ...{ tags: ['night', '=1+1'], notes: 'one\r\ntwo', consent: null },
  ...{ startedAt: '2025-11-22T00:29:12.123Z', endedAt: null, clockTrust: 'none' },
};

export const NUMERIC = [RPM, EEG, FUEL, EEG_2];
export const ALL = [MARKS, RPM, EEG, BUS, FUEL, FACE, EEG_2, BUS_2];

/** Times in a small range, so that some are equal, mostly rising and now and then late. */
function times(random: Random, n: number, from: number): Float64Array {
  let t = from;
  return Float64Array.from({ length: n }, () => {
    t += Math.floor(random() * 4) * 1000;
    return random() < 0.1 ? Math.max(from, t - 5000) : t;
  });
}

const SPECIAL_NUMBERS = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  0.1 + 0.2,
  -1e-7,
  5e-324,
  1e21,
  -0.5,
];
const SPECIAL_NUMBER_SHARE = 0.2;

function scalars(random: Random, { states }: Stream, from: number): Columns {
  const n = 1 + Math.floor(random() * 60);
  const value = (): number => {
    if (states) return [0, 1, 2, 4][Math.floor(random() * 4)] ?? 0;
    const special = SPECIAL_NUMBERS[Math.floor(random() * SPECIAL_NUMBERS.length)] ?? 0;
    return random() < SPECIAL_NUMBER_SHARE ? special : Math.floor(random() * 4e6 - 2e6) / 256;
  };
  return {
    kind: 'scalars',
    seq: 0,
    t: times(random, n, from),
    v: Float64Array.from({ length: n }, value),
  };
}

function wave(random: Random, from: number): Columns {
  const n = 1 + Math.floor(random() * 3000);
  const v = Int32Array.from({ length: n }, () => Math.floor(random() * 4096 - 2048));
  return { kind: 'waves', seq: 0, t0: from, span: Math.floor(((n - 1) * 1e6) / 511.7), v };
}

function frames(random: Random, from: number): Columns {
  const n = 1 + Math.floor(random() * 80);
  const id = Uint32Array.from({ length: n }, () =>
    random() < 0.5
      ? Math.floor(random() * 0x800)
      : 0x8000_0000 + Math.floor(random() * 0x2000_0000),
  );
  const length = Uint8Array.from({ length: n }, () => Math.floor(random() * 9));
  const data = Uint8Array.from({ length: n * 8 }, (_, i) =>
    i % 8 < (length[i >> 3] ?? 0) ? Math.floor(random() * 256) : 0,
  );
  return { kind: 'frames', seq: 0, t: times(random, n, from), id, length, data };
}

const PAYLOADS: readonly Json[] = [
  '=1+1',
  '"quoted", twice',
  'Lidschlag \u{1F697} öß\n',
  0.5,
  null,
];

function payload(random: Random): EventRow['data'] {
  return {
    type: 'marker',
    text: PAYLOADS[Math.floor(random() * PAYLOADS.length)] ?? null,
    list: [random(), true],
  };
}

const EPOCHS: readonly Epoch[] = [
  { id: 1, wallMs: 1_763_771_352_123.456, trust: 'none', bootId: 'a', monotonicMs: 0 },
  { id: 2, wallMs: 1_763_771_999_999.999, trust: 'ntp', bootId: 'b', monotonicMs: 0 },
  { id: 5, wallMs: 86_399_000, trust: 'rtc', bootId: 'c', monotonicMs: 0 },
];
const STRETCH_US = 20_000_000;
const PIECES = 3;

function stretchOf(epoch: Epoch, i: number): Stretch {
  return { epoch, from: 1_000_000 * i, to: 1_000_000 * i + STRETCH_US, at: 3_600_000_000 * i };
}

/** A source with the same data every time it is gone through. */
export function exampleSource(seed: number, streams: readonly Stream[]): ExportSource {
  const random = (stretch: Stretch, stream: number): Random =>
    seededRandom(seed * 10_007 + stretch.epoch.id * 101 + stream);
  return {
    title: `session ${seed}`,
    streams,
    stretches: EPOCHS.map(stretchOf),
    *columns(stream, stretch) {
      const next = random(stretch, streams.indexOf(stream));
      for (let piece = 0; piece < PIECES; piece++) {
        const from = stretch.from + piece * 6_000_000 + Math.floor(next() * 20) * 1000;
        if (next() < 0.2) continue; // A gap.
        if (stream.kind === 'wave') yield wave(next, from);
        else if (stream.kind === 'frame') yield frames(next, from);
        else yield scalars(next, stream, from);
      }
    },
    *events(stretch) {
      const next = random(stretch, streams.length);
      const ours = streams.filter(({ kind }) => kind === 'event');
      const sorted = times(next, 40, stretch.from).sort();
      for (const t of sorted) {
        const stream = ours[Math.floor(next() * ours.length)];
        if (stream) yield { stream, t, data: payload(next) };
      }
    },
  };
}

/** One row as it must be in a file, whatever the format. */
export interface ExpectedRow {
  readonly stream: Stream;
  readonly stretch: Stretch;
  readonly t: number;
  readonly value: number | null;
  /** Identifier and data of a frame, in hexadecimal; the payload of an event. */
  readonly frame?: { readonly id: number; readonly extended: boolean; readonly data: string };
  readonly event?: EventRow['data'];
}

/** Microseconds since 1970. */
export function wallOf({ stretch, t }: ExpectedRow): bigint {
  return BigInt(Math.round(stretch.epoch.wallMs * 1000)) + BigInt(t);
}

/** Microseconds since the session's start. */
export function sessionOf({ stretch, t }: ExpectedRow): number {
  return stretch.at + t - stretch.from;
}

/** What the text of a row says; null where there is none. */
export function textOf({ stream, value, frame, event }: ExpectedRow): string | null {
  if (event) return JSON.stringify(event);
  if (!frame) return value === null ? null : (stream.states?.[value] ?? null);
  const id = frame.id
    .toString(16)
    .toUpperCase()
    .padStart(frame.extended ? 8 : 3, '0');
  return `${id}#${frame.data}`;
}

/** All rows in order: at each step the earliest of the streams' next rows, or the first of equals. */
export function expectedRows(source: ExportSource): ExpectedRow[] {
  return source.stretches.flatMap((stretch) => {
    // Reversed, as taking from the end is quick.
    const queues = source.streams.map((stream) => queueOf(source, stream, stretch).reverse());
    const rows: ExpectedRow[] = [];
    for (;;) {
      let first: ExpectedRow[] | undefined;
      for (const queue of queues) {
        const next = queue.at(-1);
        const earliest = first?.at(-1);
        if (next && (!earliest || next.t < earliest.t)) first = queue;
      }
      const row = first?.pop();
      if (!row) return rows;
      rows.push(row);
    }
  });
}

function queueOf(source: ExportSource, stream: Stream, stretch: Stretch): ExpectedRow[] {
  if (stream.kind !== 'event') {
    return [...source.columns(stream, stretch)].flatMap((columns) =>
      rowsOf(columns, stream, stretch),
    );
  }
  return [...source.events(stretch)]
    .filter((event) => event.stream.id === stream.id)
    .map(({ t, data }) => ({ stream, stretch, t, value: null, event: data }));
}

function rowsOf(columns: Columns, stream: Stream, stretch: Stretch): ExpectedRow[] {
  const base = { stream, stretch };
  switch (columns.kind) {
    case 'scalars':
      return Array.from(columns.t, (t, i) => ({ ...base, t, value: columns.v[i] ?? 0 }));
    case 'waves': {
      const { t0, span, v } = columns;
      const last = Math.max(1, v.length - 1);
      return Array.from(v, (count, i) => ({
        ...base,
        t: Math.round(t0 + i * (span / last)),
        value: count * (stream.lsb ?? 1),
      }));
    }
    case 'frames':
      return Array.from(columns.t, (t, i) => {
        const id = columns.id[i] ?? 0;
        const bytes = columns.data.subarray(i * 8, i * 8 + (columns.length[i] ?? 0));
        const data = Buffer.from(bytes).toString('hex').toUpperCase();
        const frame = { id: id % 0x8000_0000, extended: id >= 0x8000_0000, data };
        return { ...base, t, value: null, frame };
      });
  }
}

/** Rows of a wide file: the values by stream id, at most one of a stream. */
export interface ExpectedWideRow {
  readonly at: ExpectedRow;
  readonly values: Map<string, number>;
}

export function expectedWideRows(source: ExportSource): ExpectedWideRow[] {
  const rows: ExpectedWideRow[] = [];
  for (const row of expectedRows(source)) {
    const last = rows.at(-1);
    const same = last?.at.t === row.t && last.at.stretch === row.stretch;
    if (last && same && !last.values.has(row.stream.id)) {
      last.values.set(row.stream.id, row.value ?? Number.NaN);
    } else {
      rows.push({ at: row, values: new Map([[row.stream.id, row.value ?? Number.NaN]]) });
    }
  }
  return rows;
}
