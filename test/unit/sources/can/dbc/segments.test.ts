import fc from 'fast-check';
import { expect, test } from 'vitest';
import { segmentsOf } from '../../../../../src/sources/can/dbc/segments.ts';

const named = (...names: string[]) => names.map((name) => ({ name, key: name }));

// biome-ignore format: names, segments
test.each<[names: string[], segments: string[]]>([
  [['EngineSpeed', 'a-b_c9'],                  ['enginespeed', 'a-b_c9']],
  [['Größe', 'x.y'],                           ['gr__e', 'x_y']],
  [['A2345678901234567890123'],                ['a2345678901234567890123']],
  [['A23456789012345678901234'],               ['a234567890123456-4yctyd']],
  [['Speed', 'SPEED', 'speed_'],               ['speed-2w2xwg', 'speed-q51gbk', 'speed_']],
])('%s', (names, segments) => {
  expect(segmentsOf(named(...names))).toEqual(segments);
});

const names = fc.uniqueArray(
  fc.oneof(
    fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' }),
    fc.stringMatching(/^[aA][bB_.][cC]?$/),
    fc.stringMatching(/^TheSameBeginningOfAll[A-Ca-c]{1,8}$/),
  ),
  { minLength: 1, maxLength: 40 },
);

test('every name has a segment of its own, that does not depend on the order', () => {
  fc.assert(
    fc.property(names, fc.nat(), (list, turn) => {
      const segments = segmentsOf(named(...list));
      expect(new Set(segments).size).toBe(list.length);
      for (const segment of segments) expect(segment).toMatch(/^[a-z0-9_-]{1,23}$/);
      const cut = turn % list.length;
      const other = [...list.slice(cut), ...list.slice(0, cut)].toReversed();
      const again = segmentsOf(named(...other));
      for (const [index, name] of list.entries()) {
        expect(again[other.indexOf(name)]).toBe(segments[index]);
      }
    }),
    { numRuns: 500 },
  );
});

test('a name that is gone, or new, changes no other that is not like it', () => {
  const long = 'ALongNameThatHasToBeShortened';
  const before = segmentsOf(named('One', long, 'Two'));
  const after = segmentsOf(named('Three', long, 'One'));
  expect(after[1]).toBe(before[1]);
  expect(after[2]).toBe(before[0]);
});

test('a name that looks like a shortened one stays what it is', () => {
  const long = 'A23456789012345678901234';
  const [hashed = ''] = segmentsOf(named(long));
  const both = segmentsOf(named(long, hashed));
  expect(both[1]).toBe(hashed);
  expect(both[0]).not.toBe(hashed);
  expect(both[0]).toMatch(/^a234567890123456-[a-z0-9]{6}$/);
});
