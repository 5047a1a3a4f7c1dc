import fc from 'fast-check';
import { expect, test } from 'vitest';
import { median, percentile, significant, slope } from '../../bench/stats.ts';

const numbers = fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), {
  minLength: 1,
  maxLength: 50,
});

test('the median of an odd number of values is the middle one', () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([7])).toBe(7);
});

test('the median of an even number of values lies between the middle two', () => {
  expect(median([4, 1, 3, 2])).toBe(2.5);
});

test('as many values lie below the median as above it', () => {
  fc.assert(
    fc.property(numbers, (values) => {
      const middle = median(values);
      const below = values.filter((value) => value < middle).length;
      const above = values.filter((value) => value > middle).length;
      expect(below).toBeLessThanOrEqual(values.length / 2);
      expect(above).toBeLessThanOrEqual(values.length / 2);
    }),
  );
});

test('a percentile is one of the values, and numbers are not sorted as text', () => {
  expect(percentile([100, 9, 10], 50)).toBe(10);
  const hundred = Array.from({ length: 100 }, (_, i) => i + 1);
  expect(percentile(hundred, 99)).toBe(99);
  expect(percentile(hundred, 100)).toBe(100);
  expect(percentile(hundred, 0.5)).toBe(1);
});

test('at least p per cent of the values do not exceed the percentile, and fewer do below it', () => {
  const p = fc.integer({ min: 1, max: 100 });
  fc.assert(
    fc.property(numbers, p, (values, p) => {
      const value = percentile(values, p);
      const upTo = values.filter((other) => other <= value).length;
      const below = values.filter((other) => other < value).length;
      expect(upTo * 100).toBeGreaterThanOrEqual(p * values.length);
      expect(below * 100).toBeLessThan(p * values.length);
    }),
  );
});

test('no values have no percentile', () => {
  expect(() => percentile([], 50)).toThrow(RangeError);
});

test('the slope of a line is found, and of noise around it almost', () => {
  const line = [0, 1, 2, 3].map((x) => [x, 5 - 2 * x] as const);
  expect(slope(line)).toBeCloseTo(-2, 12);
  const zigzag = Array.from({ length: 100 }, (_, x) => [x, 3 * x + (x % 2)] as const);
  expect(slope(zigzag)).toBeCloseTo(3, 2);
});

test('one point has no slope', () => {
  expect(slope([[4, 2]])).toBe(0);
});

test('significant digits do not depend on the size of the number', () => {
  expect(significant(123_456)).toBe(123_500);
  expect(significant(0.000_123_456, 3)).toBe(0.000_123);
});
