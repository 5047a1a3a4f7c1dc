/**
 * Resident memory of the gateway over a simulated drive with clients that want everything: once with
 * adapter and headset on ptys, as in a car, and once with the simulator inside the process.
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Bench, Figure } from './bench.ts';
import { startChild, startFarEnd, startGateway } from './process.ts';
import { median, significant, slope } from './stats.ts';

const CLIENTS = 10;
const SAMPLE_MS = 1_000;
/** Share of the time in which caches and heap find their size; it does not count for the slope. */
const WARM_UP = 1 / 3;
const MS_PER_DAY = 86_400_000;
/** A car as it is: its engine unit takes this long, its adapter sends at 38,400 baud. */
const CAR = { ecuMs: 8, paced: true, counted: false, only: false };

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
    const [onPtys, inside] = await Promise.all([
      watch(serial, minutes),
      watch(['--sim', '1'], minutes),
    ]);
    yield* figures('devices on ptys', minutes, onPtys);
    yield* figures('simulator inside', minutes, inside);
  },
};

/** Resident memory of one gateway, sampled over so many minutes. */
async function watch(flags: readonly string[], minutes: number): Promise<Point[]> {
  await using gateway = await startGateway(flags);
  const subscribe = JSON.stringify({ type: 'subscribe', streams: ['*'], format: 'bin' });
  const orders = { host: gateway.host, path: '/ws/telemetry', clients: CLIENTS, subscribe };
  const { child } = await startChild('listeners.ts', orders);
  await using _crowd = child;
  const points: Point[] = [];
  for (let ms = 0; ms <= minutes * 60_000; ms += SAMPLE_MS) {
    points.push([ms, await residentMegabytes(gateway.pid)]);
    await delay(SAMPLE_MS);
  }
  return points;
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
