import { expect, test } from 'vitest';
import { type Alert, type AlertNews, alertEvent } from '#core/alert.ts';
import { AlertBoard, isAlert } from '../../../src/mqtt/alert-board.ts';
import { alertOf } from '../../support/alert-fixture.ts';
import { event, stream } from './publisher-world.ts';

function tell(board: AlertBoard, news: AlertNews, alert: Partial<Alert>) {
  return board.take(alertEvent(news, alertOf(alert), 9)).map((notice) => ({
    ...notice,
    payload: notice.payload === '' ? '' : JSON.parse(notice.payload),
  }));
}

const OVER = { endedAt: { epoch: 7, t: 9 }, endedBy: 'cleared' } as const;

test('an alert says what it is, since when, and what happened last', () => {
  const board = new AlertBoard();
  expect(tell(board, 'started', {})).toEqual([
    {
      rule: 'hot',
      retain: true,
      payload: {
        ...{ state: 'active', news: 'started', level: 'warn', since: { epoch: 7, t: 1_000_000 } },
        ...{ id: '7-1', name: 'Coolant too hot', cause: '' },
        text: 'Engine coolant temperature 112 °C, over 110',
        ...{ stream: 'obd.engine.coolant', value: 112, unit: 'Cel' },
        ...{ acknowledged: false, active: 1 },
      },
    },
  ]);
  expect(tell(board, 'escalated', { severity: 'alarm' })).toMatchObject([
    { retain: true, payload: { news: 'escalated', level: 'alarm' } },
  ]);
});

test('that it was acknowledged is told, and not by whom', () => {
  const acknowledged = { by: 'Erika Mustermann', at: { epoch: 7, t: 8 } };
  const told = tell(new AlertBoard(), 'acknowledged', { acknowledged });
  expect(told).toMatchObject([{ payload: { acknowledged: true } }]);
  expect(JSON.stringify(told)).not.toContain('Erika');
});

test('of several alerts of a rule the most severe is told, of equals the newest, with how many last', () => {
  const board = new AlertBoard();
  tell(board, 'started', { id: '7-1', severity: 'warn', cause: 'a' });
  tell(board, 'started', { id: '7-2', severity: 'alarm', cause: 'b' });
  expect(tell(board, 'started', { id: '7-3', severity: 'warn', cause: 'c' })).toMatchObject([
    { payload: { id: '7-2', active: 3 } },
  ]);
  expect(tell(board, 'ended', { id: '7-2', severity: 'alarm', ...OVER })).toMatchObject([
    { retain: true, payload: { state: 'active', id: '7-3', active: 2 } },
  ]);
  expect(board.rules).toEqual(['hot']);
  tell(board, 'ended', { id: '7-3', ...OVER });
  expect(tell(board, 'ended', { id: '7-1', ...OVER })).toMatchObject([
    { retain: false, payload: { state: 'ended', news: 'ended', id: '7-1', active: 0 } },
    { retain: true, payload: '' },
  ]);
  expect(board.rules).toEqual([]);
});

test('the end of one that it never knew takes away what may be kept all the same', () => {
  expect(tell(new AlertBoard(), 'ended', OVER)).toMatchObject([
    { retain: false },
    { retain: true, payload: '' },
  ]);
});

test('a note on one that was over changes nothing', () => {
  const board = new AlertBoard();
  tell(board, 'started', { id: '7-2' });
  expect(tell(board, 'noted', OVER)).toEqual([]);
  expect(board.all()).toHaveLength(1);
});

test('whatever is no alert is none, whatever it is called', () => {
  expect(isAlert(alertEvent('noted', alertOf(), 1))).toBe(true);
  expect(isAlert(event(stream('alert.other'), {}))).toBe(false);
});
