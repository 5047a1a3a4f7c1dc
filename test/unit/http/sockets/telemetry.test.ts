import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ALERT } from '#core/alert.ts';
import { Live } from '../../../../src/http/live.ts';
import type { Guest } from '../../../../src/http/sockets/gate.ts';
import { openTelemetry, WsStats } from '../../../../src/http/sockets/telemetry.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { userOf } from '../callers.ts';
import { blink, event, FakePeer, sample, stream } from '../fakes.ts';

const rpm = stream('obd.engine.rpm', { unit: '/min', hz: 20, range: [0, 16_384] });
const eeg = stream('eeg.raw', { kind: 'wave', hz: 512, lsb: 0.25, unit: 'uV' });

const renewed: unknown[] = [];
const GUEST: Guest = {
  identity: { user: userOf('viewer'), login: 'login' },
  scope: 'all',
  renew: (message) => void renewed.push(message),
};

function open() {
  const clock = new FakeClock();
  const live = new Live({ clock, realTime: clock, streams: () => [rpm, eeg] });
  const peer = new FakePeer();
  const stats = new WsStats();
  const hello = { device: 'car', epoch: 7, version: '1.2.3' };
  const session = openTelemetry(peer, GUEST, { clock, realTime: clock, live, hello, stats });
  const sendText = (text: string) => session.message(new TextEncoder().encode(text), false);
  const send = (message: unknown) => sendText(JSON.stringify(message));
  /** What came back for one message. */
  const ask = (message: unknown) => {
    peer.messages();
    send(message);
    return peer.messages();
  };
  return { clock, live, peer, stats, session, sendText, send, ask };
}

test('the server speaks first', () => {
  const { peer } = open();
  expect(peer.messages()).toEqual([
    { type: 'hello', protocol: 1, device: 'car', epoch: 7, version: '1.2.3' },
  ]);
});

test('subscribe is answered with the streams and then their newest values', () => {
  const { live, ask } = open();
  live.take([sample(rpm, 5, 800)]);
  expect(ask({ type: 'subscribe', id: 'a', streams: ['obd.*', 'eeg.raw'] })).toEqual([
    {
      type: 'subscribed',
      id: 'a',
      streams: [
        { ...rpm, number: 0 },
        { ...eeg, number: 1 },
      ],
    },
    { type: 'samples', t: 5, values: { 'obd.engine.rpm': 800 } },
  ]);
});

test('who subscribes to alerts gets those that last, the newest 100', () => {
  const clock = new FakeClock();
  const ongoing = Array.from({ length: 101 }, (_, n) => {
    return { kind: 'event', stream: ALERT, t: 5, data: { id: `7-${n}`, snapshot: true } } as const;
  });
  const live = new Live({ clock, realTime: clock, streams: () => [rpm], ongoing: () => ongoing });
  const peer = new FakePeer();
  const hello = { device: 'car', epoch: 7, version: '1.2.3' };
  const session = openTelemetry(peer, GUEST, {
    clock,
    realTime: clock,
    live,
    hello,
    stats: new WsStats(),
  });
  const ask = (streams: readonly string[]) => {
    peer.messages();
    const text = JSON.stringify({ type: 'subscribe', streams });
    session.message(new TextEncoder().encode(text), false);
    return peer.messages().slice(1);
  };
  expect(ask(['obd.*'])).toEqual([]);
  const alerts = ask(['alert']);
  expect(alerts).toHaveLength(100);
  expect(alerts[0]).toEqual({ type: 'alert', t: 5, id: '7-1', snapshot: true });
});

test('raw frames come to a subscription of just them, by the ids of their streams', () => {
  const { live, peer, ask } = open();
  const bus = stream('can.body', { kind: 'frame', hz: 0 });
  const data = Uint8Array.of(0xab);
  live.take([{ kind: 'frame', stream: bus, t: 1, id: 5, extended: false, data }]);
  const [all] = ask({ type: 'subscribe', id: 1, streams: ['*', 'can.body'] });
  expect(all).toMatchObject({ streams: [{ id: rpm.id }, { id: eeg.id }] });
  expect(ask({ type: 'subscribe', id: 2, streams: ['can.body'], frames: true })).toEqual([
    { type: 'subscribed', id: 2, streams: [{ ...bus, number: 0 }] },
  ]);
  live.take([
    { kind: 'frame', stream: bus, t: 2, id: 6, extended: false, data },
    sample(rpm, 3, 1),
  ]);
  expect(peer.messages().toSorted((a, b) => (a.type < b.type ? -1 : 1))).toEqual([
    { type: 'frames', stream: 'can.body', seq: 1, t: 2, frames: [[0, 6, 'AB']] },
    { type: 'samples', t: 3, values: { 'obd.engine.rpm': 1 } },
  ]);
  ask({ type: 'unsubscribe', id: 2 });
  live.take([{ kind: 'frame', stream: bus, t: 4, id: 6, extended: false, data }]);
  expect(peer.messages()).toEqual([]);
});

test.each(['*', 'can.*', 'can.body.*'])('raw frames of the pattern %s are refused', (pattern) => {
  const { live, ask } = open();
  expect(ask({ type: 'subscribe', id: 7, streams: ['can.body', pattern], frames: true })).toEqual([
    {
      ...{ type: 'error', id: 7, code: 'bad-message' },
      message: `streams: expected ids of raw frames, found ${pattern}`,
    },
  ]);
  expect(live.stats.clients).toBe(1);
});

test('after unsubscribe nothing comes, and other subscriptions stay', () => {
  const { live, peer, ask } = open();
  ask({ type: 'subscribe', id: 1, streams: ['obd.*'] });
  ask({ type: 'subscribe', id: 2, streams: ['eeg.*'] });
  expect(ask({ type: 'unsubscribe', id: 2 })).toEqual([{ type: 'unsubscribed', id: 2 }]);
  live.take([sample(rpm, 5, 800)]);
  expect(peer.messages()).toHaveLength(1);
  ask({ type: 'unsubscribe', id: 1 });
  live.take([sample(rpm, 6, 900)]);
  expect(peer.messages()).toEqual([]);
});

test('a subscribe with a known id replaces, with and without a name', () => {
  const { live, peer, ask } = open();
  for (const id of [undefined, 1]) {
    ask({ type: 'subscribe', id, streams: ['obd.*'] });
    ask({ type: 'subscribe', id, streams: ['eeg.*'] });
  }
  live.take([sample(rpm, 5, 800)]);
  expect(peer.messages()).toEqual([]);
});

test('who comes back gets the events that came since, and no value again', () => {
  const { live, ask } = open();
  live.take([sample(rpm, 5, 800), event(blink, 6), event(blink, 7), sample(rpm, 8, 900)]);
  const back = (since: object, streams = ['face.*', 'obd.*']) =>
    ask({ type: 'subscribe', id: 1, streams, since }).slice(1);
  const newest = { type: 'samples', t: 8, values: { 'obd.engine.rpm': 900 } };
  const second = { type: 'event', seq: 2, stream: blink.id, t: 7, data: {} };
  expect(back({ epoch: 7, seq: 1 })).toEqual([second, newest]);
  expect(back({ epoch: 7, seq: 2 })).toEqual([newest]);
  expect(back({ epoch: 7, seq: 1 }, ['obd.*'])).toEqual([newest]);
});

test('who comes back too late, or after another start, is told of a gap first', async () => {
  const { clock, live, ask } = open();
  const back = (since: object) =>
    ask({ type: 'subscribe', id: 1, streams: ['face.*'], since }).slice(1);
  for (let t = 0; t < 501; t++) live.take([event(blink, t)]);
  expect(back({ epoch: 7, seq: 0 }).slice(0, 2)).toEqual([
    { type: 'gap', stream: '*', lost: 1 },
    { type: 'event', seq: 2, stream: blink.id, t: 1, data: {} },
  ]);
  expect(back({ epoch: 6, seq: 501 })).toHaveLength(501);
  await clock.advance(60_001);
  expect(back({ epoch: 7, seq: 499 })).toEqual([{ type: 'gap', stream: '*', lost: 2 }]);
});

test('ping and time are answered with their id, and a next token goes to the gate', async () => {
  const { clock, ask } = open();
  await clock.advance(5);
  expect(ask({ type: 'ping', id: 3 })).toEqual([{ type: 'pong', id: 3 }]);
  expect(ask({ type: 'ping' })).toEqual([{ type: 'pong' }]);
  expect(ask({ type: 'time', id: 4, t1: 12.5 })).toEqual([
    { type: 'time', id: 4, t1: 12.5, t2: 5000, t3: 5000 },
  ]);
  const auth = { type: 'auth', id: 5, access_token: 'x' };
  expect(ask(auth)).toEqual([]);
  expect(renewed).toEqual([auth]);
});

test('an unknown type is told and forgiven, however often', async () => {
  const { clock, peer, ask } = open();
  for (let i = 0; i < 100; i++) {
    await clock.advance(100);
    expect(ask({ type: 'teleport', id: i })).toMatchObject([
      { type: 'error', id: i, code: 'unknown-type' },
    ]);
  }
  expect(peer.closed).toBeUndefined();
});

test('of an unknown type only the beginning is told back, and only if it is text', () => {
  const { ask } = open();
  expect(ask({ type: 'x'.repeat(1000) })).toMatchObject([
    { message: `no message has this type: "${'x'.repeat(64)}"` },
  ]);
  expect(ask({ type: [['a']] })).toMatchObject([
    { message: 'no message has this type: a list of 1' },
  ]);
});

test('what fits no shape is told with its place', () => {
  const cases: [message: unknown, text: RegExp][] = [
    [{ type: 'subscribe', id: 1 }, /^streams: /],
    [{ type: 'subscribe', id: 1, streams: [] }, /^streams: /],
    [{ type: 'subscribe', id: 1, streams: ['ok', 'No Id'] }, /^streams\.1: /],
    [{ type: 'subscribe', id: 1, streams: Array(65).fill('obd') }, /^streams: /],
    [{ type: 'subscribe', id: 1, streams: ['obd'], maxHz: 0 }, /^maxHz: /],
    [{ type: 'subscribe', id: 1, streams: ['obd'], format: 'xml' }, /^format: /],
    [{ type: 'time', id: 1, t1: 'now' }, /^t1: /],
  ];
  for (const [message, text] of cases) {
    const { ask } = open();
    const [error] = ask(message);
    expect(error).toMatchObject({ type: 'error', id: 1, code: 'bad-message' });
    expect(error?.['message']).toMatch(text);
    expect(error?.['message']).not.toMatch(/Invalid|Received|something else/);
  }
});

test('the tenth message that makes no sense closes with 1008', async () => {
  const bad = [
    '',
    '{',
    '[]"',
    '"text"',
    'null',
    '{"type":"time"}',
    '5',
    'x',
    '{"type":"ping","id":{}}',
  ];
  const { peer, stats, sendText, session } = open();
  for (const text of bad) sendText(text);
  expect(peer.messagesOf('error')).toHaveLength(bad.length);
  expect(peer.closed).toBeUndefined();
  session.message(Uint8Array.of(1, 2), true);
  expect(peer.closed).toMatchObject({ code: 1008 });
  expect(stats).toMatchObject({ violations: 10, cutLimit: 1 });
});

test('50 messages a second are allowed, and one more closes with 4429', async () => {
  const { clock, peer, send } = open();
  for (let second = 0; second < 3; second++) {
    for (let i = 0; i < 50; i++) send({ type: 'ping' });
    await clock.advance(1000);
  }
  expect(peer.closed).toBeUndefined();
  for (let i = 0; i < 51; i++) send({ type: 'ping' });
  expect(peer.closed).toMatchObject({ code: 4429 });
});

test('64 patterns are allowed in all subscriptions, and one more closes with 4429', async () => {
  for (const each of [1, 16, 32]) {
    const { clock, peer, stats, send } = open();
    const subscribe = async (id: number) => {
      await clock.advance(100);
      send({ type: 'subscribe', id, streams: Array(each).fill('obd.*') });
    };
    for (let id = 0; id < 64 / each; id++) await subscribe(id);
    await subscribe(0);
    send({ type: 'unsubscribe', id: 0 });
    await subscribe(0);
    expect(peer.closed).toBeUndefined();
    send({ type: 'subscribe', id: 64, streams: ['obd.*'] });
    expect(peer.closed).toMatchObject({ code: 4429 });
    expect(stats.cutLimit).toBe(1);
  }
});

test('a client that subscribes and never reads is closed before a MiB waits for it', async () => {
  const clock = new FakeClock();
  const streams = Array.from({ length: 300 }, (_, i) => stream(`obd.s${i}`));
  const live = new Live({ clock, realTime: clock, streams: () => streams });
  const peer = new FakePeer();
  peer.stalled = true;
  const hello = { device: 'car', epoch: 7, version: '1.2.3' };
  const session = openTelemetry(peer, GUEST, {
    clock,
    realTime: clock,
    live,
    hello,
    stats: new WsStats(),
  });
  const text = JSON.stringify({ type: 'subscribe', id: 1, streams: ['*'] });
  let asked = 0;
  for (; !peer.closed && asked < 1000; asked++) {
    session.message(new TextEncoder().encode(text), false);
    await clock.advance(20);
  }
  expect(peer.closed).toMatchObject({ code: 4290 });
  const reply = live.announce({ patterns: ['*'], maxHz: 1, format: 'json' });
  expect(asked * JSON.stringify(reply).length).toBeLessThan(1.2 * 1024 * 1024);
});

test('16 KiB are allowed, and one byte more closes with 1009', () => {
  const { peer, sendText } = open();
  sendText('{"type":"ping"}'.padEnd(16 * 1024));
  expect(peer.messagesOf('pong')).toHaveLength(1);
  sendText('{"type":"ping"}'.padEnd(16 * 1024 + 1));
  expect(peer.closed).toMatchObject({ code: 1009 });
});

test('no depth of nesting throws, in whatever place it is', () => {
  const place = fc.constantFrom('type', 'id', 'streams', 'streams.0', 'since', 'maxHz', 't1', 'x');
  const bracket = fc.constantFrom(['[', ']'], ['{"a":', '}'], ['[{"type":', '}]']);
  fc.assert(
    fc.property(place, bracket, fc.double({ min: 0, max: 1, noNaN: true }), (key, pair, share) => {
      const [left = '', right = ''] = pair;
      const depth = 1 + Math.floor((share * (16 * 1024 - 100)) / (left.length + right.length));
      const deep = `${left.repeat(depth)}1${right.repeat(depth)}`;
      const field = key === 'streams.0' ? `"streams":[${deep}]` : `"${key}":${deep}`;
      for (const type of ['', '"type":"subscribe",', '"type":"time",']) {
        const { peer, sendText } = open();
        sendText(`{${type}${field}}`);
        expect(peer.messagesOf('error')).toHaveLength(1);
        expect(peer.closed).toBeUndefined();
      }
    }),
    { examples: [['type', ['[', ']'], 1]] },
  );
});

test('no message whatever throws', () => {
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json().map((text) => new TextEncoder().encode(text)),
    fc
      .record(
        {
          type: fc.constantFrom('subscribe', 'unsubscribe', 'ping', 'time', 'auth', '__proto__'),
          id: fc.anything(),
          streams: fc.anything(),
          t1: fc.anything(),
        },
        { requiredKeys: ['type'] },
      )
      .map((message) => {
        // A bigint has no JSON; as text it is as good a surprise as any.
        const text = JSON.stringify(message, (_, v) => (typeof v === 'bigint' ? String(v) : v));
        return new TextEncoder().encode(text);
      }),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(anything, fc.boolean()), { maxLength: 9 }), (messages) => {
      const { peer, session } = open();
      for (const [data, binary] of messages) session.message(data, binary);
      expect(peer.closed).toBeUndefined();
    }),
  );
});
