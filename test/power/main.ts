/**
 * Cuts the power of the store many times over.
 *
 *   node test/power/main.ts --points 1000 --seed 1 [--ignore-sync] [--seconds 24] [--keep DIRECTORY]
 *
 * Ends with 1 where anything was corrupt or lost. As root; see power-cut.ts for what it needs.
 */
import { parseArgs } from 'node:util';
import {
  type BadPoint,
  type CutResult,
  cutPower,
  type Recording,
  recordWrites,
} from './power-cut.ts';

/** Points of one recording; the next ones get another, with other times. */
const POINTS_PER_RECORDING = 125;
const SHOWN = 10;

const { values } = parseArgs({
  options: {
    points: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '24' },
    'ignore-sync': { type: 'boolean', default: false },
    keep: { type: 'string' },
  },
});

function show(name: string, bad: readonly BadPoint[]): void {
  for (const { cut, lost, problems } of bad.slice(0, SHOWN)) {
    console.log(
      `  ${name} after write ${cut.writes}: ${lost} lost; ${problems.slice(0, 3).join('; ')}`,
    );
  }
}

function reportRecording({ writes, acks, evicted }: Recording): void {
  const flushes = writes.filter(({ flush }) => flush).length;
  const megabytes = Math.round((writes.at(-1)?.end ?? 0) / 2 ** 20);
  const ring = evicted ? 'the ring went round' : 'the ring did not go round';
  console.log(
    `recorded ${writes.length} writes, ${flushes} flushes, ${megabytes} MB; ` +
      `${acks.length} acknowledgements; ${ring}`,
  );
}

function reportCuts(
  { points, open, unmountable, lost, corrupt }: CutResult,
  seconds: number,
): void {
  console.log(
    `${points} points in ${seconds.toFixed(0)} s: ${unmountable.length} not mountable, ` +
      `${corrupt.length} corrupt, ${lost.length} with losses`,
  );
  const { kept, dropped, torn } = open;
  console.log(`  of their unflushed writes ${dropped} were lost, ${torn} torn, ${kept} whole`);
  show('not mountable', unmountable);
  show('corrupt', corrupt);
  show('lost', lost);
}

const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
process.once('SIGTERM', () => stop.abort());
let bad = 0;
for (let left = Number(values.points), i = 0; left > 0; left -= POINTS_PER_RECORDING, i++) {
  const recording = await recordWrites(Number(values.seconds), stop.signal);
  reportRecording(recording);
  const begin = performance.now();
  const result = await cutPower(recording, {
    points: Math.min(left, POINTS_PER_RECORDING),
    seed: Number(values.seed) + i,
    ignoreSync: values['ignore-sync'],
    signal: stop.signal,
    ...(values.keep !== undefined && { keep: values.keep }),
  });
  reportCuts(result, (performance.now() - begin) / 1000);
  bad += result.unmountable.length + result.lost.length + result.corrupt.length;
}
process.exitCode = bad > 0 ? 1 : 0;
