import { expect, test } from 'vitest';
import { CAUSES_MAX } from '../../../../src/alerts/watch/causes.ts';
import { type Line, play, rule } from './play.ts';

test('a rule has so many causes and no more; those that are over make room', () => {
  const of = rule({ stream: 'dtc', when: { op: 'event', key: ['n'], lastS: 5 } });
  const some = (s: number, from: number): Line[] =>
    Array.from({ length: CAUSES_MAX + 2 }, (_, i) => [s, 'dtc', { n: from + i }]);
  const first = play(of, some(1, 0));
  expect([first.told.length, first.state.counts.refused]).toEqual([CAUSES_MAX, 2]);
  const second = play(of, [...some(1, 0), [99, null], [100, 'dtc', { n: 999 }]]);
  expect(second.told.at(-1)).toBe('999 started 100 warn');
});
