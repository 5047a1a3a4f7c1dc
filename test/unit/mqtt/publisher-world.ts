/** A publisher on a clock that is moved by hand, and an outlet that keeps what is published. */
import type { Event, Reading, Sample, Stream } from '#core/stream.ts';
import type { Message, Outlet } from '../../../src/mqtt/outlet.ts';
import { Publisher, type PublisherOptions } from '../../../src/mqtt/publisher.ts';
import type { SourceNow } from '../../../src/mqtt/state.ts';
import { FakeClock } from '../../support/fake-clock.ts';

export const rpm = stream('obd.engine.rpm', { unit: '/min', range: [0, 16_383.75] });
export const speed = stream('obd.vehicle.speed', { unit: 'km/h', range: [0, 255] });
export const ignition = stream('obd.ignition', {
  ...{ range: [0, 2], hz: 0.1 },
  states: { 0: 'off', 1: 'on', 2: 'running' },
});

export function stream(id: string, extra: Partial<Stream> = {}): Stream {
  return { id, name: id, unit: '1', range: [0, 100], hz: 10, kind: 'sample', ...extra };
}

export function sample(of: Stream, v: number, t = 0): Sample {
  return { kind: 'sample', stream: of, t, v };
}

export function event(of: Stream, data: Event['data'], t = 0): Event {
  return { kind: 'event', stream: of, t, data };
}

export class FakeOutlet implements Outlet {
  messages: Message[] = [];
  /** Topics that somebody subscribes to; undefined: all. */
  wanted: ReadonlySet<string> | undefined;
  asked = 0;

  publish(message: Message): void {
    this.messages.push(message);
  }

  isWanted(topic: string): boolean {
    this.asked++;
    return this.wanted?.has(topic) ?? true;
  }

  /** Messages under a topic, or below one that ends with a slash, since the last call of `forget`. */
  of(topic: string): Message[] {
    const isBelow = topic.endsWith('/');
    return this.messages.filter((one) =>
      isBelow ? one.topic.startsWith(topic) : one.topic === topic,
    );
  }

  /** Their payloads, parsed. */
  json(topic: string) {
    return this.of(topic).map(({ payload }) => JSON.parse(String(payload)));
  }

  text(topic: string): string[] {
    return this.of(topic).map(({ payload }) => String(payload));
  }

  forget(): void {
    this.messages = [];
  }
}

export interface World {
  readonly clock: FakeClock;
  readonly outlet: FakeOutlet;
  readonly publisher: Publisher;
  /** May be changed: what the gateway has at this moment. */
  now: { sources: SourceNow[]; streams: Stream[]; wallMs: number };
  take(...readings: Reading[]): void;
  stop(): Promise<void>;
}

export async function startWorld(options: Partial<PublisherOptions> = {}): Promise<World> {
  const clock = new FakeClock();
  const outlet = new FakeOutlet();
  const now: World['now'] = {
    sources: [{ id: 'obd', status: 'ok', streams: [rpm, speed, ignition] }],
    streams: [rpm, speed, ignition],
    wallMs: 0,
  };
  const publisher = new Publisher({
    ...{ name: 'mqtt', device: 'car1', version: '1.2.0', simulated: false, vss: false, outlet },
    realTime: clock,
    epoch: () => ({ id: 7, wallMs: now.wallMs, trust: 'none' }),
    streams: () => now.streams,
    sources: () => now.sources,
    ongoing: () => [],
    stats: () => ({ queued: 3 }),
    ...options,
  });
  const stopping = new AbortController();
  const ended = publisher.run(stopping.signal);
  await clock.advance(0);
  return {
    ...{ clock, outlet, publisher, now },
    take: (...readings) => publisher.take(readings),
    stop: async () => {
      stopping.abort();
      await ended;
    },
  };
}
