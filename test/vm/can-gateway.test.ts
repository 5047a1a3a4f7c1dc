/**
 * The gateway as it is started, on a CAN interface with the simulated car: what it reads, what it
 * survives, and above all what it sends. VIGIL_CAN_CALLS=10000 asks the API so many times at random, as
 * S14 wants it, which takes nine minutes.
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { beforeAll } from 'vitest';
import { describeInVm } from './checks.ts';
import { kernelForVm } from './kernel.ts';

const calls = process.env['VIGIL_CAN_CALLS'] ?? '250';

const TOP = path.resolve(import.meta.dirname, '../..');
/** Programs that the machine runs, as they load what they consist of and end. */
const LOADED = [
  ['src/main.ts', '--check', '--sim', '1'],
  ['scripts/simulate.ts', '--help'],
  ['test/vm/guest/can-gateway-calls.ts'],
];
const PREPARED_MS = 240_000;

/** Node keeps what it has made of our files where the machine finds it. */
beforeAll(async () => {
  if (process.arch !== 'x64') return;
  const { moduleTree } = await kernelForVm();
  const env = {
    PATH: process.env['PATH'],
    NODE_COMPILE_CACHE: path.join(moduleTree, '../compile-cache'),
  };
  for (const args of LOADED) spawnSync(process.execPath, args, { cwd: TOP, env });
}, PREPARED_MS);

const order = {
  program: 'test/vm/guest/can-gateway.ts',
  environment: { VIGIL_CAN_CALLS: calls },
  timeoutMs: 600_000 + 400 * Number(calls),
};

describeInVm(order, [
  'a drive begins, and values and signals come',
  'codes are not cleared for a viewer, unasked for, or while the car moves',
  'in a flood of frames it lives, asks on, and counts each frame that is lost',
  'an interface that goes down and up is read on, by itself',
  'whatever the API is asked, nothing that is not allowed goes out',
  'another car, with 29 bits: codes are not cleared while its engine runs',
  'and are cleared when it is off',
  'a gateway that only listens sends nothing',
]);
