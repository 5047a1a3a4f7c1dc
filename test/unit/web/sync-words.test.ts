import { expect, test } from 'vitest';
import { budgetText, type Lane, laneText, levelOf } from '../../../web/sync-words.js';

const LANE: Lane = { priority: 'p2', records: 0, bytes: 0, oldestS: null, held: null };

test.each<[Partial<Lane>, string]>([
  [{}, ''],
  [{ records: 1, bytes: 400, oldestS: 12 }, '1 record, 1 kB, the oldest 12 s old'],
  [{ records: 5, bytes: 40_000 }, '5 records, 40 kB'],
  [
    { records: 2_500_000, bytes: 3e6, oldestS: 600_000 },
    '2,500,000 records, 3.0 MB, the oldest 7 days old',
  ],
  [
    { records: 9, bytes: 4_000, oldestS: 90, held: 'only over Wi-Fi' },
    '9 records, 4 kB, the oldest 1 min 30 s old: only over Wi-Fi',
  ],
])('what waits is told in numbers: %j', (waiting, text) => {
  expect(laneText({ ...LANE, ...waiting })).toEqual({ name: 'Drive', text });
});

test('the budget is told as a share of the month, where there is one', () => {
  expect(budgetText({ bytes: null, used: 2_000_000, month: null })).toBe('2.0 MB');
  expect(budgetText({ bytes: 5e8, used: 4e8, month: '2026-11' })).toBe(
    '400.0 MB of 500.0 MB (80 %)',
  );
  expect(budgetText({ bytes: 0, used: 10, month: '2026-11' })).toBe('1 kB of 0 kB (100 %)');
});

test('only a link that is there is marked as good', () => {
  expect(
    (['off', 'connecting', 'online', 'waiting'] as const).filter((s) => levelOf(s) === 'live'),
  ).toEqual(['online']);
});
