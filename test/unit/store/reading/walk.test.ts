import fc from 'fast-check';
import { expect, test } from 'vitest';
import { numberKey, parseNumberKey } from '../../../../src/store/keys.ts';
import {
  BEHIND_KEYS,
  entryPages,
  FIRST_KEY,
  keyPages,
  recordsOf,
} from '../../../../src/store/reading/walk.ts';
import { MemoryReads } from '../../../support/memory-reads.ts';

function numbered(numbers: Iterable<number>): MemoryReads {
  const reads = new MemoryReads();
  const changes = [...numbers].map((number) => {
    return { table: 'sessions', key: numberKey(number), value: numberKey(number) } as const;
  });
  reads.commit(changes);
  return reads;
}

test('a walk has every entry of its stretch once, in order, in full pages but for the last', () => {
  const number = fc.nat(60);
  const all = fc.uniqueArray(number);
  fc.assert(
    fc.property(all, number, number, fc.integer({ min: 1, max: 9 }), (numbers, from, to, limit) => {
      const reads = numbered(numbers);
      const query = { start: numberKey(from), end: numberKey(to), limit };
      const pages = [...entryPages(reads, 'sessions', query)];
      const keys = pages.flat().map(({ key }) => parseNumberKey(key));
      const within = numbers.filter((one) => one >= from && one < to);
      expect(keys).toEqual(within.sort((a, b) => a - b));
      expect(pages.slice(0, -1).filter((page) => page.length !== limit)).toEqual([]);
      expect(pages.filter((page) => page.length === 0)).toEqual([]);
      const values = pages.flat().map(({ value }) => parseNumberKey(value));
      expect(values).toEqual(keys);
    }),
  );
});

test('keys are walked without their values, and no further than is asked for', () => {
  const reads = numbered(Array.from({ length: 100 }, (_, i) => i));
  const query = { start: FIRST_KEY, end: BEHIND_KEYS, limit: 10 };
  const walk = keyPages(reads, 'sessions', query);
  expect(walk.next().value?.map(parseNumberKey)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect([reads.looked, reads.values]).toEqual([10, 0]);
  expect([...walk].flat().map(parseNumberKey)).toEqual(
    Array.from({ length: 90 }, (_, i) => 10 + i),
  );
});

test('what is committed between two pages is seen', () => {
  const reads = numbered([1, 2, 3]);
  const seen: number[] = [];
  const query = { start: FIRST_KEY, end: BEHIND_KEYS, limit: 2 };
  for (const page of entryPages(reads, 'sessions', query)) {
    seen.push(...page.map(({ key }) => parseNumberKey(key)));
    const gone = { table: 'sessions', key: numberKey(3), value: undefined } as const;
    reads.commit([gone, { ...gone, key: numberKey(9), value: numberKey(9) }]);
  }
  expect(seen).toEqual([1, 2, 9]);
});

test('records of a numbered table are all there, the first and the last number included', () => {
  const numbers = [0, ...Array.from({ length: 600 }, (_, i) => 7 + i), 0xffff_ffff];
  const found = [...recordsOf(numbered(numbers), 'sessions')];
  expect(found.map(({ key }) => parseNumberKey(key))).toEqual(numbers);
});
