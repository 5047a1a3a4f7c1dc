import { Readable } from 'node:stream';
import { type Clock, waitAtMost } from '#core/clock.ts';
import { CodedError, isExpected } from '#core/errors.ts';
import type { PartHealth } from '#core/health.ts';
import { FILTERS_MAX } from '#core/mqtt-limits.ts';
import { HALF_RECEIVED_MAX } from './limits.ts';
import type { Records } from './persistence-journal.ts';
import { Kept } from './persistence-kept.ts';
import { copyOf, isSame, type Packet } from './persistence-packet.ts';
import type { Ages, Subscription } from './persistence-sessions.ts';

/**
 * What the broker keeps over a restart: retained messages, subscriptions of clients with a session, what
 * waits for them, identifiers of QoS 2 and last wills. It is what aedes calls a persistence; names of
 * methods and of fields of packets are its own.
 *
 * Everything is in memory, and reads come from there. The records follow behind it in order; a store
 * that is not open, or refuses, keeps nobody from anything, and health says so.
 *
 * - What is acknowledged is durable first: a subscription, a message of QoS 2, and one of QoS 1 that the
 *   broker hands to `keepAhead` before its PUBACK. What a client has acknowledged goes behind that: after
 *   a power cut it may come once more, as QoS 1 may.
 * - What is for somebody who is connected is written RETRY_MS later at the latest: most of it is
 *   acknowledged by then, and never written.
 * - Retained values, five a second of each stream, are written once a minute and at the end only: an SD
 *   card would not stand more, and after a power cut a newer one comes soon.
 */
const SLOW_MS = 60_000;
/** How often what failed is tried again, and what has waited is written. */
const RETRY_MS = 5_000;
/** A client whose subscription the disk does not take by then is told all the same: it drives on. */
const KEEP_MS_MAX = 2_000;
/** Messages kept ahead of which the broker has said nothing more: it refused them. */
const AHEAD_MAX = 1_000;

/** What is asked of the broker: `Aedes` has it. */
export interface BrokerSide {
  /** Another one at each start, or packets of two starts would be taken for the same. */
  readonly id: string;
  /** Of the last packet. */
  counter: number;
  /** Those that are connected, by id. */
  readonly clients?: Readonly<Record<string, unknown>>;
}

export interface PersistenceOptions {
  readonly records: Records;
  /** In which clients wait. */
  readonly clock: Clock;
  readonly ages: Ages;
  /** Whether a topic changes so often that its retained message is written now and then only. */
  readonly isSlow: (topic: string) => boolean;
  /** How often the store was opened; `run` takes what it has, and gives it again what it may have lost. */
  readonly openings?: () => number;
}

type Client = { readonly id: string };
type Subscriber = { readonly clientId: string };
/** As aedes has it before anything was done with it. */
type FreshPacket = { -readonly [K in keyof Packet]: Packet[K] };

class PersistenceError extends CodedError<'TOO_MANY' | 'UNKNOWN_PACKET' | 'DESTROYED'> {
  override readonly name = 'PersistenceError';
}

export class Persistence {
  readonly #clock: Clock;
  readonly #kept: Kept;
  /** Clients that have a message in their queue of which the broker has still to tell. */
  #ahead: { readonly packet: Packet; readonly clients: ReadonlySet<string> }[] = [];
  readonly #openings: () => number;
  /** Which of them has what is kept. */
  #opening = 0;
  #broker: BrokerSide | undefined;
  #isDestroyed = false;

  constructor({ clock, openings = () => 0, ...options }: PersistenceOptions) {
    this.#clock = clock;
    this.#openings = openings;
    this.#kept = new Kept({
      ...options,
      isConnected: (client) => Object.hasOwn(this.#broker?.clients ?? {}, client),
    });
  }

  get broker(): BrokerSide | undefined {
    return this.#broker;
  }

  // biome-ignore lint/suspicious/useAwait: aedes looks whether it is async
  async setup(broker: BrokerSide): Promise<void> {
    this.#broker = broker;
  }

  /** The store is open: takes what earlier starts have left. @throws as Records.list */
  open(): void {
    this.#kept.open();
  }

  /** Writes what is to be written now and then, and ends what is over, until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    for (let ms = 0; !signal.aborted; ms += RETRY_MS) {
      if (ms >= SLOW_MS) {
        this.#kept.writeSlow();
        ms = 0;
      }
      this.#follow();
      this.#kept.tidy();
      this.#kept.sweep();
      await this.#kept.tryFlush();
      await this.#clock.sleep(RETRY_MS, signal).catch(() => {}); // The stop ends it.
    }
    await this.#finish();
  }

  /**
   * Resolves when everything up to now is durable; at once where nothing can be.
   *
   * @throws what the records refuse it with
   */
  async durable(): Promise<void> {
    await this.#kept.journal.flush();
  }

  health(): PartHealth {
    return this.#kept.health();
  }

  /**
   * Puts a message of QoS 1 or 2 into the queues that it is for, before the broker acknowledges it: by
   * itself the broker does so after. Resolves when it is durable.
   *
   * @param packet gets the number by which the broker knows it from here on
   * @throws what the records refuse it with
   */
  async keepAhead(packet: FreshPacket): Promise<void> {
    const broker = this.#broker;
    if (broker === undefined || (packet.qos ?? 0) === 0) return;
    const clients = clientsOf(this.#kept.sessions.matching(packet.topic ?? ''));
    if (clients.size === 0) return;
    packet.brokerId ??= broker.id;
    packet.brokerCounter ??= ++broker.counter;
    for (const client of clients) this.#kept.queues.add(client, packet);
    this.#ahead = [...this.#ahead, { packet: copyOf(packet), clients }].slice(-AHEAD_MAX);
    await this.durable();
  }

  storeRetained(packet: Packet): Promise<void> {
    this.#kept.putRetained(packet);
    return Promise.resolve();
  }

  createRetainedStream(pattern: string): Readable {
    return this.createRetainedStreamCombi([pattern]);
  }

  createRetainedStreamCombi(patterns: readonly string[]): Readable {
    return Readable.from(this.#kept.retained.matching(patterns));
  }

  /** @throws PersistenceError TOO_MANY */
  async addSubscriptions({ id }: Client, added: readonly Subscription[]): Promise<void> {
    if (!this.#kept.sessions.add(id, added)) {
      const text = `a client with a session has ${FILTERS_MAX} subscriptions at most`;
      throw new PersistenceError('TOO_MANY', text);
    }
    this.#kept.noteSession(id);
    this.#kept.sweep();
    await this.#keptInTime();
  }

  async removeSubscriptions({ id }: Client, topics: readonly string[]): Promise<void> {
    this.#kept.sessions.remove(id, topics);
    this.#kept.noteSession(id);
    await this.#keptInTime();
  }

  subscriptionsByClient({ id }: Client): Promise<Subscription[]> {
    if (this.#kept.sessions.touch(id)) this.#kept.noteSession(id);
    return Promise.resolve(this.#kept.sessions.of(id));
  }

  subscriptionsByTopic(topic: string): Promise<(Subscription & Subscriber)[]> {
    return Promise.resolve(this.#kept.sessions.matching(topic));
  }

  countOffline(): Promise<{ subsCount: number; clientsCount: number }> {
    const { keeping, size } = this.#kept.sessions;
    return Promise.resolve({ subsCount: keeping, clientsCount: size });
  }

  cleanSubscriptions({ id }: Client): Promise<void> {
    this.#kept.sessions.forget(id);
    this.#kept.noteSession(id);
    return Promise.resolve();
  }

  getClientList(topic: string): Readable {
    return Readable.from(this.#kept.sessions.withFilter(topic));
  }

  outgoingEnqueue(subscriber: Subscriber, packet: Packet): Promise<void> {
    return this.outgoingEnqueueCombi([subscriber], packet);
  }

  outgoingEnqueueCombi(subscribers: readonly Subscriber[], packet: Packet): Promise<void> {
    const ahead = this.#ahead.find((one) => isSame(one.packet, packet));
    if (ahead) this.#ahead = this.#ahead.filter((one) => one !== ahead);
    // Once for each client, however many of its subscriptions it is for.
    for (const client of clientsOf(subscribers)) {
      if (!ahead?.clients.has(client)) this.#kept.queues.add(client, packet);
    }
    return Promise.resolve();
  }

  outgoingUpdate({ id }: Client, packet: Packet): Promise<void> {
    this.#kept.queues.update(id, packet);
    return Promise.resolve();
  }

  outgoingClearMessageId({ id }: Client, packet: Packet): Promise<Packet | undefined> {
    return Promise.resolve(this.#kept.queues.clear(id, packet));
  }

  outgoingStream({ id }: Client): Readable {
    return Readable.from(this.#kept.queues.of(id));
  }

  /** @throws PersistenceError TOO_MANY */
  async incomingStorePacket({ id }: Client, packet: Packet): Promise<void> {
    const { messageId } = packet;
    if (!this.#kept.putIncoming(id, { ...copyOf(packet), messageId })) {
      const text = `a client has ${HALF_RECEIVED_MAX} messages of QoS 2 under way at most`;
      throw new PersistenceError('TOO_MANY', text);
    }
    await this.#keptInTime();
  }

  /** @throws PersistenceError UNKNOWN_PACKET */
  incomingGetPacket({ id }: Client, { messageId = 0 }: Packet): Promise<Packet> {
    const packet = this.#kept.incoming(id, messageId);
    if (packet !== undefined) return Promise.resolve(packet);
    const text = `there is no message ${messageId} of ${JSON.stringify(id)} under way`;
    return Promise.reject(new PersistenceError('UNKNOWN_PACKET', text));
  }

  /** @throws PersistenceError UNKNOWN_PACKET */
  async incomingDelPacket(client: Client, packet: Packet): Promise<void> {
    await this.incomingGetPacket(client, packet);
    this.#kept.forgetIncoming(client.id, packet.messageId ?? 0);
  }

  cleanIncoming({ id }: Client): Promise<void> {
    this.#kept.forgetAllIncoming(id);
    return Promise.resolve();
  }

  putWill({ id }: Client, packet: Packet): Promise<void> {
    // On the packet itself, as aedes reads it from there.
    Object.assign(packet, { brokerId: this.#broker?.id, clientId: id });
    this.#kept.putWill(id, packet);
    return Promise.resolve();
  }

  getWill({ id }: Client): Promise<Packet | undefined> {
    return Promise.resolve(this.#kept.will(id));
  }

  delWill({ id }: Client): Promise<Packet | undefined> {
    const will = this.#kept.will(id);
    this.#kept.forgetWill(id);
    return Promise.resolve(will);
  }

  /** Those of clients that were connected to other starts of the broker. */
  streamWill(brokers: Readonly<Record<string, unknown>> = {}): Readable {
    const all = [...this.#kept.wills()];
    return Readable.from(all.filter(({ brokerId = '' }) => !Object.hasOwn(brokers, brokerId)));
  }

  async destroy(): Promise<void> {
    if (this.#isDestroyed) throw new PersistenceError('DESTROYED', 'it was closed before');
    this.#isDestroyed = true;
    await this.#finish();
  }

  /** Takes what the store has once it is open; what is kept goes into it again where it was opened anew. */
  #follow(): void {
    const opening = this.#openings();
    if (opening === this.#opening) return;
    try {
      if (this.#kept.journal.isOpen) this.#kept.renew();
      else this.#kept.open();
      this.#opening = opening;
    } catch (error) {
      // It has closed again. Health tells, and the next look tries again.
      if (!isExpected(error)) throw error;
      this.#kept.unopened = error.message;
    }
  }

  async #finish(): Promise<void> {
    this.#kept.writeSlow();
    await this.#kept.tryFlush();
  }

  /** Waits for what is about to be acknowledged, but not for a disk that takes nothing. */
  async #keptInTime(): Promise<void> {
    try {
      await waitAtMost(this.#clock, KEEP_MS_MAX, this.durable());
    } catch (error) {
      // In memory it is, and health tells that it is nowhere else.
      if (!isExpected(error)) throw error;
    }
  }
}

function clientsOf(subscribers: readonly Subscriber[]): ReadonlySet<string> {
  return new Set(subscribers.map(({ clientId }) => clientId));
}
