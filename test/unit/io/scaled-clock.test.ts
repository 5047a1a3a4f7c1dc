import fc from 'fast-check';
import { expect, test } from 'vitest';
import { scaledClock } from '../../../src/io/scaled-clock.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const speeds = fc.oneof(
  fc.integer({ min: 1, max: 1000 }),
  fc.double({ min: 1, max: 1000, noNaN: true }),
);
const steps = fc.array(fc.integer({ min: 0, max: 3_600_000 }), { maxLength: 20 });

test('goes on from where the clock was, so many times as fast, in whole microseconds', async () => {
  await fc.assert(
    fc.asyncProperty(speeds, steps, async (speed, ms) => {
      const clock = new FakeClock();
      await clock.advance(1234);
      const scaled = scaledClock(clock, speed);
      expect(scaled.now()).toBe(1_234_000);
      let last = scaled.now();
      for (const step of ms) {
        await clock.advance(step);
        const now = scaled.now();
        expect(Number.isSafeInteger(now)).toBe(true);
        expect(now).toBeGreaterThanOrEqual(last);
        const expected = 1_234_000 + (clock.now() - 1_234_000) * speed;
        expect(Math.abs(now - expected)).toBeLessThan(1);
        last = now;
      }
    }),
    { numRuns: 50 },
  );
});

test('a sleep is as long as its milliseconds on the scaled clock', async () => {
  await fc.assert(
    fc.asyncProperty(speeds, fc.integer({ min: 1, max: 1e7 }), async (speed, ms) => {
      const clock = new FakeClock();
      const scaled = scaledClock(clock, speed);
      let woke: number | undefined;
      void scaled.sleep(ms).then(() => {
        woke = scaled.now();
      });
      await clock.advance(ms / speed + 1);
      // The fake clock counts whole microseconds, which are `speed` scaled ones.
      expect(Math.abs((woke ?? Number.NaN) - ms * 1000)).toBeLessThanOrEqual(speed + 1);
    }),
    { numRuns: 50 },
  );
});

test('a sleep ends with the reason of its signal', async () => {
  const clock = new FakeClock();
  const stopping = new AbortController();
  const sleep = scaledClock(clock, 10).sleep(1000, stopping.signal);
  stopping.abort(new Error('enough'));
  await expect(sleep).rejects.toThrow('enough');
  expect(clock.sleepers).toBe(0);
});

test.each([0, 0.5, -1, Number.NaN, Number.POSITIVE_INFINITY])('speed %s is refused', (speed) => {
  expect(() => scaledClock(new FakeClock(), speed)).toThrow(RangeError);
});
