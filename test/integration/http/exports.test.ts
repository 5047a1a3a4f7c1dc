/** Large exports through a socket: made into a file, watched, fetched in parts, gone. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Exports } from '../../../src/exporting/exports.ts';
import { monotonicClock } from '../../../src/io/clock.ts';
import { spoolAt } from '../../../src/io/spool.ts';
import { logInAs } from '../../support/tokens.ts';
import { EEG, SPEED } from '../reading/recorded.ts';
import { Listener, until } from './harness.ts';
import { openTown, type Person, type Town } from './people.ts';

let directory: string;
let town: Town;
let exports: Exports;
const ORDER = { session: 1, format: 'csv', streams: [SPEED.id] };

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'exports-'));
  const files = path.join(directory, 'exports');
  await spoolAt(files).clear();
  await writeFile(path.join(files, 'of-an-earlier-start'), 'x');
  let n = 0;
  town = await openTown((recording) => {
    exports = new Exports({
      files: spoolAt(files),
      clock: monotonicClock(),
      random: (bytes) => new Uint8Array(bytes).fill(++n),
      estimate: (request) => recording.reading.estimate(request, [SPEED, EEG]),
    });
    return { exports };
  });
  await exports.open();
});

afterAll(async () => {
  await town[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

async function order(who: Person, body: object = ORDER, prefer = 'respond-async') {
  const headers = town.headersOf(who, { 'content-type': 'application/json', prefer });
  const url = `${town.gateway.server.url}/api/v1/export`;
  return await fetch(url, { method: 'POST', body: JSON.stringify(body), headers });
}

async function fetchFile(who: Person, at: string, headers: Record<string, string> = {}) {
  const sent = town.headersOf(who, headers);
  return await fetch(`${town.gateway.server.url}${at}/file`, { headers: sent });
}

async function done(who: Person, at: string) {
  for (;;) {
    const { body } = await town.ask(who, 'GET', at.replace('/api/v1', ''));
    if (body.state !== 'running') return body;
    await delay(5);
  }
}

test('what an earlier start has left is removed', async () => {
  expect(await readdir(path.join(directory, 'exports'))).toEqual([]);
});

test('an export is made into a file that is fetched in parts, by who has asked for it', async () => {
  logInAs(town.gateway.server.url, town.headersOf('viewer')['authorization']?.slice(7) ?? '');
  const watcher = new Listener(town.gateway);
  await until(() => watcher.has('hello'));
  const reply = await order('viewer');
  const at = reply.headers.get('location') ?? '';
  expect(reply.status).toBe(202);
  expect(await reply.json()).toMatchObject({ session: 1, state: 'running', file: null });
  const job = await done('viewer', at);
  expect(job).toMatchObject({
    ...{ state: 'done', progress: 1, error: null },
    file: { name: 'vigil-session-1.csv', url: `${at}/file` },
  });
  await until(() =>
    watcher.messages.some((one) => one.type === 'export' && one['state'] === 'done'),
  );
  watcher.socket.close();

  const whole = await fetchFile('viewer', at);
  const text = await whole.text();
  expect(whole.status).toBe(200);
  expect(whole.headers.get('accept-ranges')).toBe('bytes');
  expect(whole.headers.get('content-disposition')).toBe(
    'attachment; filename="vigil-session-1.csv"',
  );
  expect(text).toHaveLength(job.bytes);
  const streamed = await order('viewer', ORDER, '');
  expect(await streamed.text()).toBe(text);

  const etag = whole.headers.get('etag') ?? '';
  const part = await fetchFile('viewer', at, { range: 'bytes=10-19', 'if-range': etag });
  expect(part.status).toBe(206);
  expect(part.headers.get('content-range')).toBe(`bytes 10-19/${job.bytes}`);
  expect(await part.text()).toBe(text.slice(10, 20));
  const late = await fetchFile('viewer', at, { range: `bytes=${job.bytes}-` });
  expect(late.status).toBe(416);
  expect(late.headers.get('content-range')).toBe(`bytes */${job.bytes}`);

  const id = at.slice('/api/v1'.length);
  for (const who of ['student', 'other student', 'researcher', 'operator'] as const) {
    expect((await town.ask(who, 'GET', id)).status).toBe(404);
    expect((await fetchFile(who, at)).status).toBe(404);
    expect((await town.ask(who, 'DELETE', id)).status).toBe(404);
  }
  expect((await town.ask('admin', 'GET', id)).status).toBe(200);
  expect((await town.ask('viewer', 'DELETE', id)).status).toBe(204);
  expect((await town.ask('viewer', 'GET', id)).status).toBe(404);
  expect(await readdir(path.join(directory, 'exports'))).toEqual([]);
});

test('a large one becomes a file unless the client would wait; one at a time for each account', async () => {
  const large = { session: 1, format: 'csv' };
  const waited = await order('operator', large, 'wait=600');
  expect(waited.status).toBe(200);
  await waited.body?.cancel();
  const first = await order('operator', large, '');
  expect(first.status).toBe(202);
  const second = await order('operator', large, '');
  expect(second.status).toBe(429);
  expect(second.headers.get('retry-after')).toBe('5');
  const other = await order('viewer');
  expect(other.status).toBe(202);
  await done('viewer', other.headers.get('location') ?? '');
  const at = first.headers.get('location') ?? '';
  expect((await town.ask('operator', 'DELETE', at.replace('/api/v1', ''))).status).toBe(204);
  while (exports.health().details['running'] !== 0) await delay(5);
  expect(await readdir(path.join(directory, 'exports'))).toHaveLength(1);
  const estimate = exports.estimate({ session: 1, format: 'csv' });
  const real = (await (await order('operator', large, 'wait=600')).text()).length;
  expect(Math.abs(Math.log2(estimate / real))).toBeLessThan(1);
});

test('what is wrong is told at once', async () => {
  expect((await order('viewer', { session: 99, format: 'csv' })).status).toBe(404);
  expect((await order('viewer', { session: 1, format: 'candump' })).status).toBe(422);
  expect((await order('student', ORDER)).status).toBe(404);
  expect(exports.health().details['running']).toBe(0);
});
