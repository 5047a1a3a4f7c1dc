/**
 * Requests and WebSocket messages at random, at a whole gateway: none ends it, none is answered with
 * a 5xx but 503, and each error is a problem document. VIGIL_FUZZ_RUNS says how many there are,
 * VIGIL_FUZZ_SEED which; what is asked follows from the seed, the order in which it arrives does not.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ROUTES } from '../../../src/http/routes/index.ts';
import { seededRandom } from '../../../src/sim/random.ts';
import { Child, ROOT } from '../../support/child.ts';
import { fuzzMessage } from './frames.ts';
import { type FuzzRequest, fuzzRequest } from './requests.ts';
import { pick, type Random } from './values.ts';

const RUNS = Number(process.env['VIGIL_FUZZ_RUNS'] ?? 100_000);
const SEED = Number(process.env['VIGIL_FUZZ_SEED'] ?? Date.now() % 2 ** 31);
/** Of all: the rest are requests. */
const MESSAGES = Math.floor(RUNS * 0.3);
const CONNECTIONS = 16;
const SOCKETS = 8;
/** Requests after which there are new tokens, and what they were answered is looked at. */
const TOKENS_EVERY = 2_000;
const MESSAGES_A_SOCKET = 200;
const LIMIT_MS = 20 * 60_000;
const PATHS = ['/ws/telemetry', '/ws/session/1', '/ws/monitor', '/api/v1/ws/session/nothing'];
/** Tokens of the five roles come first, twice. */
const GOOD_TOKENS = 10;

const World = v.object({
  url: v.string(),
  tokens: v.array(v.string()),
  ids: v.array(v.string()),
});

let data = '';
let gateway: Child;
let world: v.InferOutput<typeof World>;

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'vigil-fuzz-'));
  const script = 'test/integration/fuzz/gateway.ts';
  const env = { ...process.env, VIGIL_FUZZ_DATA: data };
  const stdio = ['ignore', 'ignore', 'inherit', 'ipc'] as const;
  gateway = new Child(
    spawn(process.execPath, [script], { cwd: ROOT, env, stdio: [...stdio] }),
    script,
  );
  world = v.parse(World, await gateway.next());
  console.log(`fuzz: seed ${SEED}, ${RUNS} requests and messages`);
});

afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await rm(data, { recursive: true });
});

/** How often each status was answered: that nothing gets anywhere would find nothing. */
const statuses = new Map<number, number>();
/** Of all replies, at least: what was right in every part of it. */
const SUCCESSES_MIN = 0.02;

/** What must never be is told as text, with what was asked. */
function faultIn(asked: FuzzRequest, reply: IncomingMessage, body: string): string | undefined {
  const { statusCode: status = 0, headers } = reply;
  statuses.set(status, (statuses.get(status) ?? 0) + 1);
  const what = `${asked.method} ${asked.target} ${JSON.stringify(asked.headers)} -> ${status} ${body.slice(0, 300)}`;
  if (status >= 500 && status !== 503) return what;
  const isProblem = headers['content-type'] === 'application/problem+json';
  if (status >= 400 && asked.method !== 'HEAD' && !isProblem) return `no problem document: ${what}`;
  return undefined;
}

/** What was asked last over a connection. */
const before = new WeakMap<object, string>();

function send(asked: FuzzRequest, agent: Agent): Promise<string | undefined> {
  const { hostname, port } = new URL(world.url);
  return new Promise((resolve, reject) => {
    const { method, target: path, headers } = asked;
    const sent = request({ agent, hostname, port, method, path, headers }, (reply) => {
      const chunks: Buffer[] = [];
      reply.on('data', (chunk) => void chunks.push(chunk));
      reply.on('end', () => resolve(faultIn(asked, reply, Buffer.concat(chunks).toString())));
      reply.on('error', reject);
    });
    // A reply that is too long spoils the one behind it.
    let last = '';
    sent.on('socket', (socket) => {
      last = before.get(socket) ?? 'nothing';
      before.set(socket, `${method} ${path} ${JSON.stringify(headers)}`);
    });
    sent.on('error', (error) =>
      reject(new Error(`${method} ${path}: ${error.message}, after ${last}`)),
    );
    sent.end(asked.body);
  });
}

/** Asks so many questions over one connection after the other. */
async function ask(count: number, random: Random, agent: Agent): Promise<string[]> {
  const faults: string[] = [];
  const { ids } = world;
  for (let n = 0; n < count; n++) {
    const asked = fuzzRequest({ routes: ROUTES, tokens: () => world.tokens, ids }, random);
    const fault = await send(asked, agent);
    if (fault !== undefined) faults.push(fault);
  }
  return faults;
}

test('no request ends it, or meets a fault of ours', { timeout: LIMIT_MS }, async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const randoms = Array.from({ length: CONNECTIONS }, (_, i) => seededRandom(SEED + i));
  for (let done = 0; done < RUNS - MESSAGES; done += TOKENS_EVERY) {
    const each = TOKENS_EVERY / CONNECTIONS;
    const faults = await Promise.all(randoms.map((random) => ask(each, random, agent)));
    expect(faults.flat(), `seed ${SEED}`).toEqual([]);
    world = v.parse(World, await gateway.ask({ tokens: true }));
  }
  agent.destroy();
  console.log('fuzz:', Object.fromEntries([...statuses].toSorted(([a], [b]) => a - b)));
  const successes = [...statuses].filter(([status]) => status < 300).map(([, count]) => count);
  expect(successes.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(RUNS * SUCCESSES_MIN);
  expect(await gateway.ask({ errors: true })).toEqual({ errors: [] });
});

/** Sends to one socket after the other; each may be closed for what it is sent. */
async function chatter(count: number, random: Random): Promise<void> {
  for (let sent = 0; sent < count; ) {
    const url = `${world.url}${pick(random, PATHS)}`.replace(/^http/, 'ws');
    const socket = new WebSocket(url);
    socket.binaryType = 'arraybuffer';
    const closed = new Promise((resolve) => {
      socket.onclose = resolve;
    });
    const opened = new Promise((resolve) => {
      socket.onopen = resolve;
    });
    await Promise.race([opened, closed]);
    if (random() < 0.9) {
      const access_token = world.tokens[Math.floor(random() * GOOD_TOKENS)];
      socket.send(JSON.stringify({ type: 'auth', access_token }));
    }
    for (let n = 0; n < MESSAGES_A_SOCKET && sent < count; n++, sent++) {
      if (socket.readyState !== WebSocket.OPEN) break;
      socket.send(fuzzMessage(random));
      // In time for what it is closed for.
      if (n % 10 === 9) await new Promise(setImmediate);
    }
    if (random() < 0.5) socket.close();
    await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 50))]);
    socket.close();
  }
}

test('no message ends it, or meets a fault of ours', { timeout: LIMIT_MS }, async () => {
  world = v.parse(World, await gateway.ask({ tokens: true }));
  const randoms = Array.from({ length: SOCKETS }, (_, i) => seededRandom(SEED - 1 - i));
  await Promise.all(randoms.map((random) => chatter(MESSAGES / SOCKETS, random)));
  expect(await gateway.ask({ errors: true })).toEqual({ errors: [] });
  expect((await fetch(`${world.url}/health`)).status).toBe(200);
});
