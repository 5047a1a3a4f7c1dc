import type { Ledger } from '#core/ledger.ts';
import type { Session, SessionStats, Span } from '#core/session.ts';
import type { Json } from '#core/stream.ts';
import { expected } from './errors.ts';

/**
 * Computes the statistics of ended sessions, one session at a time: each is a walk through hours of
 * data, and nobody waits for it. One that fails is left without until it is added again.
 */
export class StatisticsQueue {
  readonly #ledger: Ledger<number, Session>;
  readonly #compute: (spans: readonly Span[]) => Promise<SessionStats>;
  /** Added since the last run. */
  readonly #fresh = new Set<number>();
  readonly #due = new Set<number>();
  readonly #failed = new Set<number>();
  #failure = '';
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(
    ledger: Ledger<number, Session>,
    compute: (spans: readonly Span[]) => Promise<SessionStats>,
  ) {
    this.#ledger = ledger;
    this.#compute = compute;
  }

  /**
   * The session has ended and has none. They are computed by the second `run` from now: what was measured
   * before its end may still be on its way, as a block of a wave is until it is full.
   */
  add(id: number): void {
    if (!this.#due.has(id)) this.#fresh.add(id);
  }

  forget(id: number): void {
    this.#fresh.delete(id);
    this.#due.delete(id);
    this.#failed.delete(id);
  }

  /** Works until none is left of those that are due. Resolves then, or after a stop. */
  run(): Promise<void> {
    if (this.#due.size > 0) this.#running ??= this.#work([...this.#due]);
    for (const id of this.#fresh) this.#due.add(id);
    this.#fresh.clear();
    return this.#running ?? Promise.resolve();
  }

  /** Resolves when the session at hand is done; those that are left have to wait for the next start. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  health(): { readonly [key: string]: Json } {
    return {
      statisticsDue: this.#fresh.size + this.#due.size,
      statisticsFailed: this.#failed.size,
      statisticsFailure: this.#failure,
    };
  }

  async #work(ids: readonly number[]): Promise<void> {
    try {
      for (const id of ids) {
        await this.#one(id);
        this.#due.delete(id);
        if (this.#stopped) return;
      }
    } finally {
      this.#running = undefined;
    }
  }

  async #one(id: number): Promise<void> {
    const session = this.#ledger.get(id);
    if (!session) return;
    try {
      const stats = await this.#compute(session.spans);
      this.#failed.delete(id);
      // It may have been renamed meanwhile, or removed.
      const now = this.#ledger.get(id);
      if (now) void this.#ledger.put({ ...now, stats });
    } catch (error) {
      this.#failure = expected(error).message;
      if (this.#ledger.get(id)) this.#failed.add(id);
    }
  }
}
