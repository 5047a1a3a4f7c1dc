import { expect, test } from 'vitest';
import { Backoff } from '../../../src/outbox/backoff.ts';

test('pauses are below a bound that doubles from 1 s to 120 s, and short again after a success', () => {
  const most = new Backoff(() => 0.999_999);
  const seconds = Array.from({ length: 10 }, () => Math.round(most.next() / 1000));
  expect(seconds).toEqual([1, 2, 4, 8, 16, 32, 64, 120, 120, 120]);
  most.reset();
  expect(Math.round(most.next())).toBe(1_000);
});

test('all of a pause is random, so that a fleet does not come back at once', () => {
  const least = new Backoff(() => 0);
  expect([least.next(), least.next()]).toEqual([0, 0]);
});
