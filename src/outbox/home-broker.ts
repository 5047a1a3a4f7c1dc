import type { Clock } from '#core/clock.ts';
import { codeOf } from '#core/errors.ts';
import type { PartHealth } from '#core/health.ts';
import type { Micros } from '#core/stream.ts';
import type { Log } from '../io/log.ts';
import {
  type MqttConnection,
  MqttError,
  type MqttMessage,
  type MqttOptions,
  type MqttServer,
  placeOf,
} from '../io/mqtt-client.ts';
import { Backoff } from './backoff.ts';
import { Bell } from './bell.ts';
import { spoken } from './status.ts';

/**
 * The user's own broker, as that of Home Assistant, as one more place where values go: MQTT 5, as Home
 * Assistant will want no other. It stores nothing. While it is away, messages are dropped and counted; when
 * it is back, `onConnected` has everything that is retained published again.
 */
export interface HomeBrokerOptions {
  readonly server: MqttServer;
  /** `connectMqtt` of io/mqtt-client.ts. */
  readonly connect: (options: MqttOptions, signal: AbortSignal) => Promise<MqttConnection>;
  readonly clock: Clock;
  readonly log: Pick<Log, 'debug' | 'info' | 'warn'>;
  /** In [0, 1). */
  readonly random: () => number;
  readonly clientId: string;
  readonly will: MqttMessage;
  /** Said before we go, as the will is for those who go without a word. */
  readonly farewell: MqttMessage;
  /** Publishes what is retained: state, availability, discovery. */
  readonly onConnected: () => void;
  /** Home Assistant has started: it wants discovery again. */
  readonly onBirth: () => void;
}

/** Where Home Assistant says `online` after its start. */
const BIRTH_TOPIC = 'homeassistant/status';
/** Waiting for the network; of a topic that is retained the newest counts. The oldest is dropped. */
const WAITING_MAX = 1_024;
/** Without a PUBACK. */
const IN_FLIGHT_MAX = 32;
/** So long the oldest may be without one: beyond, the connection is worth nothing. */
const PUBACK_US_MAX = 30_000_000;
/** In the socket: beyond, messages wait. */
const BUFFERED_BYTES_MAX = 64 * 1024;
/** How long nothing is done while the socket is full, ms. */
const FULL_MS = 50;
/** How long nothing is done while nothing is to do, ms. */
const REST_MS = 60_000;
/** In one turn of the event loop. */
const TURN_MESSAGES_MAX = 64;
const LASTED_US = 60_000_000;

export class HomeBroker {
  readonly #options: HomeBrokerOptions;
  readonly #place: string;
  readonly #bell = new Bell();
  readonly #backoff: Backoff;
  /** Retained ones by their topic, the others by a number. */
  readonly #waiting = new Map<string | number, MqttMessage>();
  readonly #counts = { published: 0, dropped: 0, replaced: 0, connections: 0 };
  #connection: MqttConnection | undefined;
  #inFlight = 0;
  /** When a PUBACK came last, or something went while none was owed. */
  #confirmedAt: Micros = 0;
  #nextKey = 0;
  #failure: MqttError | undefined;
  #outSince: Micros = 0;
  #bug: { readonly error: unknown } | undefined;

  constructor(options: HomeBrokerOptions) {
    this.#options = options;
    this.#place = placeOf(options.server);
    this.#backoff = new Backoff(options.random);
  }

  /** Returns at once. Dropped and counted while there is no connection, or where too much waits. */
  publish(message: MqttMessage): void {
    if (!this.#connection) {
      this.#counts.dropped++;
      return;
    }
    const key = message.retain ? message.topic : this.#nextKey++;
    // Taken out first: it comes in behind what it may speak of.
    if (this.#waiting.delete(key)) this.#counts.replaced++;
    this.#waiting.set(key, message);
    if (this.#waiting.size > WAITING_MAX) {
      const [oldest] = this.#waiting.keys();
      if (oldest !== undefined) this.#waiting.delete(oldest);
      this.#counts.dropped++;
    }
    this.#bell.ring();
  }

  /** Whether there is anybody to tell: a broker does not say who subscribes. */
  isWanted(_topic: string): boolean {
    return this.#connection !== undefined;
  }

  /** Connects and publishes until the signal aborts. Rejects only on a bug. */
  async run(signal: AbortSignal): Promise<void> {
    this.#outSince = this.#options.clock.now();
    while (!signal.aborted) {
      const failure = await this.#connect(signal);
      if (signal.aborted) return;
      this.#fails(failure);
      await this.#options.clock.sleep(this.#backoff.next(), signal).catch(() => {}); // Stopped.
    }
  }

  health(): PartHealth {
    const { clock } = this.#options;
    const since = spoken(clock.now() - this.#outSince);
    const reason = this.#connection
      ? ''
      : `${this.#failure?.message ?? `${this.#place}: connecting`} (no connection for ${since})`;
    return {
      id: 'home-broker',
      status: reason === '' ? 'ok' : 'waiting',
      text: reason === '' ? `${this.#place}: connected` : reason,
      details: { ...this.#counts, waiting: this.#waiting.size, inFlight: this.#inFlight },
    };
  }

  async #connect(signal: AbortSignal): Promise<MqttError> {
    const { server, connect, clientId, will, clock, log, onConnected, onBirth } = this.#options;
    const ended = new AbortController();
    const stop = (): void => {
      ended.abort();
      // One that takes its time with our subscription is not waited for; it has our will.
      if (!this.#connection)
        connection?.destroy(new MqttError('CLOSED', `${this.#place}: stopped`));
    };
    const openedAt = clock.now();
    let connection: MqttConnection | undefined;
    try {
      connection = await connect(
        {
          ...{ server, version: 5, clientId, will },
          onMessage: ({ topic, payload, retained }) => {
            const online = new TextDecoder().decode(payload) === 'online';
            // One that is retained tells of a start before ours: we have just published everything.
            if (topic === BIRTH_TOPIC && online && !retained) onBirth();
          },
        },
        signal,
      );
      signal.addEventListener('abort', stop, { once: true });
      if (signal.aborted) stop();
      await connection.subscribe([BIRTH_TOPIC]);
      this.#connection = connection;
      this.#inFlight = 0;
      this.#counts.connections++;
      this.#failure = undefined;
      log.info({ source: 'home-broker' }, `${this.#place}: connected`);
      onConnected();
      void connection.closed.then(stop);
      await this.#serve(connection, ended.signal);
      if (signal.aborted) await this.#leave(connection);
      if (clock.now() - openedAt >= LASTED_US) this.#backoff.reset();
      return await connection.closed;
    } catch (error) {
      if (error instanceof MqttError) return error;
      if (signal.aborted && error === signal.reason) return new MqttError('CLOSED', 'stopped');
      throw error;
    } finally {
      signal.removeEventListener('abort', stop);
      connection?.destroy(new MqttError('CLOSED', `${this.#place}: closed`));
      this.#connection = undefined;
      this.#counts.dropped += this.#waiting.size;
      this.#waiting.clear();
    }
  }

  async #serve(connection: MqttConnection, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (this.#bug) throw this.#bug.error;
      if (this.#isDeaf) {
        const text = `${this.#place}: it does not confirm what we send (no PUBACK)`;
        connection.destroy(new MqttError('TIMEOUT', text));
        return;
      }
      const full = this.#flush(connection);
      const ms = full ? FULL_MS : REST_MS;
      await this.#bell.wait(this.#options.clock, ms, signal);
    }
  }

  get #isDeaf(): boolean {
    return this.#inFlight > 0 && this.#options.clock.now() - this.#confirmedAt >= PUBACK_US_MAX;
  }

  /** Hands over what the network takes. Returns whether something has to wait for it. */
  #flush(connection: MqttConnection): boolean {
    let count = 0;
    for (const [key, message] of this.#waiting) {
      const full = connection.bufferedBytes >= BUFFERED_BYTES_MAX;
      const waits = message.qos === 1 && this.#inFlight >= IN_FLIGHT_MAX;
      if (full || waits || count++ >= TURN_MESSAGES_MAX) return true;
      this.#waiting.delete(key);
      this.#send(connection, message);
    }
    return false;
  }

  #send(connection: MqttConnection, message: MqttMessage): void {
    const { clock } = this.#options;
    // With QoS 0 nothing comes back.
    const owed = message.qos === 1 ? 1 : 0;
    if (this.#inFlight === 0) this.#confirmedAt = clock.now();
    this.#inFlight += owed;
    const settle = (): void => {
      // Those of an earlier connection are not counted any more.
      if (this.#connection === connection) this.#inFlight -= owed;
      if (owed > 0) this.#confirmedAt = clock.now();
      this.#bell.ring();
    };
    connection.publish(message).then(
      () => {
        this.#counts.published++;
        settle();
      },
      (error: unknown) => {
        this.#counts.dropped++;
        settle();
        // It was refused for what it is, or the connection has ended: it is not tried again.
        if (!(error instanceof MqttError)) this.#bug ??= { error };
      },
    );
  }

  async #leave(connection: MqttConnection): Promise<void> {
    connection.publish({ ...this.#options.farewell, qos: 0 }).catch(() => {}); // Already gone.
    await connection.close();
  }

  #fails(failure: MqttError): void {
    const fresh = this.#failure?.message !== failure.message;
    if (!this.#failure) this.#outSince = this.#options.clock.now();
    this.#failure = failure;
    const fields = { source: 'home-broker', code: codeOf(failure) };
    const { log } = this.#options;
    if (fresh) log.warn(fields, failure.message);
    else log.debug(fields, failure.message);
  }
}
