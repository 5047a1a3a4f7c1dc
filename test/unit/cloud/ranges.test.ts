import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  missingIn,
  nextOf,
  parseRanges,
  type Ranges,
  rangesText,
  withRange,
} from '../../../src/cloud/ranges.ts';

const SEQS = 60;
const range = fc.tuple(fc.nat(SEQS), fc.nat(12)).map(([from, n]) => ({ from, to: from + n }));

function seqsOf(ranges: Ranges): Set<number> {
  return new Set(
    ranges.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, i) => from + i)),
  );
}

test('ranges that come in any order, twice or overlapping, are the same seqs', () => {
  fc.assert(
    fc.property(fc.array(range, { maxLength: 20 }), (added) => {
      const ranges = added.reduce(withRange, []);
      expect(seqsOf(ranges)).toEqual(seqsOf(added));
      for (const [i, { from, to }] of ranges.entries()) {
        expect(to).toBeGreaterThan(from);
        // Those that touch are one.
        expect(from).toBeGreaterThan(ranges[i - 1]?.to ?? -1);
      }
      expect(parseRanges(rangesText(ranges))).toEqual(ranges);
      const seqs = seqsOf(added);
      expect(seqs.has(nextOf(ranges))).toBe(false);
      for (let seq = 0; seq < nextOf(ranges); seq++) expect(seqs.has(seq)).toBe(true);
    }),
  );
});

test('what is missing of a range is what is in none', () => {
  fc.assert(
    fc.property(fc.array(range, { maxLength: 8 }), range, (added, wanted) => {
      const ranges = added.reduce(withRange, []);
      const missing = seqsOf([wanted]).difference(seqsOf(ranges));
      expect(seqsOf(missingIn(ranges, wanted))).toEqual(missing);
    }),
  );
});

test('nothing is acknowledged before the first seq has come', () => {
  expect(nextOf([])).toBe(0);
  expect(nextOf([{ from: 1, to: 5 }])).toBe(0);
  expect(rangesText([])).toBe('{}');
});
