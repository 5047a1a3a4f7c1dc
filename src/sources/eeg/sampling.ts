import type { Json, Micros } from '#core/stream.ts';

/**
 * When samples were taken, as opposed to when they arrived, and which are missing.
 *
 * Arrival times are useless one by one: a Bluetooth or USB link delivers in bursts, so most samples
 * come late, many at the same instant. But none comes early, and the device counts evenly. So the
 * clock is a line, time over the device's own count, through the arrivals that were least late:
 *
 *   1. Of the newest samples of the chunks of about a second, the one least late becomes a point.
 *   2. The last POINTS_MAX points get a least-squares line. Its slope is tied to the nominal (or the
 *      last known) period as if by PRIOR_WEIGHT, so that it is usable from the second point on.
 *   3. Points more than TRIM_US above that line were late, and it is drawn again without them.
 *
 * The count includes lost samples, so a loss that is known does not bend the line; one that is not
 * known yet only makes arrivals look late, and late ones do not count.
 *
 * What it cannot see: the constant part of the link's delay, which stays in every time.
 */

/** A minute of points: long enough for some 10 ppm, short enough to follow a crystal's temperature. */
const POINTS_MAX = 60;
const TRIM_US = 4_000;
/** Squared ratio of a point's error (3 ms) to the period's (0.5 %), in samples squared per hz squared. */
const PRIOR_WEIGHT = 0.36;
/** A measured period is known this much better than a nominal one. */
const LEARNED_WEIGHT = 100 * PRIOR_WEIGHT;
const LEARNED_POINTS = 10;
/** No crystal is this wrong; a fit that says so is not believed further. */
const RATE_ERROR_MAX = 0.02;
/** A delay counts once all chunks of this time, and at least so many, had it. */
const RECENT_US = 120_000;
const RECENT_CHUNKS_MIN = 4;
const RECENT_CHUNKS_MAX = 64;

interface Point {
  readonly n: number;
  readonly t: Micros;
}

export class SampleClock {
  readonly #nominal: number;
  #prior: number;
  #weight: number;
  /** The line: microseconds a sample, through #anchor. */
  #period: number;
  #anchor: Point | undefined;
  #points: Point[] = [];
  #best: Point | undefined;
  #bestLate = Number.POSITIVE_INFINITY;
  /** How late the newest samples of the last chunks were, in microseconds, and when they came. */
  #recent: { readonly t: Micros; late: number }[] = [];

  /** @param hz nominal rate, samples per second */
  constructor(hz: number) {
    this.#nominal = 1e6 / hz;
    this.#prior = this.#nominal;
    this.#period = this.#nominal;
    this.#weight = PRIOR_WEIGHT * hz * hz;
  }

  /** Samples per second of our clock. */
  get hz(): number {
    return 1e6 / this.#period;
  }

  /** Whether there is a line yet. */
  get started(): boolean {
    return this.#anchor !== undefined;
  }

  /** When sample `n` was taken, in microseconds with a fraction. Only for a clock that has started. */
  timeAt(n: number): number {
    const anchor = this.#anchor ?? { n, t: 0 };
    return anchor.t + (n - anchor.n) * this.#period;
  }

  /** The newest sample of a chunk is number `n`, losses included, and arrived at `t`. */
  arrived(n: number, t: Micros): void {
    this.#anchor ??= { n, t };
    let late = t - this.timeAt(n);
    if (this.#points.length === 0 && late < 0) {
      // Until the first point is made, the line goes through the least late arrival.
      this.#anchor = { n, t };
      late = 0;
    }
    this.#remember(t, late);
    if (late > this.#bestLate) return;
    this.#best = { n, t };
    this.#bestLate = late;
  }

  /** How late all of the last chunks were, at least; 0 or more microseconds. */
  get late(): number {
    if (this.#recent.length < RECENT_CHUNKS_MIN) return 0;
    return Math.max(0, Math.min(...this.#recent.map(({ late }) => late)));
  }

  /** The count turned out to be short by this many samples: that much of the lateness is explained. */
  advance(samples: number): void {
    for (const chunk of this.#recent) chunk.late -= samples * this.#period;
  }

  /** Draws the line again. To be called about once a second, when the count is known to be right. */
  mark(): void {
    if (!this.#best) return;
    this.#points.push(this.#best);
    if (this.#points.length > POINTS_MAX) this.#points.shift();
    this.#best = undefined;
    this.#bestLate = Number.POSITIVE_INFINITY;
    this.#fit(this.#points);
    const onTime = this.#points.filter((point) => point.t - this.timeAt(point.n) < TRIM_US);
    if (onTime.length > 0) this.#fit(onTime);
  }

  /** The device's count has begun anew, with a connection: only the period is still known. */
  restart(): void {
    this.forget();
    this.#anchor = undefined;
  }

  /** After an interruption: the line stays until there is a new point, but earlier ones do not count. */
  forget(): void {
    if (this.#points.length >= LEARNED_POINTS) {
      this.#prior = this.#period;
      this.#weight = LEARNED_WEIGHT * (1e6 / this.#nominal) ** 2;
    }
    this.#points = [];
    this.#best = undefined;
    this.#bestLate = Number.POSITIVE_INFINITY;
    this.#recent = [];
  }

  #remember(t: Micros, late: number): void {
    const recent = this.#recent;
    recent.push({ t, late });
    while (recent.length > RECENT_CHUNKS_MIN) {
      const first = recent[0];
      const old = first !== undefined && first.t < t - RECENT_US;
      if (!old && recent.length <= RECENT_CHUNKS_MAX) return;
      recent.shift();
    }
  }

  /** Least squares of the deviations from the prior period, so that large numbers cancel out first. */
  #fit(points: readonly Point[]): void {
    const origin = points[0];
    if (!origin) return;
    const xs = points.map(({ n }) => n - origin.n);
    const ys = points.map(({ t }, i) => t - origin.t - (xs[i] ?? 0) * this.#prior);
    const x0 = mean(xs);
    const y0 = mean(ys);
    const sxx = xs.reduce((sum, x) => sum + (x - x0) ** 2, this.#weight);
    const sxy = xs.reduce((sum, x, i) => sum + (x - x0) * ((ys[i] ?? 0) - y0), 0);
    const min = this.#nominal * (1 - RATE_ERROR_MAX);
    const max = this.#nominal * (1 + RATE_ERROR_MAX);
    this.#period = Math.min(max, Math.max(min, this.#prior + sxy / sxx));
    const slope = this.#period - this.#prior;
    this.#anchor = { n: origin.n, t: origin.t + y0 - slope * x0 };
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, v) => sum + v, 0) / values.length;
}

/**
 * Why samples are missing: `checksum` = bytes arrived damaged; `link` = the line was interrupted, and
 * the number is an estimate from time; `unexplained` = the device counted more than arrived.
 */
export type LossReason = 'checksum' | 'link' | 'unexplained';

export interface Loss {
  /** Position of the first missing sample in its stream. */
  readonly seq: number;
  readonly count: number;
  readonly reason: LossReason;
  /** Time of the first sample after it. */
  readonly t: Micros;
}

const ENTRIES_MAX = 64;

/** What one stream lost: totals for ever, and where and why for the last ENTRIES_MAX losses. */
export class LossLedger {
  readonly totals: Record<LossReason, number> = { checksum: 0, link: 0, unexplained: 0 };
  readonly #entries: Loss[] = [];

  add(loss: Loss): void {
    this.totals[loss.reason] += loss.count;
    this.#entries.push(loss);
    if (this.#entries.length > ENTRIES_MAX) this.#entries.shift();
  }

  /** Newest last. */
  get entries(): readonly Loss[] {
    return this.#entries;
  }

  health(): { readonly [key: string]: Json } {
    return { ...this.totals, last: this.#entries.map((entry) => ({ ...entry })) };
  }
}
