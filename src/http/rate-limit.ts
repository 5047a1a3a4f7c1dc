/**
 * How often each may ask: a bucket of tokens that fills at a steady rate, of which every request takes
 * one. What is full again is forgotten, so that only those who ask now take memory.
 */
import type { Clock } from '#core/clock.ts';
import { Problem } from './problem.ts';

/** Buckets at a time. Behind them the one that was used least lately is forgotten: it counts as full. */
const BUCKETS_MAX = 4_096;

export interface Rate {
  /** Tokens a second. */
  readonly perS: number;
  /** Tokens of a full bucket. */
  readonly burst: number;
}

interface Bucket {
  tokens: number;
  /** When it had so many, in microseconds of the clock. */
  at: number;
}

export class RateLimit {
  readonly #clock: Clock;
  readonly #rate: Rate;
  /** The one that was used last comes last. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: Clock, rate: Rate) {
    this.#clock = clock;
    this.#rate = rate;
  }

  /** How many are remembered now. */
  get size(): number {
    return this.#buckets.size;
  }

  /** Takes one token. Returns 0 where there was one, or the seconds until there is. */
  take(key: string): number {
    const { perS, burst } = this.#rate;
    const now = this.#clock.now();
    const { tokens, at } = this.#buckets.get(key) ?? { tokens: burst, at: now };
    const filled = Math.min(burst, tokens + ((now - at) / 1e6) * perS);
    this.#buckets.delete(key);
    this.#forget(now);
    const left = filled >= 1 ? filled - 1 : filled;
    this.#buckets.set(key, { tokens: left, at: now });
    return filled >= 1 ? 0 : (1 - filled) / perS;
  }

  /** Drops the oldest while they are full again, or too many. */
  #forget(now: number): void {
    const { perS, burst } = this.#rate;
    const fullUs = (burst / perS) * 1e6;
    for (const [key, { at }] of this.#buckets) {
      if (now - at < fullUs && this.#buckets.size < BUCKETS_MAX) return;
      this.#buckets.delete(key);
    }
  }

  /** @throws Problem 429 with when to come again, and the headers of draft-ietf-httpapi-ratelimit-headers-09 */
  check(key: string): void {
    const waitS = Math.ceil(this.take(key));
    if (waitS === 0) return;
    const { perS, burst } = this.#rate;
    throw new Problem(429, `At most ${perS} requests a second are answered.`, [], {
      'retry-after': String(waitS),
      ratelimit: `"api";r=0;t=${waitS}`,
      'ratelimit-policy': `"api";q=${burst};w=${Math.ceil(burst / perS)}`,
    });
  }
}
