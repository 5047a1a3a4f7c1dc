/** A gateway as a process with a cloud: a real broker, and a small ingest that acknowledges. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connectMqtt, type MqttConnection } from '../../../src/io/mqtt-client.ts';
import { eventually, type Gateway, startGateway } from '../../support/gateway.ts';
import { Mosquitto } from '../../support/mosquitto.ts';
import { TestIngest } from '../../support/test-ingest.ts';
import { get } from '../../support/tokens.ts';

const PLACE = { tenant: 'acme', device: 'car-1' };
const BASE = 'v1/acme/car-1';
const SECRET = 'hunter2hunter2';
const TIMEOUT_MS = 150_000;
/** States wait for more of their kind. */
const ARRIVAL_MS_MAX = 60_000;
const STOP_MS_MAX = 5_000;

interface Sync {
  readonly state: string;
  readonly text: string;
  readonly acknowledgedS: number | null;
  readonly backlog: readonly { readonly priority: string; readonly records: number }[];
  readonly budget: { readonly used: number; readonly month: string | null };
  readonly counts: { readonly sent: number; readonly acknowledged: number };
}

let data: string;
let broker: Mosquitto;
let ingest: TestIngest;
/** What somebody who watches has seen, in order: topic, retained or not, text. */
let seen: (readonly [topic: string, retained: boolean, text: string])[];
let watcher: MqttConnection;

beforeEach(async () => {
  data = await mkdtemp(path.join(tmpdir(), 'vigil-bridged-'));
  broker = await Mosquitto.start(['allow_anonymous true']);
  ingest = new TestIngest(PLACE);
  seen = [];
  await watch();
});

afterEach(async () => {
  await watcher.close();
  await ingest.close();
  await broker[Symbol.asyncDispose]();
  await rm(data, { recursive: true });
});

async function watch(): Promise<void> {
  await ingest.connect(server());
  watcher = await connectMqtt(
    {
      ...{ server: server(), version: 5, clientId: 'watcher' },
      onMessage: ({ topic, payload, retained }) => {
        const text = topic.includes('/up/') ? '' : new TextDecoder().decode(payload);
        seen.push([topic, retained, text]);
      },
    },
    new AbortController().signal,
  );
  await watcher.subscribe([`${BASE}/#`]);
}

function server() {
  return { host: '127.0.0.1', port: broker.port, tls: false };
}

function start(...more: readonly string[]): Promise<Gateway> {
  const cloud = `mqtt://127.0.0.1:${broker.port}/acme`;
  const flags = more.includes('--cloud') ? more : ['--cloud', cloud, ...more];
  return startGateway({ args: ['--data', data, '--device', 'car-1', ...flags] });
}

async function sync({ url }: Gateway): Promise<Sync> {
  const response = await get(`${url}api/v1/sync`);
  return (await response.json()) as Sync;
}

async function until(gateway: Gateway, what: string, isSo: (now: Sync) => boolean): Promise<Sync> {
  let now = await sync(gateway);
  const look = async () => {
    now = await sync(gateway);
    return { done: isSo(now), seen: JSON.stringify(now) };
  };
  await eventually(what, look, ARRIVAL_MS_MAX);
  return now;
}

function backlogOf({ backlog }: Sync): number {
  return backlog.reduce((sum, { records }) => sum + records, 0);
}

/** What was last said on a topic. */
function said(topic: string): string | undefined {
  return seen.findLast(([one]) => one === `${BASE}/${topic}`)?.[2];
}

/** Of what was said since, as who subscribes now gets it. */
async function retained(topic: string): Promise<string> {
  const got: string[] = [];
  const late = await connectMqtt(
    {
      ...{ server: server(), version: 5, clientId: 'late' },
      onMessage: ({ payload, retained: kept }) => {
        if (kept) got.push(new TextDecoder().decode(payload));
      },
    },
    new AbortController().signal,
  );
  await late.subscribe([`${BASE}/${topic}`]);
  await expect.poll(() => got.length).toBe(1);
  await late.close();
  return got.join();
}

async function ask(cmd: string, transaction: string): Promise<unknown> {
  const payload = JSON.stringify({ transaction });
  await watcher.publish({ topic: `${BASE}/req/${cmd}`, payload, qos: 1, retain: false });
  let answer: unknown;
  await eventually(`an answer to ${cmd}`, () => {
    const text = said(`res/${cmd}`) ?? '';
    const done = text.includes(transaction);
    if (done) answer = JSON.parse(text);
    return { done, seen: text };
  });
  return answer;
}

async function stopMs(gateway: Gateway): Promise<number> {
  const before = performance.now();
  gateway.kill('SIGTERM');
  expect(await gateway.exited).toEqual({ code: 0, signal: null });
  return performance.now() - before;
}

test('a gateway sends what it records, says how far it is, and answers what it is asked', {
  timeout: TIMEOUT_MS,
}, async () => {
  await broker.kill();
  await using gateway = await start();
  const before = await until(gateway, 'it waits', ({ state }) => state === 'waiting');
  expect(before.text).toMatch(/127\.0\.0\.1:\d+: /);
  await broker.up();
  await watcher.close();
  await watch();
  const online = await until(gateway, 'it is online', ({ state }) => state === 'online');
  expect(online.text).toContain('connected to 127.0.0.1:');
  const sent = await until(
    gateway,
    'all is acknowledged',
    (now) => backlogOf(now) === 0 && now.counts.acknowledged > 0,
  );
  expect(sent.acknowledgedS).not.toBeNull();
  expect([...ingest.stored.values()].some((seqs) => seqs.size > 0)).toBe(true);
  expect(await retained('state')).toBe('online');
  const info = JSON.parse(await retained('info'));
  expect(info).toMatchObject({ device: 'car-1', simulated: false, epoch: 1 });

  expect(await ask('ping', 't1')).toEqual({ transaction: 't1', status: 'ok', data: 'pong' });
  expect(await ask('sync', 't2')).toMatchObject({ status: 'ok', data: { state: 'online' } });
  expect(await ask('dtc-clear', 't3')).toMatchObject({
    ...{ status: 'error', error: { code: 'UNKNOWN_COMMAND' } },
  });

  expect(await stopMs(gateway)).toBeLessThan(STOP_MS_MAX);
  await expect.poll(() => said('state')).toBe('offline');
  expect(await retained('state')).toBe('offline');
});

test('a gateway that is killed is said to be offline by its will, and goes on where it was', {
  timeout: TIMEOUT_MS,
}, async () => {
  await using first = await start('--sim', '1');
  await until(first, 'something is acknowledged', ({ counts }) => counts.acknowledged > 3);
  const streams = ingest.stored.size;
  first.kill('SIGKILL');
  await first.exited;
  await expect.poll(() => said('state')).toBe('offline');
  await using second = await start('--sim', '1');
  await until(second, 'more is acknowledged', ({ counts }) => counts.acknowledged > 3);
  expect(ingest.stored.size).toBeGreaterThanOrEqual(streams);
  // Without a hole from the beginning on, over the kill.
  for (const [number, seqs] of ingest.stored) {
    const most = Math.max(...seqs);
    expect({ number, next: ingest.next(number) }).toEqual({ number, next: most + 1 });
  }
});

test('what the month has cost is counted, and kept over a restart', {
  timeout: TIMEOUT_MS,
}, async () => {
  await using first = await start('--cloud-budget', '100', '--sim', '1');
  await until(first, 'something has gone', ({ counts }) => counts.sent > 5);
  const { budget } = await sync(first);
  expect(budget.used).toBeGreaterThan(500);
  await stopMs(first);
  const kept = JSON.parse(await readFile(path.join(data, 'cloud-budget.json'), 'utf8'));
  expect(kept.bytes).toBeGreaterThanOrEqual(budget.used);
  await using second = await start('--cloud-budget', '100');
  const after = await until(second, 'it is online', ({ state }) => state === 'online');
  // Where nobody knows the time, the month is not known either, and the bytes count all the same.
  expect(after.budget.used).toBeGreaterThanOrEqual(kept.bytes);
});

test('a wrong password is told in one sentence, without the password, and a stop does not wait', {
  timeout: TIMEOUT_MS,
}, async () => {
  await using closed = await Mosquitto.start(['allow_anonymous false']);
  const cloud = `mqtt://car:${SECRET}@127.0.0.1:${closed.port}/acme`;
  await using gateway = await start('--cloud', cloud);
  const { text, state } = await until(gateway, 'it is told', (now) => /wrong|allow/.test(now.text));
  expect(state).not.toBe('online');
  expect(text).toMatch(
    /^127\.0\.0\.1:\d+: (user or password are wrong|we are not allowed .*) \(no connection for \d+ s\)$/,
  );
  const health = JSON.stringify(await gateway.health());
  expect(health).toContain('127.0.0.1');
  expect(await stopMs(gateway)).toBeLessThan(STOP_MS_MAX);
  const all = [text, health, ...gateway.log, ...gateway.errors].join('\n');
  expect(all).not.toContain(SECRET);
  // Once, however often it was tried.
  const said = [...gateway.log, ...gateway.errors];
  const lines = said.filter((line) => /user or password are wrong|we are not allowed/.test(line));
  expect(lines.length).toBe(1);
});

test('a broker that is frozen does not hold up the stop', { timeout: TIMEOUT_MS }, async () => {
  await using gateway = await start('--sim', '1');
  await until(gateway, 'something is acknowledged', ({ counts }) => counts.acknowledged > 0);
  broker.freeze();
  expect(await stopMs(gateway)).toBeLessThan(STOP_MS_MAX);
});
