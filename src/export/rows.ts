import type { Micros, Stream } from '#core/stream.ts';
import type { Columns, EventRow, Frames, Scalars, Waves } from '../codec/columns.ts';

/**
 * Rows as columns: an object a row would cost more than the row. Windows on the streams and the
 * blocks that a merge hands out have the same shape, so that a row is copied, never made.
 */
export interface Rows {
  /** Rows in use, from the beginning. */
  n: number;
  /** Whole microseconds of the epoch. */
  readonly t: Float64Array;
  /** Index in the source's streams. */
  readonly stream: Uint16Array;
  /** The value in the stream's unit; of a frame its identifier with EXTENDED_FLAG; of the rest NaN. */
  readonly v: Float64Array;
  /** Bytes of data of a frame, 0 to 8. */
  readonly length: Uint8Array;
  /** 8 bytes a frame. */
  readonly data: Uint8Array;
  /** What an event carries. */
  readonly event: (EventRow['data'] | undefined)[];
  /** Of waves that are kept in blocks. */
  readonly wave: (WaveBlock | undefined)[];
}

/** Some samples of a wave in one row, whose time is that of the first. */
export interface WaveBlock {
  /** Measured rate; the nominal one where a single sample tells none. */
  readonly hz: number;
  /** In the stream's unit. */
  readonly values: Float64Array;
}

/** A stream and its place among the source's streams. */
export interface Place {
  readonly stream: Stream;
  readonly index: number;
}

/** How waves become rows: a row a sample, or a row a block. */
export type WaveRows = 'samples' | 'blocks';

/** Samples in a block of a wave; a longer piece becomes several. */
const WAVE_BLOCK_SAMPLES = 1_024;
/** Rows that are decoded ahead of a stream. Longer pieces are gone through window by window. */
const WINDOW_ROWS = 1_024;

export function createRows(capacity: number): Rows {
  return {
    n: 0,
    t: new Float64Array(capacity),
    stream: new Uint16Array(capacity),
    v: new Float64Array(capacity),
    length: new Uint8Array(capacity),
    data: new Uint8Array(capacity * 8),
    event: new Array<Rows['event'][number]>(capacity).fill(undefined),
    wave: new Array<Rows['wave'][number]>(capacity).fill(undefined),
  };
}

/** Goes through the pieces of one stream. Each yield is the same window with its next rows, at least one. */
export function* windowsOf(
  { stream, index }: Place,
  pieces: Iterable<Columns>,
  waves: WaveRows,
): Generator<Rows> {
  const rows = createRows(WINDOW_ROWS);
  rows.stream.fill(index);
  for (const piece of pieces) {
    if (piece.kind === 'scalars') yield* scalarWindows(piece, rows);
    else if (piece.kind === 'frames') yield* frameWindows(piece, rows);
    else if (waves === 'samples') yield* waveWindows(piece, stream, rows);
    else yield* blockWindows(piece, stream, rows);
  }
}

function* scalarWindows(piece: Scalars, rows: Rows): Generator<Rows> {
  for (let from = 0; from < piece.t.length; from += WINDOW_ROWS) {
    const t = piece.t.subarray(from, from + WINDOW_ROWS);
    rows.t.set(t);
    rows.v.set(piece.v.subarray(from, from + WINDOW_ROWS));
    rows.n = t.length;
    yield rows;
  }
}

function* frameWindows(piece: Frames, rows: Rows): Generator<Rows> {
  for (let from = 0; from < piece.t.length; from += WINDOW_ROWS) {
    const t = piece.t.subarray(from, from + WINDOW_ROWS);
    rows.t.set(t);
    rows.v.set(piece.id.subarray(from, from + WINDOW_ROWS));
    rows.length.set(piece.length.subarray(from, from + WINDOW_ROWS));
    rows.data.set(piece.data.subarray(from * 8, (from + WINDOW_ROWS) * 8));
    rows.n = t.length;
    yield rows;
  }
}

function* waveWindows(piece: Waves, stream: Stream, rows: Rows): Generator<Rows> {
  const { t0, v } = piece;
  const lsb = stream.lsb ?? 1;
  const period = periodOf(piece);
  for (let from = 0; from < v.length; from += WINDOW_ROWS) {
    const n = Math.min(WINDOW_ROWS, v.length - from);
    for (let i = 0; i < n; i++) {
      rows.t[i] = Math.round(t0 + (from + i) * period);
      rows.v[i] = (v[from + i] ?? 0) * lsb;
    }
    rows.n = n;
    yield rows;
  }
}

/** A window of one row, as a block is long and the next may never be asked for. */
function* blockWindows(piece: Waves, stream: Stream, rows: Rows): Generator<Rows> {
  const { t0, v } = piece;
  const lsb = stream.lsb ?? 1;
  const period = periodOf(piece);
  const hz = period > 0 ? 1e6 / period : stream.hz;
  for (let from = 0; from < v.length; from += WAVE_BLOCK_SAMPLES) {
    const counts = v.subarray(from, from + WAVE_BLOCK_SAMPLES);
    rows.t[0] = Math.round(t0 + from * period);
    rows.v[0] = Number.NaN;
    rows.wave[0] = { hz, values: Float64Array.from(counts, (count) => count * lsb) };
    rows.n = 1;
    yield rows;
  }
}

/** Microseconds a sample; 0 where there is only one. */
function periodOf({ span, v }: Waves): Micros {
  return v.length > 1 ? span / (v.length - 1) : 0;
}

/**
 * Events of all streams. Those of one time are put in the order of the streams: a group of them is
 * all that is held.
 *
 * @param places by stream id
 */
export function* eventWindows(
  events: Iterable<EventRow>,
  places: ReadonlyMap<string, number>,
): Generator<Rows> {
  const rows = createRows(1);
  let group: EventRow[] = [];
  const placeOf = ({ stream }: EventRow): number => {
    const index = places.get(stream.id);
    if (index === undefined) throw new Error(`${stream.id} has events, but is not exported`);
    return index;
  };
  function* drain(): Generator<Rows> {
    for (const event of group.sort((a, b) => placeOf(a) - placeOf(b))) {
      rows.t[0] = event.t;
      rows.v[0] = Number.NaN;
      rows.stream[0] = placeOf(event);
      rows.event[0] = event.data;
      rows.n = 1;
      yield rows;
    }
  }
  for (const event of events) {
    if (group[0] !== undefined && group[0].t !== event.t) {
      yield* drain();
      group = [];
    }
    group.push(event);
  }
  yield* drain();
}
