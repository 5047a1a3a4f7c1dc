import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EvenLine } from '../../../src/codec/even.ts';

const ERROR_US = 1_000;

test('every time that was taken is told again to within the error, whatever was refused', () => {
  const times = fc.array(fc.tuple(fc.integer({ min: 1, max: 600 }), fc.nat(8000)), {
    minLength: 1,
    maxLength: 60,
  });
  fc.assert(
    fc.property(fc.nat(1e12), times, fc.integer(), (t0, rows, wanted) => {
      const line = new EvenLine(t0);
      const taken: { index: number; t: number }[] = [];
      let [index, t] = [0, t0];
      for (const [more, jitter] of rows) {
        index += more;
        t = Math.round(t0 + (index * 1e6) / 512) + jitter - 4000;
        if (line.take(index, t)) taken.push({ index, t });
      }
      const last = taken.at(-1);
      if (last === undefined) return;
      const span = line.span(last.index, wanted);
      for (const one of taken) {
        const told = t0 + (one.index * span) / last.index;
        expect(Math.abs(told - one.t)).toBeLessThanOrEqual(ERROR_US + 0.5);
      }
    }),
  );
});

test('a clock that is off by any rate is one line, a step of more than the error is not', () => {
  const line = new EvenLine(0);
  for (let i = 1; i < 5000; i++) expect(line.take(i, Math.round(i * 1953.7))).toBe(true);
  expect(line.take(5000, Math.round(5000 * 1953.7) + 2100)).toBe(false);
  expect(line.take(5000, Math.round(5000 * 1953.7))).toBe(true);
});

test('a span is as wanted where the line allows it, and its nearest where not', () => {
  const line = new EvenLine(0);
  line.take(10, 20_000);
  expect(line.span(10, 20_500)).toBe(20_500);
  expect(line.span(10, 0)).toBe(19_000);
  expect(line.span(10, 50_000)).toBe(21_000);
});
