import { expect, test } from 'vitest';
import { durationText } from '#core/duration.ts';

test('a duration has hours from one hour on, and no parts of a second', () => {
  const texts = [0, 42.9, 60, 723, 3599.999, 3600, 3845, 360_000].map(durationText);
  expect(texts).toEqual([
    '0:00',
    '0:42',
    '1:00',
    '12:03',
    '59:59',
    '1:00:00',
    '1:04:05',
    '100:00:00',
  ]);
});
