/** How much everybody together, and each alone, may ask of the gateway; what comes behind is refused and counted. */
import type { Clock } from '#core/clock.ts';
import { type Rate, TokenBuckets } from '#core/token-buckets.ts';
import { networkOf } from '../accounts/network.ts';
import type { RequestHead } from './message.ts';
import { Problem } from './problem.ts';
import { PREFIXES } from './router.ts';

export interface Limits {
  /** WebSocket connections; one more is answered with 503. */
  readonly clientsMax: number;
  /**
   * Of them, those that have not said who they are, and have time to; one more is answered with 503. One
   * that comes with a token is as good as in, or out.
   */
  readonly strangersMax: number;
  /** WebSockets that may be opened; one that comes faster is answered with 503. */
  readonly handshakes: Rate;
  /** Requests to the API of one address, and of one user; one that comes faster is answered with 429. */
  readonly api: Rate;
  /** A body that takes longer is answered with 408; where it is not that of bodies.ts. */
  readonly bodySeconds?: number;
  /** Of all bodies in memory; where it is not that of bodies.ts. */
  readonly bodyBytes?: number;
}

export const LIMITS: Limits = {
  clientsMax: 200,
  strangersMax: 64,
  handshakes: { perS: 200, burst: 200 },
  api: { perS: 50, burst: 100 },
};
/** Addresses and users of whom it is known how often they have asked. */
const NAMES_MAX = 4_096;
/** When a WebSocket that was refused may come again. */
const RETRY_AFTER_S = '5';
/** It is what tells whether the gateway lives, to those who ask all the time. */
const UNCOUNTED: readonly string[] = PREFIXES.map((prefix) => `${prefix}/health`);

/** Refused since the start. */
export interface LimitStats {
  /** Requests, with 429. */
  limited: number;
  /** WebSockets that came faster than they may. */
  shed: number;
}

export class Limiter {
  readonly stats: LimitStats = { limited: 0, shed: 0 };
  /** WebSockets that are open. */
  readonly connections = { now: 0 };
  readonly #limits: Limits;
  readonly #api: TokenBuckets;
  readonly #handshakes: TokenBuckets;

  constructor(clock: Clock, overrides: Partial<Limits> = {}) {
    this.#limits = { ...LIMITS, ...overrides };
    this.#api = new TokenBuckets(clock, { ...this.#limits.api, namesMax: NAMES_MAX });
    this.#handshakes = new TokenBuckets(clock, { ...this.#limits.handshakes, namesMax: 1 });
  }

  /** Counts a request to the API, by where it comes from. @throws Problem 429 */
  checkRequest({ path, remote }: RequestHead): void {
    // One with a percent sign may be the same, written otherwise.
    const isApi = path.startsWith('/api/') || path.includes('%');
    if (!isApi || UNCOUNTED.includes(path)) return;
    this.#check(`at ${networkOf(remote.address)}`);
  }

  /** Counts one of somebody who has logged in. @throws Problem 429 */
  checkUser(id: string): void {
    this.#check(`of ${id}`);
  }

  /**
   * @param strangers WebSockets of those who have not said who they are
   * @throws Problem 503
   */
  checkSocket({ headers }: RequestHead, strangers: number): void {
    const { clientsMax, strangersMax } = this.#limits;
    if (this.#handshakes.take('all') > 0) {
      this.stats.shed++;
      throw crowded('Too many clients are connecting at this moment.');
    }
    if (strangers >= strangersMax && !headers.has('authorization')) {
      throw crowded('Too many clients are logging in at this moment.');
    }
    if (this.connections.now >= clientsMax) {
      throw crowded('As many clients as there may be are connected.');
    }
  }

  #check(name: string): void {
    const waitS = Math.ceil(this.#api.take(name));
    if (waitS === 0) return;
    this.stats.limited++;
    throw tooOften(this.#limits.api, waitS);
  }
}

/** With when to come again, and the headers of draft-ietf-httpapi-ratelimit-headers-09. */
function tooOften({ perS, burst }: Rate, waitS: number): Problem {
  return new Problem(429, `At most ${perS} requests a second are answered.`, [], {
    'retry-after': String(waitS),
    ratelimit: `"api";r=0;t=${waitS}`,
    'ratelimit-policy': `"api";q=${burst};w=${Math.ceil(burst / perS)}`,
  });
}

function crowded(detail: string): Problem {
  return new Problem(503, detail, [], { 'retry-after': RETRY_AFTER_S });
}
