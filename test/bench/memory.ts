/** Resident memory of the gateway over a simulated drive with clients that want everything. */
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Bench } from './bench.ts';
import { startChild, startGateway } from './process.ts';
import { median, significant, slope } from './stats.ts';

const CLIENTS = 10;
const SAMPLE_MS = 1_000;
/** Share of the time in which caches and heap find their size; it does not count for the slope. */
const WARM_UP = 1 / 3;
const MS_PER_DAY = 86_400_000;

export const memory: Bench = {
  name: 'memory',
  async *run({ minutes }) {
    await using gateway = await startGateway(['--sim', '1']);
    const subscribe = JSON.stringify({ type: 'subscribe', streams: ['*'], format: 'bin' });
    const orders = { host: gateway.host, path: '/ws/telemetry', clients: CLIENTS, subscribe };
    const { child } = await startChild('listeners.ts', orders);
    await using _crowd = child;
    const points: [ms: number, megabytes: number][] = [];
    for (let ms = 0; ms <= minutes * 60_000; ms += SAMPLE_MS) {
      points.push([ms, await residentMegabytes(gateway.pid)]);
      await delay(SAMPLE_MS);
    }
    const settled = points.slice(Math.floor(points.length * WARM_UP));
    const sizes = settled.map(([, megabytes]) => megabytes);
    yield {
      metric: `RSS after ${minutes} min, ${CLIENTS} clients`,
      value: significant(median(sizes)),
      unit: 'MB',
      n: sizes.length,
      goal: '<= 120 MB',
    };
    yield {
      metric: 'highest RSS',
      value: significant(Math.max(...points.map(([, megabytes]) => megabytes))),
      unit: 'MB',
      n: points.length,
    };
    // Over minutes this is the heap finding its size; over an hour it begins to mean something.
    yield {
      metric: 'slope',
      value: significant(slope(settled) * MS_PER_DAY, 3),
      unit: 'MB/day',
      n: settled.length,
      goal: '< 1 MB/day over 1 h',
    };
  },
};

async function residentMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'latin1');
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  if (kilobytes === undefined) throw new Error(`process ${pid} has no memory; has it ended?`);
  return (Number(kilobytes) * 1024) / 1e6;
}
