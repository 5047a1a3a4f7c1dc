import { expect, test } from 'vitest';
import { actionName } from '../../../web/alert-actions.js';
import { merged } from '../../../web/alert-history.js';
import {
  endedText,
  firedText,
  lastedText,
  quantityText,
  timeText,
} from '../../../web/alert-words.js';
import type { AlertPage } from '../../../web/alerts-api.js';
import { historyPath, matchingRules } from '../../../web/alerts-api.js';
import { countsText } from '../../../web/rule-preview.js';
import { alert, COOLANT, TIRED_AT_NIGHT } from '../../browser/alerts-stub.ts';

function page(ids: readonly string[], next: string | null = null): AlertPage {
  return { items: ids.map((id) => alert(id)), next };
}

function idsOf({ items }: AlertPage): string[] {
  return items.map(({ id }) => id);
}

test('a list that is refreshed has the new ones, and keeps the older ones that were shown', () => {
  const list = merged(page(['1-4', '1-3'], '1-3'), page(['1-2', '1-1'], '1-1'), true);
  expect(idsOf(list)).toEqual(['1-4', '1-3', '1-2', '1-1']);
  const again = merged(list, page(['1-5', '1-4', '1-3'], '1-3'), false);
  expect([idsOf(again), again.next]).toEqual([['1-5', '1-4', '1-3', '1-2', '1-1'], '1-1']);
});

test('what is no longer kept is gone, and a whole new page takes the place of the old', () => {
  expect(idsOf(merged(page(['1-2', '1-1'], '1-1'), page(['1-2']), false))).toEqual(['1-2']);
  const far = merged(page(['1-2', '1-1']), page(['1-9', '1-8'], '1-8'), false);
  expect([idsOf(far), far.next]).toEqual([['1-9', '1-8'], '1-8']);
});

test('a filter that is off is not asked for', () => {
  expect(historyPath({ severity: '', state: '' })).toBe('/alerts/history?limit=50');
  expect(historyPath({ severity: 'alarm', state: 'active' })).toBe(
    '/alerts/history?limit=50&severity=alarm&state=active',
  );
});

test('values have their units as people write them', () => {
  expect(quantityText(112.04, 'Cel')).toBe('112 °C');
  expect(quantityText(3, '1')).toBe('3');
  expect(quantityText(null, 'Cel')).toBe('–');
});

test('how long it lasted is told where it is over and known', () => {
  const startedAt = '2026-01-01T00:00:00Z';
  expect(lastedText({ startedAt, endedAt: '2026-01-01T00:06:29Z' })).toBe('6 min 29 s');
  expect(lastedText({ startedAt, endedAt: null })).toBe('');
  expect(timeText(null)).toBe('time not known');
});

test('how often a rule has fired is told with what was looked at', () => {
  const one = page(['1-1']);
  expect(firedText('coolant-hot', one)).toBe('Fired once');
  expect(firedText('other', one)).toBe('Never fired');
  expect(firedText('coolant-hot', page(['1-2', '1-1'], '1-1'))).toBe(
    'Fired 2 times of the last 2 alerts',
  );
  expect(firedText('coolant-hot', undefined)).toBe('');
});

test('what a rule would have done is told beside what is saved', () => {
  const tried = (count: number) => ({ alerts: [], totals: { count, onS: count * 10 } });
  expect(countsText(tried(0))).toBe('It would not have fired.');
  expect(countsText(tried(2), tried(1))).toBe(
    'It would have fired 2 times, 20 s in all. As saved: once.',
  );
  expect(countsText(tried(1), tried(1))).toBe(
    'It would have fired once, 10 s in all. As saved: the same.',
  );
});

test('rules are found by words of their name and of their streams', () => {
  const found = (text: string) =>
    matchingRules([COOLANT, TIRED_AT_NIGHT], text).map(({ id }) => id);
  expect(found('')).toEqual(['coolant-hot', 'night']);
  expect(found('TIRED night')).toEqual(['night']);
  expect(found('obd.vehicle.speed')).toEqual(['night']);
  expect(found('engine coolant')).toEqual(['coolant-hot']);
  expect(found('coolant night')).toEqual([]);
});

test('actions of a kind are numbered', () => {
  expect(actionName({ id: 'webhook', kind: 'webhook' })).toBe('Webhook');
  expect(actionName({ id: 'webhook2', kind: 'webhook' })).toBe('Webhook 2');
});

test('an end by a change of the rule may be one by its removal', () => {
  expect(endedText({ endedBy: 'changed' })).toBe('Its rule was changed or removed');
});
