/** Rules, alerts and what people say of them, over a socket, with the real engine first on a bus. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ALERT, ALERT_CHANGE } from '#core/alert.ts';
import { Bus } from '#core/bus.ts';
import { monotonicClock } from '../../../src/io/clock.ts';
import { exchange } from '../../support/call.ts';
import { noReading } from '../../support/no-reading.ts';
import { coolant, createAlerting, dtc, EPOCH, HOT, STREAMS } from '../../unit/http/alerting.ts';
import { event, sample } from '../../unit/http/fakes.ts';
import { clientFrame, type Gateway, Listener, rawSocket, start, until } from './harness.ts';

const ALL_STREAMS = [...STREAMS, ALERT, ALERT_CHANGE];
const WALL_MS = Date.UTC(2026, 10, 22);

let gateway: Gateway;
let bus: Bus;

beforeEach(async () => {
  const clock = monotonicClock();
  bus = new Bus((run) => void setImmediate(run));
  const { alerting, engine } = createAlerting({ clock, emit: (reading) => bus.emit(reading) });
  bus.first(engine.take);
  const anchor = { id: EPOCH, wallMs: WALL_MS, trust: 'ntp', bootId: '', monotonicMs: 0 } as const;
  const reading = { ...noReading(), epochs: () => new Map([[EPOCH, anchor]]) };
  gateway = await start(ALL_STREAMS, { alerting, reading });
  bus.attach(gateway.live);
});

afterEach(() => gateway[Symbol.asyncDispose]());

function call(method: string, path: string, body?: unknown) {
  return exchange(`${gateway.server.url}/api/v1${path}`, method, body);
}

async function listener(...streams: string[]): Promise<Listener> {
  const client = new Listener(gateway);
  await until(() => client.has('hello'));
  client.send({ type: 'subscribe', streams, maxHz: 0.1 });
  await until(() => client.has('subscribed'));
  return client;
}

const statesOf = (client: Listener) =>
  client.messages.filter(({ type }) => type === 'alert').map(({ state }) => state);

test('an alert is told, seen, silenced, noted and ended, and everybody learns of each', async () => {
  const client = await listener('alert');
  const other = await listener('obd.*');
  const rule = await call('POST', '/alerts', HOT);
  expect([rule.status, rule.headers.get('location')]).toEqual([201, '/api/v1/alerts/oven']);

  bus.emit(sample(coolant, 1_000_000, 101));
  await until(() => client.has('alert'));
  const told = client.messages.find(({ type }) => type === 'alert');
  expect(told?.['t']).toBe(1_000_000);
  const id = told?.['id'];
  const [active] = (await call('GET', '/alerts/active')).body.items;
  expect(active).toMatchObject({
    ...{ id, rule: { id: 'oven', name: 'Oven!' }, state: 'active', value: 101, unit: 'Cel' },
    ...{ startedAt: '2026-11-22T00:00:01.000Z', clockTrust: 'ntp' },
  });
  expect((await call('GET', '/alerts/oven')).body.ongoing).toBe(1);

  const path = `/alerts/history/${id}`;
  expect((await call('POST', `${path}/ack`)).body.acknowledgedBy).toBe('admin');
  expect((await call('POST', `${path}/silence`, { minutes: 5 })).body.silencedUntil).not.toBeNull();
  await call('POST', `${path}/notes`, { text: 'a leak' });
  bus.emit(sample(coolant, 2_000_000, 90));
  await until(() => statesOf(client).length === 5);
  expect(statesOf(client)).toEqual(['started', 'acknowledged', 'silenced', 'noted', 'ended']);
  expect((await call('GET', path)).body).toMatchObject({
    ...{ state: 'ended', endedBy: 'cleared', endedAt: '2026-11-22T00:00:02.000Z' },
    notes: [{ by: 'admin', text: 'a leak' }],
  });
  expect((await call('GET', '/alerts/active')).body.items).toEqual([]);
  expect((await call('POST', `${path}/silence`, { minutes: 5 })).status).toBe(409);
  expect(statesOf(other)).toEqual([]);
});

test('an alert of a rule that is removed ends with it', async () => {
  const client = await listener('alert');
  await call('POST', '/alerts', HOT);
  bus.emit(sample(coolant, 1_000_000, 101));
  expect((await call('DELETE', '/alerts/oven')).status).toBe(204);
  await until(() => statesOf(client).includes('ended'));
  const { items } = (await call('GET', '/alerts/history?rule=oven')).body;
  expect(items).toMatchObject([{ endedBy: 'changed' }]);
});

test('the history is walked by its links, and nothing is in it twice', async () => {
  for (let n = 0; n < 25; n++) {
    bus.emit(
      event(dtc, n * 1000, { code: `P01${n + 10}`, ecu: 1, status: 'confirmed', present: true }),
    );
  }
  const seen: string[] = [];
  let query = '?limit=10&rule=trouble-code&state=active';
  for (;;) {
    const { body, headers } = await call('GET', `/alerts/history${query}`);
    seen.push(...body.items.map(({ id }: { id: string }) => id));
    const next = /^<(\?.*)>; rel="next"$/.exec(headers.get('link') ?? '')?.[1];
    if (next === undefined) break;
    query = next;
  }
  expect(seen).toEqual(Array.from({ length: 25 }, (_, i) => `${EPOCH}-${25 - i}`));
});

test('what a client gets of a failed action is what the other end said', async () => {
  expect((await call('POST', '/alerts/actions/mail/test')).status).toBe(204);
  const failed = await call('POST', '/alerts/actions/horn/test');
  expect(failed.headers.get('content-type')).toBe('application/problem+json');
  expect([failed.status, failed.body.detail]).toEqual([502, 'Line 17: no such line.']);
});

test('a wrong rule is a problem that says where', async () => {
  const { status, headers, body } = await call('POST', '/alerts', { ...HOT, unit: 'km/h' });
  expect([status, headers.get('content-type')]).toEqual([422, 'application/problem+json']);
  expect(body.errors).toEqual([
    { pointer: '/unit', message: 'Expected the unit of the stream, Cel, found "km/h".' },
  ]);
});

test('a client that stops reading gets every alert once it reads again, and others at once', async () => {
  const slow = await rawSocket(gateway);
  slow.write(clientFrame(JSON.stringify({ type: 'subscribe', streams: ['*'], maxHz: 1000 })));
  const client = await listener('alert');
  await until(() => gateway.live.stats.clients === 2);
  slow.pause();
  // Until the kernel takes no more and what follows waits with us.
  const text = 'x'.repeat(60_000);
  const other = { code: 'U0000', ecu: 1, status: 'pending', present: true, text };
  for (let n = 0; gateway.live.stats.coalescing === 0; n++) {
    bus.emit(event(dtc, n, other));
    await new Promise(setImmediate);
  }
  await call('POST', '/alerts', HOT);
  for (let n = 0; n < 50; n++)
    bus.emit(sample(coolant, 1_000_000 + n * 40_000_000, n % 2 ? 90 : 101));
  await until(() => statesOf(client).length === 50);
  const told = client.messages.filter(({ type }) => type === 'alert');

  let received = '';
  slow.on('data', (chunk) => {
    received = (received + chunk.toString('latin1')).slice(-200_000);
  });
  slow.resume();
  await until(() => gateway.live.stats.coalescing === 0);
  await until(() => received.includes(`"t":${told.at(-1)?.['t']},`));
  const times = [...received.matchAll(/"type":"alert",(?:"seq":\d+,)?"t":(\d+)/g)].map(([, t]) =>
    Number(t),
  );
  expect(times).toEqual(told.map(({ t }) => t));
  expect(gateway.live.stats.cutSlow).toBe(0);
  slow.destroy();
});
