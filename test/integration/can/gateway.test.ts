/** A bus from the frames on its wire to what clients, rules, recordings and exports have of it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { build, start } from '../../../src/gateway/gateway.ts';
import { MemoryCan } from '../../../src/io/can/memory-can.ts';
import { monotonicClock } from '../../../src/io/clock.ts';
import { readConfig } from '../../../src/settings/config.ts';
import { canSource } from '../../../src/sources/can/can.ts';
import { adminToken } from '../../support/accounts.ts';
import { SILENT_LOG } from '../../support/silent-log.ts';
import { get, logInAs, openSocket, PASSWORD } from '../../support/tokens.ts';
import { BODY, frame } from '../../unit/sources/can/body-dbc.ts';

const FRAMES = 400;
const COUNT = 'can.body.drive.count';

let data: string;

beforeEach(async () => {
  data = await mkdtemp(path.join(tmpdir(), 'can-gateway-'));
});

afterEach(() => rm(data, { recursive: true }));

/** A gateway whose only device is the bus `body`. */
async function startGateway(running: AsyncDisposableStack) {
  const { config } = readConfig(['--data', data, '--http', '127.0.0.1:0'], {}, () => '');
  const clock = monotonicClock();
  const can = new MemoryCan({ clock });
  const car = can.node('car', () => undefined);
  const source = canSource({ id: 'can', name: 'body', device: 'can0', open: can.opener('can0') });
  const world = { clock, realTime: clock, log: SILENT_LOG, defer: setImmediate };
  const device = { kind: 'can', source, can: source, simulated: false } as const;
  const parts = build(config, { ...world, setupPassword: PASSWORD }, [device]);
  const stopping = new AbortController();
  const { url } = await start(config, parts, running, stopping);
  logInAs(url, await adminToken(parts.accounting.accounts));
  const ask = async (method: string, at: string, body?: unknown) => {
    const isText = typeof body === 'string';
    const response = await get(`${url}/api/v1${at}`, {
      method,
      ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
      headers: { 'content-type': isText ? 'text/plain' : 'application/json' },
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json');
    return { status: response.status, body: isJson ? JSON.parse(text) : text };
  };
  return { parts, car, clock, source, url, ask };
}

/** A client with all values, alerts and raw frames of the bus, which keeps what it gets. */
async function listen(url: string, running: AsyncDisposableStack) {
  const socket = openSocket(`${url}/ws/telemetry`);
  socket.binaryType = 'arraybuffer';
  const messages: { type: string; [key: string]: unknown }[] = [];
  const blocks: DataView[] = [];
  socket.onmessage = ({ data: came }) => {
    if (typeof came === 'string') messages.push(JSON.parse(came));
    else blocks.push(new DataView(came));
  };
  running.defer(() => socket.close());
  const count = (type: string) => messages.filter((message) => message.type === type).length;
  while (count('hello') < 1) await delay(5);
  const both = [
    { id: 1, streams: ['can.body.*', 'alert'] },
    { id: 2, streams: ['can.body'], frames: true, format: 'bin' },
  ];
  for (const one of both) socket.send(JSON.stringify({ type: 'subscribe', ...one }));
  while (count('subscribed') < 2) await delay(5);
  return { messages, blocks };
}

test('frames are decoded, watched, recorded, sent and exported', async () => {
  await using running = new AsyncDisposableStack();
  const { parts, car, url, ask } = await startGateway(running);
  while (parts.recording.health()[0]?.status !== 'ok') await delay(20);
  expect((await ask('PUT', '/can/body/dbc/car', BODY)).status).toBe(200);
  const rule = {
    ...{ name: 'Door open', stream: 'can.body.drive.door', when: { op: '>', value: 0.5 } },
    ...{ holdMs: 0, cooldownMs: 0, severity: 'warn' },
  };
  expect((await ask('POST', '/alerts', rule)).status).toBe(201);
  const { body: session } = await ask('POST', '/sessions', { driver: 'Ada' });

  const { messages, blocks } = await listen(url, running);
  for (let i = 0; i < FRAMES; i++) {
    await car.send(frame(0x100, i % 256, i % 200, 0, i === 200 ? 1 : 0));
    await car.send(frame(0x18ff_0001, i % 256));
    await delay(2);
  }
  await delay(200);
  const received = blocks.reduce((sum, view) => sum + view.getUint16(16, true), 0);
  expect(received).toBe(2 * FRAMES);
  expect(blocks.length).toBeLessThan(FRAMES / 10);
  expect(messages.find(({ type }) => type === 'alert')).toMatchObject({
    ...{ state: 'started', stream: 'can.body.drive.door', value: 1 },
    text: expect.stringContaining('open'),
  });
  expect(messages.some(({ type }) => type === 'samples')).toBe(true);

  expect((await ask('PATCH', `/sessions/${session.id}`, { state: 'ended' })).status).toBe(200);
  // What came last goes to the disk within a second, and is in no answer before.
  await delay(2_000);
  const log = await ask('POST', '/export', { session: session.id, format: 'candump' });
  const lines = String(log.body).trimEnd().split('\n');
  expect(lines).toHaveLength(2 * FRAMES);
  expect(lines[2]).toMatch(/^\(\d+\.\d{6}\) body 100#01010000$/);
  expect(lines[3]).toMatch(/ body 18FF0001#01$/);
  const at = `/sessions/${session.id}/data?streams=`;
  const { body: series } = await ask('GET', `${at}${COUNT}`);
  const { t, v } = series.streams[COUNT];
  // At most 20 a second, each the value that the frame of that time had.
  expect(t.length).toBeGreaterThan(10);
  expect(t.length).toBeLessThan(FRAMES / 10);
  expect(v.at(-1)).toBe((FRAMES - 1) % 256);
  expect(await ask('GET', `${at}can.body`)).toMatchObject({
    status: 422,
    body: { detail: 'Can.body has frames, which are no series of values.' },
  });
  const all = await ask('GET', `${at}can.body.*`);
  expect(Object.keys(all.body.streams)).toEqual(expect.arrayContaining([COUNT]));
  expect(Object.keys(all.body.streams)).not.toContain('can.body');
  const csv = await ask('POST', '/export', { session: session.id, format: 'csv' });
  expect(csv.body).toContain(',can.body,,1,100#C8000001,');
  expect(csv.body).toContain(',can.body.drive.door,1,1,open,');
});

test('the statistics of a session have all frames that came before its end', async () => {
  await using running = new AsyncDisposableStack();
  const { parts, car, source, ask } = await startGateway(running);
  while (parts.recording.health()[0]?.status !== 'ok') await delay(20);
  const { body: session } = await ask('POST', '/sessions', {});
  for (let i = 0; i < FRAMES; i++) {
    await car.send(frame(0x100, i % 256));
    if (i % 20 === 0) await delay(10);
  }
  while (source.status().frames < FRAMES) await delay(1);
  // At once, before the disk has what came last.
  const ended = await ask('PATCH', `/sessions/${session.id}`, { state: 'ended' });
  expect(ended.body.stats).toBeNull();
  const stats = await vi.waitFor(
    async () => {
      const { body } = await ask('GET', `/sessions/${session.id}`);
      expect(body.stats).not.toBeNull();
      return body.stats;
    },
    { timeout: 10_000 },
  );
  expect(stats.streams['can.body'].n).toBe(FRAMES);
});

test('a DBC file that was sent counts after a restart', async () => {
  {
    await using running = new AsyncDisposableStack();
    const { ask } = await startGateway(running);
    expect((await ask('PUT', '/can/body/dbc/car', BODY)).status).toBe(200);
  }
  await using running = new AsyncDisposableStack();
  const { ask, source } = await startGateway(running);
  expect(source.streams.map(({ id }) => id)).toContain(COUNT);
  const { body } = await ask('GET', '/streams');
  expect(body.items.map(({ id }: { id: string }) => id)).toContain(COUNT);
  expect((await ask('GET', '/can')).body.items).toMatchObject([
    { name: 'body', open: true, files: [{ name: 'car', signals: 4 }] },
  ]);
});
