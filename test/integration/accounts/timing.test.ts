/**
 * Who has no account is refused like who has a wrong password, in the answer and in the time. What is
 * measured is the time of the processor: on the clock it is what others on the computer leave.
 * VIGIL_TIMING_TRIES says how often each is tried.
 */
import { expect, test } from 'vitest';
import { AccountWorld, LOCAL } from '../../support/account-world.ts';

/** Of each; the two take turns, so that what else the computer does falls on both. */
const TRIES = Number(process.env['VIGIL_TIMING_TRIES'] ?? 15);
/** Of the medians. Without the work for nobody's password they would differ by a factor of 1,000. */
const DIFFERENCE_MAX = 0.25;

test('an unknown user takes as long as a wrong password', { timeout: 600_000 }, async () => {
  const world = new AccountWorld();
  const accounts = await world.startClaimed();
  const visit = { remote: LOCAL, client: 'test' };
  const took: Record<string, number[]> = { admin: [], nobody: [] };
  const told = new Set<string>();
  for (let i = 0; i < TRIES; i++) {
    for (const [username, times] of Object.entries(took)) {
      await world.clock.advance(60_000);
      const before = process.cpuUsage();
      const error = await accounts
        .login({ username, password: `wrong password ${i}` }, visit)
        .catch((reason: Error) => reason);
      const { user, system } = process.cpuUsage(before);
      times.push((user + system) / 1000);
      told.add(String(error));
    }
  }
  expect([...told]).toEqual(['AccountError: no account has this name and this password']);
  const [known, unknown] = Object.values(took).map(median);
  expect(known).toBeGreaterThan(20);
  console.log(`medians of ${TRIES}: ${known} ms of a wrong password, ${unknown} ms of nobody's`);
  expect(Math.abs((known ?? 0) - (unknown ?? 0)) / (known ?? 1)).toBeLessThan(DIFFERENCE_MAX);
});

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
