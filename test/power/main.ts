/**
 * Cuts the power of the store many times over.
 *
 *   node test/power/main.ts --points 1000 --seed 1 [--ignore-sync] [--seconds 24] [--keep DIRECTORY]
 *
 * Ends with 1 where anything was corrupt or lost. As root; see power-cut.ts for what it needs.
 */
import { parseArgs } from 'node:util';
import { type BadPoint, type PowerCutResult, powerCuts } from './power-cut.ts';

/** Points of one recording; the next ones get another, with other times. */
const POINTS_PER_RECORDING = 250;
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

function report(result: PowerCutResult, seconds: number): void {
  const { points, open, unmountable, lost, corrupt, writes, flushes, megabytes, acks, evicted } =
    result;
  const ring = evicted ? 'ring went round' : 'ring did not go round';
  console.log(
    `recorded ${writes} writes (${flushes} flushes, ${megabytes} MB), ${acks} acknowledgements, ${ring}`,
  );
  console.log(
    `${points} points: ${unmountable.length} not mountable, ${corrupt.length} corrupt, ` +
      `${lost.length} with losses; ${seconds.toFixed(0)} s`,
  );
  const { kept, dropped, torn } = open;
  console.log(
    `unflushed writes at the cuts: ${dropped} lost, ${torn} torn, ${kept} kept, in any order`,
  );
  show('not mountable', unmountable);
  show('corrupt', corrupt);
  show('lost', lost);
}

const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
process.once('SIGTERM', () => stop.abort());
let bad = 0;
for (let left = Number(values.points), i = 0; left > 0; left -= POINTS_PER_RECORDING, i++) {
  const begin = performance.now();
  const result = await powerCuts({
    points: Math.min(left, POINTS_PER_RECORDING),
    seed: Number(values.seed) + i,
    recordSeconds: Number(values.seconds),
    ignoreSync: values['ignore-sync'],
    signal: stop.signal,
    ...(values.keep !== undefined && { keep: values.keep }),
  });
  report(result, (performance.now() - begin) / 1000);
  bad += result.unmountable.length + result.lost.length + result.corrupt.length;
}
process.exitCode = bad > 0 ? 1 : 0;
