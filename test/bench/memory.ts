/**
 * Resident memory of the gateway over a simulated drive with clients that want everything: with
 * adapter and headset on ptys, as in a car; with the simulator inside the process; and with that and
 * somebody who exports the drive so far again and again.
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import * as v from 'valibot';
import type { Child } from '../support/child.ts';
import { get, logIn } from '../support/tokens.ts';
import type { Bench, Figure } from './bench.ts';
import { type Gateway, startChild, startFarEnd, startGateway } from './process.ts';
import { median, significant, slope } from './stats.ts';

const CLIENTS = 10;
const SAMPLE_MS = 1_000;
/** Pause between two exports. */
const EXPORT_EVERY_MS = 5_000;
/** How often the clients get another token: one is good for 15 minutes. */
const RENEW_MS = 600_000;
/** Share of the time in which caches and heap find their size; it does not count for the slope. */
const WARM_UP = 1 / 3;
const MS_PER_DAY = 86_400_000;
/** A car as it is: its engine unit takes this long, its adapter sends at 38,400 baud. */
const CAR = { ecuMs: 8, paced: true, counted: false, only: false };

const Counted = v.object({ closed: v.number() });

type Point = readonly [ms: number, megabytes: number];

export const memory: Bench = {
  name: 'memory',
  async *run({ minutes }) {
    await using adapter = await startFarEnd('adapter.ts', CAR);
    await using headset = await startFarEnd('headset.ts', {});
    const serial = [
      ...['--obd', `serial://${adapter.path}?baud=38400`],
      ...['--eeg', `thinkgear+serial://${headset.path}`],
    ];
    const [onPtys, inside, exporting] = await Promise.all([
      watch(serial, minutes),
      watch(['--sim', '1'], minutes),
      watch(['--sim', '1'], minutes, exportAll),
    ]);
    yield* figures('devices on ptys', minutes, onPtys);
    yield* figures('simulator inside', minutes, inside);
    yield* figures('simulator and exports', minutes, exporting);
  },
};

/**
 * Resident memory of one gateway, sampled over so many minutes.
 *
 * @param busy keeps the gateway busy besides, until the signal aborts
 */
async function watch(
  flags: readonly string[],
  minutes: number,
  busy?: (url: string, signal: AbortSignal) => Promise<void>,
): Promise<Point[]> {
  await using gateway = await startGateway(flags);
  const done = new AbortController();
  const work = busy?.(gateway.url, done.signal);
  await using crowd = await crowdOf(gateway);
  const points: Point[] = [];
  for (let ms = 0; ms <= minutes * 60_000; ms += SAMPLE_MS) {
    points.push([ms, await residentMegabytes(gateway.pid)]);
    await delay(SAMPLE_MS);
    if (ms % RENEW_MS === RENEW_MS - SAMPLE_MS) {
      await crowd.ask({ auth: await logIn(gateway.url) });
    }
  }
  await checkAllThere(crowd);
  done.abort();
  await work;
  return points;
}

/** Clients that want everything, as dashboards do, in a process of their own. */
async function crowdOf({ host, token }: Gateway): Promise<Child> {
  const subscribe = JSON.stringify({ type: 'subscribe', streams: ['*'], format: 'bin' });
  const orders = { host, path: '/ws/telemetry', clients: CLIENTS, subscribe, token };
  return (await startChild('listeners.ts', orders)).child;
}

/** Without them it would be the memory of a gateway that has nothing to do. */
async function checkAllThere(crowd: Child): Promise<void> {
  const { closed } = v.parse(Counted, await crowd.ask({ count: true }));
  if (closed > 0) throw new Error(`${closed} clients were cut`);
}

/** Records a session and exports it, as the format that takes the most memory, again and again. */
async function exportAll(origin: string, signal: AbortSignal): Promise<void> {
  const post = async (path: string, body: object): Promise<Response> => {
    const headers = { 'content-type': 'application/json' };
    const url = `${origin}/api/v1${path}`;
    const response = await get(url, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
    return response;
  };
  await delay(EXPORT_EVERY_MS); // The store opens beside everything else.
  const { id } = v.parse(v.object({ id: v.number() }), await (await post('/sessions', {})).json());
  while (!signal.aborted) {
    await delay(EXPORT_EVERY_MS);
    const file = await post('/export', { session: id, format: 'parquet' });
    // Read and dropped, a piece at a time.
    for await (const _piece of file.body ?? []);
  }
}

function* figures(name: string, minutes: number, points: readonly Point[]): Generator<Figure> {
  const settled = points.slice(Math.floor(points.length * WARM_UP));
  const n = settled.length;
  yield {
    metric: `${name}, RSS over ${minutes} min, ${CLIENTS} clients`,
    value: significant(median(settled.map(([, megabytes]) => megabytes))),
    unit: 'MB',
    n,
    goal: '<= 120 MB',
  };
  yield {
    metric: `${name}, highest RSS`,
    value: significant(Math.max(...points.map(([, megabytes]) => megabytes))),
    unit: 'MB',
    n: points.length,
  };
  // Over minutes this is the heap finding its size; over an hour it begins to mean something.
  yield {
    metric: `${name}, slope`,
    value: significant(slope(settled) * MS_PER_DAY, 3),
    unit: 'MB/day',
    n,
    goal: '< 1 MB/day over 1 h',
  };
}

async function residentMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'latin1');
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  if (kilobytes === undefined) throw new Error(`process ${pid} has no memory; has it ended?`);
  return (Number(kilobytes) * 1024) / 1e6;
}
