import { isDeepStrictEqual } from 'node:util';
import { ALERT } from '#core/alert.ts';
import type { Consumer } from '#core/bus.ts';
import type { Clock } from '#core/clock.ts';
import type { Event, Frame, Micros, Reading, Stream } from '#core/stream.ts';
import { Client, gap, LiveStats, lasting, type Outgoing } from './client.ts';
import { encodeEvent, encodeJson } from './encode.ts';
import {
  Channel,
  coverage,
  Feed,
  isForClient,
  type Pacer,
  type Subscription,
  snapshotMessages,
} from './feed.ts';
import { FramePost } from './frames.ts';
import { RecentEvents } from './recent.ts';
import type { Peer } from './transport.ts';

/** Readings that may wait for a turn of ours; a turn takes milliseconds. */
const QUEUE_READINGS_MAX = 20_000;
const TICK_MS = 1000;
/** Longest timer for a slow subscription, so that none outlives its clients for long. */
const WAIT_MS_MAX = 500;
/** A client is pinged at every so many ticks; uws.ts cuts it after 60 s without an answer. */
const TICKS_A_PING = 20;
/** RFC 6455 clause 7.4.1: no close frame came. */
const CLOSED_WITHOUT_A_WORD = 1006;
/** Alerts that a snapshot has, the newest: more could fill the queue of a slow client at once. */
const SNAPSHOT_ALERTS_MAX = 100;

export interface LiveOptions {
  /** The time of readings. */
  readonly clock: Clock;
  /** In which clients wait: rates and limits are of it. */
  readonly realTime: Clock;
  /** Everything the gateway can measure at this moment. */
  readonly streams: () => readonly Stream[];
  /** The alerts that last at this moment, oldest first; none where left out. */
  readonly ongoing?: () => readonly Event[];
}

/** How a client learns of a stream, in `subscribed`; `number` stands for the id in binary messages. */
export type Announcement = Stream & { readonly number: number };

/**
 * Fans readings out to WebSocket clients. A reading is encoded once, whoever wants it; clients with
 * equal subscriptions share whole messages. Raw frames go to those who ask for them: frames.ts.
 *
 * It is never idle, even without clients: a page that opens must at once see the values of streams
 * that report only on change.
 */
export class Live implements Consumer {
  readonly name = 'live';
  readonly capacity = QUEUE_READINGS_MAX;
  readonly stats = new LiveStats();
  readonly #clock: Clock;
  readonly #realTime: Clock;
  readonly #streams: () => readonly Stream[];
  readonly #ongoing: () => readonly Event[];
  /** None is ever taken out: their numbers are in binary messages. */
  readonly #channels = new Map<string, Channel>();
  /** Those whose streams the gateway could measure at some time. */
  readonly #declared = new Set<Channel>();
  readonly #feeds = new Map<string, Feed>();
  /** The feed of every client; undefined until it subscribes. */
  readonly #clients = new Map<Client, Feed | undefined>();
  readonly #listeners = new Set<() => void>();
  readonly #recent = new RecentEvents();
  readonly #frames: FramePost;
  /** Values of all streams since the start; each of a wave counts. */
  #values = 0;

  constructor(options: LiveOptions) {
    this.#clock = options.clock;
    this.#realTime = options.realTime;
    this.#streams = options.streams;
    this.#ongoing = options.ongoing ?? (() => []);
    this.#frames = new FramePost(options.realTime);
  }

  take(batch: readonly Reading[]): void {
    const touched = new Set<Pacer>();
    for (const reading of batch) {
      const channel = this.#channel(reading.stream);
      channel.seenAt = reading.t;
      if (reading.kind === 'frame') this.#frames.take(channel, reading);
      else this.#route(channel, reading, touched);
    }
    const now = this.#realTime.now();
    this.#frames.flush(now);
    for (const pacer of touched) {
      pacer.flush(now);
      if (pacer.isBehind() && !pacer.waiting) void this.#flushWhenDue(pacer, now);
    }
  }

  /** Sends ticks and pings and closes slow clients, until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    for (let ticks = 1; ; ticks++) {
      await this.#realTime.sleep(TICK_MS, signal).catch(() => {}); // The abort ends the loop below.
      if (signal.aborted) return;
      this.#tick(ticks % TICKS_A_PING === 0);
    }
  }

  /** Calls back every second, before the ticks go out, until what is returned is called. */
  onTick(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Values that have come since the start, raw frames left out. */
  get values(): number {
    return this.#values;
  }

  /** How many clients are of an account. */
  clientsOf(user: string): number {
    return [...this.#clients.keys()].filter((client) => client.user === user).length;
  }

  /** How many streams have had a reading since a time. */
  streamsSince(t: Micros): number {
    const all = [...this.#channels.values()];
    return all.filter(({ seenAt = Number.NEGATIVE_INFINITY }) => seenAt >= t).length;
  }

  /**
   * A new client, without subscriptions.
   *
   * @param user id of the account that it is of, to be counted by
   */
  connect(peer: Peer, user?: string): Client {
    const client = new Client(peer, this.stats, user);
    this.#clients.set(client, undefined);
    this.stats.clients++;
    return client;
  }

  /** Replaces all subscriptions of the client; does nothing once it has been disconnected. */
  subscribe(client: Client, subscriptions: readonly Subscription[]): void {
    if (!this.#clients.has(client)) return;
    // What waits is for those who were there when it came: with the feed of before they get it.
    if (subscriptions.some(({ frames }) => frames)) this.#frames.flushAll();
    this.#leave(client);
    this.#clients.set(client, undefined);
    if (subscriptions.length === 0) {
      client.withdraw();
      return;
    }
    const feed = this.#feed(subscriptions);
    feed.clients.add(client);
    this.#clients.set(client, feed);
  }

  /** The streams a subscription covers now; one that appears later is told of when it does. */
  announce(subscription: Subscription): Announcement[] {
    this.#declare();
    return this.#covered(subscription).map(announce);
  }

  /**
   * Sends the newest known value of every stream that the subscription covers, and what alerts last.
   *
   * @param from values of before are not for this client
   */
  sendSnapshot(
    client: Client,
    subscription: Subscription,
    from: Micros = Number.NEGATIVE_INFINITY,
  ): void {
    const covered = this.#covered(subscription);
    client.deliver(snapshotMessages(covered.filter(({ newest }) => newest && newest.t >= from)));
    if (!coverage(subscription)(ALERT)) return;
    const shown = this.#ongoing().filter((event) => isForClient(subscription, event));
    const alerts = shown.slice(-SNAPSHOT_ALERTS_MAX);
    client.deliver(alerts.map((event) => lasting(encodeEvent(event))));
  }

  /**
   * Sends the events that a client has missed, as far as they are still there, and before them a gap
   * for those that are not.
   *
   * @param seq number of the last event that it has had; undefined where that was of another start
   * @param from events of before are not for this client
   */
  resume(client: Client, subscription: Subscription, seq: number | undefined, from: Micros): void {
    const { lost, events } = this.#recent.since(seq ?? 0, this.#realTime.now());
    const isCovered = coverage(subscription);
    const own = events.filter(
      ({ event }) => event.t >= from && isCovered(event.stream) && isForClient(subscription, event),
    );
    const isGap = seq === undefined || lost > 0;
    const gapOfAll = lasting(encodeJson({ type: 'gap', stream: '*', lost }));
    const messages = own.map((one) => lasting(encodeEvent(one.event, one.seq)));
    client.deliver(isGap ? [gapOfAll, ...messages] : messages);
  }

  drain(client: Client): void {
    client.drain(snapshotMessages);
  }

  /** The client's socket has closed, with a code where that is known. */
  disconnect(client: Client, code?: number): void {
    client.close();
    this.#leave(client);
    if (!this.#clients.delete(client)) return;
    this.stats.clients--;
    if (code === CLOSED_WITHOUT_A_WORD) this.stats.dead++;
  }

  #route(channel: Channel, reading: Exclude<Reading, Frame>, touched: Set<Pacer>): void {
    this.#values += reading.kind === 'wave' ? reading.v.length : 1;
    if (reading.kind === 'sample') channel.newest = reading;
    // Numbered whoever is there: a client that comes back asks for it.
    const seq = reading.kind === 'event' ? this.#recent.add(reading, this.#realTime.now()) : 0;
    let shared: Outgoing | undefined;
    for (const pacer of channel.pacers) {
      touched.add(pacer);
      switch (reading.kind) {
        case 'sample':
          pacer.dirty.add(channel);
          break;
        case 'wave':
          if (reading.lost > 0) {
            shared ??= gap(reading.stream, reading.lost);
            pacer.outbox.push(shared);
          }
          pacer.outbox.push(channel.wave(reading, pacer.subscription.format));
          break;
        case 'event':
          if (!pacer.feed.shows(reading)) break;
          shared ??= lasting(encodeEvent(reading, seq));
          pacer.outbox.push(shared);
          break;
      }
    }
  }

  #covered(subscription: Subscription): Channel[] {
    const isCovered = coverage(subscription);
    return [...this.#channels.values()].filter(
      ({ stream, isGone }) => !isGone && isCovered(stream),
    );
  }

  /** Takes what the gateway can measure now. What it could before and cannot now is gone. */
  #declare(): void {
    const now = new Set(this.#streams().map((stream) => this.#channel(stream)));
    for (const channel of now) this.#declared.add(channel);
    for (const channel of this.#declared) channel.isGone = !now.has(channel);
  }

  /** Finds the channel of a stream; one that is new, or has changed, is told to those who want it. */
  #channel(stream: Stream): Channel {
    const known = this.#channels.get(stream.id);
    if (known?.stream === stream) return known;
    if (known !== undefined && isDeepStrictEqual(known.stream, stream)) {
      known.stream = stream;
      return known;
    }
    const channel = known ?? new Channel(stream, this.#channels.size);
    channel.change(stream);
    this.#channels.set(stream.id, channel);
    for (const feed of this.#feeds.values()) {
      if (!feed.offer(channel)) continue;
      feed.deliver([lasting(encodeJson({ type: 'subscribed', streams: [announce(channel)] }))]);
    }
    return channel;
  }

  #feed(subscriptions: readonly Subscription[]): Feed {
    const key = JSON.stringify(subscriptions);
    const known = this.#feeds.get(key);
    if (known) return known;
    const feed = new Feed(key, subscriptions);
    for (const channel of this.#channels.values()) feed.offer(channel);
    this.#feeds.set(key, feed);
    return feed;
  }

  #leave(client: Client): void {
    const feed = this.#clients.get(client);
    if (!feed) return;
    feed.clients.delete(client);
    if (feed.clients.size > 0) return;
    feed.retire();
    this.#feeds.delete(feed.key);
  }

  /** Sends what is not due yet when it is, unless the last client leaves before. */
  async #flushWhenDue(pacer: Pacer, now: number): Promise<void> {
    pacer.waiting = true;
    for (let t = now; pacer.isBehind(); t = this.#realTime.now()) {
      if (t >= pacer.dueAt) pacer.flush(t);
      else await this.#realTime.sleep(Math.min(Math.ceil((pacer.dueAt - t) / 1000), WAIT_MS_MAX));
    }
    pacer.waiting = false;
  }

  #tick(ping: boolean): void {
    for (const listener of this.#listeners) listener();
    const t = this.#clock.now();
    const now = this.#realTime.now();
    const tick: Outgoing = {
      kind: 'tick',
      bytes: encodeJson({ type: 'tick', t, seq: this.#recent.seq }),
      binary: false,
    };
    for (const client of this.#clients.keys()) {
      client.deliver([tick]);
      client.checkUnsent(now);
      if (ping) client.ping();
    }
  }
}

function announce({ stream, number }: Channel): Announcement {
  return { ...stream, number };
}
