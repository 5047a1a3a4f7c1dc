/**
 * From spawning the process to its line "Vigil ... at http://...", when requests are answered, with
 * a warm compile cache; against the least that Node takes to the same point, a bare HTTP server.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, stopProcess } from '../support/child.ts';
import { type Bench, interleave, Side } from './bench.ts';
import { lineWith } from './process.ts';
import { significant } from './stats.ts';

const ROUNDS = 15;
const COLD_ROUNDS = 5;
/** Plain JavaScript without an import: nothing to strip, nothing to cache. */
const BARE = `
const server = require('node:http').createServer((request, response) => response.end('{}'));
server.listen(0, '127.0.0.1', () => console.log('http://127.0.0.1:' + server.address().port));
process.once('SIGTERM', () => process.exit(0));
`;

export const start: Bench = {
  name: 'start',
  async *run() {
    const directory = await mkdtemp(join(tmpdir(), 'vigil-bench-'));
    try {
      const cache = join(directory, 'cache');
      const data = join(directory, 'data');
      const gateway = ['src/main.ts', '--sim', '1', '--http', '127.0.0.1:0', '--data', data];
      // The round that does not count fills the cache.
      const warm = new Side(() => startOnce(gateway, { NODE_COMPILE_CACHE: cache }));
      const bare = new Side(() => startOnce(['-e', BARE], {}));
      await interleave(ROUNDS, [warm, bare]);
      const cold = new Side(() => startOnce(gateway, { NODE_DISABLE_COMPILE_CACHE: '1' }));
      await interleave(COLD_ROUNDS, [cold]);
      const floor = { name: 'bare server', value: significant(bare.median, 3) };
      yield {
        metric: 'to READY, cache warm',
        value: significant(warm.median, 3),
        unit: 's',
        peer: floor,
        n: ROUNDS,
        goal: '<= 5x, <= 0.5 s',
      };
      yield {
        metric: 'to READY, no cache',
        value: significant(cold.median, 3),
        unit: 's',
        peer: floor,
        n: COLD_ROUNDS,
      };
    } finally {
      await rm(directory, { recursive: true });
    }
  },
};

/** Seconds from the spawn to the line with the address. */
async function startOnce(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<number> {
  const began = process.hrtime.bigint();
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await lineWith(child, /http:\/\//);
    return Number(process.hrtime.bigint() - began) / 1e9;
  } finally {
    await stopProcess(child);
  }
}
