/**
 * The broker in the car: MQTT 3.1.1 by aedes, which only this file imports.
 *
 * What aedes 1.2.0 leaves open is closed here and in what it is made of:
 * - it acknowledges before it stores: what is to last is stored in authorizePublish, the only step before
 *   PUBACK, and PUBACKs leave in the order of the messages (MQTT 3.1.1 clause 4.6);
 * - one frozen subscriber stops all: fan-out.ts, guard.ts;
 * - it numbers messages when they are published and takes one with a lower number than the last for a
 *   second copy. What is stored first is sent later, so each QoS 1 that was followed by a QoS 0 at once
 *   was lost. Here a copy is what has the same number as the last;
 * - it reads on while what it has read is not taken in: visit.ts;
 * - it takes packets of any size: framing.ts; what it keeps wrongly: gaps.ts;
 * - a client id is worth a session to whoever says it: here each account has client ids of its own, so
 *   that nobody can end, or read, another account's session.
 *
 * A PUBLISH that is not allowed, or cannot be stored, closes the connection. MQTT 3.1.1 has no other way to
 * tell (clause 3.3.5): the acknowledgement that it permits would say that the message is safe.
 */

import type { Duplex } from 'node:stream';
import { Aedes, type Client } from 'aedes';
import { waitAtMost } from '#core/clock.ts';
import { isExpected } from '#core/errors.ts';
import type { PartHealth } from '#core/health.ts';
import { TokenBuckets } from '#core/token-buckets.ts';
import type { BrokerOptions } from './broker-options.ts';
import { Cut, type CutCode } from './cut.ts';
import { accountOf, type Guest, MqttRefusal } from './doorman.ts';
import { Entrance, isText, RETURN_CODES } from './entrance.ts';
import { type Deliver, FanOut, grantedQos, subscriptionOf } from './fan-out.ts';
import { closeGaps, type Kept } from './gaps.ts';
import { Guard } from './guard.ts';
import {
  ADDRESSES_MAX,
  BROKER_LIMITS,
  type BrokerLimits,
  CLIENT_ID_CHARS_MAX,
  CLOSE_MS_MAX,
  EARLY_PACKETS_MAX,
  HALF_RECEIVED_MAX,
  LAST_WORDS_MS,
  LOOK_MS,
  TOPIC_LEVELS_MAX,
} from './limits.ts';
import type { Message, Outlet } from './outlet.ts';
import { packetOf } from './packet.ts';
import { Tallies } from './tallies.ts';
import { type Origin, Visit } from './visit.ts';
import { Watch } from './watch.ts';

/** MQTT 3.1 and 3.1.1. */
const VERSIONS: readonly number[] = [3, 4];

type Connect = Parameters<Aedes['preConnect']>[1];
type Publish = Parameters<Aedes['authorizePublish']>[1];
type Forward = Parameters<Aedes['authorizeForward']>[1];

export class Broker implements Outlet {
  readonly #options: BrokerOptions;
  readonly #limits: BrokerLimits;
  readonly #tallies = new Tallies();
  readonly #watch: Watch;
  readonly #arrivals: TokenBuckets;
  readonly #entrance: Entrance;
  readonly #fanOut: FanOut;
  readonly #aedes: Aedes;
  /** Open connections. */
  readonly #visits = new Map<Client, Visit>();
  /** Also of connections that have closed: their last will is published after that. */
  readonly #visitOf = new WeakMap<Client, Visit>();
  /** Those that were let in, by the client id that aedes knows them by. */
  readonly #present = new Map<string, Visit>();
  readonly #stop = new AbortController();
  /** Since `open`. */
  #kept: Kept | undefined;
  #isOpen = false;

  constructor(options: BrokerOptions) {
    this.#options = options;
    this.#limits = { ...BROKER_LIMITS, ...options.limits };
    const { arrivalsPerS: perS, arrivalsBurst: burst } = this.#limits;
    const { clock, doorman, acl, log } = options;
    this.#watch = new Watch(this.#limits, this.#tallies, log);
    this.#arrivals = new TokenBuckets(clock, { perS, burst, namesMax: ADDRESSES_MAX });
    this.#entrance = new Entrance(doorman, acl);
    this.#fanOut = new FanOut((filter, deliver) => this.#qosOf(filter, deliver));
    this.#aedes = this.#createAedes();
  }

  /** Rejects with what the persistence has to say. */
  async open(): Promise<void> {
    const aedes = this.#aedes;
    const explain = (client: Client, error: Error): void => {
      const visit = this.#visitOf.get(client);
      if (visit) this.#watch.explain(visit, error);
    };
    aedes.on('clientError', explain).on('connectionError', explain);
    aedes.on('keepaliveTimeout', (client) => {
      const visit = this.#visitOf.get(client);
      // Clause 3.1.2.10.
      if (visit)
        this.#watch.cut(visit, 'KEEP_ALIVE', 'nothing in one and a half times its keep alive');
    });
    aedes.on('unsubscribe', (filters, client) => {
      for (const filter of filters) this.#visitOf.get(client)?.filters.delete(filter);
    });
    await aedes.listen();
    // It is there since `listen`, and in no declaration.
    const kept: Kept = Reflect.get(aedes, 'persistence');
    closeGaps(kept, {
      isGranted: (client, filter) => this.#present.get(client)?.filters.has(filter) ?? false,
      mayReceive: (client, packet) => this.#mayBeKept(client, packet),
    });
    this.#kept = kept;
    this.#isOpen = true;
    // Rejects only by a bug, which ends the process.
    void this.#watch.run(this.#visits, this.#options.clock, this.#stop.signal);
  }

  /** @param stream bytes both ways; it is the broker's from now on */
  connect(stream: Duplex, origin: Origin): void {
    const refusal = this.#refusal(origin.remote.address);
    if (refusal !== undefined) {
      // Nothing is read of it and nothing said: 200 that come back at once cost 200 accepts.
      this.#tallies.cut(refusal);
      stream.on('error', () => {}); // It has been closed.
      stream.destroy();
      return;
    }
    const { clock } = this.#options;
    const guard = new Guard(stream, {
      clock,
      unsentBytes: this.#limits.unsentBytes,
      mayBeLarge: (topic) => this.#mayBeLarge(visit, topic),
    });
    const visit = new Visit(guard, origin, clock.now());
    const client = this.#aedes.handle(guard);
    // A number of ours for each message takes the place of the one that aedes compares with.
    const duplicates = Object.defineProperty({}, this.#aedes.id, { get: () => 0, set: () => {} });
    Object.assign(client, { duplicates });
    this.#visits.set(client, visit);
    this.#visitOf.set(client, visit);
    guard.on('close', () => {
      visit.stopWatching();
      this.#visits.delete(client);
      if (this.#present.get(client.id) === visit) this.#present.delete(client.id);
    });
    this.#tallies.connections++;
    guard.begin();
  }

  publish(message: Message): void {
    if (!this.#isOpen) return;
    this.#aedes.publish(packetOf(message), (error) => this.#notKept(error));
  }

  /**
   * To every connection of the account that has asked, as far as it has subscribed: who asks with one and
   * listens with another, as shells do, is one person. With no more than the QoS that it was granted there
   * (MQTT 3.1.1 clause 3.8.4).
   */
  answer(guest: Guest, message: Message): void {
    const account = accountOf(guest);
    for (const [client, visit] of this.#visits) {
      if (!visit.guest || accountOf(visit.guest) !== account) continue;
      const granted = grantedQos(client, visit.filters, message.topic);
      if (granted === undefined) continue;
      const qos = granted === 0 ? 0 : message.qos;
      client.publish(packetOf({ ...message, qos }), (error) => this.#notKept(error));
    }
  }

  isWanted(topic: string): boolean {
    return this.#fanOut.hasSubscriber(topic);
  }

  health(): PartHealth {
    const clients = this.#present.size;
    const details = { clients, ...this.#tallies.details() };
    return { id: 'mqtt', status: 'ok', text: `clients: ${clients}`, details };
  }

  /** Closes every connection, without last wills: it is the gateway that goes. Within CLOSE_MS_MAX. */
  async close(): Promise<void> {
    if (!this.#isOpen) return;
    const { clock } = this.#options;
    this.#isOpen = false;
    this.#stop.abort();
    await clock.sleep(LAST_WORDS_MS);
    const guards = [...this.#visits.values()].map(({ guard }) => guard);
    const gone = guards.map((guard) => new Promise((resolve) => guard.once('close', resolve)));
    for (const guard of guards) guard.end();
    await waitAtMost(clock, CLOSE_MS_MAX / 2, Promise.all(gone));
    for (const guard of guards) guard.destroy();
    const closed = new Promise<void>((resolve) => this.#aedes.close(resolve));
    await waitAtMost(clock, CLOSE_MS_MAX / 4, closed);
  }

  #createAedes(): Aedes {
    const { persistence } = this.#options;
    return new Aedes({
      ...(persistence && { persistence }),
      mq: this.#fanOut,
      // Nothing waits there; it is only how many listeners of a stream Node finds suspicious, 0 being none.
      concurrency: 0,
      // Both are looked after here, and the second sooner.
      drainTimeout: 0,
      connectTimeout: 2 * this.#limits.connectMs + 4 * LOOK_MS,
      queueLimit: EARLY_PACKETS_MAX,
      maxInflightInbound: HALF_RECEIVED_MAX,
      maxTopicLevels: TOPIC_LEVELS_MAX,
      // For MQTT 3.1; ours have the account before them.
      maxClientsIdLength: 2 * CLIENT_ID_CHARS_MAX,
      preConnect: (client, connect, done) => {
        // A rejection is a bug: it is left unhandled, which ends the process.
        void this.#greet(client, connect).then(() => done(null, true));
      },
      authenticate: (client, _name, _password, done) => {
        const refusal = this.#letIn(client);
        // Numbers of clause 3.2.2.3, which aedes lists in an enum that is nowhere when it runs.
        done(
          refusal ? Object.assign(refusal, { returnCode: RETURN_CODES[refusal.code] }) : null,
          !refusal,
        );
      },
      authorizePublish: (client, packet, done) => {
        void this.#takeIn(client, packet).then((cut) => done(cut)); // As above.
      },
      authorizeSubscribe: (client, filter, done) => {
        // Without one SUBACK says 0x80, clause 3.9.3.
        done(null, this.#grants(client, filter.topic) ? filter : null);
      },
      authorizeForward: (client, packet) => {
        if (!this.#passes(client, packet)) return null;
        // Of what is kept aedes forgets that it is sent with no more than was granted, clause 3.8.4.
        const filters = this.#visitOf.get(client)?.filters ?? [];
        const isAbove = packet.retain && grantedQos(client, filters, packet.topic) === 0;
        return isAbove ? Object.assign(packet, { qos: 0 as const }) : packet;
      },
    });
  }

  /** Why a connection is not even looked at. */
  #refusal(address: string): CutCode | undefined {
    if (!this.#isOpen) return 'UNAVAILABLE';
    if (this.#visits.size >= this.#limits.connections) return 'FULL';
    return this.#arrivals.take(address) > 0 ? 'TOO_OFTEN' : undefined;
  }

  #mayBeLarge({ guest }: Visit, topic: string): boolean {
    const { acl, isIngest } = this.#options;
    return guest !== undefined && isIngest(topic) && acl.mayPublish(guest, topic);
  }

  async #greet(client: Client, connect: Connect): Promise<void> {
    const visit = this.#visitOf.get(client);
    if (!visit) return;
    visit.hasSpoken = true;
    // aedes answers it with 1, clause 3.1.2.2.
    if (!VERSIONS.includes(connect.protocolVersion ?? 0)) {
      this.#watch.count(visit, 'BAD_VERSION', `MQTT version ${connect.protocolVersion}`);
      return;
    }
    await this.#entrance.greet(visit, connect);
  }

  /** Lets in who has been greeted, or says why not. */
  #letIn(client: Client): Visit['refusal'] {
    const visit = this.#visitOf.get(client);
    if (!visit?.guest) {
      const refusal = visit?.refusal;
      if (visit && refusal) this.#watch.count(visit, refusal.code, refusal.message);
      return refusal;
    }
    // It has gone while it was looked at.
    if (visit.guard.destroyed) return undefined;
    const before = this.#present.get(client.id);
    const { accountConnections } = this.#limits;
    if (!before && this.#connectionsOf(visit.guest) >= accountConnections) {
      const text = `more than ${accountConnections} connections of one account`;
      visit.guest = undefined;
      this.#watch.count(visit, 'CROWDED', `${visit.origin.remote.address}: ${text}`);
      return new MqttRefusal('UNAVAILABLE', text);
    }
    if (before) {
      // Clause 3.1.4: of one client the newer connection counts.
      this.#tallies.takenOver++;
      before.guard.destroy();
    }
    this.#present.set(client.id, visit);
    visit.stopWatching = visit.guest.onEnd((reason) => this.#watch.cut(visit, 'ENDED', reason));
    return undefined;
  }

  /** Those that were let in. */
  #connectionsOf(guest: Guest): number {
    const account = accountOf(guest);
    const all = [...this.#present.values()];
    return all.filter((one) => one.guest && accountOf(one.guest) === account).length;
  }

  /** @returns why not; null when it has been taken in */
  async #takeIn(client: Client | null, packet: Publish): Promise<Cut | null> {
    // The last will of a client of an earlier start, which was allowed when it came.
    if (client === null) return null;
    const visit = this.#visitOf.get(client);
    if (!visit || !this.#isOpen) return new Cut('UNAVAILABLE', 'the gateway stops');
    try {
      await visit.take(packet.payload.length, this.#take(client, visit, packet));
      this.#tallies.received++;
      return null;
    } catch (error) {
      if (!isExpected(error)) throw error;
      const code = error instanceof Cut ? error.code : 'NOT_STORED';
      this.#watch.cut(visit, code, error.message);
      return new Cut(code, error.message, { cause: error });
    }
  }

  async #take(client: Client, { guest }: Visit, packet: Publish): Promise<void> {
    const { acl, incoming, isForGateway } = this.#options;
    const { topic, payload } = packet;
    if (!isText(topic)) throw new Cut('MALFORMED', 'a topic that is no text');
    if (!guest || !acl.mayPublish(guest, topic)) {
      throw new Cut('REFUSED_PUBLISH', `${topic}, where it may not publish`);
    }
    // Clause 4.3.3: what has come already is acknowledged again, and that is all.
    if (packet.qos === 2 && packet.dup && (await this.#hasCome(client, packet))) return;
    await incoming(guest, topic, Buffer.from(payload));
    if (isForGateway(topic)) packet.retain = false;
    else await this.#kept?.keepAhead?.(packet);
  }

  async #hasCome(client: Client, packet: Publish): Promise<boolean> {
    return await (this.#kept?.incomingGetPacket(client, packet) ?? Promise.reject()).then(
      () => true,
      () => false, // By that it says no.
    );
  }

  /** Whether a message is for the queue of a client, which may be away. */
  #mayBeKept(client: string, { topic, retain }: { topic: string; retain: boolean }): boolean {
    const { acl, isForGateway } = this.#options;
    // Or what one client sends would push out of the queue of another what that one is to get.
    if (isForGateway(topic)) return false;
    const guest = this.#present.get(client)?.guest;
    return guest === undefined || acl.mayReceive(guest, topic, retain);
  }

  #grants(client: Client, filter: string): boolean {
    const visit = this.#visitOf.get(client);
    if (!visit?.guest) return false;
    const { filters, guest } = visit;
    const hasRoom = filters.has(filter) || filters.size < this.#limits.filters;
    const grants = hasRoom && isText(filter) && this.#options.acl.maySubscribe(guest, filter);
    if (grants) filters.add(filter);
    else this.#tallies.refusedFilters++;
    return grants;
  }

  /** Whether a message goes to a client now. */
  #passes(client: Client, packet: Forward): boolean {
    const visit = this.#visitOf.get(client);
    if (!visit?.guest) return false;
    const { guard, guest } = visit;
    // One that was kept has its number since before; one that comes now comes by each filter at once.
    if (packet.brokerId === this.#aedes.id && packet.messageId === undefined) {
      if (packet.brokerCounter === visit.lastCounter) return false;
      visit.lastCounter = packet.brokerCounter;
    }
    const { acl, isForGateway } = this.#options;
    if (isForGateway(packet.topic)) return false;
    if (!acl.mayReceive(guest, packet.topic, packet.retain)) return false;
    if (packet.qos === 0 && guard.writableNeedDrain) {
      this.#tallies.droppedSlow++;
      return false;
    }
    if (guard.writableLength > this.#limits.unsentBytesMax) {
      this.#watch.cut(visit, 'UNREAD', `${guard.writableLength} bytes wait for it`);
      return false;
    }
    this.#tallies.sent++;
    return true;
  }

  #qosOf(filter: string, deliver: Deliver): number {
    for (const client of this.#visits.keys()) {
      const subscription = subscriptionOf(client, filter);
      if (subscription?.func === deliver) return subscription.qos;
    }
    return 0;
  }

  #notKept(error: Error | undefined): void {
    if (!error) return;
    if (!isExpected(error)) throw error;
    this.#tallies.notKept++;
    this.#options.log.error({ source: 'mqtt' }, `a message could not be kept: ${error.message}`);
  }
}
