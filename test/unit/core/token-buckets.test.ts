import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TokenBuckets } from '#core/token-buckets.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const FAST = { perS: 50, burst: 100, namesMax: 4_096 };

const start = (namesMax = 10) => {
  const clock = new FakeClock();
  return { clock, buckets: new TokenBuckets(clock, { burst: 3, perS: 6 / 60, namesMax }) };
};

test('so many at once, then at the rate, and the wait is told', async () => {
  const { clock, buckets } = start();
  expect([1, 2, 3].map(() => buckets.take('a'))).toEqual([0, 0, 0]);
  expect(buckets.take('a')).toBe(10);
  await clock.advance(9_500);
  expect(buckets.take('a')).toBe(0.5);
  await clock.advance(500);
  expect(buckets.take('a')).toBe(0);
  expect(buckets.take('a')).toBe(10);
  expect(buckets.refused).toBe(3);
});

test('a long time saves up no more than a burst', async () => {
  const { clock, buckets } = start();
  buckets.take('a');
  await clock.advance(3_600_000);
  expect([1, 2, 3, 4].map(() => buckets.take('a'))).toEqual([0, 0, 0, 10]);
});

test('names do not share', () => {
  const { buckets } = start();
  for (let i = 0; i < 4; i++) buckets.take('a');
  expect(buckets.take('b')).toBe(0);
  buckets.forget('a');
  expect(buckets.take('a')).toBe(0);
});

test('what is given back counts once, and what was never taken does not', () => {
  const { buckets } = start();
  buckets.giveBack('a');
  for (let i = 0; i < 3; i++) buckets.take('a');
  buckets.giveBack('a');
  expect([1, 2].map(() => buckets.take('a'))).toEqual([0, 10]);
});

test('of too many names that seen longest ago is forgotten', () => {
  const { buckets } = start(2);
  for (const name of ['a', 'b']) for (let i = 0; i < 4; i++) buckets.take(name);
  buckets.take('a');
  buckets.take('c');
  expect(buckets.take('a')).toBeGreaterThan(0);
  // It makes the one above forgotten in turn.
  expect(buckets.take('b')).toBe(0);
});

test('no pattern of asking gets more than the burst and the rate', async () => {
  const steps = fc.array(fc.tuple(fc.nat(300), fc.nat(40)), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(steps, async (pattern) => {
      const clock = new FakeClock();
      const buckets = new TokenBuckets(clock, FAST);
      let passed = 0;
      for (const [ms, asks] of pattern) {
        await clock.advance(ms);
        for (let i = 0; i < asks; i++) if (buckets.take('a') === 0) passed++;
      }
      expect(passed).toBeLessThanOrEqual(FAST.burst + (clock.now() / 1e6) * FAST.perS);
    }),
    { numRuns: 50 },
  );
});

test('what is full again is forgotten, and there are never too many', async () => {
  const clock = new FakeClock();
  const buckets = new TokenBuckets(clock, FAST);
  for (let i = 0; i < 100_000; i++) buckets.take(`address ${i}`);
  expect(buckets.size).toBe(4_096);
  await clock.advance(2_000);
  buckets.take('one');
  expect(buckets.size).toBe(1);
});
