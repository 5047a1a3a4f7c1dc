import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Seqs } from '../../../src/ingest/seqs.ts';

test('in whatever order they come, what was seen is known exactly', () => {
  const numbers = fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 80 });
  fc.assert(
    fc.property(numbers, (seen) => {
      const seqs = seen.reduce((known, seq) => known.with(seq), new Seqs());
      for (let seq = 0; seq <= 61; seq++) expect(seqs.has(seq)).toBe(seen.includes(seq));
      for (const [i, [from, to]] of seqs.ranges.entries()) {
        expect(from).toBeLessThanOrEqual(to);
        expect(from).toBeGreaterThan((seqs.ranges[i - 1]?.[1] ?? -2) + 1);
      }
    }),
  );
});

test('who counts up leaves one range', () => {
  let seqs = new Seqs();
  for (let seq = 0; seq < 10_000; seq++) seqs = seqs.with(seq);
  expect(seqs.ranges).toEqual([[0, 9_999]]);
});

test('of numbers below more gaps than are kept nobody knows', () => {
  let seqs = new Seqs();
  for (let seq = 0; seq <= 128; seq += 2) seqs = seqs.with(seq);
  expect(seqs.ranges).toHaveLength(64);
  expect(seqs.has(0)).toBeUndefined();
  expect([1, 2, 3].map((seq) => seqs.has(seq))).toEqual([false, true, false]);
});
