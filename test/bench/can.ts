/**
 * Two full buses of 500 kbit/s through the whole gateway: adapters in a process of their own, over TCP as
 * those on Wi-Fi are; DBC files, store, shipped rules, a client with values and one with all raw frames.
 * What was sent is held against what an export gives back. Then the same as fast as the gateway takes it,
 * and the way from the bus to the store alone against the least that could be done: decode and append.
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import * as v from 'valibot';
import type { Child } from '../support/child.ts';
import { get } from '../support/tokens.ts';
import { type Bench, type Figure, growth, Side } from './bench.ts';
import { BIT_RATE, busDbc, FRAMES_PER_S } from './can-load.ts';
import { pathFigures } from './can-path.ts';
import { type Gateway, startChild, startGateway } from './process.ts';
import { median, significant } from './stats.ts';

const BUSES = 2;
const WARM_UP_MS = 8_000;
/** How long processor time is taken, and how often. */
const MEASURE_MS = 8_000;
const ROUNDS = 3;
/** Of a flood, on each bus. */
const FLOOD_FRAMES = 250_000;
/** What came last goes to the disk within a second. */
const SETTLE_MS = 3_000;
/** A client that got fewer messages has not been there. */
const MESSAGES_MIN = 100;
/** USER_HZ of Linux: /proc/<pid>/stat counts in it. */
const TICKS_PER_S = 100;

const Ports = v.object({ ports: v.array(v.number()) });
const Sent = v.object({ sent: v.number() });
const Counted = v.object({ messages: v.number(), closed: v.number() });
const Buses = v.object({
  items: v.array(v.object({ frames: v.number(), unknownIds: v.number() })),
});
const Session = v.object({ id: v.number() });

export const can: Bench = {
  name: 'can',
  async *run({ scales }) {
    const costs = new Map(scales.map((scale) => [scale, new Side(() => 0)]));
    for (const [scale, { results }] of costs) yield* wholeGateway(BUSES * scale, results);
    yield* growth('us/frame', costs, (share, scale) => {
      return (1e6 * share) / 100 / (BUSES * scale * FRAMES_PER_S);
    });
    yield* pathFigures();
  },
};

/** @param shares of a core, in %: those that are measured are added */
async function* wholeGateway(buses: number, shares: number[]): AsyncGenerator<Figure> {
  const { child: cars, hello } = await startChild('can-adapter.ts', { buses });
  await using _cars = cars;
  const { ports } = v.parse(Ports, hello);
  const names = ports.map((_, i) => `bus${i + 1}`);
  const urls = ports.map((port, i) => {
    return `slcan+tcp://127.0.0.1:${port}?bitrate=${BIT_RATE}&name=${names[i]}`;
  });
  await using gateway = await startGateway(urls.flatMap((url) => ['--can', url]));
  const { ask } = clientOf(gateway);
  for (const [i, bus] of names.entries()) await ask('PUT', `/can/${bus}/dbc/car`, busDbc(i + 1));
  const { id } = v.parse(Session, await json(ask('POST', '/sessions', '{}')));
  await using values = await subscribed(gateway, { streams: ['can.bus1.unit1.*', 'can.bus2.*'] });
  const raw = { streams: names.map((name) => `can.${name}`), frames: true };
  await using frames = await subscribed(gateway, raw);

  await cars.ask({ what: 'start' });
  await delay(WARM_UP_MS);
  const [before, start] = [await framesOf(ask), performance.now()];
  for (let round = 0; round < ROUNDS; round++) shares.push(await shareOf(gateway.pid));
  const rate = ((await framesOf(ask)) - before) / ((performance.now() - start) / 1000);
  const { sent } = v.parse(Sent, await cars.ask({ what: 'stop' }));
  await delay(SETTLE_MS);
  await ask('PATCH', `/sessions/${id}`, '{"state":"ended"}');
  for (const client of [values, frames]) await checkServed(client);
  const figures = {
    rate,
    lost: sent - (await exported(ask, id)),
    sent,
    left: await dropped(ask),
    share: median(shares),
  };
  yield* figuresOf(buses, figures);
  if (buses === BUSES) yield* flooded(gateway, cars);
}

function* figuresOf(
  buses: number,
  of: Readonly<Record<'rate' | 'lost' | 'sent' | 'left' | 'share', number>>,
): Generator<Figure> {
  const metric = (what: string): string => `${buses} buses, ${what}`;
  yield {
    ...{ metric: metric('decoded and recorded'), value: Math.round(of.rate), unit: 'frames/s' },
    peer: { name: 'full load', value: buses * FRAMES_PER_S },
    n: ROUNDS,
  };
  yield {
    ...{ metric: metric('sent and not recorded'), value: of.lost, unit: 'frames', n: of.sent },
    goal: '0',
  };
  const left = { metric: metric('not taken by a part'), value: of.left, unit: 'readings' };
  yield { ...left, n: 1, goal: '0' };
  const share = { metric: metric('share of a core'), value: significant(of.share, 3), unit: '%' };
  yield { ...share, n: ROUNDS, ...(buses === BUSES ? { goal: '<= 25 %' } : {}) };
}

/** The share of a core that a process takes for a while, of all its threads, in %. */
async function shareOf(pid: number): Promise<number> {
  const [cpu, start] = [await cpuOf(pid), performance.now()];
  await delay(MEASURE_MS);
  return (100 * ((await cpuOf(pid)) - cpu)) / ((performance.now() - start) / 1000);
}

/** Without them it would be a gateway that has less to do. */
async function checkServed(client: Child): Promise<void> {
  const { messages, closed } = v.parse(Counted, await client.ask({ count: true }));
  if (closed > 0 || messages < MESSAGES_MIN) throw new Error(`a client got ${messages} messages`);
}

/**
 * As fast as the gateway takes it: the adapters wait for it, as TCP has them do. The live feed passes over what
 * it has no time for.
 */
async function* flooded(gateway: Gateway, cars: Child): AsyncGenerator<Figure> {
  const { ask } = clientOf(gateway);
  const { id } = v.parse(Session, await json(ask('POST', '/sessions', '{}')));
  const [before, cpuBefore] = [await framesOf(ask), await cpuOf(gateway.pid)];
  const start = performance.now();
  await cars.ask({ what: 'flood', frames: FLOOD_FRAMES });
  const all = BUSES * FLOOD_FRAMES;
  while ((await framesOf(ask)) - before < all) await delay(20);
  const seconds = (performance.now() - start) / 1000;
  const cpu = (await cpuOf(gateway.pid)) - cpuBefore;
  await delay(SETTLE_MS);
  await ask('PATCH', `/sessions/${id}`, '{"state":"ended"}');
  const value = Math.round(all / seconds);
  yield { metric: 'flood, frames taken', value, unit: 'frames/s', n: 1 };
  yield { metric: 'flood, frames', value: Math.round(all / cpu), unit: 'frames/CPU s', n: 1 };
  yield {
    metric: 'flood, sent and not recorded',
    value: all - (await exported(ask, id)),
    unit: 'frames',
    n: all,
    goal: '0',
  };
}

type Ask = ReturnType<typeof clientOf>['ask'];

function clientOf({ url }: Gateway) {
  const ask = async (method: string, path: string, body?: string): Promise<Response> => {
    const type = body?.startsWith('{') ? 'application/json' : 'text/plain';
    const init = body === undefined ? {} : { body, headers: { 'content-type': type } };
    const response = await get(`${url}/api/v1${path}`, { method, ...init });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response;
  };
  return { ask };
}

async function json(asked: Promise<Response>): Promise<unknown> {
  return await (await asked).json();
}

/** A client in a process of its own. */
async function subscribed({ host, token }: Gateway, wanted: object) {
  const subscribe = JSON.stringify({ type: 'subscribe', format: 'bin', ...wanted });
  const orders = { host, path: '/ws/telemetry', clients: 1, subscribe, token };
  return (await startChild('listeners.ts', orders)).child;
}

/** Frames that have come. */
async function framesOf(ask: Ask): Promise<number> {
  const { items } = v.parse(Buses, await json(ask('GET', '/can')));
  if (items.some(({ unknownIds }) => unknownIds > 0)) throw new Error('not all was decoded');
  return items.reduce((sum, { frames }) => sum + frames, 0);
}

/** Frames that a session has: each is a line. */
async function exported(ask: Ask, session: number): Promise<number> {
  const body = JSON.stringify({ session, format: 'candump' });
  const { body: file } = await ask('POST', '/export', body);
  let lines = 0;
  for await (const piece of file ?? []) for (const byte of piece) if (byte === 0x0a) lines++;
  return lines;
}

async function dropped(ask: Ask): Promise<number> {
  const text = JSON.stringify(await json(ask('GET', '/health')));
  const found = [...text.matchAll(/"dropped":(\d+)/g)];
  if (found.length === 0) throw new Error('health tells nothing of what was dropped');
  return found.reduce((sum, [, count]) => sum + Number(count), 0);
}

/** Seconds of processor time of all threads of a process: proc(5). */
async function cpuOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
  // After the name in brackets, which may have blanks: the 12th and 13th of the rest.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
}
