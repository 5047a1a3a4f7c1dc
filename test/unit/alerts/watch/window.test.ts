import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  addPoint,
  addTime,
  countIn,
  type Point,
  rateOf,
} from '../../../../src/alerts/watch/window.ts';

const S = 1e6;

function ratesOf(lines: readonly (readonly [s: number, v: number])[], windowS: number) {
  let points: readonly Point[] = [];
  return lines.map(([s, v]) => {
    const rate = rateOf(points, { t: s * S, v }, windowS * S);
    points = addPoint(points, { t: s * S, v }, windowS * S);
    return rate;
  });
}

test('a rate is known once there is a value from before the window', () => {
  expect(
    ratesOf(
      [
        [0, 0],
        [1, 5],
        [2, 6],
        [3, 9],
      ],
      2,
    ),
  ).toEqual([undefined, undefined, 3, 2]);
});

test('where the window begins between two samples, the value there is between theirs', () => {
  expect(
    ratesOf(
      [
        [0, 0],
        [10, 100],
        [11, 100],
      ],
      4,
    ),
  ).toEqual([undefined, 10, 7.5]);
});

test('of a straight line the rate is its slope, however irregular the samples are', () => {
  const gaps = fc.array(fc.integer({ min: 1, max: 5_000_000 }), { minLength: 2, maxLength: 300 });
  const slopes = fc.integer({ min: -50, max: 50 });
  fc.assert(
    fc.property(gaps, slopes, fc.integer({ min: 1, max: 20 }), (us, slope, windowS) => {
      let points: readonly Point[] = [];
      let t = 0;
      for (const gap of us) {
        t += gap;
        const now = { t, v: (slope * t) / S };
        const rate = rateOf(points, now, windowS * S);
        points = addPoint(points, now, windowS * S);
        if (rate !== undefined) expect(rate).toBeCloseTo(slope, 4);
        expect(points.length).toBeLessThanOrEqual(67);
      }
    }),
  );
});

test('two samples of one time are no step of infinite height', () => {
  expect(
    ratesOf(
      [
        [0, 0],
        [5, 0],
        [5, 10],
        [10, 10],
      ],
      5,
    ),
  ).toEqual([undefined, 0, 2, 2]);
});

test('an event is in the window for just as long as that is', () => {
  const times = [1 * S, 2 * S, 3 * S];
  expect([3, 3.999999, 4, 5, 6].map((s) => countIn(times, s * S, 3 * S))).toEqual([3, 3, 2, 1, 0]);
});

test('only as many events are kept as have to be told apart', () => {
  expect(addTime([1, 2, 3], 4, 3)).toEqual([2, 3, 4]);
  expect(addTime([], 4, 3)).toEqual([4]);
});
