/** How what goes wrong in a virtual machine is told. That all goes well is for the other files here. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { runInVm } from './machine.ts';
import { ResultLines } from './result-lines.ts';

/** The kernel may have to be made first. */
const TIMEOUT_MS = 240_000;

describe.skipIf(process.arch !== 'x64')('a machine', () => {
  test('checks that fail are told', { timeout: TIMEOUT_MS }, async () => {
    const run = await runInVm({ program: 'test/vm/guest/failing.sh' });
    expect(run.code).toBe(3);
    expect(Object.fromEntries(run.results)).toMatchObject({
      'passes in bash': { ok: true, frames: 3 },
      'fails in bash': {
        ok: false,
        error: 'ended with 1 and said:\na "quoted" back\\slash,\ta tab',
      },
      'passes in TypeScript': { ok: true, frames: 3 },
      'fails in TypeScript': { ok: false, error: expect.stringContaining('one is not two') },
      'hangs in TypeScript': { ok: false, error: expect.stringContaining('not done within 50 ms') },
    });
    expect(run.results.size).toBe(5);
    expect(run.output).toContain('the program goes on');
    expect(run.output).not.toContain('not reached');
  });

  test('one that takes too long is killed', { timeout: TIMEOUT_MS }, async () => {
    const program = 'test/vm/guest/failing.sh';
    const late = runInVm({ program, timeoutMs: 700 });
    await expect(late).rejects.toThrow(
      `${program}: the machine took longer than 700 ms; checks done: none; console:\n`,
    );
    expect(machinesOf(process.pid)).toEqual([]);
  });

  test('one that has no such module says so', { timeout: TIMEOUT_MS }, async () => {
    const program = 'test/vm/guest/failing.sh';
    await expect(runInVm({ program, modules: ['no-such-module'] })).rejects.toThrow(
      /the machine ended without EXIT;.*Module no-such-module not found/s,
    );
  });
});

test('lines are read from whatever pieces they come in', () => {
  const lines = new ResultLines(() => 7);
  const text =
    'BOOT 3.1\nRESULT a {b} c {"ok":true,"ms":1}\nRESULT d {"ok":false,"ms":2}\nEXIT 4\n';
  for (const letter of text) lines.take(letter);
  expect(lines).toMatchObject({ bootMs: 7, code: 4, mistake: undefined });
  expect([...lines.results]).toEqual([
    ['a {b} c', { ok: true, ms: 1 }],
    ['d', { ok: false, ms: 2 }],
  ]);
});

test.each([
  ['x', 'said "x" for a result'],
  ['RESULT a {"ok"}', 'said "RESULT a {\\"ok\\"}" for a result'],
  ['RESULT d {"ok":true}', 'said "RESULT d {\\"ok\\":true}" for a result'],
])('%s is a mistake', (line, mistake) => {
  const lines = new ResultLines(() => 0);
  lines.take(`RESULT d {"ok":true,"ms":1}\n${line}\n`);
  expect(lines.mistake).toBe(mistake);
});

/** Process ids of QEMU that a process has started and that still run. */
function machinesOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const [, name, state, of] =
          /\((.*)\) (\S) (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
        return Number(of) === parent && state !== 'Z' && /^(qemu|setpriv)/.test(name ?? '');
      } catch {
        // It ended meanwhile.
        return false;
      }
    });
}
