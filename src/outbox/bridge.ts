import type { Clock } from '#core/clock.ts';
import { codeOf, isExpected } from '#core/errors.ts';
import type { PartHealth } from '#core/health.ts';
import type { Json, Micros } from '#core/stream.ts';
import type { Bearer } from '../io/bearer.ts';
import type { Log } from '../io/log.ts';
import {
  type MqttConnection,
  MqttError,
  type MqttOptions,
  type MqttServer,
  placeOf,
} from '../io/mqtt-client.ts';
import { clientIdOf, PRIORITIES, type Priority, stateTopic } from '../wire/topics.ts';
import { AckDesk } from './acks.ts';
import { type Admissions, admissionsOf } from './admission.ts';
import { Backoff } from './backoff.ts';
import { Bell } from './bell.ts';
import { Budget, type BudgetOptions } from './budget.ts';
import { CLASS_POLICIES, type ClassPolicies, isMetered } from './classes.ts';
import { CursorKeeper } from './cursors.ts';
import { type Commands, Downlink } from './downlink.ts';
import { Feed, type FeedOptions } from './feed.ts';
import { type BridgeCounts, Session, type Works } from './session.ts';
import { Stall } from './stall.ts';
import {
  type BridgeState,
  type BridgeStatus,
  type ClassStatus,
  classStatus,
  spoken,
} from './status.ts';

/**
 * The bridge to the cloud: store and forward. The store is the queue, the bridge has cursors.
 *
 *   store -> Feed (which stream is next, batches) -> Window -> broker -> ingest -> database
 *   store <- CursorKeeper <- AckDesk <------------------------- ack, after the commit
 *
 * A PUBACK says that the broker has it, and frees a place in the window; only the cloud's own
 * acknowledgement, which comes after its commit, moves a cursor. After each connection, and when the cloud
 * says nothing for 30 s, everything behind the cursors is sent again; the cloud throws out duplicates.
 *
 * A backlog makes the bridge lag and nothing else: it takes one batch at a time and then gives way.
 */

/** A connection that lasted is a success, even where there was nothing to send. */
const LASTED_US = 60_000_000;
const BEARER_US = 10_000_000;
/** How often a store that has no name is asked for one. */
const NAME_US = 10_000_000;
/** How often, between two connections, it is looked what has come into the store; ms. */
const TEND_MS = 2_500;

export interface BridgeOptions
  extends Pick<FeedOptions, 'queue' | 'place' | 'defer' | 'sessionAt' | 'ageS'>,
    Pick<BudgetOptions, 'wallMs'> {
  readonly server: MqttServer;
  /** `connectMqtt` of io/mqtt-client.ts. */
  readonly connect: (options: MqttOptions, signal: AbortSignal) => Promise<MqttConnection>;
  /** What clients wait in. */
  readonly clock: Clock;
  readonly log: Pick<Log, 'debug' | 'info' | 'warn'>;
  /** In [0, 1). */
  readonly random: () => number;
  /** `readBearer` of io/bearer.ts. */
  readonly bearer: (remote: string) => Bearer;
  readonly budget: Pick<BudgetOptions, 'bytesMax' | 'shelf'>;
  readonly commands: Commands;
  /** What the gateway is, with version and epoch: retained for whoever looks after it. */
  readonly info: () => { readonly [key: string]: Json };
  readonly policies?: ClassPolicies;
  /** The newest of P2 ahead of its backlog; false where left out. */
  readonly isLive?: boolean;
}

export class Bridge {
  readonly #options: BridgeOptions;
  readonly #policies: ClassPolicies;
  readonly #broker: string;
  readonly #clock: Clock;
  readonly #bell = new Bell();
  readonly #backoff: Backoff;
  readonly #budget: Budget;
  readonly #feed: Feed;
  readonly #acks: AckDesk;
  readonly #cursors: CursorKeeper;
  readonly #downlink: Downlink;
  readonly #stall: Stall;
  readonly #counts: BridgeCounts = { sent: 0, pubacks: 0, retries: 0, connections: 0 };
  #session: Session | undefined;
  #state: BridgeState = 'off';
  #since: Micros = 0;
  /** Why there is no connection. */
  #failure: MqttError | undefined;
  /** Since when there is none; undefined while there is one. */
  #outSince: Micros | undefined;
  #bearer: Bearer = 'unknown';
  #bearerAt: Micros = Number.NEGATIVE_INFINITY;
  #bug: { readonly error: unknown } | undefined;
  /** Why the store has no name. */
  #nameless: Error | undefined;
  #nameAt: Micros = Number.NEGATIVE_INFINITY;

  constructor(options: BridgeOptions) {
    const { queue, clock, policies = CLASS_POLICIES, isLive = false } = options;
    this.#options = options;
    this.#policies = policies;
    this.#broker = placeOf(options.server);
    this.#clock = clock;
    this.#backoff = new Backoff(options.random);
    this.#budget = new Budget({ ...options.budget, clock, wallMs: options.wallMs });
    this.#feed = new Feed({ ...options, policies, isLive });
    this.#acks = new AckDesk(() => this.#feed.store, this.#feed.lanes);
    this.#cursors = new CursorKeeper(queue, clock, this.#feed);
    this.#downlink = new Downlink(options.commands, clock);
    this.#stall = new Stall(clock);
  }

  /** Something is in the store that should go at once, as an alert. */
  wake(): void {
    this.#bell.ring();
  }

  /** Connects, sends, and connects again until the signal aborts. Rejects only on a bug. */
  async run(signal: AbortSignal): Promise<void> {
    this.#budget.load();
    // Also where there is no stream yet: what comes in the meantime is not evicted either.
    this.#cursors.hold();
    await this.#tend();
    this.#outSince = this.#clock.now();
    while (!signal.aborted) {
      const failure = await this.#connect(signal);
      if (signal.aborted) break;
      const ms = this.#backoff.next();
      this.#fails(failure, ms);
      await this.#idle(ms, signal);
    }
    await this.#cursors.flush();
    await this.#budget.save();
    this.#outSince = undefined;
    this.#enter('off');
  }

  status(): BridgeStatus {
    const admissions = this.#admissions();
    const lanes = [...this.#feed.lanes.values()];
    const classes = PRIORITIES.map((priority) => {
      const own = lanes.filter((lane) => lane.priority === priority);
      return [priority, classStatus(own, admissions[priority])];
    });
    const window = this.#session?.window;
    const { gaps, refused } = this.#feed.counts;
    return {
      ...{ state: this.#state, since: this.#outSince ?? this.#since, reason: this.#reason() },
      ...{ broker: this.#broker, bearer: this.#bearer },
      lastAck: this.#stall.lastAckAt === undefined ? undefined : { at: this.#stall.lastAckAt },
      // The entries are made of all priorities.
      classes: Object.fromEntries(classes) as Record<Priority, ClassStatus>,
      inFlight: { batches: window?.batches ?? 0, bytes: window?.bytes ?? 0 },
      budget: {
        ...{ bytes: this.#budget.bytesMax, used: this.#budget.used },
        ...{ month: this.#budget.month, resetsAtMs: this.#budget.resetsAtMs },
      },
      gaps: { lost: gaps, refused },
    };
  }

  health(): PartHealth {
    const { classes, inFlight, budget, state, reason } = this.status();
    const all = Object.values(classes);
    return {
      id: 'bridge',
      status: reason === '' ? 'ok' : 'waiting',
      text: reason === '' ? `${this.#broker}: ${state}` : reason,
      details: {
        backlogRecords: all.reduce((sum, { records }) => sum + records, 0),
        backlogBytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
        ...{ inFlight: inFlight.batches, ...this.#counts },
        ...{ acked: this.#acks.counts.taken, acksRefused: this.#acks.counts.refused },
        ...{ acksBack: this.#acks.counts.back, ...this.#feed.counts },
        ...{ bytesMonth: budget.used, budgetBytes: budget.bytes ?? null },
        requestsAnswered: this.#downlink.counts.answered,
        requestsRefused: this.#downlink.counts.refused,
      },
    };
  }

  /** Why it is not as it should be, for a person; empty where it is. */
  #reason(): string {
    if (this.#outSince !== undefined && this.#failure) {
      const since = spoken(this.#clock.now() - this.#outSince);
      return `${this.#failure.message} (no connection for ${since})`;
    }
    const { failure } = this.#cursors;
    if (failure) return `cannot keep how far the cloud is: ${failure.message}`;
    if (this.#nameless) return `cannot read the store: ${this.#nameless.message}`;
    if (this.#feed.failure !== undefined) return this.#feed.failure;
    if (this.#stall.count > 0) return `${this.#broker}: ${this.#stall.sentence()}`;
    return this.#session?.ackFault ?? '';
  }

  /** One connection from its beginning to its end. Returns what ended it; anything where it was stopped. */
  async #connect(signal: AbortSignal): Promise<MqttError> {
    this.#enter('connecting');
    const session = new Session(this.#works());
    try {
      const connection = await this.#options.connect(this.#mqttOptions(session), signal);
      const openedAt = this.#clock.now();
      this.#session = session;
      const reason = await session.run(connection, signal);
      if (this.#clock.now() - openedAt >= LASTED_US) this.#backoff.reset();
      return reason;
    } catch (error) {
      if (error instanceof MqttError) return error;
      if (signal.aborted && error === signal.reason) return new MqttError('CLOSED', 'stopped');
      throw error;
    } finally {
      this.#session = undefined;
    }
  }

  #mqttOptions(session: Session): MqttOptions {
    const { server, place } = this.#options;
    return {
      ...{ server, version: 5, clientId: clientIdOf(place) },
      will: { topic: stateTopic(place), payload: 'offline', qos: 1, retain: true },
      onMessage: (arrival) => session.arrives(arrival),
    };
  }

  #works(): Works {
    const { place, log, defer, info } = this.#options;
    return {
      ...{ place, broker: this.#broker, clock: this.#clock, log, defer, info },
      ...{ bell: this.#bell, budget: this.#budget, feed: this.#feed, acks: this.#acks },
      ...{ cursors: this.#cursors, downlink: this.#downlink, stall: this.#stall },
      counts: this.#counts,
      tend: () => this.#tend(),
      admissions: () => this.#admissions(),
      isMetered: () => isMetered(this.#carrier()),
      onOnline: () => this.#isOnline(),
      onProgress: () => this.#backoff.reset(),
      crash: (error) => {
        this.#bug ??= { error };
        this.#bell.ring();
      },
    };
  }

  /** Between two connections: the store goes on, and so does what is told of it. */
  async #idle(ms: number, signal: AbortSignal): Promise<void> {
    const until = this.#clock.now() + Math.ceil(ms * 1000);
    while (!signal.aborted && this.#clock.now() < until) {
      const rest = Math.min((until - this.#clock.now()) / 1000, TEND_MS);
      await this.#clock.sleep(rest, signal).catch(() => {}); // A stop ends the loop of the caller.
      await this.#tend();
    }
  }

  async #tend(): Promise<void> {
    if (this.#bug) throw this.#bug.error;
    await this.#name();
    if (this.#feed.refresh()) this.#cursors.hold();
    this.#cursors.tick();
    if (this.#budget.isDue) await this.#budget.save();
  }

  /** One that was begun anew, while we run too, has no name before somebody asks for it. */
  async #name(): Promise<void> {
    const { queue } = this.#options;
    const now = this.#clock.now();
    if (queue.store === '' && now < this.#nameAt) return;
    this.#nameless = undefined;
    if (queue.store !== '') return;
    this.#nameAt = now + NAME_US;
    try {
      await queue.named();
    } catch (error) {
      if (!isExpected(error)) throw error;
      this.#nameless = error;
    }
  }

  #admissions(): Admissions {
    return admissionsOf(this.#policies, this.#budget, this.#carrier());
  }

  #carrier(): Bearer {
    const now = this.#clock.now();
    if (now - this.#bearerAt >= BEARER_US) {
      this.#bearerAt = now;
      this.#bearer = this.#options.bearer(this.#session?.remoteAddress ?? '');
    }
    return this.#bearer;
  }

  #isOnline(): void {
    this.#enter('online');
    this.#bearerAt = Number.NEGATIVE_INFINITY;
    this.#options.log.info({ source: 'bridge' }, `${this.#broker}: online`);
    this.#outSince = undefined;
    this.#failure = undefined;
  }

  #fails(failure: MqttError, ms: number): void {
    const fresh = this.#failure?.message !== failure.message;
    this.#outSince ??= this.#clock.now();
    this.#failure = failure;
    this.#enter('waiting');
    const { log } = this.#options;
    const fields = { source: 'bridge', code: codeOf(failure), retryMs: Math.round(ms) };
    if (fresh) log.warn(fields, failure.message);
    else log.debug(fields, failure.message);
  }

  #enter(state: BridgeState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#since = this.#clock.now();
  }
}
