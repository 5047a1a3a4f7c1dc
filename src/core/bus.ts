import { Ring } from './ring.ts';
import type { Emit, Reading } from './stream.ts';

/**
 * One in, N named consumers, each with its own bounded queue, so that none can slow another.
 *
 * A reading is never handled inside the event that brought it: consumers get batches in a turn of
 * their own. The exception is `first`, for what must not wait or be dropped (alerts).
 */
export interface Consumer {
  /** Shown in health and log beside the drop counter. */
  readonly name: string;
  /** Readings that may wait; when full the oldest are dropped and counted. */
  readonly capacity: number;
  /** Handles a batch, oldest first. While the promise it returns is pending, readings queue up. */
  take(batch: readonly Reading[]): void | Promise<void>;
}

export interface ConsumerHealth {
  readonly name: string;
  readonly queued: number;
  readonly dropped: number;
  readonly delivered: number;
}

export class Bus {
  /** Readings that came in. */
  received = 0;
  readonly #first: Emit[] = [];
  readonly #lanes: Lane[] = [];
  readonly #defer: (run: () => void) => void;
  #scheduled = false;

  /** @param defer runs a function in a later turn of the event loop, `setImmediate` in real life */
  constructor(defer: (run: () => void) => void) {
    this.#defer = defer;
  }

  /** Hands every reading to `handler` before anything else, within the event that brought it. */
  first(handler: Emit): void {
    this.#first.push(handler);
  }

  attach(consumer: Consumer): void {
    this.#lanes.push(new Lane(consumer));
  }

  readonly emit: Emit = (reading) => {
    this.received++;
    for (const handler of this.#first) handler(reading);
    for (const lane of this.#lanes) lane.push(reading);
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#defer(() => {
      this.#scheduled = false;
      for (const lane of this.#lanes) lane.deliver();
    });
  };

  health(): ConsumerHealth[] {
    return this.#lanes.map((lane) => lane.health());
  }
}

class Lane {
  readonly #consumer: Consumer;
  readonly #queue: Ring<Reading>;
  #delivered = 0;
  #busy = false;

  constructor(consumer: Consumer) {
    this.#consumer = consumer;
    this.#queue = new Ring(consumer.capacity);
  }

  push(reading: Reading): void {
    this.#queue.push(reading);
  }

  deliver(): void {
    if (this.#busy || this.#queue.size === 0) return;
    const batch = this.#queue.drain();
    this.#delivered += batch.length;
    const pending = this.#consumer.take(batch);
    if (pending instanceof Promise) void this.#wait(pending);
  }

  health(): ConsumerHealth {
    const { size, dropped } = this.#queue;
    return { name: this.#consumer.name, queued: size, dropped, delivered: this.#delivered };
  }

  /** A rejection is a bug of the consumer's: it is left unhandled, which ends the process. */
  async #wait(pending: Promise<void>): Promise<void> {
    this.#busy = true;
    await pending;
    this.#busy = false;
    this.deliver();
  }
}
