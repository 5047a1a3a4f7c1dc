import { expect, test } from 'vitest';
import { uncovered } from '../../../src/cloud/erasing.ts';
import { spansIn } from '../../../src/cloud/records.ts';

const span = (epoch: number, from: number, to: number | null) => ({ epoch, from, to });

test('what another session covers is left', () => {
  expect(uncovered([span(1, 0, 100)], [])).toEqual([span(1, 0, 100)]);
  expect(uncovered([span(1, 0, 100)], [span(2, 0, 100)])).toEqual([span(1, 0, 100)]);
  expect(uncovered([span(1, 0, 100)], [span(1, 40, 60)])).toEqual([
    span(1, 0, 40),
    span(1, 60, 100),
  ]);
  expect(uncovered([span(1, 10, 100)], [span(1, 0, 20), span(1, 90, 200)])).toEqual([
    span(1, 20, 90),
  ]);
  expect(uncovered([span(1, 10, 20)], [span(1, 0, 15), span(1, 15, 40)])).toEqual([]);
});

test('a session that lasts covers all that follows its beginning', () => {
  expect(uncovered([span(3, 0, 100)], [span(3, 70, null)])).toEqual([span(3, 0, 70)]);
});

test('a span that lasts, or is empty, is nothing to erase', () => {
  expect(uncovered([span(1, 0, null), span(1, 5, 5), span(1, 9, 3)], [])).toEqual([]);
});

test('what is no span is left out', () => {
  const good = [span(1, 0, 10), span(2, -5, null)];
  const bad = [
    ...[null, 7, 'a', [], {}, span(1.5, 0, 1), span(1, Number.NaN, 1)],
    { epoch: '1', from: 0, to: 1 },
    { epoch: 1, from: 0 },
  ];
  expect(spansIn([...bad, ...good])).toEqual(good);
  for (const one of [undefined, null, 'spans', { 0: good[0] }]) expect(spansIn(one)).toEqual([]);
});
