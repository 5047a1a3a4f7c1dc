/**
 * The gateway of the power cut test, in a process of its own: records the model on the disk that is
 * being watched, and notes after each acknowledgement how far the log of the disk's writes was.
 *
 *   node writer.ts '<WriterOrder as JSON>'
 */
import { appendFileSync, statSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { SLOT_US } from '../../src/codec/slot.ts';
import { parseBlockKey, parseEventKey } from '../../src/store/keys.ts';
import { Store } from '../../src/store/store.ts';
import { fastClock } from '../support/fast-clock.ts';
import { elementAt, MODEL, RING_TABLES, readingsOf, START_US } from './model.ts';
import { newestRecord, recordChanges } from './records.ts';

/** So much of the small disk stays free. */
export const LOW_BYTES = 2 ** 20;
const SPEED = 100;
const PUMP_MS = 4;
/** Acknowledgements for each commit of a record. */
const ACKS_PER_COMMIT = 3;

export interface WriterOrder {
  readonly directory: string;
  /** Log of the disk's writes. */
  readonly log: string;
  /** Where the acknowledgements go, outside the disk. */
  readonly acks: string;
  readonly epoch: number;
  readonly quotaBytes: number;
  /** Of real time. */
  readonly seconds: number;
  /** Whether it is killed in the middle of everything, instead of being stopped. */
  readonly killed: boolean;
}

/** Of the ring, in one table: there is nothing before it. */
export interface Oldest {
  readonly epoch: number;
  readonly t: number;
}

/** One acknowledgement. */
export interface Ack {
  readonly epoch: number;
  /** Bytes of the log at the latest when it came. */
  readonly at: number;
  /** By stream id: the element behind the last one that is durable. */
  readonly next: Readonly<Record<string, number>>;
  /** By stream id, noted after `at`: the element behind the last one that was recorded at all. */
  readonly taken: Readonly<Record<string, number>>;
  /** Number of the last record committed. */
  readonly records: number;
  /** By table, looked up after `at`; null where the store was closed already. */
  readonly oldest: Readonly<Record<string, Oldest>> | null;
}

class Writer {
  readonly #order: WriterOrder;
  readonly #store: Store;
  readonly #clock = fastClock(SPEED, START_US);
  readonly #next = new Map(MODEL.map((one) => [one, elementAt(one, START_US)]));
  readonly #stop = new AbortController();
  #records = 0;

  constructor(order: WriterOrder) {
    const { directory, epoch, quotaBytes } = order;
    this.#order = order;
    const complain = (_fields: object, text: string): void => {
      throw new Error(`the store complains: ${text}`);
    };
    this.#store = new Store({
      directory,
      quotaBytes,
      lowBytes: LOW_BYTES,
      epoch: { id: epoch, wallMs: 0, trust: 'none', bootId: 'one', monotonicMs: 0 },
      clock: this.#clock,
      log: { debug: () => {}, info: () => {}, warn: complain, error: complain },
      pinned: () => [],
    });
  }

  async run(): Promise<void> {
    const { seconds, killed } = this.#order;
    const running = this.#store.run(this.#stop.signal);
    await this.#store.settled;
    this.#records = newestRecord(this.#store.reads);
    this.#note(this.#taken());
    const pumping = this.#pump();
    const acknowledging = this.#acknowledge();
    await pause(seconds * 1000);
    if (killed) process.kill(process.pid, 'SIGKILL');
    this.#stop.abort();
    await Promise.all([pumping, acknowledging]);
    await running;
    this.#note(this.#taken(), true);
  }

  async #pump(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const now = this.#clock.now();
      for (const [one, from] of this.#next) {
        const to = elementAt(one, now);
        this.#store.take(readingsOf(one, this.#order.epoch, from, to));
        this.#next.set(one, to);
      }
      await pause(PUMP_MS);
    }
  }

  async #acknowledge(): Promise<void> {
    for (let i = 0; !this.#stop.signal.aborted; i++) {
      const taken = this.#taken();
      await this.#store.durable();
      // The store closes as soon as it is told to stop, and takes and shows nothing then.
      if (i % ACKS_PER_COMMIT === 0 && !this.#stop.signal.aborted) {
        await this.#store.commit(recordChanges(this.#records + 1));
        this.#records++;
      }
      this.#note(taken, this.#stop.signal.aborted);
      await pause(PUMP_MS);
    }
  }

  #taken(): Record<string, number> {
    return Object.fromEntries([...this.#next].map(([{ stream }, next]) => [stream.id, next]));
  }

  #note(next: Record<string, number>, closed = false): void {
    const { log, acks, epoch } = this.#order;
    const at = statSync(log).size;
    const oldest = closed ? null : this.#oldest();
    const ack: Ack = { epoch, at, next, taken: this.#taken(), records: this.#records, oldest };
    appendFileSync(acks, `${JSON.stringify(ack)}\n`);
  }

  #oldest(): Record<string, Oldest> {
    const first = { start: Buffer.of(0), end: Buffer.alloc(16, 0xff), limit: 1 };
    return Object.fromEntries(
      RING_TABLES.map((table): [string, Oldest] => {
        const [key] = this.#store.reads.keys(table, first);
        if (key === undefined) return [table, { epoch: 0, t: 0 }];
        if (table === 'events') return [table, parseEventKey(key)];
        const { epoch, slot } = parseBlockKey(key);
        return [table, { epoch, t: slot * SLOT_US }];
      }),
    );
  }
}

if (import.meta.main) await new Writer(JSON.parse(process.argv[2] ?? '')).run();
