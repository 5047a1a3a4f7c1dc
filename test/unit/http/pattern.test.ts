import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PatternIndex } from '../../../src/http/pattern.ts';

test.each<[pattern: string, id: string, matches: boolean]>([
  ['*', 'obd.engine.rpm', true],
  ['*', 'obd', true],
  ['obd.engine.rpm', 'obd.engine.rpm', true],
  ['obd', 'obd.engine.rpm', true],
  ['obd.*', 'obd.engine.rpm', true],
  ['obd.*', 'obd', false],
  ['obd.eng', 'obd.engine', false],
  ['obd.engine.rpm', 'obd.engine', false],
  ['engine', 'obd.engine', false],
])('%s of %s is %s', (pattern, id, matches) => {
  expect(new PatternIndex([[pattern]]).first(id) === 0).toBe(matches);
});

test('the first of several lists that matches is found, however exact the others are', () => {
  const lists = [['eeg'], ['obd.engine', '*'], ['*'], ['obd.engine.rpm']];
  const index = new PatternIndex(lists);
  expect(index.first('obd.engine.rpm')).toBe(1);
  expect(index.first('eeg.raw')).toBe(0);
  expect(new PatternIndex([]).first('obd')).toBe(-1);
  expect(new PatternIndex([['eeg']]).first('obd')).toBe(-1);
});

/** The definition, pattern by pattern. */
function matches(pattern: string, id: string): boolean {
  if (pattern === '*' || pattern === id) return true;
  return id.startsWith(pattern.endsWith('.*') ? pattern.slice(0, -1) : `${pattern}.`);
}

test('the index finds what trying every pattern finds', () => {
  const id = fc
    .array(fc.constantFrom('a', 'b', 'ab'), { minLength: 1, maxLength: 4 })
    .map((segments) => segments.join('.'));
  const pattern = fc.oneof(
    id,
    id.map((above) => `${above}.*`),
    fc.constant('*'),
  );
  const lists = fc.array(fc.array(pattern, { maxLength: 3 }), { maxLength: 5 });
  fc.assert(
    fc.property(lists, id, (tried, wanted) => {
      const expected = tried.findIndex((list) => list.some((one) => matches(one, wanted)));
      expect(new PatternIndex(tried).first(wanted)).toBe(expected);
    }),
  );
});
