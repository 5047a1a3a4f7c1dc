import type { Micros, Sample, Stream, Wave } from '#core/stream.ts';
import type { Client, Frame, Held } from './client.ts';
import {
  encodeSamples,
  encodeValue,
  encodeWaveBinary,
  encodeWaveJson,
  runsByAge,
} from './encode.ts';

/** What a client asked for under one subscription. */
export interface Subscription {
  /** An id, the ids below it (`eeg.bands`, `obd.*`), or everything (`*`). */
  readonly patterns: readonly string[];
  /** Most `samples` messages a second. */
  readonly maxHz: number;
  /** How waves are sent; everything else is JSON. */
  readonly format: 'json' | 'bin';
}

/** A stream as the live view knows it, with its newest value and who wants it. */
export class Channel implements Held {
  readonly stream: Stream;
  /** Stands for the stream in binary messages; u16. */
  readonly number: number;
  newest: Sample | undefined;
  /** The lanes that want it, at most one a feed. */
  readonly lanes = new Set<Lane>();
  #value: { readonly of: Sample; readonly text: string } | undefined;
  #wave: { readonly of: Wave; json?: Frame; bin?: Frame } | undefined;

  constructor(stream: Stream, number: number) {
    this.stream = stream;
    this.number = number;
  }

  /** The newest value as JSON, encoded once for everybody. */
  value(sample: Sample): string {
    if (this.#value?.of !== sample) this.#value = { of: sample, text: encodeValue(sample) };
    return this.#value.text;
  }

  /** The block in this format, encoded once for everybody. */
  wave(wave: Wave, format: Subscription['format']): Frame {
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

/** Whether an id is one of the patterns, or below one. */
export function matchesAny(patterns: readonly string[], id: string): boolean {
  return patterns.some((pattern) => matches(pattern, id));
}

function matches(pattern: string, id: string): boolean {
  if (pattern === '*' || pattern === id) return true;
  const prefix = pattern.endsWith('.*') ? pattern.slice(0, -1) : `${pattern}.`;
  return id.startsWith(prefix);
}

/** One subscription of a feed: its streams at its rate. */
export class Lane {
  readonly subscription: Subscription;
  readonly feed: Feed;
  /** Channels with a value that has not been sent. */
  readonly dirty = new Set<Channel>();
  /** Waves and events that go out at the end of the turn. */
  outbox: Frame[] = [];
  /** When the next `samples` message is due. */
  dueAt: Micros = 0;
  /** A flush is scheduled. */
  waiting = false;

  constructor(feed: Feed, subscription: Subscription) {
    this.feed = feed;
    this.subscription = subscription;
  }

  wants({ stream }: Channel): boolean {
    return matchesAny(this.subscription.patterns, stream.id);
  }

  /** Values wait to be sent, and somebody is there to get them. */
  isBehind(): boolean {
    return this.dirty.size > 0 && this.feed.clients.size > 0;
  }

  /** Takes the messages of this turn; the values only when they are due. */
  flush(now: Micros): void {
    const frames = this.outbox;
    this.outbox = [];
    if (this.dirty.size > 0 && now >= this.dueAt) {
      frames.push(samplesFrame([...this.dirty]));
      this.dirty.clear();
      this.dueAt = now + 1e6 / this.subscription.maxHz;
    }
    if (frames.length > 0) this.feed.deliver(frames);
  }
}

/** Clients with the same subscriptions: every message is made once and sent to all of them. */
export class Feed {
  readonly key: string;
  readonly clients = new Set<Client>();
  readonly lanes: readonly Lane[];
  readonly channels = new Set<Channel>();

  constructor(key: string, subscriptions: readonly Subscription[]) {
    this.key = key;
    this.lanes = subscriptions
      .toSorted((a, b) => b.maxHz - a.maxHz)
      .map((subscription) => new Lane(this, subscription));
  }

  /** Adds the channel where a subscription matches; the fastest of several gets it. */
  offer(channel: Channel): boolean {
    const lane = this.lanes.find((candidate) => candidate.wants(channel));
    if (!lane) return false;
    channel.lanes.add(lane);
    this.channels.add(channel);
    return true;
  }

  /** Takes the feed out of its channels. */
  retire(): void {
    for (const channel of this.channels) for (const lane of this.lanes) channel.lanes.delete(lane);
  }

  deliver(frames: readonly Frame[]): void {
    for (const client of this.clients) client.deliver(frames);
  }
}

/** The newest values of channels that have one, in as few messages as their ages allow. */
export function snapshotFrames(held: readonly Held[]): Frame[] {
  const byStream = new Map(held.map((one) => [one.stream.id, one]));
  const samples = held.flatMap(({ newest }) => newest ?? []);
  return runsByAge(samples).map((run) => ({
    kind: 'samples',
    of: run.flatMap(({ stream }) => byStream.get(stream.id) ?? []),
    bytes: encodeSamples(run.at(-1)?.t ?? 0, run.map(encodeValue)),
    binary: false,
  }));
}

function samplesFrame(channels: readonly Channel[]): Frame {
  let t = 0;
  const values = [];
  for (const channel of channels) {
    if (!channel.newest) continue;
    t = Math.max(t, channel.newest.t);
    values.push(channel.value(channel.newest));
  }
  return { kind: 'samples', of: channels, bytes: encodeSamples(t, values), binary: false };
}
