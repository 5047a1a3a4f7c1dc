import { expect, test } from 'vitest';
import { hash01, seededRandom } from '../../../src/sim/random.ts';

const N = 20_000;

test('a seed gives its sequence again, and another seed another one', () => {
  const a = seededRandom(7);
  const b = seededRandom(7);
  const c = seededRandom(8);
  const list = Array.from({ length: 100 }, () => a());
  expect(Array.from({ length: 100 }, () => b())).toEqual(list);
  expect(Array.from({ length: 100 }, () => c())).not.toEqual(list);
  expect(list.map((_, n) => hash01(7, n))).toEqual(list);
});

test('numbers are spread evenly over [0, 1)', () => {
  const tenths = new Array<number>(10).fill(0);
  for (let n = 0; n < N; n++) {
    const tenth = Math.floor(10 * hash01(1, n));
    tenths[tenth] = (tenths[tenth] ?? 0) + 1;
  }
  expect(tenths).toHaveLength(10);
  for (const count of tenths) expect(Math.abs(count - N / 10)).toBeLessThan(N / 100);
});
