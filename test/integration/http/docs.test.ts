/** The documents and metrics of a server that runs, and its messages held against what they say. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { alertEvent } from '#core/alert.ts';
import { SOCKETS } from '../../../src/http/docs/sockets.ts';
import { alertOf } from '../../support/alert-fixture.ts';
import { get } from '../../support/tokens.ts';
import { event, sample, stream, wave } from '../../unit/http/fakes.ts';
import { parseExposition } from '../../unit/http/metrics/exposition-parser.ts';
import { checked, sentBy } from './documented.ts';
import { type Gateway, Listener, start, until } from './harness.ts';

const rpm = stream('obd.engine.rpm');
const gear = stream('obd.gear', { states: { 0: 'neutral', 1: 'first' } });
const blink = stream('face.blink', { kind: 'event' });
const eeg = stream('eeg.raw', { kind: 'wave', hz: 512, lsb: 0.25 });
const bus = stream('can.body', { kind: 'frame' });

/** Told to students, and of exports: test/unit/http/sockets/messages.test.ts has those. */
const ELSEWHERE = ['status', 'export'];

let gateway: Gateway;

beforeEach(async () => {
  gateway = await start([rpm, gear, blink, eeg, bus]);
});

afterEach(() => gateway[Symbol.asyncDispose]());

test('what the telemetry WebSocket sends is what the documents say', async () => {
  const client = new Listener(gateway);
  await until(() => client.has('hello'));
  client.send({ type: 'subscribe', id: 'all', streams: ['*'], maxHz: 1000 });
  client.send({ type: 'subscribe', id: 'bus', streams: [bus.id], frames: true });
  await until(() => client.messages.filter(({ type }) => type === 'subscribed').length === 2);
  const data = Uint8Array.of(1, 0xab);
  gateway.live.take([
    { kind: 'frame', stream: bus, t: 6, id: 0x18da_f110, extended: true, data },
    sample(rpm, 7, Number.NaN),
    { ...wave(eeg, 3, Int16Array.of(1, 2)), lost: 4 },
    event(blink, 8),
    alertEvent('started', alertOf(), 9),
    alertEvent('acknowledged', alertOf(), 10),
  ]);
  for (const type of ['ping', 'time', 'nonsense', 'unsubscribe']) {
    client.send({ type, id: 2, t1: 1.5 });
  }
  await until(() => client.has('unsubscribed') && client.has('tick'));
  const types = [...checked('telemetry', client.messages), ...ELSEWHERE];
  expect(types.toSorted()).toEqual([...sentBy('telemetry').keys()].toSorted());
});

test('what the monitor WebSocket sends is what the documents say', async () => {
  const client = new Listener(gateway, '/ws/monitor');
  await until(() => client.has('hello'));
  gateway.live.take([alertEvent('started', alertOf(), 9)]);
  client.send({ type: 'ping', id: 2 });
  client.send({ type: 'nonsense' });
  await until(() => client.has('tick') && client.has('error') && client.has('alert'));
  expect([...checked('monitor', client.messages)]).toEqual(
    expect.arrayContaining([
      'authenticated',
      'hello',
      'sessions',
      'pong',
      'error',
      'alert',
      'tick',
    ]),
  );
});

test('every WebSocket that the documents have can be opened', async () => {
  for (const { path } of SOCKETS) {
    const client = new Listener(gateway, `/api/v1${path.replace(':id', '1')}`);
    await until(() => client.messages.length > 0 || client.closed !== undefined);
    expect(client.has('authenticated') || (client.closed?.code ?? 0) > 1006, path).toBe(true);
    client.socket.close();
  }
});

test('the documents are there for everybody, and go in few bytes', async () => {
  for (const prefix of ['/api', '/api/v1']) {
    for (const path of ['/openapi.json', '/asyncapi.json', '/docs']) {
      const reply = await fetch(`${gateway.server.url}${prefix}${path}`);
      expect(reply.status).toBe(200);
      expect(reply.headers.get('content-encoding')).toBe('gzip');
      expect((await reply.text()).length).toBeGreaterThan(10_000);
      const etag = reply.headers.get('etag') ?? '';
      const again = await fetch(reply.url, { headers: { 'if-none-match': etag } });
      expect(again.status).toBe(304);
    }
  }
});

test('a collector on this computer needs no token, and who manages the gateway has one', async () => {
  for (const reply of [
    await fetch(`${gateway.server.url}/metrics`),
    await get(`${gateway.server.url}/api/v1/metrics`),
  ]) {
    expect(reply.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const metrics = parseExposition(await reply.text());
    expect(metrics.get('vigil_uptime_seconds')?.values.get('')).toBe(1);
  }
});
