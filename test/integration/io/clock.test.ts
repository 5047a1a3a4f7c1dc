import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { anchorEpoch, monotonicClock } from '../../../src/io/clock.ts';

test('time is in whole microseconds from about 0 and never goes back', () => {
  const clock = monotonicClock();
  const times = Array.from({ length: 10_000 }, () => clock.now());
  expect(times.every(Number.isInteger)).toBe(true);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  expect(times[0]).toBeLessThan(1e6);
});

test('a sleep takes its time', async () => {
  const clock = monotonicClock();
  await clock.sleep(20);
  // Timers are set in whole milliseconds, so one may end a fraction early.
  expect(clock.now()).toBeGreaterThanOrEqual(19_000);
});

test('a sleep rejects with the very reason of its signal, before or while it lasts', async () => {
  const clock = monotonicClock();
  const stop = new AbortController();
  const sleep = clock.sleep(60_000, stop.signal);
  const reason = new TypeError('reason');
  stop.abort(reason);
  await expect(sleep).rejects.toBe(reason);
  await expect(clock.sleep(60_000, stop.signal)).rejects.toBe(reason);
});

test('sleeps that have ended leave no listener on their signal', async () => {
  const clock = monotonicClock();
  const { signal } = new AbortController();
  for (let i = 0; i < 20; i++) await clock.sleep(0, signal);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('the anchor of an epoch is the wall-clock time at which its clock was 0', () => {
  const clock = { now: () => 5_000_000, sleep: () => Promise.resolve() };
  const before = Date.now();
  const epoch = anchorEpoch(3, clock);
  const after = Date.now();
  expect(epoch.id).toBe(3);
  expect(epoch.wallMs).toBeGreaterThanOrEqual(before - 5_000);
  expect(epoch.wallMs).toBeLessThanOrEqual(after - 5_000);
  expect(['none', 'rtc', 'ntp']).toContain(epoch.trust);
  expect(epoch.bootId).toMatch(/^[0-9a-f-]{36}$/);
});
