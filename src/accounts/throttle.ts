import type { Clock } from '#core/clock.ts';
import type { Micros } from '#core/stream.ts';

export interface ThrottleOptions {
  readonly clock: Pick<Clock, 'now'>;
  readonly burst: number;
  readonly perMinute: number;
  /** Names that are kept; beyond them the one that was seen longest ago is forgotten. */
  readonly namesMax: number;
}

/**
 * A token bucket each for many names: `burst` tries at once, `perMinute` on the average. Who has none
 * left is told when the next will be, and is never locked out for longer.
 */
export class Throttle {
  /** Turned away since the start. */
  refused = 0;
  readonly #options: ThrottleOptions;
  /**
   * When each would have all of its tries back, in microseconds, in the order in which they were seen
   * last. Each try puts it off by a try's share of a minute.
   */
  readonly #fullAt = new Map<string, Micros>();

  constructor(options: ThrottleOptions) {
    this.#options = options;
  }

  /** Takes one try of a name. Seconds until it may have one, at least 1; 0 where it was given. */
  take(name: string): number {
    const { clock, burst, perMinute } = this.#options;
    const share = 60e6 / perMinute;
    const now = clock.now();
    const fullAt = Math.max(now, this.#fullAt.get(name) ?? now);
    const wait = fullAt - now - (burst - 1) * share;
    this.#see(name, wait > 0 ? fullAt : fullAt + share);
    if (wait <= 0) return 0;
    this.refused++;
    return Math.ceil(wait / 1e6);
  }

  /** Gives one try back that was given: it does not count. */
  giveBack(name: string): void {
    const fullAt = this.#fullAt.get(name);
    if (fullAt !== undefined) this.#fullAt.set(name, fullAt - 60e6 / this.#options.perMinute);
  }

  /** Gives a name all of its tries back, as after a log-in that was right. */
  forget(name: string): void {
    this.#fullAt.delete(name);
  }

  #see(name: string, fullAt: Micros): void {
    this.#fullAt.delete(name);
    this.#fullAt.set(name, fullAt);
    const [oldest] = this.#fullAt.keys();
    if (this.#fullAt.size > this.#options.namesMax && oldest !== undefined) this.forget(oldest);
  }
}
