import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Stream } from '#core/stream.ts';
import type { Client } from '../../../src/http/client.ts';
import type { Subscription } from '../../../src/http/feed.ts';
import { Live } from '../../../src/http/live.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { event, FakePeer, sample, stream, wave } from './fakes.ts';

const rpm = stream('obd.engine.rpm');
const speed = stream('obd.vehicle.speed');
const eeg = stream('eeg.raw', { kind: 'wave', hz: 512, lsb: 0.25, unit: 'uV' });
const blink = stream('face.blink', { kind: 'event', hz: 0 });
const raw = stream('can.body', { kind: 'frame', hz: 0 });
const ALL: Subscription = { patterns: ['*'], maxHz: 1000, format: 'json' };
/** Large enough that one message passes the limit of a slow client. */
const BIG = { text: 'x'.repeat(70_000) };

function start(streams: readonly Stream[] = [rpm, speed, eeg, blink, raw]) {
  const clock = new FakeClock();
  const live = new Live({ clock, streams: () => streams });
  const join = (...subscriptions: Subscription[]): { peer: FakePeer; client: Client } => {
    const peer = new FakePeer();
    const client = live.connect(peer);
    for (const subscription of subscriptions) live.announce(subscription);
    live.subscribe(client, subscriptions);
    return { peer, client };
  };
  return { clock, live, join };
}

/** A client over the limit: what is sent from now on is held back. */
function stall(live: Live, peer: FakePeer): void {
  peer.stalled = true;
  live.take([event(blink, 0, BIG)]);
  peer.messages();
}

test('a batch becomes one message with the newest value of each stream', () => {
  const { live, join } = start();
  const { peer } = join(ALL);
  live.take([sample(rpm, 1, 800), sample(speed, 2, 50), sample(rpm, 3, 850)]);
  expect(peer.messages()).toEqual([
    { type: 'samples', t: 3, values: { 'obd.engine.rpm': 850, 'obd.vehicle.speed': 50 } },
  ]);
});

test('a value that JSON cannot say is null', () => {
  const { live, join } = start();
  const { peer } = join(ALL);
  live.take([sample(rpm, 1, Number.NaN)]);
  expect(peer.messages()).toEqual([{ type: 'samples', t: 1, values: { 'obd.engine.rpm': null } }]);
});

test('patterns are an id, a subtree or everything', () => {
  const cases: [pattern: string, ids: string[]][] = [
    ['*', ['obd.engine.rpm', 'obd.vehicle.speed', 'eeg.raw', 'face.blink']],
    ['obd.*', ['obd.engine.rpm', 'obd.vehicle.speed']],
    ['obd', ['obd.engine.rpm', 'obd.vehicle.speed']],
    ['obd.engine.rpm', ['obd.engine.rpm']],
    ['obd.eng', []],
    ['eeg.raw.*', []],
  ];
  const { live } = start();
  for (const [pattern, ids] of cases) {
    const covered = live.announce({ ...ALL, patterns: [pattern] }).map(({ id }) => id);
    expect(covered, pattern).toEqual(ids);
  }
});

test('clients get what they asked for and nothing else', () => {
  const { live, join } = start();
  const engine = join({ ...ALL, patterns: ['obd.engine'] });
  const nothing = join();
  live.take([sample(speed, 1, 50), event(blink, 2), sample(rpm, 3, 800)]);
  expect(engine.peer.messages()).toEqual([
    { type: 'samples', t: 3, values: { 'obd.engine.rpm': 800 } },
  ]);
  expect(nothing.peer.messages()).toEqual([]);
});

test('raw CAN frames are never sent', () => {
  const { live, join } = start();
  const { peer } = join(ALL);
  const data = new Uint8Array(8);
  live.take([{ kind: 'frame', stream: raw, t: 1, id: 0x7e8, extended: false, data }]);
  expect(peer.messages()).toEqual([]);
});

test('a stream in two subscriptions comes once, at the faster rate', async () => {
  const { clock, live, join } = start();
  const slow: Subscription = { patterns: ['obd.*'], maxHz: 1, format: 'json' };
  const { peer } = join(slow, { patterns: ['obd.engine'], maxHz: 100, format: 'json' });
  await clock.advance(2000);
  for (let i = 0; i < 10; i++) {
    live.take([sample(rpm, i, i), sample(speed, i, i)]);
    await clock.advance(10);
  }
  const values = peer.messagesOf('samples').map((message) => Object.keys(message['values'] ?? {}));
  expect(values.filter((ids) => ids.includes(rpm.id))).toHaveLength(10);
  expect(values.filter((ids) => ids.includes(speed.id))).toHaveLength(1);
});

test('values over maxHz wait for their time and the newest goes out then', async () => {
  const { clock, live, join } = start();
  const { peer } = join({ ...ALL, maxHz: 10 });
  live.take([sample(rpm, 1, 1)]);
  live.take([sample(rpm, 2, 2)]);
  live.take([sample(rpm, 3, 3)]);
  expect(peer.messages()).toMatchObject([{ values: { 'obd.engine.rpm': 1 } }]);
  await clock.advance(99);
  expect(peer.messages()).toEqual([]);
  await clock.advance(1);
  expect(peer.messages()).toMatchObject([{ t: 3, values: { 'obd.engine.rpm': 3 } }]);
  await clock.advance(1000);
  expect(peer.messages()).toEqual([]);
});

test('at any rate of input no second has more messages than maxHz, and the last value arrives', () =>
  fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 50 }),
      fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 60 }),
      async (maxHz, pauses) => {
        const { clock, live, join } = start();
        const { peer } = join({ ...ALL, maxHz });
        const sentAt: number[] = [];
        let last: unknown;
        const look = () => {
          for (const message of peer.messagesOf('samples')) {
            sentAt.push(clock.now());
            last = message['values'];
          }
        };
        for (const [i, pause] of pauses.entries()) {
          live.take([sample(rpm, clock.now(), i)]);
          look();
          for (let ms = 0; ms < pause; ms++) {
            await clock.advance(1);
            look();
          }
        }
        await clock.advance(2000);
        look();
        expect(last).toEqual({ 'obd.engine.rpm': pauses.length - 1 });
        for (const at of sentAt) {
          const within = sentAt.filter((other) => other >= at && other < at + 1e6);
          expect(within.length).toBeLessThanOrEqual(maxHz);
        }
      },
    ),
    { numRuns: 30 },
  ));

test('waves and events do not wait for maxHz and none is merged', () => {
  const { live, join } = start();
  const { peer } = join({ ...ALL, maxHz: 0.1 });
  live.take([wave(eeg, 0, Int16Array.of(4, -8)), event(blink, 5, { eye: 'left' })]);
  live.take([wave(eeg, 2, Int16Array.of(1)), event(blink, 6, { eye: 'right' })]);
  expect(peer.messages()).toEqual([
    { type: 'wave', stream: 'eeg.raw', seq: 0, t: 0, hz: 512, values: [1, -2] },
    { type: 'event', stream: 'face.blink', t: 5, data: { eye: 'left' } },
    { type: 'wave', stream: 'eeg.raw', seq: 2, t: 2000, hz: 512, values: [0.25] },
    { type: 'event', stream: 'face.blink', t: 6, data: { eye: 'right' } },
  ]);
});

test('binary is for waves alone, under the number that was announced', () => {
  const { live, join } = start();
  const bin: Subscription = { ...ALL, format: 'bin' };
  const { peer } = join(bin);
  const number = live.announce(bin).find(({ id }) => id === eeg.id)?.number;
  live.take([sample(rpm, 1, 1), wave(eeg, 7, Int16Array.of(1, 2))]);
  const [frame] = peer.binaries();
  expect(frame && new DataView(frame.buffer).getUint16(2, true)).toBe(number);
  expect(peer.messages().map(({ type }) => type)).toEqual(['samples']);
});

test('the snapshot has the newest values, also of streams that came before any client', () => {
  const { live, join } = start();
  live.take([sample(rpm, 10, 800), sample(speed, 20, 50), sample(rpm, 30, 900)]);
  const { peer, client } = join();
  live.sendSnapshot(client, ALL);
  expect(peer.messages()).toEqual([
    { type: 'samples', t: 30, values: { 'obd.vehicle.speed': 50, 'obd.engine.rpm': 900 } },
  ]);
});

test('in a snapshot an old value does not borrow the time of a new one', () => {
  const { live, join } = start();
  live.take([sample(rpm, 0, 800), sample(speed, 60e6, 50)]);
  const { peer, client } = join();
  live.sendSnapshot(client, ALL);
  expect(peer.messages()).toEqual([
    { type: 'samples', t: 0, values: { 'obd.engine.rpm': 800 } },
    { type: 'samples', t: 60e6, values: { 'obd.vehicle.speed': 50 } },
  ]);
});

test('a stream that appears later is announced to those who want it, before its first value', () => {
  const { live, join } = start([]);
  const { peer } = join(ALL);
  const other = join({ ...ALL, patterns: ['eeg.*'] });
  live.take([sample(rpm, 1, 800)]);
  expect(peer.messages()).toMatchObject([
    { type: 'subscribed', streams: [{ id: 'obd.engine.rpm', number: 0 }] },
    { type: 'samples' },
  ]);
  expect(other.peer.messages()).toEqual([]);
});

test('a client that left gets nothing, and its feed is gone', async () => {
  const { clock, live, join } = start();
  const { peer, client } = join({ ...ALL, maxHz: 1 });
  live.take([sample(rpm, 1, 1)]);
  live.take([sample(rpm, 2, 2)]);
  peer.messages();
  live.disconnect(client);
  live.disconnect(client);
  await clock.advance(5000);
  live.take([sample(rpm, 3, 3)]);
  expect(peer.messages()).toEqual([]);
  expect(live.stats.clients).toBe(0);
});

test('ticks come every second and pings every twentieth', async () => {
  const { clock, live, join } = start();
  const { peer } = join();
  const stop = new AbortController();
  const running = live.run(stop.signal);
  await clock.advance(40_000);
  const ticks = peer.messagesOf('tick');
  expect(ticks).toHaveLength(40);
  expect(ticks[0]).toEqual({ type: 'tick', t: 1e6 });
  expect(peer.pings).toBe(2);
  stop.abort();
  await running;
});

test('a slow client gets nothing more until drained, then the newest values once', async () => {
  const { clock, live, join } = start();
  const { peer, client } = join(ALL);
  const healthy = join({ ...ALL });
  stall(live, peer);
  healthy.peer.messages();
  expect(live.stats.coalescing).toBe(1);
  for (let i = 1; i <= 100; i++) {
    await clock.advance(1);
    live.take([sample(rpm, i, i), sample(speed, i, -i)]);
  }
  expect(peer.messages()).toEqual([]);
  expect(healthy.peer.messages()).toHaveLength(100);
  live.drain(client);
  expect(peer.messages(), 'not drained yet').toEqual([]);
  peer.unstall();
  live.drain(client);
  expect(peer.messages()).toEqual([
    { type: 'samples', t: 100, values: { 'obd.engine.rpm': 100, 'obd.vehicle.speed': -100 } },
  ]);
  expect(live.stats).toMatchObject({ coalescing: 0, coalesced: 100 });
  await clock.advance(1);
  live.take([sample(rpm, 101, 101)]);
  expect(peer.messages()).toHaveLength(1);
});

test('64 KiB unsent are allowed, and one byte more is not', () => {
  const { live, join } = start();
  const { peer } = join(ALL);
  peer.stalled = true;
  const overhead = JSON.stringify({
    type: 'event',
    stream: blink.id,
    t: 0,
    data: { s: '' },
  }).length;
  live.take([event(blink, 0, { s: 'x'.repeat(64 * 1024 - overhead) })]);
  expect(peer.buffered()).toBe(64 * 1024);
  expect(live.stats.coalescing).toBe(0);
  live.take([event(blink, 0)]);
  expect(live.stats.coalescing).toBe(1);
});

test('waves a slow client missed are told as one gap per stream, in samples', () => {
  const { live, join } = start();
  const { peer, client } = join(ALL);
  stall(live, peer);
  live.take([wave(eeg, 0, new Int16Array(32)), wave(eeg, 32, new Int16Array(8))]);
  live.take([wave(eeg, 40, new Int16Array(2))]);
  peer.unstall();
  live.drain(client);
  live.take([wave(eeg, 42, Int16Array.of(4))]);
  expect(peer.messages()).toMatchObject([
    { type: 'gap', stream: 'eeg.raw', lost: 42 },
    { type: 'wave', seq: 42 },
  ]);
  expect(live.stats.wavesDropped).toBe(3);
});

test('events a slow client missed arrive all and in order', () => {
  const { live, join } = start();
  const { peer, client } = join(ALL);
  stall(live, peer);
  for (let i = 0; i < 1000; i++) live.take([event(blink, i), sample(rpm, i, i)]);
  expect(peer.closed).toBeUndefined();
  peer.unstall();
  live.drain(client);
  const messages = peer.messages();
  expect(messages.slice(0, 1000).map(({ t }) => t)).toEqual(
    Array.from({ length: 1000 }, (_, i) => i),
  );
  expect(messages.slice(1000)).toMatchObject([{ type: 'samples', t: 999 }]);
});

test('a client that lets more than a thousand events pile up is closed with 4290', () => {
  const { live, join } = start();
  const { peer } = join(ALL);
  stall(live, peer);
  for (let i = 0; i <= 1000; i++) live.take([event(blink, i)]);
  expect(peer.closed).toMatchObject({ code: 4290 });
  expect(live.stats).toMatchObject({ cutSlow: 1, coalescing: 0 });
});

test('a client over 1 MiB is closed after 30 s, and spared when it gets below in between', async () => {
  const { clock, live, join } = start();
  const stuck = join(ALL);
  const slow = join(ALL);
  const stop = new AbortController();
  const running = live.run(stop.signal);
  for (const { peer } of [stuck, slow]) peer.stalled = true;
  live.take([event(blink, 0, { text: 'x'.repeat(1024 * 1024) })]);
  await clock.advance(20_000);
  slow.peer.unstall();
  await clock.advance(1000);
  live.drain(slow.client);
  await clock.advance(9000);
  expect(stuck.peer.closed).toBeUndefined();
  await clock.advance(1000);
  expect(stuck.peer.closed).toMatchObject({ code: 4290 });
  await clock.advance(60_000);
  expect(slow.peer.closed).toBeUndefined();
  stop.abort();
  await running;
});

test('whatever stalls and drains, a client loses no event and ends with the newest values', () => {
  const steps = fc.array(fc.constantFrom('stall', 'drain', 'event', 'rpm', 'wave'), {
    maxLength: 80,
  });
  fc.assert(
    fc.property(steps, (list) => {
      const { live, join } = start();
      const { peer, client } = join(ALL);
      const sent = { events: 0, samples: 0, rpm: 0 };
      const play: Record<(typeof list)[number], () => void> = {
        stall: () => {
          peer.stalled = true;
        },
        drain: () => {
          peer.unstall();
          live.drain(client);
        },
        event: () => live.take([event(blink, sent.events++, BIG)]),
        rpm: () => live.take([sample(rpm, 0, ++sent.rpm)]),
        wave: () => {
          live.take([wave(eeg, sent.samples, new Int16Array(3))]);
          sent.samples += 3;
        },
      };
      for (const step of [...list, 'rpm', 'drain'] as const) play[step]();
      live.sendSnapshot(client, ALL); // The clock stands still, so a last value may not be due yet.
      const messages = peer.messages();
      const of = (type: string) => messages.filter((message) => message.type === type);
      expect(of('event').map(({ t }) => t)).toEqual(
        Array.from({ length: sent.events }, (_, i) => i),
      );
      expect(of('samples').at(-1)).toMatchObject({ values: { 'obd.engine.rpm': sent.rpm } });
      const received = of('wave').length * 3;
      const lost = of('gap').reduce((sum, gap) => sum + Number(gap['lost']), 0);
      expect(received + lost).toBe(sent.samples);
    }),
  );
});
