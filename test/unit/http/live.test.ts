import fc from 'fast-check';
import { expect, test } from 'vitest';
import { alertEvent } from '#core/alert.ts';
import type { Subscription } from '../../../src/http/feed.ts';
import { Live } from '../../../src/http/live.ts';
import { alertOf } from '../../support/alert-fixture.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import {
  ALL,
  blink,
  eeg,
  event,
  FakePeer,
  raw,
  rpm,
  sample,
  speed,
  startLive,
  stream,
  wave,
} from './fakes.ts';

test('a batch becomes one message with the newest value of each stream', () => {
  const { live, join } = startLive();
  const { peer } = join(ALL);
  live.take([sample(rpm, 1, 800), sample(speed, 2, 50), sample(rpm, 3, 850)]);
  expect(peer.messages()).toEqual([
    { type: 'samples', t: 3, values: { 'obd.engine.rpm': 850, 'obd.vehicle.speed': 50 } },
  ]);
});

test('a value that JSON cannot say is null', () => {
  const { live, join } = startLive();
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
  const { live } = startLive();
  for (const [pattern, ids] of cases) {
    const covered = live.announce({ ...ALL, patterns: [pattern] }).map(({ id }) => id);
    expect(covered, pattern).toEqual(ids);
  }
});

test('a stream that there is no more is told of to nobody, until it is there again', () => {
  let streams = [rpm, speed];
  const clock = new FakeClock();
  const live = new Live({ clock, realTime: clock, streams: () => streams });
  const told = () => live.announce(ALL).map(({ id, number }) => [id, number]);
  expect(told()).toEqual([
    [rpm.id, 0],
    [speed.id, 1],
  ]);
  // One that only tells, as the gateway does of itself, is in no list.
  live.take([sample(rpm, 1, 800), sample(speed, 1, 50), sample(stream('gateway.store'), 1, 2)]);
  streams = [speed];
  expect(told()).toEqual([
    [speed.id, 1],
    ['gateway.store', 2],
  ]);
  const peer = new FakePeer();
  live.sendSnapshot(live.connect(peer), ALL);
  expect(peer.messages()).toEqual([
    { type: 'samples', t: 1, values: { [speed.id]: 50, 'gateway.store': 2 } },
  ]);
  streams = [speed, { ...rpm }];
  expect(told()).toEqual([
    [rpm.id, 0],
    [speed.id, 1],
    ['gateway.store', 2],
  ]);
});

test('clients get what they asked for and nothing else', () => {
  const { live, join } = startLive();
  const engine = join({ ...ALL, patterns: ['obd.engine'] });
  const nothing = join();
  live.take([sample(speed, 1, 50), event(blink, 2), sample(rpm, 3, 800)]);
  expect(engine.peer.messages()).toEqual([
    { type: 'samples', t: 3, values: { 'obd.engine.rpm': 800 } },
  ]);
  expect(nothing.peer.messages()).toEqual([]);
});

test('raw CAN frames are never sent', () => {
  const { live, join } = startLive();
  const { peer } = join(ALL);
  const data = new Uint8Array(8);
  live.take([{ kind: 'frame', stream: raw, t: 1, id: 0x7e8, extended: false, data }]);
  expect(peer.messages()).toEqual([]);
});

test('a stream in two subscriptions comes once, at the faster rate', async () => {
  const { clock, live, join } = startLive();
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
  const { clock, live, join } = startLive();
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
        const { clock, live, join } = startLive();
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
  const { live, join } = startLive();
  const { peer } = join({ ...ALL, maxHz: 0.1 });
  live.take([wave(eeg, 0, Int16Array.of(4, -8)), event(blink, 5, { eye: 'left' })]);
  live.take([wave(eeg, 2, Int16Array.of(1)), event(blink, 6, { eye: 'right' })]);
  expect(peer.messages()).toEqual([
    { type: 'wave', stream: 'eeg.raw', seq: 0, t: 0, hz: 512, values: [1, -2] },
    { type: 'event', seq: 1, stream: 'face.blink', t: 5, data: { eye: 'left' } },
    { type: 'wave', stream: 'eeg.raw', seq: 2, t: 2000, hz: 512, values: [0.25] },
    { type: 'event', seq: 2, stream: 'face.blink', t: 6, data: { eye: 'right' } },
  ]);
});

test('binary is for waves alone, under the number that was announced', () => {
  const { live, join } = startLive();
  const bin: Subscription = { ...ALL, format: 'bin' };
  const { peer } = join(bin);
  const number = live.announce(bin).find(({ id }) => id === eeg.id)?.number;
  live.take([sample(rpm, 1, 1), wave(eeg, 7, Int16Array.of(1, 2))]);
  const [frame] = peer.binaries();
  expect(frame && new DataView(frame.buffer).getUint16(2, true)).toBe(number);
  expect(peer.messages().map(({ type }) => type)).toEqual(['samples']);
});

test('the snapshot has the newest values, also of streams that came before any client', () => {
  const { live, join } = startLive();
  live.take([sample(rpm, 10, 800), sample(speed, 20, 50), sample(rpm, 30, 900)]);
  const { peer, client } = join();
  live.sendSnapshot(client, ALL);
  expect(peer.messages()).toEqual([
    { type: 'samples', t: 30, values: { 'obd.vehicle.speed': 50, 'obd.engine.rpm': 900 } },
  ]);
});

test('in a snapshot an old value does not borrow the time of a new one', () => {
  const { live, join } = startLive();
  live.take([sample(rpm, 0, 800), sample(speed, 60e6, 50)]);
  const { peer, client } = join();
  live.sendSnapshot(client, ALL);
  expect(peer.messages()).toEqual([
    { type: 'samples', t: 0, values: { 'obd.engine.rpm': 800 } },
    { type: 'samples', t: 60e6, values: { 'obd.vehicle.speed': 50 } },
  ]);
});

test('a stream that appears later is announced to those who want it, before its first value', () => {
  const { live, join } = startLive([]);
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
  const { clock, live, join } = startLive();
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
  const { clock, live, join } = startLive();
  const { peer } = join();
  const stop = new AbortController();
  const running = live.run(stop.signal);
  await clock.advance(1000);
  live.take([event(blink, 1e6)]);
  await clock.advance(39_000);
  const ticks = peer.messagesOf('tick');
  expect(ticks).toHaveLength(40);
  // With the number of the last event, by which a client knows that it has them all.
  expect(ticks.slice(0, 2)).toEqual([
    { type: 'tick', t: 1e6, seq: 0 },
    { type: 'tick', t: 2e6, seq: 1 },
  ]);
  expect(peer.pings).toBe(2);
  stop.abort();
  await running;
});

test('samples that the source lost are told of before the wave that follows, to those who want it', () => {
  const { live, join } = startLive();
  const { peer } = join({ ...ALL, patterns: ['eeg.*'] });
  const other = join({ ...ALL, patterns: ['obd.*'] });
  live.take([wave(eeg, 0, Int16Array.of(4)), wave(eeg, 6, Int16Array.of(8), 5)]);
  expect(peer.messages()).toMatchObject([
    { type: 'wave', seq: 0 },
    { type: 'gap', stream: 'eeg.raw', lost: 5 },
    { type: 'wave', seq: 6 },
  ]);
  expect(other.peer.messages()).toEqual([]);
});

test('a client that has left cannot subscribe', async () => {
  const { clock, live, join } = startLive();
  const { peer, client } = join();
  live.disconnect(client);
  live.subscribe(client, [ALL]);
  const stop = new AbortController();
  const running = live.run(stop.signal);
  await clock.advance(20_000);
  expect(peer.pings).toBe(0);
  stop.abort();
  await running;
});

test('an alert leaves in the turn in which it comes, however few messages were asked for', () => {
  const { live, join } = startLive();
  const { peer } = join({ ...ALL, patterns: ['alert', 'obd.*'], maxHz: 0.1 });
  live.take([sample(rpm, 1, 1)]);
  live.take([sample(rpm, 2, 2)]);
  peer.messages();
  live.take([sample(rpm, 3, 3), alertEvent('started', alertOf(), 3), sample(rpm, 4, 4)]);
  live.take([alertEvent('ended', alertOf(), 5)]);
  expect(peer.messagesOf('alert')).toMatchObject([
    { t: 3, state: 'started' },
    { t: 5, state: 'ended' },
  ]);
  expect(peer.messagesOf('samples')).toEqual([]);
});

test('the pattern alert covers what happens to alerts, and a part of it does not cover their start', () => {
  const { live, join } = startLive();
  const alerts = join({ ...ALL, patterns: ['alert'] });
  const changes = join({ ...ALL, patterns: ['alert.*'] });
  const others = join({ ...ALL, patterns: ['obd.*'] });
  live.take([alertEvent('started', alertOf(), 1), alertEvent('noted', alertOf(), 2)]);
  const states = ({ peer }: typeof alerts) => peer.messagesOf('alert').map(({ state }) => state);
  expect([alerts, changes, others].map(states)).toEqual([['started', 'noted'], ['noted'], []]);
});

test('an alert about a stream that is not for a client is not for it either', () => {
  const { live, join } = startLive();
  const masked = { ...ALL, patterns: ['alert'], without: ['gps'] };
  const [some, all] = [join(masked), join({ ...ALL, patterns: ['alert'] })];
  const evidence = { ...alertOf().evidence, stream: 'gps.fix', text: 'Position at home' };
  live.take([alertEvent('started', alertOf({ evidence }), 1), alertEvent('started', alertOf(), 2)]);
  expect(all.peer.messagesOf('alert')).toHaveLength(2);
  expect(some.peer.messagesOf('alert')).toMatchObject([{ stream: 'obd.engine.coolant' }]);
  live.resume(some.client, masked, 0, 0);
  expect(some.peer.messages()).toMatchObject([{ stream: 'obd.engine.coolant' }]);
});
