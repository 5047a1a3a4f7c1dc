import type { Micros } from '#core/stream.ts';

/** How far a time may be from where it was told in a stretch of a wave; another begins beyond it. */
const WAVE_ERROR_US = 1_000;

/**
 * A straight line through the times of a wave: sample i at `t0 + i * period`. A block knows its
 * beginning and its period only, so it lasts for as long as one period can be found with which no
 * time that was told is off by more than WAVE_ERROR_US. Each time narrows what the period may be.
 */
export class EvenLine {
  readonly #t0: Micros;
  #low = 0;
  #high = Number.POSITIVE_INFINITY;

  constructor(t0: Micros) {
    this.#t0 = t0;
  }

  /**
   * Takes the time of sample `index` (above 0), if the line can be kept with it; else nothing changes.
   *
   * @returns whether it was taken
   */
  take(index: number, t: Micros): boolean {
    const low = Math.max(this.#low, (t - this.#t0 - WAVE_ERROR_US) / index);
    const high = Math.min(this.#high, (t - this.#t0 + WAVE_ERROR_US) / index);
    if (low > high) return false;
    this.#low = low;
    this.#high = high;
    return true;
  }

  /** Microseconds from sample 0 to sample `index`, as near to `wanted` as the line allows. */
  span(index: number, wanted: number): number {
    return Math.round(Math.min(Math.max(wanted, this.#low * index), this.#high * index));
  }
}
