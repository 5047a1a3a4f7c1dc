import { expect, test } from 'vitest';
import { page } from '../../../src/alerts/history.ts';
import { alertOf } from '../../support/alert-fixture.ts';

const at = (t: number) => ({ epoch: 7, t });
const ALERTS = [
  alertOf({ id: '7-1', severity: 'info', endedAt: at(5), endedBy: 'cleared' }),
  alertOf({ id: '7-2', severity: 'alarm', rule: { id: 'speed', name: 'Speed' } }),
  alertOf({ id: '7-3', acknowledged: { by: 'Ada', at: at(4) } }),
  alertOf({ id: '8-1' }),
];
const idsOf = (query: Parameters<typeof page>[1]) => page(ALERTS, query).items.map(({ id }) => id);

test('pages follow each other, newest first, and the last says that it is', () => {
  const first = page(ALERTS, { limit: 3 });
  expect(first.items.map(({ id }) => id)).toEqual(['8-1', '7-3', '7-2']);
  const second = page(ALERTS, { limit: 3, before: first.next ?? '' });
  expect(second).toMatchObject({ items: [{ id: '7-1' }], next: null });
});

test.each([
  [{ rule: 'speed' }, ['7-2']],
  [{ severity: 'info' }, ['7-1']],
  [{ state: 'ended' }, ['7-1']],
  [{ state: 'active', acknowledged: false }, ['8-1', '7-2']],
  [{ acknowledged: true }, ['7-3']],
] as const)('%o are only these', (filter, ids) => {
  expect(idsOf({ limit: 10, ...filter })).toEqual(ids);
});

test('a page behind an alert that was forgotten is empty', () => {
  expect(page(ALERTS, { limit: 10, before: '1-1' })).toEqual({ items: [], next: null });
});
