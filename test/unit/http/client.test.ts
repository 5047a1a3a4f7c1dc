import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ALERT, ALERT_CHANGE, ALERT_CHANGES, alertEvent } from '#core/alert.ts';
import type { Live } from '../../../src/http/live.ts';
import { alertOf } from '../../support/alert-fixture.ts';
import {
  ALL,
  blink,
  eeg,
  event,
  type FakePeer,
  rpm,
  sample,
  speed,
  startLive,
  wave,
} from './fakes.ts';

/** Large enough that one message passes the limit of a slow client. */
const BIG = { text: 'x'.repeat(70_000) };

/** A client over the limit: what is sent from now on is held back. */
function stall(live: Live, peer: FakePeer): void {
  peer.stalled = true;
  live.take([event(blink, 0, BIG)]);
  peer.messages();
}

/** Of the event with this number, when its data is `{"s":""}`. */
function eventBytes(seq: number): number {
  return JSON.stringify({ type: 'event', seq, stream: blink.id, t: 0, data: { s: '' } }).length;
}

test('a slow client gets nothing more until drained, then the newest values once', async () => {
  const { clock, live, join } = startLive();
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
  const { live, join } = startLive();
  const { peer } = join(ALL);
  peer.stalled = true;
  const overhead = eventBytes(1);
  live.take([event(blink, 0, { s: 'x'.repeat(64 * 1024 - overhead) })]);
  expect(peer.buffered()).toBe(64 * 1024);
  expect(live.stats.coalescing).toBe(0);
  live.take([event(blink, 0)]);
  expect(live.stats.coalescing).toBe(1);
});

test('waves a slow client missed are told as one gap per stream, in samples', () => {
  const { live, join } = startLive();
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

test('what the source lost meanwhile is part of the gap that a slow client is told of', () => {
  const { live, join } = startLive();
  const { peer, client } = join(ALL);
  stall(live, peer);
  live.take([wave(eeg, 0, new Int16Array(32)), wave(eeg, 40, new Int16Array(2), 8)]);
  peer.unstall();
  live.drain(client);
  expect(peer.messages()).toEqual([{ type: 'gap', stream: 'eeg.raw', lost: 42 }]);
  expect(live.stats.wavesDropped).toBe(2);
});

test('events a slow client missed arrive all and in order', () => {
  const { live, join } = startLive();
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

test('alerts reach a slow client in order, before the samples that were held back for it', async () => {
  const { clock, live, join } = startLive([rpm, blink, ALERT, ALERT_CHANGE]);
  const { peer, client } = join(ALL);
  stall(live, peer);
  for (const [t, news] of ALERT_CHANGES.entries()) {
    await clock.advance(1);
    live.take([sample(rpm, t, t), alertEvent(news, alertOf(), t)]);
  }
  expect(peer.messages()).toEqual([]);
  expect(live.stats.coalesced).toBe(ALERT_CHANGES.length);
  peer.unstall();
  live.drain(client);
  expect(peer.messages()).toMatchObject([
    ...ALERT_CHANGES.map((state, t) => ({ type: 'alert', state, t })),
    { type: 'samples', values: { 'obd.engine.rpm': ALERT_CHANGES.length - 1 } },
  ]);
  // The client is as fast as any other again.
  live.take([alertEvent('ended', alertOf(), 9)]);
  expect(peer.messages()).toMatchObject([{ type: 'alert', t: 9 }]);
});

test('a client that lets more than a thousand events pile up is closed with 4290', () => {
  const { live, join } = startLive();
  const { peer } = join(ALL);
  stall(live, peer);
  for (let i = 0; i <= 1000; i++) live.take([event(blink, i)]);
  expect(peer.closed).toMatchObject({ code: 4290 });
  expect(live.stats).toMatchObject({ cutSlow: 1, coalescing: 0 });
});

test('1 MiB of events may wait, and a byte more closes the client with 4290', () => {
  const size = 64 * 1024;
  const { live, join } = startLive();
  const { peer } = join(ALL);
  stall(live, peer);
  const take = (seq: number, bytes: number) =>
    live.take([event(blink, 0, { s: 'x'.repeat(bytes - eventBytes(seq)) })]);
  // The first event is that which made it stall.
  for (let seq = 2; seq <= 16; seq++) take(seq, size);
  take(17, size - eventBytes(18));
  take(18, eventBytes(18));
  expect(peer.closed).toBeUndefined();
  live.take([event(blink, 0)]);
  expect(peer.closed).toMatchObject({ code: 4290 });
});

test('what follows in the turn that closes a client is not sent to it', () => {
  const { live, join } = startLive();
  const { peer } = join(ALL);
  stall(live, peer);
  for (let i = 0; i < 1000; i++) live.take([event(blink, i)]);
  const { messagesOut } = live.stats;
  peer.stalled = false;
  live.take([event(blink, 1000), event(blink, 1001), sample(rpm, 1, 800)]);
  expect(peer.closed).toMatchObject({ code: 4290 });
  expect(peer.messages()).toEqual([]);
  expect(live.stats).toMatchObject({ coalescing: 0, cutSlow: 1, messagesOut });
});

test('a client over 1 MiB is closed after 30 s, and spared when it gets below in between', async () => {
  const { clock, live, join } = startLive();
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
  const steps = fc.array(fc.constantFrom('stall', 'drain', 'event', 'rpm', 'wave', 'loss'), {
    maxLength: 80,
  });
  fc.assert(
    fc.property(steps, (list) => {
      const { live, join } = startLive();
      const { peer, client } = join(ALL);
      const sent = { events: 0, samples: 0, lost: 0, rpm: 0 };
      const play: Record<(typeof list)[number], () => void> = {
        stall: () => {
          peer.stalled = true;
        },
        drain: () => {
          peer.unstall();
          live.drain(client);
        },
        // Large enough to pass the limit, and rare enough that no more than 1 MiB waits.
        event: () => live.take([event(blink, sent.events, sent.events++ % 10 === 0 ? BIG : {})]),
        rpm: () => live.take([sample(rpm, 0, ++sent.rpm)]),
        wave: () => {
          live.take([wave(eeg, sent.samples, new Int16Array(3), sent.lost)]);
          sent.samples += 3;
          sent.lost = 0;
        },
        loss: () => {
          sent.lost++;
          sent.samples++;
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
      expect(received + lost).toBe(sent.samples - sent.lost);
    }),
  );
});
