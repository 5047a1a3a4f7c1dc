/** A program that is run in another process, where the system has no room for one. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

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
