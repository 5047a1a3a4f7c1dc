/** A program that is run in another process, where the system has no room for one. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { runChild } from '../../../src/io/child.ts';
import { childrenOf } from '../../support/children.ts';

const CHILD = path.resolve(import.meta.dirname, '../../../src/io/child.ts');

/** Takes all descriptors but one, which is too few for the pipes, and says how a child fares. */
const PROGRAM = `
  import { closeSync, openSync } from 'node:fs';
  import { runChild } from ${JSON.stringify(CHILD)};
  const taken = [];
  try {
    for (;;) taken.push(openSync('/dev/null'));
  } catch {} // All are taken.
  closeSync(taken.pop());
  const started = runChild('/dev/null', [], { timeoutMs: 60_000, env: {} });
  const code = await started.then(() => 'none', (error) => error.code);
  for (const one of taken) closeSync(one);
  console.log(code);
`;

test('a child that cannot be started for want of descriptors is an error of the system', async () => {
  const limited = ['-c', 'ulimit -n 64; exec "$@"', 'sh', process.execPath];
  const args = [...limited, '--input-type=module', '--eval', PROGRAM];
  const { stdout } = await promisify(execFile)('sh', args, { timeout: 20_000 });
  expect(stdout).toBe('EMFILE\n');
});

const FOREVER = path.resolve(import.meta.dirname, '../../support/faults/forever.ts');
const LIMIT = { timeoutMs: 60_000, env: {} };

test('a child is killed when the signal aborts, and gone when that is told', async () => {
  const stop = new AbortController();
  const before = childrenOf(process.pid);
  const running = runChild(FOREVER, [], { ...LIMIT, signal: stop.signal });
  const [child = 0] = childrenOf(process.pid).filter((pid) => !before.includes(pid));
  expect(child).toBeGreaterThan(0);
  const reason = new Error('stopped');
  stop.abort(reason);
  await expect(running).rejects.toBe(reason);
  expect(childrenOf(process.pid)).not.toContain(child);
});

test('after the signal has aborted no child is begun', async () => {
  const before = childrenOf(process.pid);
  const reason = new Error('stopped');
  const running = runChild(FOREVER, [], { ...LIMIT, signal: AbortSignal.abort(reason) });
  expect(childrenOf(process.pid)).toEqual(before);
  await expect(running).rejects.toBe(reason);
});
