import type { Micros } from '#core/stream.ts';

/**
 * How long a stamp counts for the smallest delay, in microseconds: the crystal of an adapter may be
 * 100 ppm off, which is 2 ms in the 20 s that two windows cover.
 */
const WINDOW_US = 10_000_000;
/**
 * Stamps of two processors may overtake each other by this much without a clock having been set, in
 * microseconds.
 */
const OVERTAKE_US = 1_000;

/**
 * Puts the stamps of another clock on ours without reading that clock. A frame is never late by less
 * than nothing: of all that came lately, the one with the smallest delay between stamp and arrival
 * was on time, and tells how far the clocks are apart. Where the other clock is set back, its stamps
 * are, and what was known is forgotten; where it is set forward, the next delay is the smallest.
 */
export class StampMap {
  /** Smallest delay of the window that began at #since, and of the one before. */
  #least = Number.POSITIVE_INFINITY;
  #leastBefore = Number.POSITIVE_INFINITY;
  #since: Micros = 0;
  #lastStamp = Number.NEGATIVE_INFINITY;
  #lastT: Micros = 0;

  /**
   * When the frame with this stamp was on the bus: never before the last one, never after now.
   *
   * @param stamp microseconds of the other clock
   * @param now when the stamp came
   */
  map(stamp: number, now: Micros): Micros {
    const delay = now - stamp;
    if (stamp < this.#lastStamp - OVERTAKE_US) this.#forget(now);
    this.#lastStamp = stamp;
    if (now - this.#since >= WINDOW_US) this.#turn(now);
    this.#least = Math.min(this.#least, delay);
    const t = Math.round(stamp + Math.min(this.#least, this.#leastBefore));
    this.#lastT = Math.max(this.#lastT, Math.min(t, now));
    return this.#lastT;
  }

  #turn(now: Micros): void {
    // What is older than two windows says nothing about now.
    const isRecent = now - this.#since < 2 * WINDOW_US;
    this.#leastBefore = isRecent ? this.#least : Number.POSITIVE_INFINITY;
    this.#least = Number.POSITIVE_INFINITY;
    this.#since = now;
  }

  #forget(now: Micros): void {
    this.#least = Number.POSITIVE_INFINITY;
    this.#leastBefore = Number.POSITIVE_INFINITY;
    this.#since = now;
  }
}

/** Makes stamps that begin again at 0 go on. */
export class WrappingStamps {
  readonly #period: number;
  #last = 0;
  #lastAt: Micros | undefined;

  /** @param period microseconds after which the stamps begin again */
  constructor(period: number) {
    this.#period = period;
  }

  /**
   * The stamp without its wrap: of all that it can mean, the one nearest to what our clock expects.
   *
   * @param stamp microseconds, below the period
   */
  unwrap(stamp: number, now: Micros): number {
    const expected = this.#lastAt === undefined ? stamp : this.#last + (now - this.#lastAt);
    this.#last = stamp + this.#period * Math.round((expected - stamp) / this.#period);
    this.#lastAt = now;
    return this.#last;
  }
}
