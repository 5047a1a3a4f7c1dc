import type { Clock } from './clock.ts';
import type { Micros } from './stream.ts';

/** How often one name may do something. */
export interface Rate {
  /** On the average; a million at most. */
  readonly perS: number;
  /** At once, after a pause. */
  readonly burst: number;
}

export interface TokenBucketsOptions extends Rate {
  /** Names that are kept; beyond them the one that was seen longest ago is forgotten: it counts as full. */
  readonly namesMax: number;
}

/**
 * A bucket of tokens each for many names, which fills at a steady rate and of which every try takes one.
 * Who finds none is told when the next will be there, and is never locked out for longer.
 *
 * What is kept of a bucket is when it will be full, which each token puts off by its share of the time:
 * the virtual scheduling of ITU-T I.371. What is full again is forgotten, so that only those who
 * try now take memory.
 */
export class TokenBuckets {
  /** Turned away since the start. */
  refused = 0;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #burst: number;
  readonly #namesMax: number;
  /** In which one token comes. Whole, so that sums of it are exact. */
  readonly #share: Micros;
  /** The one that was seen last comes last. */
  readonly #fullAt = new Map<string, Micros>();

  constructor(clock: Pick<Clock, 'now'>, { perS, burst, namesMax }: TokenBucketsOptions) {
    this.#clock = clock;
    this.#burst = burst;
    this.#namesMax = namesMax;
    this.#share = Math.round(1e6 / perS);
  }

  /** How many names are kept now. */
  get size(): number {
    return this.#fullAt.size;
  }

  /** Takes one token of a name. Returns 0 where there was one, or the seconds until there is. */
  take(name: string): number {
    const now = this.#clock.now();
    const fullAt = Math.max(now, this.#fullAt.get(name) ?? now);
    const wait = fullAt - now - (this.#burst - 1) * this.#share;
    this.#fullAt.delete(name);
    this.#makeRoom(now);
    this.#fullAt.set(name, wait > 0 ? fullAt : fullAt + this.#share);
    if (wait <= 0) return 0;
    this.refused++;
    return wait / 1e6;
  }

  /** Gives one token back that was taken: it does not count. */
  giveBack(name: string): void {
    const fullAt = this.#fullAt.get(name);
    if (fullAt !== undefined) this.#fullAt.set(name, fullAt - this.#share);
  }

  /** Fills the bucket of a name, as after a log-in that was right. */
  forget(name: string): void {
    this.#fullAt.delete(name);
  }

  /** Forgets the oldest while they are full again, or one more would be too many. */
  #makeRoom(now: Micros): void {
    for (const [name, fullAt] of this.#fullAt) {
      if (fullAt > now && this.#fullAt.size < this.#namesMax) return;
      this.#fullAt.delete(name);
    }
  }
}
