import type { Clock } from '#core/clock.ts';
import { isExpected } from '#core/errors.ts';
import type { Micros } from '#core/stream.ts';
import type { Lane } from './lane.ts';
import type { Cursor, Queue } from './queue.ts';

/**
 * Cursors are written so often at most, but for those of alerts, which are written at once: a commit costs
 * the SD card some 20 KB, as much as a car writes in 4 s. A kill costs nothing but a minute of duplicates,
 * and none where the broker still has the cloud's last word, which is retained.
 */
const KEEP_US = 60_000_000;
/** Those that could not be written are tried again sooner. */
const RETRY_US = 5_000_000;

/** What the cursors are of. */
export interface Cursored {
  /** Empty before there is one. */
  readonly store: string;
  readonly lanes: ReadonlyMap<number, Lane>;
}

/**
 * Makes the cursors durable, and then tells the store what it may evict. Cursors of a store that has gone
 * are nobody's: its numbers and seqs mean something else in the next one.
 */
export class CursorKeeper {
  /** Why the last try failed. */
  failure: Error | undefined;
  readonly #queue: Queue;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #feed: Cursored;
  #dirty = false;
  #urgent = false;
  #keptAt: Micros = Number.NEGATIVE_INFINITY;
  #keeping: Promise<void> | undefined;
  #bug: unknown;

  constructor(queue: Queue, clock: Pick<Clock, 'now'>, feed: Cursored) {
    this.#queue = queue;
    this.#clock = clock;
    this.#feed = feed;
  }

  /** Nothing of P0 that the cloud does not have may be evicted. */
  hold(): void {
    this.#queue.keep(this.#needed());
  }

  moved(lanes: readonly Lane[]): void {
    if (lanes.length === 0) return;
    this.#dirty = true;
    this.#urgent ||= lanes.some(({ alert }) => alert);
  }

  /** Begins to write when it is time. @throws a bug of an earlier write */
  tick(): void {
    if (this.#bug !== undefined) throw this.#bug;
    if (!this.#isTheirs) return;
    const restUs = this.failure ? RETRY_US : KEEP_US;
    const due = this.#urgent || this.#clock.now() - this.#keptAt >= restUs;
    if (!this.#dirty || !due || this.#keeping !== undefined) return;
    this.#keeping = this.#keep().finally(() => {
      this.#keeping = undefined;
    });
  }

  /** Writes whatever is not written yet. */
  async flush(): Promise<void> {
    await this.#keeping;
    if (this.#dirty && this.#isTheirs) await this.#keep();
    if (this.#bug !== undefined) throw this.#bug;
  }

  get #isTheirs(): boolean {
    return this.#feed.store !== '' && this.#queue.store === this.#feed.store;
  }

  async #keep(): Promise<void> {
    this.#dirty = false;
    this.#urgent = false;
    this.#keptAt = this.#clock.now();
    const { store } = this.#feed;
    const needed = this.#needed();
    try {
      await this.#queue.keepCursors(this.#cursors());
      this.failure = undefined;
      if (this.#feed.store === store) this.#queue.keep(needed);
    } catch (error) {
      this.#dirty = true;
      if (isExpected(error)) this.failure = error;
      else this.#bug = error;
    }
  }

  #cursors(): Map<number, Cursor> {
    const cursors = new Map<number, Cursor>();
    for (const { number, acked, ackedAt } of this.#feed.lanes.values()) {
      if (acked > 0) cursors.set(number, { next: acked, at: ackedAt });
    }
    return cursors;
  }

  #needed(): Map<number, number> {
    const needed = new Map<number, number>();
    for (const { number, priority, acked } of this.#feed.lanes.values()) {
      if (priority === 'p0') needed.set(number, acked);
    }
    return needed;
  }
}
