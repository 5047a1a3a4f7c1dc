import type { Stretch } from '#core/session.ts';
import type { Stream } from '#core/stream.ts';
import { type Columns, countOf } from '../codec/columns.ts';
import { waveTime } from '../codec/cut.ts';
import { POINTS_MAX } from '../store/reading/downsample.ts';
import { exportSource } from '../store/reading/export-source.ts';
import type { StoreReader } from '../store/reading/reader.ts';
import { ReadingError } from './errors.ts';
import type { RawSeries, ReducedSeries, Series, SeriesQuestion } from './questions.ts';
import { rangeOf, sharePoints } from './stretches.ts';

/**
 * Values, or points of four numbers each, that one answer holds: about 3 MB of JSON, which a phone
 * takes and the gateway can hold eight times. More is an error that says to ask for fewer points.
 */
const VALUES_MAX = 100_000;
const NUMBERS_A_POINT = 4;

/** A stream of the answer, and the numbers under which the store has it. */
interface Plotted {
  readonly stream: Stream;
  readonly numbers: readonly number[];
  pieces(stretch: Stretch): Iterable<Columns>;
}

/**
 * The values of streams on the session's time axis. Where late samples made a stretch overlap with
 * the piece before, they stay in the order in which they came.
 *
 * @throws ReadingError UNKNOWN_STREAM, UNSUPPORTED for frames and events, TOO_MANY_VALUES
 */
export function series(reader: StoreReader, question: SeriesQuestion): Series {
  const { stretches, points } = question;
  checkKnown(reader, question.streams);
  const plotted = [...new Set(question.streams)].flatMap((id) => plottedOf(reader, id, stretches));
  const share = Math.floor(VALUES_MAX / NUMBERS_A_POINT / plotted.length);
  const most = Math.min(POINTS_MAX, share);
  if (points !== undefined && points > most) {
    throw new ReadingError(
      'TOO_MANY_VALUES',
      `${points} points of each of ${plotted.length} streams are too many for one answer; ask for ` +
        `at most ${most}`,
    );
  }
  const room = new Room();
  const all = plotted.map((one) => {
    const made =
      points === undefined ? raw(one, stretches, room) : reduced(reader, one, stretches, points);
    return [one.stream.id, made] as const;
  });
  return { streams: Object.fromEntries(all) };
}

/** @throws ReadingError UNKNOWN_STREAM with every id of which nothing was ever stored */
export function checkKnown(reader: StoreReader, ids: readonly string[]): void {
  const known = new Set(reader.streams().map(({ stream }) => stream.id));
  const unknown = [...new Set(ids)].filter((id) => !known.has(id));
  if (unknown.length === 0) return;
  const text = unknown.map((id) => JSON.stringify(id)).join(', ');
  throw new ReadingError('UNKNOWN_STREAM', `nothing was ever stored of ${text}`);
}

function plottedOf(reader: StoreReader, id: string, stretches: readonly Stretch[]): Plotted[] {
  const source = exportSource({ title: id, reader, streams: [id], stretches });
  return source.streams.map((stream) => {
    if (stream.kind !== 'sample' && stream.kind !== 'wave') {
      throw new ReadingError(
        'UNSUPPORTED',
        `${id} has ${stream.kind}s, which are no series of values`,
      );
    }
    const same = reader
      .streams()
      .filter((one) => one.stream.id === id && means(one.stream, stream));
    return {
      stream,
      numbers: same.map(({ number }) => number),
      pieces: (stretch) => source.columns(stream, stretch),
    };
  });
}

/** Whether values of the one can stand beside values of the other, as exports see it. */
function means(a: Stream, b: Stream): boolean {
  const meaning = ({ kind, unit, lsb, states }: Stream) =>
    JSON.stringify([kind, unit, lsb, states]);
  return meaning(a) === meaning(b);
}

/** What an answer has left. */
class Room {
  #values = 0;

  /** Before the values are there: an answer that is too long is not held first. */
  take(values: number): void {
    this.#values += values;
    if (this.#values <= VALUES_MAX) return;
    throw new ReadingError(
      'TOO_MANY_VALUES',
      `these are more than ${VALUES_MAX} values; ask for points, for less time or for fewer streams`,
    );
  }
}

function raw({ stream, pieces }: Plotted, stretches: readonly Stretch[], room: Room): RawSeries {
  const t: number[] = [];
  const v: number[] = [];
  for (const stretch of stretches) {
    const shift = stretch.at - stretch.from;
    for (const piece of pieces(stretch)) {
      room.take(countOf(piece));
      for (const time of timesOf(piece)) t.push(time + shift);
      for (const value of valuesOf(piece, stream.lsb ?? 1)) v.push(value);
    }
  }
  return { t, v };
}

function timesOf(piece: Columns): Iterable<number> {
  return piece.kind === 'waves' ? Array.from(piece.v, (_, i) => waveTime(piece, i)) : piece.t;
}

function valuesOf(piece: Columns, lsb: number): Iterable<number> {
  switch (piece.kind) {
    case 'scalars':
      return piece.v;
    case 'waves':
      return Array.from(piece.v, (count) => count * lsb);
    case 'frames':
      throw new Error('frames are no values'); // Refused before anything was read.
  }
}

function reduced(
  reader: StoreReader,
  { numbers }: Plotted,
  stretches: readonly Stretch[],
  points: number,
): ReducedSeries {
  const t: number[] = [];
  const min: number[] = [];
  const max: number[] = [];
  const mean: number[] = [];
  const n: number[] = [];
  const shares = sharePoints(stretches, points);
  for (const [i, stretch] of stretches.entries()) {
    // A stream that got another number within the stretch has points under both, one after the other.
    for (const number of numbers) {
      const buckets = reader.downsample(number, rangeOf(stretch), shares[i] ?? 1);
      for (const at of buckets.t) t.push(at + stretch.at - stretch.from);
      min.push(...buckets.min);
      max.push(...buckets.max);
      mean.push(...buckets.mean);
      n.push(...buckets.n);
    }
  }
  return { t, min, max, mean, n };
}
