import fc from 'fast-check';
import { expect, test } from 'vitest';
import { moved, plotColumns } from '../../../web/plot.js';

function series(t: readonly number[]) {
  return {
    t,
    min: t.map((_, i) => i - 1),
    max: t.map((_, i) => i + 1),
    mean: t.map((_, i) => i),
    n: t.map(() => 1),
  };
}

test('points are in seconds, with their minimum, maximum and mean', () => {
  expect(plotColumns(series([0, 500_000]), true)).toEqual([
    [0, 0.5],
    [-1, 0],
    [1, 2],
    [0, 1],
  ]);
});

test('a pause that is long for the stream is a break in the line', () => {
  const [xs, lows, highs, means] = plotColumns(series([0, 1e6, 2e6, 20e6, 21e6]), true);
  expect(xs).toEqual([0, 1, 2, 3, 20, 21]);
  for (const column of [lows, highs, means]) {
    expect(column.map((value) => value === null)).toEqual([
      false,
      false,
      false,
      true,
      false,
      false,
    ]);
  }
});

test('a stream that reports only on change has no breaks', () => {
  expect(plotColumns(series([0, 1e6, 2e6, 20e6]), false)[0]).toHaveLength(4);
});

test('nothing, and one point, are plots too', () => {
  expect(plotColumns(series([]), true)).toEqual([[], [], [], []]);
  expect(plotColumns(series([5e6]), true)[0]).toEqual([5]);
});

test('any points stay in the order of time, and none is lost', () => {
  const times = fc.array(fc.nat(10_000), { maxLength: 50 });
  fc.assert(
    fc.property(times, fc.boolean(), (distances, continuous) => {
      let at = 0;
      const t = distances.map((distance) => (at += distance));
      const [xs, , , means] = plotColumns(series(t), continuous);
      expect(xs).toEqual(xs.toSorted((a, b) => a - b));
      expect(means.filter((value) => value !== null)).toEqual(t.map((_, i) => i));
    }),
  );
});

test('a part is zoomed about its middle, and moved within the recording', () => {
  const part = { from: 40e6, to: 60e6 };
  expect(moved(part, 100e6, 0.5)).toEqual({ from: 45e6, to: 55e6 });
  expect(moved(part, 100e6, 2)).toEqual({ from: 30e6, to: 70e6 });
  expect(moved(part, 100e6, 1, 0.5)).toEqual({ from: 50e6, to: 70e6 });
  expect(moved({ from: 0, to: 20e6 }, 100e6, 1, -0.5)).toEqual({ from: 0, to: 20e6 });
  expect(moved({ from: -30e6, to: 30e6 }, 100e6, 1)).toEqual({ from: 0, to: 60e6 });
});

test('a part as long as the recording is all of it', () => {
  expect(moved({ from: 40e6, to: 60e6 }, 100e6, 5)).toBe(undefined);
});

test('any moves stay within the recording and never get shorter than a tenth of a second', () => {
  const move = fc.tuple(fc.constantFrom(0.5, 1, 2), fc.constantFrom(-0.5, 0, 0.5));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e10 }), fc.array(move), (whole, moves) => {
      let part = { from: 0, to: whole };
      for (const [factor, shift] of moves) {
        part = moved(part, whole, factor, shift) ?? { from: 0, to: whole };
        expect(part.from).toBeGreaterThanOrEqual(0);
        expect(part.to).toBeLessThanOrEqual(whole);
        expect(part.to - part.from).toBeGreaterThanOrEqual(Math.min(whole, 100_000));
        expect([part.from, part.to].every(Number.isInteger)).toBe(true);
      }
    }),
  );
});
