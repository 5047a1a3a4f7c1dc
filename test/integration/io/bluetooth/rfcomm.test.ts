import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const RFCOMM = new URL('../../../../src/io/bluetooth/rfcomm.ts', import.meta.url).href;

/** Opens a link where there is no descriptor left, and prints what it is told. */
const PROGRAM = `
  import { closeSync, openSync } from 'node:fs';
  import { openRfcomm } from '${RFCOMM}';
  const taken = [];
  try {
    for (;;) taken.push(openSync('/dev/null'));
  } catch {} // All are taken.
  const target = { address: '00:81:F9:08:A1:72', channel: 1, from: '00:1A:7D:DA:71:13' };
  const { code, message } = await openRfcomm(target, new AbortController().signal).catch((e) => e);
  for (const one of taken) closeSync(one);
  console.log(code, message);
`;

test('a link for which there are no descriptors left is one that could not be opened', async () => {
  const limited = ['-c', 'ulimit -n 64; exec "$@"', 'sh', process.execPath];
  const args = [...limited, '--input-type=module', '--eval', PROGRAM];
  const { stdout } = await promisify(execFile)('sh', args, { timeout: 20_000 });
  expect(stdout).toBe('OPEN_FAILED 00:81:F9:08:A1:72: spawn socat EMFILE\n');
});
