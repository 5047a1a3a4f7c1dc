/** The routes over sessions, through a socket, over a real recording. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exchange } from '../../support/call.ts';
import { get } from '../../support/tokens.ts';
import { type Gateway, start } from '../http/harness.ts';
import { DRIVE_S, EEG, MARKS, type Recorded, recorded, SPEED } from './recorded.ts';

let recording: Recorded;
let gateway: Gateway;

beforeAll(async () => {
  recording = await recorded();
  gateway = await start([SPEED, EEG], { reading: recording.reading });
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await recording[Symbol.asyncDispose]();
});

function call(method: string, path: string, body?: unknown) {
  return exchange(`${gateway.server.url}/api/v1${path}`, method, body);
}

test('a session has the shape that clients rely on', async () => {
  await recording.sessions.update(1, { driver: 'ada', tags: ['night'] });
  const { status, body } = await call('GET', '/sessions/1');
  expect(status).toBe(200);
  expect(body).toEqual({
    ...{ id: 1, owner: null, state: 'ended', endedBy: 'ignition', clockTrust: 'rtc' },
    startedAt: '2026-11-22T00:00:10.000Z',
    endedAt: '2026-11-22T00:16:35.000Z',
    ...{ driver: 'ada', vehicle: null, study: null, tags: ['night'], notes: '', consent: null },
    ...{ pinned: false, stats: null },
  });
});

test('a session is started, told, noted, ended and deleted by hand', async () => {
  const made = await call('POST', '/sessions', { driver: 'bob', tags: ['a', 'a'] });
  expect(made.status).toBe(201);
  expect(made.body).toMatchObject({ state: 'active', driver: 'bob', tags: ['a'], endedAt: null });
  const path = `/sessions/${made.body.id}`;
  expect(made.headers.get('location')).toBe(`/api/v1${path}`);
  expect((await call('GET', '/sessions/current')).body.items).toEqual([made.body]);
  // Computed for the one who asks.
  expect((await call('GET', path)).body.stats).toMatchObject({ durationS: 0, streams: {} });
  expect((await call('DELETE', path)).status).toBe(409);
  const ended = await call('PATCH', path, { state: 'ended', notes: 'done', pinned: true });
  expect(ended).toMatchObject({
    status: 200,
    body: { state: 'ended', endedBy: 'manual', notes: 'done', pinned: true, driver: 'bob' },
  });
  const again = await call('PATCH', path, { state: 'ended', notes: 'twice' });
  expect(again).toMatchObject({ status: 409, body: { title: 'Conflict' } });
  expect((await call('GET', path)).body.notes).toBe('done');
  const gone = await call('DELETE', path);
  expect([gone.status, gone.body]).toEqual([204, undefined]);
  expect(await call('GET', path)).toMatchObject({
    status: 404,
    body: { detail: `There is no session ${made.body.id}.` },
  });
});

describe('lists', () => {
  test('come page by page with a link to the next one', async () => {
    const ids: number[] = [];
    for (let i = 0; i < 3; i++) ids.push((await call('POST', '/sessions', {})).body.id);
    const first = await call('GET', '/sessions?limit=2&from=2026-11-22T00:00:00Z');
    expect(first.body.items.map(({ id }: { id: number }) => id)).toEqual(ids.slice(1).reverse());
    const link = /^<(.*)>; rel="next"$/.exec(first.headers.get('link') ?? '')?.[1] ?? '';
    const next = new URL(link, `${gateway.server.url}/api/v1/sessions?limit=2`);
    const second = await call('GET', `/sessions${next.search}`);
    expect(next.searchParams.get('from')).toBe('2026-11-22T00:00:00Z');
    expect(second.body.items.map(({ id }: { id: number }) => id)).toEqual([ids[0], 1]);
    expect(second.body.next).toBeNull();
    expect(second.headers.get('link')).toBeNull();
    for (const id of ids) await call('PATCH', `/sessions/${id}`, { state: 'ended' });
  });

  test('are of one driver, or tag, or time', async () => {
    const count = async (query: string) =>
      (await call('GET', `/sessions?${query}`)).body.items.length;
    expect(await count('driver=ada')).toBe(1);
    expect(await count('driver=eve')).toBe(0);
    expect(await count('tag=night')).toBe(1);
    expect(await count('to=2026-11-22T00:00:10Z')).toBe(0);
    expect(await count('to=2026-11-22T00:00:11Z')).toBe(1);
  });
});

test('data is raw or in points', async () => {
  const raw = await call('GET', `/sessions/1/data?streams=${SPEED.id}&from=0&to=1000000`);
  expect(raw.headers.get('content-type')).toBe('application/json');
  expect(raw.body.streams[SPEED.id].t).toHaveLength(10);
  const points = await call('GET', `/sessions/1/data?streams=${SPEED.id},${EEG.id}&points=10`);
  expect(Object.keys(points.body.streams)).toEqual([SPEED.id, EEG.id]);
  expect(Object.keys(points.body.streams[EEG.id])).toEqual(['t', 'min', 'max', 'mean', 'n']);
});

test('recent data is that of the open session', async () => {
  const none = await call('GET', `/sessions/current/recent?streams=${SPEED.id}`);
  expect(none).toMatchObject({ status: 404, body: { detail: 'No session is open.' } });
  const { id } = (await call('POST', '/sessions', {})).body;
  const recent = await call('GET', `/sessions/current/recent?streams=${SPEED.id}&seconds=5`);
  expect(recent).toMatchObject({
    status: 200,
    body: { streams: { [SPEED.id]: { t: [], v: [] } } },
  });
  await call('PATCH', `/sessions/${id}`, { state: 'ended' });
});

test('events come page by page', async () => {
  const first = await call('GET', `/sessions/1/events?types=marker&limit=2`);
  expect(first.body.items).toEqual([
    { t: 0, stream: MARKS.id, data: { s: 10 } },
    { t: 1e6, stream: MARKS.id, data: { s: 11 } },
  ]);
  const next = await call(
    'GET',
    `/sessions/1/events?types=marker&limit=2&cursor=${first.body.next}`,
  );
  expect(next.body.items[0].t).toBe(2e6);
});

test('an export is a file with its name', async () => {
  const response = await get(`${gateway.server.url}/api/export`, {
    method: 'POST',
    body: JSON.stringify({ session: 1, format: 'csv', streams: [SPEED.id] }),
    headers: { 'content-type': 'application/json' },
  });
  expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present');
  expect(response.headers.get('content-disposition')).toBe(
    'attachment; filename="vigil-session-1.csv"',
  );
  expect((await response.text()).split(`,${SPEED.id},`)).toHaveLength(DRIVE_S * 10 + 1);
});

test.each([
  ['GET', '/sessions/99', 404],
  ['GET', '/sessions/abc', 404],
  ['DELETE', '/sessions/current', 404],
  ['GET', '/sessions/4294967296', 404],
  ['GET', '/sessions/99/data?streams=a', 404],
  ['GET', '/sessions?limit=0', 422, '/limit'],
  ['GET', '/sessions?limit=1001', 422, '/limit'],
  ['GET', '/sessions?cursor=x', 422, '/cursor'],
  ['GET', '/sessions?from=yesterday', 422, '/from'],
  ['GET', '/sessions/1/data', 422, '/streams'],
  ['GET', '/sessions/1/data?streams=a,,b', 422, '/streams'],
  ['GET', '/sessions/1/data?streams=no.such', 422, '/streams'],
  ['GET', `/sessions/1/data?streams=${MARKS.id}`, 422, '/streams'],
  ['GET', `/sessions/1/data?streams=${EEG.id}`, 422, '/points'],
  ['GET', `/sessions/1/data?streams=${EEG.id}&points=0`, 422, '/points'],
  ['GET', `/sessions/1/data?streams=${EEG.id}&from=-1`, 422, '/from'],
  ['GET', '/sessions/1/events?cursor=9-9-9', 422, '/cursor'],
  ['GET', '/sessions/1/events?cursor=9', 422, '/cursor'],
  ['POST', '/sessions', 422, '/driver', { driver: 7 }],
  ['POST', '/sessions', 422, '/driver', { driver: 'x'.repeat(121) }],
  ['POST', '/sessions', 422, '/drivr', { drivr: 'x' }],
  ['PATCH', '/sessions/1', 422, '/state', { state: 'active' }],
  ['PATCH', '/sessions/1', 409, undefined, { state: 'ended' }],
  ['POST', '/export', 404, undefined, { session: 99, format: 'csv' }],
  ['POST', '/export', 422, '/format', { session: 1, format: 'xml' }],
  ['POST', '/export', 422, '/streams', { session: 1, format: 'csv', streams: ['no.such'] }],
  ['POST', '/export', 422, '/streams', { session: 1, format: 'csv-wide', streams: [MARKS.id] }],
  ['POST', '/export', 422, '/streams', { session: 1, format: 'candump', streams: [EEG.id] }],
] as const)('%s %s is a problem: %i %s', async (method, path, status, pointer?, body?) => {
  const reply = await call(method, path, body);
  expect(reply.status).toBe(status);
  expect(reply.headers.get('content-type')).toBe('application/problem+json');
  expect(reply.body.errors?.[0].pointer).toBe(pointer);
});

test('a client that leaves an export ends the making of it', async () => {
  const leaving = new AbortController();
  const response = await get(`${gateway.server.url}/api/export`, {
    method: 'POST',
    body: JSON.stringify({ session: 1, format: 'jsonl' }),
    headers: { 'content-type': 'application/json' },
    signal: leaving.signal,
  });
  await response.body?.getReader().read();
  expect(recording.reading.health().details['exports']).toBe(1);
  leaving.abort();
  while (recording.reading.health().details['exports'] !== 0) await delay(5);
  expect(recording.reading.health().details).toMatchObject({ running: 0, stalled: 0, faults: 0 });
  expect(gateway.errors).toEqual([]);
});

test('a store that is off is told with its sentence', async () => {
  await using off = await start([]);
  for (const path of ['/sessions', '/sessions/1', '/sessions/current', '/sessions/1/events']) {
    const response = await get(`${off.server.url}/api/v1${path}`);
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({
      detail: 'The store is not open: the disk is full.',
    });
    expect(response.headers.get('retry-after')).toBe('5');
  }
  expect(off.errors).toEqual([]);
});
