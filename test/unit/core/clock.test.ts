import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Epoch, onClockOf, reanchor, TRUST, waitAtMost, wallMs } from '#core/clock.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const BOOT = Date.UTC(2026, 0, 1);
const epoch: Epoch = { id: 7, wallMs: BOOT, trust: 'rtc', bootId: 'b', monotonicMs: 0 };
const trust = fc.constantFrom(...TRUST);

test('a reading is as far from the anchor as it is from the start of the epoch', () => {
  expect(wallMs(epoch, 0)).toBe(BOOT);
  expect(wallMs(epoch, 1_500_000)).toBe(BOOT + 1500);
  expect(wallMs(epoch, 250)).toBe(BOOT + 0.25);
});

test('a better clock moves the anchor, so that its own moment comes out right', () => {
  const atWallMs = Date.UTC(2026, 5, 1);
  const better = reanchor(epoch, atWallMs, 90_000_000, 'ntp');
  expect(better).toEqual({ ...epoch, wallMs: atWallMs - 90_000, trust: 'ntp' });
  expect(wallMs(better, 90_000_000)).toBe(atWallMs);
});

test('the order of trust is that of the table, and only a better one is taken', () => {
  for (const [has, from] of TRUST.entries()) {
    for (const [gets, to] of TRUST.entries()) {
      const before: Epoch = { ...epoch, trust: from };
      const after = reanchor(before, 0, 0, to);
      expect(after, `${from} to ${to}`).toEqual(
        gets > has ? { ...before, wallMs: 0, trust: to } : before,
      );
    }
  }
});

test('no correction changes which of two readings was first, nor the time between them', () => {
  const t = fc.integer({ min: 0, max: 1e12 });
  fc.assert(
    fc.property(t, t, t, trust, (first, second, at, to) => {
      const after = reanchor(epoch, BOOT + 1e9, at, to);
      expect(wallMs(after, second) - wallMs(after, first)).toBeCloseTo((second - first) / 1000, 2);
      expect(TRUST.indexOf(after.trust)).toBeGreaterThanOrEqual(TRUST.indexOf(epoch.trust));
    }),
  );
});

test('a moment of another start of one boot is known on the clock of this one', () => {
  const second: Epoch = { id: 2, wallMs: 0, trust: 'none', bootId: 'boot', monotonicMs: 60_000.5 };
  const before: Epoch = { ...second, id: 1, monotonicMs: 10_000 };
  expect(onClockOf(second, before, 20e6)).toBe(-30_000_500);
  expect(onClockOf(second, second, 5)).toBe(5);
  expect(onClockOf(second, { ...before, bootId: 'another' }, 20e6)).toBeUndefined();
  const unknown = { ...second, bootId: '' };
  expect(onClockOf(unknown, { ...before, bootId: '' }, 20e6)).toBeUndefined();
});

test('what is waited for ends the wait, by its time or by failing, and leaves no sleeper', async () => {
  const clock = new FakeClock();
  await waitAtMost(clock, 1_000, Promise.resolve());
  await expect(waitAtMost(clock, 1_000, Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(clock.sleepers).toBe(0);
  const waiting = waitAtMost(clock, 1_000, new Promise(() => {}));
  await clock.advance(1_000);
  await waiting;
  expect(clock.sleepers).toBe(0);
});
