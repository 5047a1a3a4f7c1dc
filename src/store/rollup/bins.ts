import type { Micros } from '#core/stream.ts';
import type { Scalars, Waves } from '../../codec/columns.ts';
import { firstAt, type Window, waveTime } from '../../codec/cut.ts';

/** What is known of each of some stretches of equal width. */
export interface BinColumns {
  /** Infinity where there is no sample. */
  readonly min: Float64Array;
  /** -Infinity where there is no sample. */
  readonly max: Float64Array;
  readonly sum: Float64Array;
  readonly n: Float64Array;
}

export function emptyColumns(count: number): BinColumns {
  return {
    min: new Float64Array(count).fill(Number.POSITIVE_INFINITY),
    max: new Float64Array(count).fill(Number.NEGATIVE_INFINITY),
    sum: new Float64Array(count),
    n: new Float64Array(count),
  };
}

/** Adds samples up by their time. Values that are not finite are not counted. */
export class Bins {
  readonly columns: BinColumns;
  readonly #from: Micros;
  readonly #width: Micros;

  /**
   * @param from where the first of them begins
   * @param width of each, in whole microseconds
   */
  constructor(from: Micros, width: Micros, columns: BinColumns) {
    this.columns = columns;
    this.#from = from;
    this.#width = width;
  }

  /** Where one begins. */
  timeOf(bin: number): Micros {
    return this.#from + bin * this.#width;
  }

  /**
   * Adds the samples in the window, which lies within the bins.
   *
   * @param lsb the stream's unit per count of a wave
   * @returns how many were counted
   */
  add(piece: Scalars | Waves, window: Window, lsb: number): number {
    return piece.kind === 'waves'
      ? this.#addWave(piece, window, lsb)
      : this.#addScalars(piece, window);
  }

  /** Adds samples that were added up before, all of them to the bin in which `t` lies. */
  merge(t: Micros, from: BinColumns, index: number): void {
    this.#put(this.#binOf(t), {
      min: from.min[index] ?? 0,
      max: from.max[index] ?? 0,
      sum: from.sum[index] ?? 0,
      n: from.n[index] ?? 0,
    });
  }

  #binOf(t: Micros): number {
    return Math.floor((t - this.#from) / this.#width);
  }

  #addScalars({ t, v }: Scalars, { from, to }: Window): number {
    const { min, max, sum, n } = this.columns;
    let counted = 0;
    for (let i = 0; i < t.length; i++) {
      const at = t[i] ?? 0;
      const value = v[i] ?? 0;
      if (at < from || at >= to || !Number.isFinite(value)) continue;
      const bin = this.#binOf(at);
      if (value < (min[bin] ?? 0)) min[bin] = value;
      if (value > (max[bin] ?? 0)) max[bin] = value;
      sum[bin] = (sum[bin] ?? 0) + value;
      n[bin] = (n[bin] ?? 0) + 1;
      counted++;
    }
    return counted;
  }

  /** Bin by bin: where its samples begin and end follows from the rate. */
  #addWave(wave: Waves, { from, to }: Window, lsb: number): number {
    const first = firstAt(wave, from);
    const end = firstAt(wave, to);
    for (let i = first; i < end; ) {
      const bin = this.#binOf(waveTime(wave, i));
      const next = Math.min(end, firstAt(wave, this.timeOf(bin + 1)));
      this.#put(bin, statsOf(wave.v, { from: i, to: next }, lsb));
      i = next;
    }
    return end - first;
  }

  #put(bin: number, stats: Stats): void {
    const { min, max, sum, n } = this.columns;
    min[bin] = Math.min(min[bin] ?? 0, stats.min);
    max[bin] = Math.max(max[bin] ?? 0, stats.max);
    sum[bin] = (sum[bin] ?? 0) + stats.sum;
    n[bin] = (n[bin] ?? 0) + stats.n;
  }
}

interface Stats {
  readonly min: number;
  readonly max: number;
  readonly sum: number;
  readonly n: number;
}

/** Of the counts at these positions; their sum is exact, whatever the order. */
function statsOf(v: Int32Array, { from, to }: Window, lsb: number): Stats {
  let min = 0x7fff_ffff;
  let max = -0x8000_0000;
  let sum = 0;
  for (let i = from; i < to; i++) {
    const count = v[i] ?? 0;
    if (count < min) min = count;
    if (count > max) max = count;
    sum += count;
  }
  const [low, high] = lsb < 0 ? [max, min] : [min, max];
  return { min: low * lsb, max: high * lsb, sum: sum * lsb, n: to - from };
}
