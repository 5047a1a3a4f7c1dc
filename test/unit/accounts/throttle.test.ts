import { expect, test } from 'vitest';
import { Throttle } from '../../../src/accounts/throttle.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const start = (namesMax = 10) => {
  const clock = new FakeClock();
  return { clock, throttle: new Throttle({ clock, burst: 3, perMinute: 6, namesMax }) };
};

test('so many at once, then so many a minute, and the wait is told', async () => {
  const { clock, throttle } = start();
  expect([1, 2, 3].map(() => throttle.take('a'))).toEqual([0, 0, 0]);
  expect(throttle.take('a')).toBe(10);
  await clock.advance(9_000);
  expect(throttle.take('a')).toBe(1);
  await clock.advance(1_000);
  expect(throttle.take('a')).toBe(0);
  expect(throttle.take('a')).toBe(10);
  expect(throttle.refused).toBe(3);
});

test('a long time saves up no more than a burst', async () => {
  const { clock, throttle } = start();
  await clock.advance(3_600_000);
  expect([1, 2, 3, 4].map(() => throttle.take('a'))).toEqual([0, 0, 0, 10]);
});

test('names do not share', () => {
  const { throttle } = start();
  for (let i = 0; i < 4; i++) throttle.take('a');
  expect(throttle.take('b')).toBe(0);
  throttle.forget('a');
  expect(throttle.take('a')).toBe(0);
});

test('of too many names that seen longest ago is forgotten', () => {
  const { throttle } = start(2);
  for (const name of ['a', 'b']) for (let i = 0; i < 4; i++) throttle.take(name);
  throttle.take('a');
  throttle.take('c');
  expect(throttle.take('a')).toBeGreaterThan(0);
  // It makes the one above forgotten in turn.
  expect(throttle.take('b')).toBe(0);
});
