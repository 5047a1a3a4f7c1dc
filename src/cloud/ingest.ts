import type { Clock } from '#core/clock.ts';
import { oneLine } from '#core/text.ts';
import type { Log } from '../io/log.ts';
import { decodeBatch } from '../wire/batch.ts';
import { BatchError } from '../wire/batch-error.ts';
import { type Place, parseUpTopic } from '../wire/topics.ts';
import type { Counters } from './counters.ts';
import { DatabaseError } from './database.ts';
import type { Verdict } from './queue.ts';
import { rowCountOf } from './rows.ts';
import type { Arrived, Stored } from './store.ts';

/**
 * From messages to commits. While one transaction runs, what comes in waits and is the next one, so
 * that there are as many batches in a transaction as the database needs. A message is done with when it
 * is committed, or put aside because nobody can store it; until then the broker has it.
 */

/** Rows of a transaction; one batch alone may have more. */
const GROUP_ROWS_MAX = 100_000;
const RETRY_MS_FIRST = 250;
const RETRY_MS_MAX = 15_000;
/** The broker cuts off who keeps a message for 30 minutes (consumer_timeout): it gets it back before. */
const HOLD_US_MAX = 10 * 60_000_000;
/** Of a reason, in a header. */
const REASON_CHARS_MAX = 500;

export interface IngestOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly counters: Counters;
  /** @throws DatabaseError */
  readonly store: (arrived: readonly Arrived[]) => Promise<Stored>;
  /** Something of this store of a gateway was committed. */
  readonly committed: (place: Place, store: string) => void;
  /** Keeps what nobody can store. Rejects where the broker is away. */
  readonly putAside: (body: Uint8Array, headers: Readonly<Record<string, string>>) => Promise<void>;
}

interface Waiting extends Arrived {
  readonly body: Uint8Array;
  readonly topic: string;
  readonly rows: number;
  readonly settle: (verdict: Promise<Verdict>) => void;
}

/** One lane: its transactions follow one another. */
export class Ingest {
  /** Whether the last transaction went through. */
  reachable = true;
  readonly #options: IngestOptions;
  readonly #stopping: AbortSignal;
  #waiting: Waiting[] = [];
  #running = false;

  constructor(options: IngestOptions, stopping: AbortSignal) {
    this.#options = options;
    this.#stopping = stopping;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Resolves when it is known what becomes of it. Rejects on a bug. */
  take(routingKey: string, body: Uint8Array): Promise<Verdict> {
    const { counters } = this.#options;
    counters.batches++;
    counters.bytes += body.length;
    try {
      const arrived = read(routingKey, body);
      const rows = rowCountOf(arrived.batch);
      return new Promise((settle) => {
        this.#waiting.push({ ...arrived, body, topic: routingKey, rows, settle });
        if (!this.#running) void this.#run();
      });
    } catch (error) {
      if (!(error instanceof BatchError)) throw error;
      return this.#putAside({ body, topic: routingKey }, error.code, error.message);
    }
  }

  async #run(): Promise<void> {
    this.#running = true;
    // What comes in the same turn of the event loop is one transaction.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const group = this.#nextGroup();
      await this.#settle(group).catch((bug: unknown) => {
        for (const one of group) one.settle(Promise.reject(bug));
      });
    }
    this.#running = false;
  }

  #nextGroup(): readonly Waiting[] {
    let rows = 0;
    const end = this.#waiting.findIndex((one, i) => {
      rows += one.rows;
      return i > 0 && rows > GROUP_ROWS_MAX;
    });
    return this.#waiting.splice(0, end < 0 ? this.#waiting.length : end);
  }

  /** Stores them, whatever it takes; where the database refuses what is in one, each by itself. */
  async #settle(group: readonly Waiting[]): Promise<void> {
    try {
      const stored = await this.#storeAtLast(group);
      if (stored) this.#committed(group, stored);
      else this.#giveBack(group);
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.code !== 'BAD_DATA') throw error;
      const [only] = group;
      if (only !== undefined && group.length === 1) {
        only.settle(this.#putAside(only, error.code, error.message));
      } else for (const one of group) await this.#settle([one]);
    }
  }

  #committed(group: readonly Waiting[], { refused, rows, inserted }: Stored): void {
    const { counters, committed } = this.#options;
    counters.rows += rows;
    counters.duplicates += rows - inserted;
    for (const one of group) {
      const reason = refused.get(one);
      if (reason === undefined) {
        one.settle(Promise.resolve('done'));
        committed(one.place, one.batch.head.store);
      } else one.settle(this.#putAside(one, 'REFUSED', reason));
    }
  }

  #giveBack(group: readonly Waiting[]): void {
    this.#options.counters.returned += group.length;
    for (const { settle } of group) settle(Promise.resolve('again'));
  }

  /** Tries until the database is there. Undefined when the broker is to have them back. */
  async #storeAtLast(group: readonly Waiting[]): Promise<Stored | undefined> {
    const { clock, counters, log, store } = this.#options;
    const begun = clock.now();
    let retryMs = RETRY_MS_FIRST;
    while (!this.#stopping.aborted && clock.now() - begun < HOLD_US_MAX) {
      const start = clock.now();
      try {
        const stored = await store(group);
        counters.commits++;
        counters.commitS += (clock.now() - start) / 1e6;
        this.reachable = true;
        return stored;
      } catch (error) {
        if (!(error instanceof DatabaseError) || error.code !== 'UNAVAILABLE') throw error;
        counters.retries++;
        this.reachable = false;
        log.warn({ source: 'database', retryMs, batches: group.length }, error.message);
        await clock.sleep(retryMs, this.#stopping).catch(() => {}); // The stop ends the loop.
        retryMs = Math.min(2 * retryMs, RETRY_MS_MAX);
      }
    }
    return undefined;
  }

  /** It is done with when the broker has it there; else it comes again, and is put aside then. */
  async #putAside(
    { body, topic }: { readonly body: Uint8Array; readonly topic: string },
    code: string,
    reason: string,
  ): Promise<Verdict> {
    const { counters, log, putAside } = this.#options;
    counters.refuse(code);
    log.warn({ source: 'ingest', topic, code, bytes: body.length }, `put aside: ${reason}`);
    try {
      await putAside(body, { topic, code, reason: oneLine(reason, REASON_CHARS_MAX) });
      return 'done';
    } catch (error) {
      counters.returned++;
      log.warn({ source: 'ingest', topic }, `not put aside: ${String(error)}`);
      return 'again';
    }
  }
}

/** @throws BatchError */
function read(routingKey: string, body: Uint8Array): Arrived {
  const topic = parseUpTopic(routingKey, '.');
  if (topic === undefined) throw new BatchError('BAD_HEAD', `no topic of a batch: ${routingKey}`);
  const batch = decodeBatch(body);
  const { dev } = batch.head;
  // The broker lets a gateway publish under its own name alone; what it says inside is only said.
  if (dev !== topic.device) {
    throw new BatchError('BAD_HEAD', `a batch of ${dev} came from ${topic.device}`);
  }
  return { place: { tenant: topic.tenant, device: topic.device }, batch };
}
