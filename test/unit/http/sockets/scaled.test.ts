/** With --speed the car's time passes faster than that in which clients wait, read and send. */
import { expect, test } from 'vitest';
import { Live } from '../../../../src/http/live.ts';
import { openMonitor } from '../../../../src/http/sockets/monitor.ts';
import { openSession } from '../../../../src/http/sockets/session.ts';
import { openTelemetry, WsStats } from '../../../../src/http/sockets/telemetry.ts';
import { scaledClock } from '../../../../src/io/scaled-clock.ts';
import { bareGateway } from '../../../support/bare-gateway.ts';
import { FakeClock, settle } from '../../../support/fake-clock.ts';
import { createWorld, EPOCH, SESSION } from '../../ingest/world.ts';
import { userOf } from '../callers.ts';
import { blink, event, FakePeer, rpm, sample } from '../fakes.ts';

const SPEED = 10;
const GUEST = {
  identity: { user: userOf('operator'), login: 'login' },
  scope: 'all',
  renew: () => {},
} as const;
const HELLO = { device: 'car', epoch: EPOCH, version: '1' };

function open() {
  const realTime = new FakeClock();
  const clock = scaledClock(realTime, SPEED);
  const live = new Live({ clock, realTime, streams: () => [rpm] });
  void live.run(new AbortController().signal);
  const given = { clock, realTime, live, hello: HELLO, stats: new WsStats() };
  const peer = new FakePeer();
  return { clock, realTime, live, given, peer };
}

const bytesOf = (message: object) => new TextEncoder().encode(JSON.stringify(message));

test('as many messages a second are taken as in a second of the client', async () => {
  const { realTime, given, peer } = open();
  const telemetry = openTelemetry(peer, GUEST, given);
  const other = new FakePeer();
  const { ingest, session } = createWorld();
  const joined = openSession(other, GUEST, {
    ...{ ...given, ingest, id: String(SESSION) },
    reading: { sessions: () => ({ get: () => session }) },
  });
  const both = [telemetry, joined];
  const ping = (n: number) => {
    for (const socket of both) {
      for (let i = 0; i < n; i++) socket.message(bytesOf({ type: 'ping' }), false);
    }
  };
  ping(49);
  await realTime.advance(100);
  ping(5);
  expect([peer.closed, other.closed]).toEqual([undefined, undefined]);
  ping(2);
  expect([peer.closed?.code, other.closed?.code]).toEqual([4429, 4429]);
});

test('maxHz is in seconds of the client, and times of readings are those of the car', async () => {
  const { clock, realTime, live, given, peer } = open();
  const telemetry = openTelemetry(peer, GUEST, given);
  telemetry.message(bytesOf({ type: 'subscribe', streams: ['obd'], maxHz: 2 }), false);
  peer.messages();
  for (let i = 0; i < 100; i++) {
    live.take([sample(rpm, clock.now(), i)]);
    await realTime.advance(10);
  }
  const got = peer.messages();
  expect(got.filter(({ type }) => type === 'samples')).toHaveLength(3);
  expect(got.filter(({ type }) => type === 'tick')).toEqual([
    { type: 'tick', t: SPEED * 1e6, seq: 0 },
  ]);
  telemetry.message(bytesOf({ type: 'time', t1: 0 }), false);
  expect(peer.messages()).toContainEqual(
    expect.objectContaining({ type: 'time', t2: SPEED * 1e6, t3: SPEED * 1e6 }),
  );
});

test('a client that does not read has 30 of its own seconds', async () => {
  const { realTime, live, peer } = open();
  live.connect(peer);
  peer.stalled = true;
  peer.send(new Uint8Array(2 ** 21), true);
  await realTime.advance(30_000);
  expect(peer.closed).toBeUndefined();
  await realTime.advance(1_000);
  expect(peer.closed?.code).toBe(4290);
});

test('events are told again for a minute of the client', async () => {
  const { realTime, live, given, peer } = open();
  live.take([event(blink, 5)]);
  const telemetry = openTelemetry(peer, GUEST, given);
  const resume = () => {
    const since = { epoch: EPOCH, seq: 0 };
    telemetry.message(bytesOf({ type: 'subscribe', streams: ['face'], since }), false);
    return peer.messages().filter(({ type }) => type === 'event' || type === 'gap');
  };
  await realTime.advance(60_000);
  expect(resume()).toMatchObject([{ type: 'event', seq: 1 }]);
  await realTime.advance(1);
  expect(resume()).toMatchObject([{ type: 'gap', lost: 1 }]);
});

test('values a second are those that a client gets in one', async () => {
  const { realTime, live, given, peer } = open();
  const { session } = createWorld();
  openMonitor(peer, GUEST, {
    ...{ ...given, people: bareGateway().accounts },
    ...{ openSessions: () => [session], epochs: () => new Map(), ongoing: () => [] },
  });
  peer.messages();
  live.take(Array.from({ length: 40 }, (_, t) => sample(rpm, t, 800)));
  await realTime.advance(1_000);
  await settle();
  expect(peer.messagesOf('sessions')).toMatchObject([{ items: [{ valuesHz: 40 }] }]);
});
