/** What scripts/simulate.ts says of a CAN interface that it cannot use; test/vm has one that it can. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const SCRIPT = fileURLToPath(new URL('../../../scripts/simulate.ts', import.meta.url));

test.each([
  [['--can', 'vigilnone0'], 'vigilnone0: no such interface; is the CAN adapter plugged in?'],
  [['--can', 'lo'], 'lo: not a CAN interface'],
  [
    ['--can', 'pty:/tmp/car'],
    '--can: expected the name of a CAN interface such as vcan0, found "pty:/tmp/car"',
  ],
  [['--can', ''], '--can: expected the name of a CAN interface such as vcan0, found ""'],
  [['--can', 'lo', '--id-bits', '12'], '--id-bits: expected 11 or 29, found "12"'],
  [['--can', 'lo', '--every', '0'], '--every: expected a whole number from 1, found "0"'],
  [['--parks-after', 'x'], '--parks-after: expected a whole number from 0, found "x"'],
])('the simulator says in one sentence why not: %j', (args, sentence) => {
  const { status, stderr } = spawnSync(process.execPath, [SCRIPT, ...args], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  expect(stderr).toBe(`simulate: ${sentence}\n`);
  expect(status).toBe(1);
});
