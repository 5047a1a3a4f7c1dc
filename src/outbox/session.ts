import { type Clock, waitAtMost } from '#core/clock.ts';
import type { Json, Micros } from '#core/stream.ts';
import type { Log } from '../io/log.ts';
import { type MqttArrival, type MqttConnection, MqttError } from '../io/mqtt-client.ts';
import {
  ackTopic,
  infoTopic,
  type Place,
  requestTopic,
  responseTopic,
  stateTopic,
} from '../wire/topics.ts';
import type { AckDesk } from './acks.ts';
import type { Admissions } from './admission.ts';
import type { Bell } from './bell.ts';
import type { Budget } from './budget.ts';
import type { CursorKeeper } from './cursors.ts';
import type { Downlink } from './downlink.ts';
import type { Feed, Parcel } from './feed.ts';
import type { Stall } from './stall.ts';
import { Window } from './window.ts';

/** How often the store is asked for news while nobody rings; ms. */
const POLL_MS = 250;
/** Sent below P0 and not acknowledged by the cloud: beyond, the cloud is waited for. */
const AHEAD_BYTES_MAX = 2 ** 20;
/** What MQTT (fixed header, lengths, id, PUBACK), TLS and TCP/IP add to topic and payload of a message, bytes. */
const FRAME_BYTES = 120;
/** How long the broker may take for our subscriptions and our birth, ms. */
const GREETING_MS_MAX = 30_000;
/** How long the farewell may take, ms. */
const FAREWELL_MS_MAX = 1_000;
const COMMAND = /^[a-z0-9_-]{1,23}$/;

/** What was counted since the start. */
export interface BridgeCounts {
  sent: number;
  pubacks: number;
  /** Batches that went again. */
  retries: number;
  connections: number;
}

/** What outlives a connection. */
export interface Works {
  readonly place: Place;
  /** Host and port. */
  readonly broker: string;
  readonly clock: Clock;
  readonly log: Pick<Log, 'debug' | 'info' | 'warn'>;
  readonly defer: (run: () => void) => void;
  readonly info: () => { readonly [key: string]: Json };
  readonly bell: Bell;
  readonly budget: Budget;
  readonly feed: Feed;
  readonly acks: AckDesk;
  readonly cursors: CursorKeeper;
  readonly downlink: Downlink;
  readonly stall: Stall;
  readonly counts: BridgeCounts;
  /** Looks into the store and keeps what is to be kept. */
  readonly tend: () => Promise<void>;
  readonly admissions: () => Admissions;
  /** Whether each byte is paid for. */
  readonly isMetered: () => boolean;
  readonly onOnline: () => void;
  /** The cloud has acknowledged something. */
  readonly onProgress: () => void;
  /** Ends the run with a bug. */
  readonly crash: (error: unknown) => void;
}

/** One connection to the broker, from its CONNACK to its end. */
export class Session {
  readonly window = new Window();
  /** What was wrong with the last acknowledgement; empty where nothing was. */
  ackFault = '';
  readonly #works: Works;
  readonly #ended = new AbortController();
  #connection: MqttConnection | undefined;
  /** It has said its birth. */
  #isBorn = false;

  constructor(works: Works) {
    this.#works = works;
  }

  get remoteAddress(): string {
    return this.#connection?.remoteAddress ?? '';
  }

  /** Serves until the connection ends or the signal aborts; then it says farewell. Returns what ended it. */
  async run(connection: MqttConnection, signal: AbortSignal): Promise<MqttError> {
    this.#connection = connection;
    const ended = connection.closed.finally(() => this.#ended.abort());
    const { broker } = this.#works;
    const stop = (): void => {
      this.#ended.abort();
      // A broker that takes its time with the greeting is not waited for; it has our will.
      if (!this.#isBorn) connection.destroy(new MqttError('CLOSED', `${broker}: stopped`));
    };
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    try {
      await this.#serve(connection);
    } catch (error) {
      if (!(error instanceof MqttError)) throw error;
      connection.destroy(error);
    } finally {
      signal.removeEventListener('abort', stop);
      if (signal.aborted) await this.#farewell(connection);
      connection.destroy(new MqttError('CLOSED', `${broker}: closed`));
    }
    return await ended;
  }

  /** Something came. */
  arrives({ topic, payload, retained }: MqttArrival): void {
    const { place, budget, crash } = this.#works;
    budget.add(Buffer.byteLength(topic) + payload.length + FRAME_BYTES);
    if (topic === ackTopic(place)) this.#takeAck(payload, retained);
    // One that was retained would be done again with each connection.
    else if (!retained) this.#answer(topic, payload).catch(crash);
  }

  async #serve(connection: MqttConnection): Promise<void> {
    const { feed, stall, clock, bell, defer } = this.#works;
    feed.rewind();
    stall.reconnected();
    await this.#greet(connection);
    while (!this.#ended.signal.aborted) {
      const waitUs = await this.#turn(connection);
      const ms = Math.min(waitUs / 1000, POLL_MS);
      if (ms > 0) await bell.wait(clock, ms, this.#ended.signal);
      else await new Promise<void>((resolve) => defer(resolve));
    }
  }

  async #greet(connection: MqttConnection): Promise<void> {
    const { place, broker, info, clock, counts, onOnline } = this.#works;
    const text = `${broker}: it does not confirm what we say of ourselves (no PUBACK)`;
    const greeted = new AbortController();
    void clock.sleep(GREETING_MS_MAX, greeted.signal).then(
      () => connection.destroy(new MqttError('TIMEOUT', text)),
      () => {}, // It was in time.
    );
    try {
      await connection.subscribe([ackTopic(place), requestTopic(place, '#')]);
      await this.#tell(infoTopic(place), JSON.stringify(info()), true);
      await this.#tell(stateTopic(place), 'online', true);
    } finally {
      greeted.abort();
    }
    this.#isBorn = true;
    counts.connections++;
    onOnline();
  }

  /** Sends one batch. Returns how long there is nothing to do, microseconds. */
  async #turn(connection: MqttConnection): Promise<Micros> {
    const { feed, stall } = this.#works;
    await this.#works.tend();
    this.#watch(connection);
    const situation = {
      admissions: this.#works.admissions(),
      isMetered: this.#works.isMetered(),
      hasRoom: (urgent: boolean) => this.window.hasRoom(urgent),
      // While the cloud is silent one batch asks for all.
      isAhead: stall.count > 0 ? feed.aheadBytes > 0 : feed.aheadBytes >= AHEAD_BYTES_MAX,
    };
    const next = await feed.next(situation);
    if (typeof next === 'number') return next;
    if (!this.#ended.signal.aborted) this.#send(connection, next, situation.admissions);
    return 0;
  }

  #send(connection: MqttConnection, parcel: Parcel, admissions: Admissions): void {
    const { budget, feed, stall, counts, bell, crash } = this.#works;
    const { topic, payload, isRetry } = parcel;
    const bytes = Buffer.byteLength(topic) + payload.length + FRAME_BYTES;
    stall.sent(this.window.batches === 0);
    const settle = this.window.take(bytes);
    feed.hasSent(parcel, { admissions }, bytes);
    budget.add(bytes);
    counts.sent++;
    if (isRetry) counts.retries++;
    connection.publish({ topic, payload, qos: 1, retain: false }).then(
      () => {
        settle();
        counts.pubacks++;
        stall.confirmed();
        bell.ring();
      },
      (error: unknown) => {
        settle();
        // It was refused, or the connection has ended: the next one begins with it again.
        if (error instanceof MqttError) connection.destroy(error);
        else crash(error);
      },
    );
  }

  /** Nothing has come back for too long: it goes again, or the connection is given up. */
  #watch(connection: MqttConnection): void {
    const { broker, feed, stall, log } = this.#works;
    const state = stall.check(feed.hasUnacked, this.window.batches > 0);
    if (state === 'deaf') {
      const text = `${broker}: it does not confirm what we send (no PUBACK)`;
      connection.destroy(new MqttError('TIMEOUT', text));
    } else if (state === 'stalled') {
      feed.rewind();
      log.warn({ source: 'bridge', times: stall.count }, `${broker}: ${stall.sentence()}`);
    } else {
      feed.rewindStuck();
    }
  }

  #takeAck(payload: Uint8Array, retained: boolean): void {
    const { acks, clock, stall, cursors, bell, log } = this.#works;
    const { moved, fault } = acks.take(payload, retained, clock.now());
    this.ackFault = fault === undefined ? '' : `refused an acknowledgement of the cloud: ${fault}`;
    if (fault !== undefined) log.warn({ source: 'bridge' }, this.ackFault);
    if (moved.length === 0) return;
    stall.progressed();
    this.#works.onProgress();
    cursors.moved(moved);
    bell.ring();
  }

  async #answer(topic: string, payload: Uint8Array): Promise<void> {
    const { place, downlink } = this.#works;
    const before = requestTopic(place, '');
    const cmd = topic.slice(before.length);
    if (!topic.startsWith(before) || !COMMAND.test(cmd)) return;
    const answer = await downlink.answer(cmd, payload);
    if (answer === undefined) return;
    // The connection may have ended: then nobody waits for the answer any more.
    await this.#tell(responseTopic(place, cmd), answer, false).catch(onlyMqtt);
  }

  async #tell(topic: string, payload: string, retain: boolean): Promise<void> {
    const bytes = Buffer.byteLength(topic) + Buffer.byteLength(payload) + FRAME_BYTES;
    this.#works.budget.add(bytes);
    await this.#connection?.publish({ topic, payload, qos: 1, retain });
  }

  /** The will is for those who go without a word (MQTT 3.1.1 clause 3.14.4), so it is said before. */
  async #farewell(connection: MqttConnection): Promise<void> {
    const { clock, place } = this.#works;
    const said = this.#tell(stateTopic(place), 'offline', true).catch(onlyMqtt);
    await waitAtMost(clock, FAREWELL_MS_MAX, Promise.race([said, connection.closed]));
    await connection.close();
  }
}

function onlyMqtt(error: unknown): void {
  if (!(error instanceof MqttError)) throw error;
}
