import type { Event, Micros, Sample, Stream, Wave } from '#core/stream.ts';
import { encodeWaveBinary } from '../codec/live/wave-message.ts';
import type { Client, Held, Outgoing } from './client.ts';
import { encodeSamples, encodeValue, encodeWaveJson, runsByAge } from './encode.ts';
import { PatternIndex } from './pattern.ts';
import { isAlertOf } from './privacy.ts';

/** What a client asked for under one subscription. */
export interface Subscription {
  /** See pattern.ts; where it is of raw frames, the ids of their streams. */
  readonly patterns: readonly string[];
  /** Raw frames and nothing else; without it everything but raw frames. */
  readonly frames?: boolean;
  /** Most `samples` messages a second. */
  readonly maxHz: number;
  /** How waves and raw frames are sent; everything else is JSON. */
  readonly format: 'json' | 'bin';
  /** Patterns of what is not for this client, whatever it asks for; the same in all its subscriptions. */
  readonly without?: readonly string[];
}

/** Whether an event of what a subscription covers is for its client: an alert may tell of what is not. */
export function isForClient({ without = [] }: Subscription, { stream, data }: Event): boolean {
  return !isAlertOf(without, { stream: stream.id, data });
}

type Covered = Pick<Stream, 'id' | 'kind'>;

/** Tells of streams whether a subscription covers them. */
export function coverage(subscription: Subscription): (stream: Covered) => boolean {
  const wanted = new Wanted([subscription]);
  const unwanted = new PatternIndex([subscription.without ?? []]);
  return (stream) => wanted.first(stream) >= 0 && unwanted.first(stream.id) < 0;
}

/** Several subscriptions, compiled. */
class Wanted {
  readonly #values: PatternIndex;
  /** By id: the first that wants the raw frames. */
  readonly #frames = new Map<string, number>();

  constructor(subscriptions: readonly Subscription[]) {
    const lists = subscriptions.map(({ patterns, frames }) => (frames ? [] : patterns));
    this.#values = new PatternIndex(lists);
    for (const [position, { patterns, frames }] of subscriptions.entries()) {
      if (!frames) continue;
      for (const id of patterns) if (!this.#frames.has(id)) this.#frames.set(id, position);
    }
  }

  /** Position of the first that wants the stream; -1 when there is none. */
  first({ id, kind }: Covered): number {
    // No pattern brings raw frames: they are too many for whoever has not asked for just them.
    return kind === 'frame' ? (this.#frames.get(id) ?? -1) : this.#values.first(id);
  }
}

/** A stream as the live view knows it, with its newest value and who wants it. */
export class Channel implements Held {
  /** Another under the same id takes its place when what it is made by has changed. */
  stream: Stream;
  /** Stands for the stream in binary messages; u16. */
  readonly number: number;
  newest: Sample | undefined;
  /** The gateway can measure it no more: nobody is told of it until it can again. */
  isGone = false;
  /** When it last had a reading; never where that is undefined. */
  seenAt: Micros | undefined;
  /** Those that want it, at most one a feed. */
  readonly pacers = new Set<Pacer>();
  #value: { readonly of: Sample; readonly text: string } | undefined;
  #wave: { readonly of: Wave; json?: Outgoing; bin?: Outgoing } | undefined;

  constructor(stream: Stream, number: number) {
    this.stream = stream;
    this.number = number;
  }

  /** What it measures is another thing now: the value of before, which may be in another unit, is told no more. */
  change(stream: Stream): void {
    this.stream = stream;
    this.newest = undefined;
    for (const pacer of this.pacers) pacer.dirty.delete(this);
  }

  /** The newest value as JSON, encoded once for everybody. */
  value(sample: Sample): string {
    if (this.#value?.of !== sample) this.#value = { of: sample, text: encodeValue(sample) };
    return this.#value.text;
  }

  /** The block in this format, encoded once for everybody. */
  wave(wave: Wave, format: Subscription['format']): Outgoing {
    if (this.#wave?.of !== wave) this.#wave = { of: wave };
    this.#wave[format] ??= {
      kind: 'wave',
      stream: this.stream,
      samples: wave.v.length,
      binary: format === 'bin',
      bytes: format === 'bin' ? encodeWaveBinary(wave, this.number) : encodeWaveJson(wave),
    };
    return this.#wave[format];
  }
}

/** One subscription of a feed: sends its streams at its rate. */
export class Pacer {
  readonly subscription: Subscription;
  readonly feed: Feed;
  /** Channels with a value that has not been sent. */
  readonly dirty = new Set<Channel>();
  /** Waves, events and raw frames that go out at the end of the turn. */
  outbox: Outgoing[] = [];
  /** When the next `samples` message is due. */
  dueAt: Micros = 0;
  /** A flush is scheduled. */
  waiting = false;

  constructor(feed: Feed, subscription: Subscription) {
    this.feed = feed;
    this.subscription = subscription;
  }

  /** Values wait to be sent, and somebody is there to get them. */
  isBehind(): boolean {
    return this.dirty.size > 0 && this.feed.clients.size > 0;
  }

  /** Takes the messages of this turn; the values only when they are due. */
  flush(now: Micros): void {
    const messages = this.outbox;
    this.outbox = [];
    if (this.dirty.size > 0 && now >= this.dueAt) {
      messages.push(samplesMessage([...this.dirty]));
      this.dirty.clear();
      this.dueAt = now + 1e6 / this.subscription.maxHz;
    }
    if (messages.length > 0) this.feed.deliver(messages);
  }
}

/** Clients with the same subscriptions: every message is made once and sent to all of them. */
export class Feed {
  readonly key: string;
  readonly clients = new Set<Client>();
  /** Fastest first. */
  readonly #pacers: readonly Pacer[];
  readonly #wanted: Wanted;
  readonly #without: readonly string[];
  readonly #unwanted: PatternIndex;
  readonly #channels = new Map<Channel, Pacer>();

  constructor(key: string, subscriptions: readonly Subscription[]) {
    this.key = key;
    const fastestFirst = subscriptions.toSorted((a, b) => b.maxHz - a.maxHz);
    this.#pacers = fastestFirst.map((subscription) => new Pacer(this, subscription));
    this.#wanted = new Wanted(fastestFirst);
    this.#without = subscriptions.flatMap(({ without = [] }) => without);
    this.#unwanted = new PatternIndex([this.#without]);
  }

  /** Adds the channel where a subscription matches; the fastest of several gets it. */
  offer(channel: Channel): boolean {
    const pacer = this.#pacers[this.#wanted.first(channel.stream)];
    if (!pacer || this.#unwanted.first(channel.stream.id) >= 0) return false;
    channel.pacers.add(pacer);
    this.#channels.set(channel, pacer);
    return true;
  }

  /** Whether an event is for its clients. */
  shows({ stream, data }: Event): boolean {
    return !isAlertOf(this.#without, { stream: stream.id, data });
  }

  /** Takes the feed out of its channels. */
  retire(): void {
    for (const [channel, pacer] of this.#channels) channel.pacers.delete(pacer);
  }

  deliver(messages: readonly Outgoing[]): void {
    for (const client of this.clients) client.deliver(messages);
  }
}

/** The newest values of channels that have one, in as few messages as their ages allow. */
export function snapshotMessages(held: readonly Held[]): Outgoing[] {
  const byStream = new Map(held.map((one) => [one.stream.id, one]));
  const samples = held.flatMap(({ newest }) => newest ?? []);
  return runsByAge(samples).map((run) => ({
    kind: 'samples',
    of: run.flatMap(({ stream }) => byStream.get(stream.id) ?? []),
    bytes: encodeSamples(run.at(-1)?.t ?? 0, run.map(encodeValue)),
    binary: false,
  }));
}

function samplesMessage(channels: readonly Channel[]): Outgoing {
  let t = 0;
  const values = [];
  for (const channel of channels) {
    if (!channel.newest) continue;
    t = Math.max(t, channel.newest.t);
    values.push(channel.value(channel.newest));
  }
  return { kind: 'samples', of: channels, bytes: encodeSamples(t, values), binary: false };
}
