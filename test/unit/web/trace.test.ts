import fc from 'fast-check';
import { expect, test } from 'vitest';
import { scaleFor, Trail } from '../../../web/eeg.js';

test('the newest samples stand at the end', () => {
  const trail = new Trail(5);
  trail.push({ seq: 0, values: [1, 2, 3] });
  expect(trail.values).toEqual([null, null, 1, 2, 3]);
  trail.push({ seq: 3, values: [4, 5, 6] });
  expect(trail.values).toEqual([2, 3, 4, 5, 6]);
});

test('lost samples keep their place as a break', () => {
  const trail = new Trail(6);
  trail.push({ seq: 10, values: [1, 2] });
  trail.push({ seq: 14, values: [5, 6] });
  expect(trail.values).toEqual([1, 2, null, null, 5, 6]);
});

test('a sequence that starts anew wipes the trace', () => {
  const trail = new Trail(4);
  trail.push({ seq: 100, values: [1, 2, 3, 4] });
  trail.push({ seq: 0, values: [9] });
  expect(trail.values).toEqual([null, null, null, 9]);
});

test('any blocks and losses leave each sample at the place of its number', () => {
  const step = fc.record({ lost: fc.nat(40), length: fc.integer({ min: 1, max: 40 }) });
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 1 }),
      fc.integer({ min: 1, max: 64 }),
      (steps, size) => {
        const trail = new Trail(size);
        const known = new Map<number, number>();
        let seq = 0;
        for (const { lost, length } of steps) {
          seq += lost;
          const values = Array.from({ length }, (_, i) => seq + i);
          for (const value of values) known.set(value, value);
          trail.push({ seq, values });
          seq += length;
        }
        const expected = Array.from({ length: size }, (_, i) => known.get(seq - size + i) ?? null);
        expect(trail.values).toEqual(expected);
      },
    ),
  );
});

test('the scale grows at once and shrinks with reluctance', () => {
  expect(scaleFor(30, 0)).toBe(50);
  expect(scaleFor(51, 50)).toBe(100);
  expect(scaleFor(45, 100)).toBe(100);
  expect(scaleFor(40, 100)).toBe(50);
  expect(scaleFor(5_000, 100)).toBe(800);
});
