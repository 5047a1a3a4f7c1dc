import type { Clock } from '#core/clock.ts';
import { isExpected } from '#core/errors.ts';
import type { Log } from '../io/log.ts';
import { encodeAck } from '../wire/ack.ts';
import { ackTopic, type Place } from '../wire/topics.ts';
import { DatabaseError } from './database.ts';

/**
 * Tells gateways what is committed, by a retained message for each: it says all of a store, so one that
 * waits stands for all that come meanwhile, and it is read from the database when it is sent. What is
 * lost here, with the process or because nobody takes it, is asked for again by the gateway, which
 * sends what it has no acknowledgement for; a copy of a batch is acknowledged as the first was.
 */

/** Gateways that wait for an acknowledgement; beyond it they are left out, and ask again. */
const WAITING_MAX = 100_000;
/** Between two of the same gateway at least. */
const PACE_MS = 200;
const RETRY_MS_FIRST = 500;
const RETRY_MS_MAX = 15_000;
/** Acknowledgements on their way to the broker at once. */
const AT_ONCE = 32;

export interface AckMessage {
  readonly topic: string;
  readonly payload: string;
  readonly qos: 1;
  readonly retain: true;
}

/** A connection to the broker, as io/mqtt-client.ts makes it. */
export interface AckConnection {
  publish(message: AckMessage): Promise<void>;
  /** Resolves when it has ended. */
  readonly closed: Promise<Error>;
  close(): Promise<void>;
}

export interface AckOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Rejects with an expected error where there is no broker. */
  readonly connect: (signal: AbortSignal) => Promise<AckConnection>;
  /** What is acknowledged. @throws DatabaseError */
  readonly next: (place: Place, store: string) => Promise<ReadonlyMap<number, number>>;
  /** Counts what was published, and what was left out. */
  readonly counters: { acks: number; dropped: number };
}

interface Due {
  readonly place: Place;
  readonly store: string;
}

export class Acks {
  connected = false;
  readonly #options: AckOptions;
  readonly #due = new Map<string, Due>();
  #wake: () => void = () => {};

  constructor(options: AckOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#due.size;
  }

  /** Something of it was committed. */
  announce(place: Place, store: string): void {
    const key = `${place.tenant}/${place.device}/${store}`;
    if (this.#due.size >= WAITING_MAX && !this.#due.has(key)) {
      this.#options.counters.dropped++;
      return;
    }
    this.#due.set(key, { place, store });
    this.#wake();
  }

  /** Publishes until the signal; connects again and again. Rejects on a bug only. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, connect, log } = this.#options;
    let retryMs = RETRY_MS_FIRST;
    while (!signal.aborted) {
      try {
        const connection = await connect(signal);
        this.connected = true;
        retryMs = RETRY_MS_FIRST;
        log.info({ source: 'acks' }, 'connected to the broker');
        await this.#publishAll(connection, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (!isExpected(error)) throw error;
        log.warn({ source: 'acks', retryMs }, error.message);
      } finally {
        this.connected = false;
      }
      await clock.sleep(retryMs, signal).catch(() => {}); // The stop ends the loop.
      retryMs = Math.min(2 * retryMs, RETRY_MS_MAX);
    }
  }

  async #publishAll(connection: AckConnection, signal: AbortSignal): Promise<void> {
    let ended = false;
    void connection.closed.then(() => {
      ended = true;
      this.#wake();
    });
    const stop = (): void => this.#wake();
    signal.addEventListener('abort', stop, { once: true });
    try {
      while (!signal.aborted && !ended) {
        if (this.#due.size === 0) await this.#something();
        await this.#publishSome(connection);
        await this.#options.clock.sleep(PACE_MS, signal).catch(() => {}); // The stop ends the loop.
      }
    } finally {
      signal.removeEventListener('abort', stop);
      await connection.close();
    }
    if (ended && !signal.aborted) throw await connection.closed;
  }

  #something(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  async #publishSome(connection: AckConnection): Promise<void> {
    const all = [...this.#due];
    for (let i = 0; i < all.length; i += AT_ONCE) {
      await Promise.all(
        all.slice(i, i + AT_ONCE).map(([key, due]) => this.#publish(connection, key, due)),
      );
    }
  }

  async #publish(connection: AckConnection, key: string, due: Due): Promise<void> {
    // Before it is read: what is committed from here on is announced again.
    this.#due.delete(key);
    try {
      const next = await this.#options.next(due.place, due.store);
      const payload = encodeAck({ store: due.store, next });
      await connection.publish({ topic: ackTopic(due.place), payload, qos: 1, retain: true });
      this.#options.counters.acks++;
    } catch (error) {
      this.announce(due.place, due.store);
      // The loop comes back to it at its own pace; a connection that ended ends the loop.
      if (!(error instanceof DatabaseError)) throw error;
    }
  }
}
