import type { Consumer } from '#core/bus.ts';
import type { Clock } from '#core/clock.ts';
import type { PartHealth } from '#core/health.ts';
import type { Event, Micros, Reading, Stream } from '#core/stream.ts';
import { TokenBuckets } from '#core/token-buckets.ts';
import { POST_MS } from '../codec/live/frame-batch.ts';
import { AlertBoard, type AlertNotice, isAlert } from './alert-board.ts';
import { Blocks } from './blocks.ts';
import { discoveryPayload } from './discovery.ts';
import type { Message, Outlet } from './outlet.ts';
import { Debounce } from './policy.ts';
import { eventSeverity, eventText, eventTopicName } from './publisher-events.ts';
import { Signals } from './publisher-signals.ts';
import { StateBoard, type StateOptions } from './state.ts';
import { Topics } from './topics.ts';
import { vssOf } from './vss.ts';

/** Readings that may wait for a turn: a second of the busiest car. */
const QUEUE_READINGS_MAX = 20_000;
const LOOK_MS = 1_000;
/** Of one sort: what a client kept while it was away comes at once. */
const EVENTS = { perS: 50, burst: 500, namesMax: 1_024 } as const;
const DISCOVERY_QUIET_US = 3_000_000;
const DISCOVERY_WAIT_US_MAX = 15_000_000;
/** Streams that are no more and that Home Assistant is told of; it may have been away. */
const GONE_MAX = 500;
/** Groups of which a start of before may have left what is true no more. */
const PASSING = ['alert', 'signal', 'vss', 'avail'] as const;

export interface PublisherOptions extends StateOptions {
  /** Of the consumer and of the part in health. */
  readonly name: string;
  /** Matches `[a-z0-9_-]{1,23}`. */
  readonly device: string;
  readonly outlet: Outlet;
  /** The time in which subscribers wait. */
  readonly realTime: Clock;
  /** Stands before all topics but those of Home Assistant; empty, or ends with a slash. */
  readonly prefix?: string;
  /** Whether values are told under their names of VSS too. */
  readonly vss: boolean;
  /** What lasts of alerts at this moment, as events. */
  ongoing(): readonly Event[];
  /** Topics with a retained message that an earlier start has left, as far as anybody knows. */
  left?(): readonly string[];
}

/**
 * Everything that the gateway publishes: one consumer of the bus. Whose broker it goes to is the outlet's
 * affair, so that a second one can serve a second broker. What it says under which topic is in the files of
 * its parts: state.ts, publisher-signals.ts, alert-board.ts, publisher-events.ts, blocks.ts, vss.ts,
 * discovery.ts.
 */
export class Publisher implements Consumer {
  readonly name: string;
  readonly capacity = QUEUE_READINGS_MAX;
  readonly #options: PublisherOptions;
  readonly #topics: Topics;
  readonly #prefix: string;
  readonly #state: StateBoard;
  readonly #signals: Signals;
  readonly #alerts = new AlertBoard();
  readonly #blocks: Blocks;
  readonly #events: TokenBuckets;
  readonly #discovery = new Debounce(DISCOVERY_QUIET_US, DISCOVERY_WAIT_US_MAX);
  /** Ids of the streams of the last discovery message. */
  #discovered: readonly string[] = [];
  /** Ids of streams that earlier ones had; what was taken out last comes last. */
  readonly #gone = new Set<string>();
  #published = 0;
  /** Of events, alerts and blocks: without a topic, or too many at once. */
  #dropped = 0;
  #flushing = false;
  #stop: AbortSignal | undefined;

  constructor(options: PublisherOptions) {
    const { name, device, prefix = '', realTime, outlet } = options;
    this.name = name;
    this.#options = options;
    this.#prefix = prefix;
    this.#topics = new Topics(device);
    this.#events = new TokenBuckets(realTime, EVENTS);
    this.#state = new StateBoard(options, {
      send: (group, payload, of = '') => {
        const topic = group === 'avail' ? this.#topics.avail(of) : this.#topics[group];
        this.#send(topic, { payload, qos: 1, retain: true });
      },
      gone: (ids) => this.#signals.remove(ids),
    });
    this.#signals = new Signals({
      topicOf: ({ id }) => this.#topics.signal(id),
      vssOf: (stream) => this.#vssOf(stream),
      isLost: (stream) => this.#state.isLost(stream),
      isWanted: (topic) => outlet.isWanted(prefix + topic),
      send: (topic, payload) => this.#send(topic, { payload, qos: 0, retain: true }),
      changed: () => this.#discovery.changed(realTime.now()),
    });
    this.#blocks = new Blocks({
      numberOf: (stream) => this.#state.book.numberOf(stream) ?? 0,
      isWanted: (stream) => this.#isBlockWanted(stream),
      send: (stream, payload) =>
        this.#send(this.#topics.stream(stream.id), { payload, qos: 0, retain: false }),
    });
  }

  take(batch: readonly Reading[]): void {
    const now = this.#options.realTime.now();
    this.#blocks.beginTurn();
    for (const reading of batch) {
      switch (reading.kind) {
        case 'sample':
          this.#signals.take(reading, now);
          break;
        case 'wave':
          this.#blocks.wave(reading);
          break;
        case 'frame':
          this.#blocks.frame(reading);
          break;
        case 'event':
          this.#event(reading);
          break;
      }
    }
    this.#flush(now);
    if (this.#waits && !this.#flushing) void this.#flushWhileWaiting();
  }

  /** Tells everything at first, and what changes by itself, until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { realTime } = this.#options;
    this.#stop = signal;
    for (const event of this.#options.ongoing()) this.#alerts.take(event);
    this.renew();
    this.#clearLeft();
    while (!signal.aborted) {
      await realTime.sleep(LOOK_MS, signal).catch(() => {}); // The abort ends the loop.
      if (!signal.aborted) this.#look(realTime.now());
    }
    this.#state.end();
  }

  /** Tells everything again, as to a broker that has been away. */
  renew(): void {
    const now = this.#options.realTime.now();
    this.#state.renew(now);
    this.#signals.renew(now);
    for (const notice of this.#alerts.all()) this.#alert(notice);
    if (this.#discovered.length > 0) this.discover();
  }

  /** Tells Home Assistant what there is; to be called when `homeassistant/status` says `online`, too. */
  discover(): void {
    const { device, version, simulated } = this.#options;
    const streams = this.#signals.streams();
    const ids = new Set(streams.map(({ id }) => id));
    for (const id of this.#discovered) if (!ids.has(id)) this.#gone.add(id);
    for (const id of [...ids, ...[...this.#gone].slice(0, -GONE_MAX)]) this.#gone.delete(id);
    this.#discovered = [...ids];
    const payload = discoveryPayload({
      ...{ device, version, simulated, gone: [...this.#gone] },
      stateTopic: this.#prefix + this.#topics.state,
      streams: streams.flatMap((stream) => {
        const topic = this.#topics.signal(stream.id);
        const source = this.#state.sourceOf(stream);
        const avail = source === undefined ? undefined : this.#topics.avail(source);
        const availabilityTopic = avail && this.#prefix + avail;
        return topic === undefined
          ? []
          : [{ stream, stateTopic: this.#prefix + topic, availabilityTopic }];
      }),
    });
    this.#publish({ topic: this.#topics.discovery, payload, qos: 1, retain: true });
  }

  health(): PartHealth {
    const { published, suppressed, dropped } = this.counts();
    return {
      id: this.name,
      status: 'ok',
      text: `${published} messages published`,
      details: { published, suppressed, dropped },
    };
  }

  /** Messages published, values that were not worth one, and what was left out, since the start. */
  counts(): { published: number; suppressed: number; dropped: number } {
    return {
      published: this.#published,
      suppressed: this.#signals.suppressed,
      dropped: this.#dropped + this.#signals.dropped,
    };
  }

  get #waits(): boolean {
    return this.#signals.waits || this.#blocks.waits;
  }

  #flush(now: Micros): void {
    this.#signals.flush(now);
    this.#blocks.flush(now);
  }

  #look(now: Micros): void {
    this.#state.look(now);
    this.#signals.look(now);
    if (this.#discovery.isDue(now)) this.discover();
  }

  async #flushWhileWaiting(): Promise<void> {
    const { realTime } = this.#options;
    this.#flushing = true;
    while (this.#waits && this.#stop?.aborted !== true) {
      await realTime.sleep(POST_MS, this.#stop).catch(() => {}); // The stop ends the loop.
      this.#flush(realTime.now());
    }
    this.#flushing = false;
  }

  #event(event: Event): void {
    if (isAlert(event)) {
      for (const notice of this.#alerts.take(event)) this.#alert(notice);
      return;
    }
    const name = eventTopicName(event);
    if (name === undefined) return;
    if (this.#events.take(name) > 0) {
      this.#dropped++;
      return;
    }
    const topic = this.#topics.event(eventSeverity(event), name);
    this.#send(topic, { payload: eventText(event), qos: 1, retain: false });
  }

  #alert({ rule, payload, retain }: AlertNotice): void {
    this.#send(this.#topics.alert(rule), { payload, qos: 1, retain });
  }

  /** A block without a number could not be told from those of another stream. */
  #isBlockWanted(stream: Stream): boolean {
    const topic = this.#topics.stream(stream.id);
    if (topic === undefined || this.#state.book.numberOf(stream) === undefined) return false;
    return this.#options.outlet.isWanted(this.#prefix + topic);
  }

  #vssOf(
    stream: Stream,
  ): { topic: string; vss: NonNullable<ReturnType<typeof vssOf>> } | undefined {
    const vss = this.#options.vss ? vssOf(stream) : undefined;
    const topic = vss && this.#topics.vss(vss.path);
    return vss && topic !== undefined ? { topic, vss } : undefined;
  }

  /**
   * Takes away what an earlier start has left: alerts that have ended meanwhile, and values whose times are
   * of another epoch, so that nobody could tell how old they are.
   */
  #clearLeft(): void {
    const told = new Set([
      ...this.#signals.topics(),
      ...this.#alerts.rules.map((rule) => this.#topics.alert(rule)),
      ...this.#options.sources().map(({ id }) => this.#topics.avail(id)),
    ]);
    for (const topic of this.#options.left?.() ?? []) {
      const own = topic.startsWith(this.#prefix) ? topic.slice(this.#prefix.length) : '';
      const group = this.#topics.parse(own)?.group;
      if (!PASSING.some((one) => one === group) || told.has(own)) continue;
      this.#send(own, { payload: '', qos: 1, retain: true });
    }
  }

  /** @param topic undefined where an id makes none */
  #send(topic: string | undefined, message: Omit<Message, 'topic'>): void {
    if (topic === undefined) this.#dropped++;
    else this.#publish({ topic: this.#prefix + topic, ...message });
  }

  #publish(message: Message): void {
    this.#published++;
    this.#options.outlet.publish(message);
  }
}
