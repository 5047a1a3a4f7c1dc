import type { Micros } from '#core/stream.ts';
import { type Columns, countOf, type Range, type StoredStream } from '../../codec/columns.ts';
import { cut } from '../../codec/cut.ts';
import { endOf, startOf } from '../../codec/join.ts';
import { type FoundBlock, type Ground, StreamReading } from './read-blocks.ts';

/** What is stored of one stream in a range. */
export interface StreamSummary extends StoredStream {
  /** Samples, frames or events. */
  readonly n: number;
  /** Samples of a wave that are missing between the first and the last of the range. */
  readonly lost: number;
  /**
   * For how much of the range there is data, in microseconds. A sample of a wave covers its period;
   * samples and frames cover what lies between neighbours that belong together; events nothing.
   */
  readonly coveredUs: number;
}

/** Neighbouring samples this many nominal periods apart still belong together. */
const COVERED_PERIODS_MAX = 3;
/** Or this far, for streams that are polled when their turn comes or tell changes only. */
const COVERED_US_MIN = 2_000_000;

/**
 * Scalars are decoded, because only their times tell where they pause. Of waves, and of frames, of
 * which there are thousands a second in blocks of 5 s, whole blocks are believed from their headers.
 */
export function summarise(ground: Ground, stored: StoredStream, range: Range): StreamSummary {
  const reading = new StreamReading(ground, stored, range);
  const count = stored.stream.kind === 'wave' ? new WaveCount(stored) : new RowCount(stored);
  for (const part of reading.parts()) {
    if (!('header' in part)) count.pieces(cutAll(part, range));
    else if (stored.stream.kind === 'sample' || !isWithin(part, range)) {
      count.pieces(cutAll(reading.decode(part), range));
    } else if (reading.check(part)) count.header(part.header);
  }
  return { ...stored, n: count.n, lost: count.lost, coveredUs: Math.round(count.coveredUs) };
}

function cutAll(piece: Columns | undefined, range: Range): Iterable<Columns> {
  return piece === undefined ? [] : cut(piece, range);
}

function isWithin({ header: { t0, span } }: FoundBlock, { from, to }: Range): boolean {
  return t0 >= from && t0 + span < to;
}

interface Extent {
  readonly seq: number;
  readonly n: number;
  readonly t0: Micros;
  readonly span: number;
}

class WaveCount {
  n = 0;
  lost = 0;
  coveredUs = 0;
  readonly #hz: number;
  #nextSeq = Number.POSITIVE_INFINITY;

  constructor({ stream }: StoredStream) {
    this.#hz = stream.hz;
  }

  header({ seq, n, span }: Extent): void {
    const period = n > 1 ? span / (n - 1) : 1e6 / Math.max(1, this.#hz);
    this.n += n;
    this.lost += Math.max(0, seq - this.#nextSeq);
    this.#nextSeq = seq + n;
    this.coveredUs += n * period;
  }

  pieces(pieces: Iterable<Columns>): void {
    for (const piece of pieces) this.header(extentOf(piece));
  }
}

class RowCount {
  n = 0;
  readonly lost = 0;
  coveredUs = 0;
  readonly #gapMax: number;
  #last = Number.NEGATIVE_INFINITY;

  constructor({ stream: { hz } }: StoredStream) {
    this.#gapMax = Math.max(hz > 0 ? (COVERED_PERIODS_MAX / hz) * 1e6 : 0, COVERED_US_MIN);
  }

  header({ n, t0, span }: Extent): void {
    this.n += n;
    this.#reach(t0);
    this.coveredUs += Math.max(0, t0 + span - Math.max(t0, this.#last));
    this.#last = Math.max(this.#last, t0 + span);
  }

  pieces(pieces: Iterable<Columns>): void {
    for (const piece of pieces) {
      if (piece.kind === 'waves') continue;
      this.n += piece.t.length;
      for (const t of piece.t) this.#reach(t);
    }
  }

  #reach(t: Micros): void {
    if (t - this.#last <= this.#gapMax) this.coveredUs += Math.max(0, t - this.#last);
    this.#last = Math.max(this.#last, t);
  }
}

function extentOf(piece: Columns): Extent {
  const t0 = startOf(piece);
  return { seq: piece.seq, n: countOf(piece), t0, span: endOf(piece) - t0 };
}
