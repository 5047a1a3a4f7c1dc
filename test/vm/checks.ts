import { beforeAll, describe, expect, test } from 'vitest';
import { runInVm, type VmOrder, type VmRun } from './machine.ts';

/** Beyond the machine's own time: its kernel may have to be made first. */
const SPARE_MS = 120_000;
/** Of the console, for a check that failed. */
const TAIL_CHARS = 2_000;
/** What takes longer is named. */
const LONG_MS = 5_000;

/**
 * One test for each check of a guest program, which runs once, in one machine: a check that did not run
 * fails, and so does one that is not named here.
 *
 * @param names of the checks, in the order in which they run
 */
export function describeInVm(
  order: VmOrder & { timeoutMs: number },
  names: readonly string[],
): void {
  const here = process.arch === 'x64';
  // The other architectures have programs that its kernel cannot run, and kernels without hci_vhci.
  const title = here ? order.program : `${order.program} (not here: needs an x86-64)`;
  describe.skipIf(!here)(title, () => {
    let run: VmRun;
    beforeAll(async () => {
      run = await runInVm(order);
    }, order.timeoutMs + SPARE_MS);

    test.each(names)('%s', (name) => {
      const result = run.results.get(name);
      const { ok = false, error = 'did not run', ...details } = result ?? {};
      expect(ok, `${error}\n\n${JSON.stringify(details)}\n\n${run.output.slice(-TAIL_CHARS)}`).toBe(
        true,
      );
    });

    test('those are all checks, and the program ends with 0', () => {
      expect([...run.results.keys()]).toEqual(names);
      expect(run.code).toBe(0);
      const [booted, ended] = [run.bootMs, run.totalMs].map((ms) => (ms / 1000).toFixed(1));
      console.log(`${order.program}: ready after ${booted} s, done after ${ended} s`);
      for (const [name, { ms }] of run.results) {
        if (ms > LONG_MS) console.log(`  ${(ms / 1000).toFixed(1)} s: ${name}`);
      }
    });
  });
}
