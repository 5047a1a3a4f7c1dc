/**
 * When a value is worth a message.
 *
 * - On change: when it is further from what was told last than the stream's deadband.
 * - At most every MIN_US. One that comes sooner waits until then; a newer one takes its place and not its
 *   time, so that a stream that never rests is told of all the same. Where nobody subscribes to it,
 *   UNWANTED_US: what is kept for whoever comes is no older than that.
 * - At least every MAX_US while the source is alive: who reads a retained value can tell by its age
 *   that nobody would have told them of another.
 *
 * With every value goes its quality: GOOD while what measures it is there, UNCERTAIN once its source is
 * lost or, of a stream that has a rate, once it has not come for STALE_PERIODS of it and STALE_US. The
 * value itself stays, as the last that was known: a program that only shows it needs nothing, one that
 * decides by it looks at `q`, and Home Assistant, which looks at `avail/<source>`, shows it as unavailable.
 */
import type { Micros, Sample, Stream } from '#core/stream.ts';

/** 5 Hz: a person sees no more, and a dashboard on a phone draws no more. */
export const MIN_US = 200_000;
/** Most of a broker's work on a Pi would else be values that nobody looks at. */
export const UNWANTED_US = 2_000_000;
const MAX_US = 60_000_000;
/** Of the range: an analogue needle moves by less than a person can see. */
const RANGE_SHARE = 0.001;
/** What is rounded differs by less than this share of a step; two counts differ by one step at least. */
const STEP_SHARE = 0.5;
const STALE_PERIODS = 10;
/** A slow adapter asks for fast values as rarely as it must. */
const STALE_US = 30_000_000;

export const GOOD = 0;
const UNCERTAIN = 1;
export type Quality = typeof GOOD | typeof UNCERTAIN;

/** A value as it is told. */
interface Told {
  readonly sample: Sample;
  readonly q: Quality;
  readonly at: Micros;
}

/**
 * How far a value may be from the one that was told last: less than a step of a device that counts, as
 * every count is a value of its own; else a thousandth of the range or of the value, whichever is less,
 * since the range may be all that 32 bits can express. Undefined: no such distance makes sense, as of
 * states, and of a stream that reports only on change, so that all it says is news.
 */
function deadbandOf(stream: Stream): ((told: number) => number) | undefined {
  const { step, range, hz, states } = stream;
  if (states || hz === 0) return undefined;
  if (step) {
    const band = (Math.abs(step.mul) / step.div) * STEP_SHARE;
    return () => band;
  }
  const share = (range[1] - range[0]) * RANGE_SHARE;
  return (told) => Math.min(share, Math.abs(told) * RANGE_SHARE);
}

/** One stream of samples: what was told of it, and what waits. */
export class Pace {
  readonly stream: Stream;
  /** Values that were near enough to what was told, or made room for a newer one. */
  suppressed = 0;
  /** Whether the newest value waits to be told. */
  waits = false;
  told: Told | undefined;
  readonly #deadband: ((told: number) => number) | undefined;
  readonly #staleUs: number;
  #newest: Sample | undefined;
  /** When the newest came, on the clock that subscribers wait by. */
  #cameAt: Micros = 0;

  constructor(stream: Stream) {
    this.stream = stream;
    this.#deadband = deadbandOf(stream);
    const staleUs = stream.hz > 0 ? (STALE_PERIODS * 1e6) / stream.hz : Number.POSITIVE_INFINITY;
    this.#staleUs = Math.max(staleUs, STALE_US);
  }

  /** Takes a value. True where one waits now and none did before. */
  offer(sample: Sample, now: Micros): boolean {
    this.#newest = sample;
    this.#cameAt = now;
    if (!this.waits && this.#isDue(sample, now)) {
      this.waits = true;
      return true;
    }
    this.suppressed++;
    return false;
  }

  /** How long ago it was told last, us; Infinity where it never was. */
  age(now: Micros): number {
    return this.told === undefined ? Number.POSITIVE_INFINITY : now - this.told.at;
  }

  /** Takes what waits; undefined where it has come back to what was told, and so is no news any more. */
  take(now: Micros): Sample | undefined {
    this.waits = false;
    const newest = this.#newest;
    if (newest !== undefined && this.#isDue(newest, now)) return newest;
    this.suppressed++;
    return undefined;
  }

  /** It has been told. */
  tell(sample: Sample, q: Quality, now: Micros): void {
    this.told = { sample, q, at: now };
  }

  /** What is to be said of it though no value came: that it is uncertain by now, or is still what it was. */
  repeat(now: Micros, isLost: boolean): Quality | undefined {
    if (this.told === undefined || this.waits) return undefined;
    const isStale = isLost || now - this.#cameAt >= this.#staleUs;
    if (isStale) return this.told.q === UNCERTAIN ? undefined : UNCERTAIN;
    return this.told.q === GOOD && this.age(now) >= MAX_US ? GOOD : undefined;
  }

  #isDue(sample: Sample, now: Micros): boolean {
    return this.#isNews(sample.v) || this.age(now) >= MAX_US;
  }

  #isNews(v: number): boolean {
    if (this.told === undefined || this.told.q === UNCERTAIN) return true;
    const before = this.told.sample.v;
    if (this.#deadband === undefined) {
      return this.stream.states ? !Object.is(v, before) : this.#newest !== this.told.sample;
    }
    // What is no number is news exactly when the other one is.
    if (Number.isNaN(v) || Number.isNaN(before)) return Number.isNaN(v) !== Number.isNaN(before);
    return Math.abs(v - before) > this.#deadband(before);
  }
}

/** Puts off what is to follow a change until it is quiet, but not for ever. */
export class Debounce {
  readonly #quietUs: number;
  readonly #waitUsMax: number;
  #firstAt: Micros | undefined;
  #lastAt: Micros = 0;

  /** @param waitUsMax after the first change it happens, quiet or not */
  constructor(quietUs: number, waitUsMax: number) {
    this.#quietUs = quietUs;
    this.#waitUsMax = waitUsMax;
  }

  changed(now: Micros): void {
    this.#firstAt ??= now;
    this.#lastAt = now;
  }

  /** True once after changes. */
  isDue(now: Micros): boolean {
    if (this.#firstAt === undefined) return false;
    const isQuiet = now - this.#lastAt >= this.#quietUs;
    if (!isQuiet && now - this.#firstAt < this.#waitUsMax) return false;
    this.#firstAt = undefined;
    return true;
  }
}
