import type { Clock } from '#core/clock.ts';
import type { Micros } from '#core/stream.ts';
import { spoken } from './status.ts';

/** So long nothing may come back, before everything is sent again. */
const STALL_US_FIRST = 30_000_000;
/** Pauses double up to this: a broker whose ingest is down would fill, and the budget would be spent on nothing. */
const STALL_US_MAX = 1_800_000_000;

/**
 * Notices that nothing comes back. `stalled`: the broker takes what we send and the cloud acknowledges
 * none of it; `deaf`: not even the broker confirms, so that the connection is worth nothing.
 */
export class Stall {
  /** Times in a row that everything was sent again without an acknowledgement. */
  count = 0;
  /** When the cloud last acknowledged something, or when it began to owe us one. */
  since: Micros = 0;
  /** When the cloud last acknowledged something. */
  lastAckAt: Micros | undefined;
  readonly #clock: Pick<Clock, 'now'>;
  /** Nothing is owed while nothing was sent. */
  #isOwed = false;
  #sentAgainAt: Micros = 0;
  #confirmedAt: Micros = 0;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** @param isFirst nothing else waits for a PUBACK */
  sent(isFirst: boolean): void {
    const now = this.#clock.now();
    if (isFirst) this.#confirmedAt = now;
    if (this.#isOwed) return;
    this.#isOwed = true;
    this.#sentAgainAt = now;
    if (this.count === 0) this.since = now;
  }

  /** A PUBACK came. */
  confirmed(): void {
    this.#confirmedAt = this.#clock.now();
  }

  /** The cloud has acknowledged something. */
  progressed(): void {
    const now = this.#clock.now();
    this.count = 0;
    this.since = now;
    this.lastAckAt = now;
    this.#sentAgainAt = now;
  }

  reconnected(): void {
    this.#isOwed = false;
  }

  /** For a person, without the name of the broker. */
  sentence(): string {
    const since = spoken(this.#clock.now() - this.since);
    return `it takes what we send, but the cloud has acknowledged nothing for ${since}; is its ingest running?`;
  }

  check(hasUnacked: boolean, hasUnconfirmed: boolean): 'ok' | 'stalled' | 'deaf' {
    const now = this.#clock.now();
    if (hasUnconfirmed && now - this.#confirmedAt >= STALL_US_FIRST) return 'deaf';
    if (!hasUnacked) this.#isOwed = false;
    if (!this.#isOwed) return 'ok';
    const limit = Math.min(STALL_US_FIRST * 2 ** this.count, STALL_US_MAX);
    if (now - this.#sentAgainAt < limit) return 'ok';
    this.count++;
    this.#isOwed = false;
    return 'stalled';
  }
}
