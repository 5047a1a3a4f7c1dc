import type { Micros } from '#core/stream.ts';

/**
 * Identifiers that are told apart on one bus; cars have 50 to 300. The frames of any others, as a flood
 * of random ones brings, are recorded and decoded like all, but nobody learns how often they come.
 */
export const IDS_MAX = 2_048;
/** A rhythm is known after so many frames in a row that kept it. */
const LEARN_FRAMES = 10;
/** Whoever has been silent for so many of their periods has stopped, and for a second at least. */
const STOPPED_PERIODS = 10;
const STOPPED_US_MIN = 1_000_000;
/** How fast a period follows a changed one: the newest counts for one of so many. */
const PERIOD_FRAMES = 16;

/** One identifier of a bus, and the rhythm in which its frames come. */
export class KnownId<Signals> {
  readonly id: number;
  readonly extended: boolean;
  /** What its frames mean; undefined where no DBC file says so. */
  signals: Signals | undefined;
  frames = 0;
  #lastAt: Micros = 0;
  #periodUs = 0;
  /** Frames that kept the rhythm. */
  #inRhythm = 0;

  constructor(id: number, extended: boolean, signals: Signals | undefined) {
    this.id = id;
    this.extended = extended;
    this.signals = signals;
  }

  seen(t: Micros): void {
    const gap = t - this.#lastAt;
    this.#lastAt = t;
    if (this.frames++ === 0) return;
    if (this.#inRhythm > 0 && gap >= this.#limitUs()) {
      // It had stopped: what it does now is learnt anew, and the pause is no part of it.
      this.#inRhythm = 0;
      return;
    }
    if (gap * STOPPED_PERIODS < this.#periodUs) {
      // What was taken for its rhythm was a pause.
      this.#inRhythm = 0;
      this.#periodUs = 0;
    }
    this.#inRhythm++;
    this.#periodUs += (gap - this.#periodUs) / Math.min(this.#inRhythm, PERIOD_FRAMES);
  }

  /** Microseconds between two frames; undefined until it is known. */
  get periodUs(): number | undefined {
    return this.#inRhythm >= LEARN_FRAMES ? this.#periodUs : undefined;
  }

  /** Whether it came in a rhythm, and comes no more. */
  hasStopped(now: Micros): boolean {
    return this.periodUs !== undefined && now - this.#lastAt >= this.#limitUs();
  }

  /** How long it has been silent, us. */
  silentUs(now: Micros): number {
    return now - this.#lastAt;
  }

  #limitUs(): number {
    return Math.max(STOPPED_PERIODS * this.#periodUs, STOPPED_US_MIN);
  }
}

/** What the frames of an identifier mean; undefined where no DBC file says so. */
type SignalsOf<Signals> = (id: number, extended: boolean) => Signals | undefined;

/** The identifiers that have been seen on a bus. */
export class IdTable<Signals> {
  /** Frames of those that came after IDS_MAX others. */
  untracked = 0;
  readonly #signalsOf: SignalsOf<Signals>;
  /** Those of 11 bits by themselves: looking them up is the first thing that every frame costs. */
  readonly #standard: (KnownId<Signals> | undefined)[] = Array.from({ length: 2 ** 11 });
  readonly #extended = new Map<number, KnownId<Signals>>();
  #size = 0;

  constructor(signalsOf: SignalsOf<Signals>) {
    this.#signalsOf = signalsOf;
  }

  get size(): number {
    return this.#size;
  }

  /** Counts a frame. Undefined where its identifier is one too many. */
  take(id: number, extended: boolean, t: Micros): KnownId<Signals> | undefined {
    const known =
      (extended ? this.#extended.get(id) : this.#standard[id]) ?? this.#add(id, extended);
    if (known === undefined) this.untracked++;
    else known.seen(t);
    return known;
  }

  /** What the frames mean has changed. */
  renew(): void {
    for (const known of this.all()) known.signals = this.#signalsOf(known.id, known.extended);
  }

  *all(): Generator<KnownId<Signals>> {
    for (const known of this.#standard) if (known !== undefined) yield known;
    yield* this.#extended.values();
  }

  #add(id: number, extended: boolean): KnownId<Signals> | undefined {
    if (this.#size >= IDS_MAX) return undefined;
    this.#size++;
    const known = new KnownId(id, extended, this.#signalsOf(id, extended));
    if (extended) this.#extended.set(id, known);
    else this.#standard[id] = known;
    return known;
  }
}
