/** What aedes asks of whatever keeps things for it, by its own tests. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { expect, test } from 'vitest';

const SUITE = path.join(import.meta.dirname, 'persistence-suite.ts');
/** That version 11 of aedes-persistence has: fewer would mean that it was not run. */
const TESTS = 50;

test('every test of the library passes on a real file', async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  // They need node:test, which does not run inside of vitest.
  execFile(process.execPath, ['--test-reporter=tap', SUITE], (_, stdout) => resolve(stdout));
  const lines = (await promise).split('\n');
  expect(lines.filter((line) => line.startsWith('not ok'))).toEqual([]);
  expect(lines).toEqual(expect.arrayContaining([`# pass ${TESTS}`, '# fail 0', '# skipped 0']));
});
