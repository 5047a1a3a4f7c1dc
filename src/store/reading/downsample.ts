import type { Micros } from '#core/stream.ts';
import type { Buckets, Columns, Range, StoredStream } from '../../codec/columns.ts';
import { firstAt, type Window } from '../../codec/cut.ts';
import { sealedSeq } from '../changes.ts';
import { HOUR_US, nameKey, rollupKey } from '../keys.ts';
import { Bins, emptyColumns } from '../rollup/bins.ts';
import { decodeRollup, type HourRollup, type Level, levelsOf } from '../rollup/rollup.ts';
import { type FoundBlock, type Ground, StreamReading, tailPieces } from './read-blocks.ts';

/**
 * A range of a stream as so many points. Each sample is in exactly one of them:
 * - up to RAW_SAMPLES_MAX samples are read themselves;
 * - of more, the whole buckets of the coarsest rollup that is not wider than a point are taken, and
 *   what they leave at both ends of the range is read from the samples. A bucket that straddles two
 *   points goes to the one in which it begins.
 *
 * The rollup of an hour is in the file, that of an open hour in the tail, with the pieces beside it
 * that have not been sealed. Both sides have something where samples came late, and add up to the
 * hour; or where a seal has come between the tail and this reading, and have samples in common. In
 * that case, and where a rollup is missing or damaged, the hour is read from its samples.
 */
const RAW_SAMPLES_MAX = 300_000;
/** More than a screen has columns; asking for more is a fault of the caller. */
export const POINTS_MAX = 10_000;

export interface Question {
  /** Undefined where nothing is known of the stream: it has no points. */
  readonly stored: StoredStream | undefined;
  /** Whole microseconds. */
  readonly range: Range;
  readonly points: number;
}

/** @throws RangeError for a number of points that is not 1 to POINTS_MAX */
export function downsample(ground: Ground, { stored, range, points }: Question): Buckets {
  if (!Number.isInteger(points) || points < 1 || points > POINTS_MAX) {
    throw new RangeError(`${points} points: 1 to ${POINTS_MAX} can be made`);
  }
  const none = new Float64Array();
  if (stored === undefined) return { t: none, min: none, max: none, mean: none, n: none };
  return new Reduction(ground, stored, range, points).run();
}

class Reduction {
  readonly #ground: Ground;
  readonly #stored: StoredStream;
  readonly #range: Range;
  readonly #width: Micros;
  readonly #bins: Bins;

  constructor(ground: Ground, stored: StoredStream, range: Range, points: number) {
    this.#ground = ground;
    this.#stored = stored;
    this.#range = range;
    const length = Math.max(0, range.to - range.from);
    this.#width = Math.max(1, Math.ceil(length / points));
    this.#bins = new Bins(range.from, this.#width, emptyColumns(Math.ceil(length / this.#width)));
  }

  run(): Buckets {
    const reading = new StreamReading(this.#ground, this.#stored, this.#range);
    const few = this.#fewBlocks(reading);
    const level = levelsOf(this.#stored.stream).find(({ us }) => us <= this.#width);
    if (few) this.#addBlocks(reading, few);
    else if (level) this.#addLevel(level);
    else this.#addSamples(this.#range);
    return this.#buckets();
  }

  /** The blocks of the range; undefined where they hold too much to be read themselves. */
  #fewBlocks(reading: StreamReading): FoundBlock[] | undefined {
    const blocks: FoundBlock[] = [];
    let samples = 0;
    for (const block of reading.blocks()) {
      samples += this.#share(block);
      if (samples > RAW_SAMPLES_MAX) return undefined;
      blocks.push(block);
    }
    return blocks;
  }

  /** Samples of a block in the range, as if they were even. */
  #share({ header: { t0, span, n } }: FoundBlock): number {
    const from = Math.max(t0, this.#range.from);
    const to = Math.min(t0 + span, this.#range.to);
    return span > 0 ? (n * (to - from)) / span : n;
  }

  #addBlocks(reading: StreamReading, blocks: readonly FoundBlock[]): void {
    for (const block of blocks) this.#add(reading.decode(block), this.#range);
    for (const piece of reading.rest()) this.#add(piece, this.#range);
  }

  #addSamples(window: Window): void {
    const range = { ...window, epoch: this.#range.epoch };
    const reading = new StreamReading(this.#ground, this.#stored, range);
    for (const piece of reading.pieces()) this.#add(piece, window);
  }

  #add(piece: Columns | undefined, window: Window): void {
    if (piece === undefined || piece.kind === 'frames') return;
    this.#bins.add(piece, window, this.#stored.stream.lsb ?? 1);
  }

  #addLevel(level: Level): void {
    const { from, to } = this.#range;
    const begin = Math.ceil(from / level.us) * level.us;
    const end = Math.floor(to / level.us) * level.us;
    const raw = new Windows();
    raw.add({ from, to: Math.min(begin, to) });
    for (let hour = Math.floor(begin / HOUR_US); begin < end && hour * HOUR_US < end; hour++) {
      const window = {
        from: Math.max(begin, hour * HOUR_US),
        to: Math.min(end, (hour + 1) * HOUR_US),
      };
      if (!this.#addHour(level, hour, window)) raw.add(window);
    }
    raw.add({ from: Math.max(begin, end), to });
    for (const window of raw.list) this.#addSamples(window);
  }

  /** @returns whether there was a rollup that could be relied upon */
  #addHour(level: Level, hour: number, window: Window): boolean {
    const { epoch } = this.#range;
    const { number } = this.#stored;
    const { reads, damage, tail } = this.#ground;
    const key = { level: level.level, epoch, hour, stream: number };
    const name = rollupKey(key);
    const value = reads.get('rollups', name);
    const open = tail?.hours.find(
      (one) =>
        one.stream === number &&
        one.hour === hour &&
        one.level === level.level &&
        one.epoch === epoch,
    );
    const pieces = this.#unsealed(hour);
    const both = value !== undefined && (open !== undefined || pieces.length > 0);
    if ((value ?? open) === undefined || (both && this.#hasSealed())) return false;
    if (value !== undefined) {
      const rollup = damage.guard('rollups', name, () => decodeRollup(key, value));
      if (rollup === undefined) return false;
      this.#addRollup(rollup, level, window);
    }
    if (open !== undefined) this.#addRollup(open, level, window);
    for (const piece of pieces) this.#add(piece, window);
    return true;
  }

  /** Whether LMDB has got something of the tail. To be asked after what it was asked for. */
  #hasSealed(): boolean {
    const { reads, damage, tail } = this.#ground;
    return damage.guard('meta', nameKey('sealed'), () => sealedSeq(reads)) !== tail?.sealed;
  }

  /** Pieces of the tail that have a sample in the hour. */
  #unsealed(hour: number): Columns[] {
    const window = { from: hour * HOUR_US, to: (hour + 1) * HOUR_US };
    const range = { ...window, epoch: this.#range.epoch };
    const pieces = tailPieces(this.#ground.tail, this.#stored.number, range);
    return pieces.filter((piece) => reaches(piece, window));
  }

  #addRollup(rollup: HourRollup, { us }: Level, { from, to }: Window): void {
    const start = rollup.hour * HOUR_US;
    const end = (to - start) / us;
    for (let i = (from - start) / us; i < end; i++) {
      if ((rollup.n[i] ?? 0) > 0) this.#bins.merge(start + i * us, rollup, i);
    }
  }

  #buckets(): Buckets {
    const { min, max, sum, n } = this.#bins.columns;
    const filled = Float64Array.from([...n.keys()].filter((i) => (n[i] ?? 0) > 0));
    const pick = (column: Float64Array): Float64Array => filled.map((i) => column[i] ?? 0);
    return {
      t: filled.map((i) => this.#bins.timeOf(i)),
      min: pick(min),
      max: pick(max),
      // Adding up rounds: the mean of equal values would be a little beside them.
      mean: filled.map((i) =>
        Math.min(max[i] ?? 0, Math.max(min[i] ?? 0, (sum[i] ?? 0) / (n[i] ?? 1))),
      ),
      n: pick(n),
    };
  }
}

/** Stretches of the range, in the order of time; those that touch are one. */
class Windows {
  readonly list: Window[] = [];

  add(window: Window): void {
    if (window.from >= window.to) return;
    const last = this.list.at(-1);
    if (last?.to !== window.from) this.list.push(window);
    else this.list.splice(-1, 1, { from: last.from, to: window.to });
  }
}

function reaches(piece: Columns, { from, to }: Window): boolean {
  if (piece.kind === 'waves') return firstAt(piece, from) < firstAt(piece, to);
  return piece.t.some((t) => t >= from && t < to);
}
