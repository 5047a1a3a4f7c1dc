import * as v from 'valibot';
import { expect, test } from 'vitest';
import { AlertShape, alertShape } from '../../../../src/http/routes/alerts-shape.ts';
import { ReadingError } from '../../../../src/reading/errors.ts';
import { alertOf, HOT } from '../../../support/alert-fixture.ts';
import { EPOCH } from '../alerting.ts';
import { startAlerting } from './ask.ts';

const ENDED = { endedAt: { epoch: EPOCH, t: 3_000_000 }, endedBy: 'cleared' } as const;
const OLD = { epoch: EPOCH - 1, t: 0 };

/** Four alerts, of which the last one lasts. */
const ALERTS = [
  alertOf({ id: '7-1', startedAt: OLD, ...ENDED }),
  alertOf({ id: '7-2', severity: 'alarm', ...ENDED, acknowledged: { by: 'Ada', at: OLD } }),
  alertOf({ id: '7-3', rule: { id: 'cold', name: 'Cold' }, ...ENDED }),
  alertOf({ id: '7-4' }),
];

function start(reading: Parameters<typeof startAlerting>[1] = {}) {
  return startAlerting({ rules: [HOT], alerts: ALERTS }, reading);
}

test('an alert has the shape that clients rely on', async () => {
  const { ask } = start();
  expect((await ask('GET', '/alerts/history/7-4')).body).toEqual({
    ...{ id: '7-4', rule: { id: 'hot', name: 'Coolant too hot' }, cause: '', severity: 'warn' },
    ...{ state: 'active', startedAt: '2026-11-22T00:00:01.000Z', endedAt: null },
    ...{ clockTrust: 'gps', endedBy: null },
    text: 'Engine coolant temperature 112 °C, over 110',
    ...{ stream: 'obd.engine.coolant', value: 112, unit: 'Cel' },
    readings: [{ stream: 'obd.engine.coolant', t: 1_000_000, v: 112 }],
    ...{ acknowledgedBy: null, acknowledgedAt: null, silencedUntil: null, notes: [] },
  });
  const { body } = await ask('GET', '/alerts/history');
  expect(v.parse(v.array(AlertShape), body.items)).toEqual(body.items);
});

test('times of a start that is not known are null, and nothing about them is believed', () => {
  expect(alertShape(alertOf({ ...ENDED }), new Map(), { user: undefined })).toMatchObject({
    ...{ state: 'ended', startedAt: null, endedAt: null, clockTrust: 'none' },
  });
});

test('an alert that began before the clock was known is believed no further than its start', async () => {
  const { ask } = start();
  expect((await ask('GET', '/alerts/history/7-1')).body).toMatchObject({
    ...{ startedAt: null, endedAt: '2026-11-22T00:00:03.000Z', clockTrust: 'none' },
  });
});

test('those that last are listed by themselves', async () => {
  const { ask } = start();
  const { body } = await ask('GET', '/alerts/active');
  expect(body.items.map(({ id }: { id: string }) => id)).toEqual(['7-4']);
});

test('the history comes page by page, newest first, with a link that keeps the filter', async () => {
  const { ask } = start();
  const first = await ask('GET', '/alerts/history?limit=2&rule=hot&acknowledged=false');
  expect(first.body.items.map(({ id }: { id: string }) => id)).toEqual(['7-4', '7-1']);
  expect(first.body.next).toBeNull();
  expect(first.headers).not.toHaveProperty('link');
  const page = await ask('GET', '/alerts/history?limit=1&rule=hot&acknowledged=false');
  expect(page.body.next).toBe('7-4');
  const link = /^<(\?.*)>; rel="next"$/.exec(page.headers['link'] ?? '')?.[1] ?? '';
  expect([...new URLSearchParams(link)].sort()).toEqual([
    ...[
      ['acknowledged', 'false'],
      ['cursor', '7-4'],
      ['limit', '1'],
      ['rule', 'hot'],
    ],
  ]);
  const next = await ask('GET', `/alerts/history${link}`);
  expect(next.body.items.map(({ id }: { id: string }) => id)).toEqual(['7-1']);
});

test.each([
  ['', 4],
  ['severity=alarm', 1],
  ['state=active', 1],
  ['state=ended', 3],
  ['acknowledged=true', 1],
  ['rule=cold', 1],
  ['rule=nothing', 0],
  ['cursor=1-1', 0],
])('?%s finds %i', async (query, n) => {
  const { ask } = start();
  expect((await ask('GET', `/alerts/history?${query}`)).body.items).toHaveLength(n);
});

test.each([
  ['severity=panic', '/severity', 'Expected one of "info", "warn", "alarm", found "panic".'],
  ['state=open', '/state', 'Expected one of "active", "ended", found "open".'],
  ['acknowledged=1', '/acknowledged', 'Expected true or false, found "1".'],
  ['limit=1001', '/limit', 'Expected at most 1000, found 1001.'],
  ['cursor=last', '/cursor', 'Expected a cursor of a page before, found "last".'],
  [
    'from=1',
    '/from',
    'Expected one of cursor, limit, rule, severity, state, acknowledged, found "from".',
  ],
])('?%s is refused', async (query, pointer, message) => {
  const { ask } = start();
  expect(await ask('GET', `/alerts/history?${query}`)).toMatchObject({
    ...{ status: 422, body: { errors: [{ pointer, message }] } },
  });
});

test('an alert is acknowledged, with a body or without one', async () => {
  for (const body of [undefined, {}]) {
    const { ask, alertRecords } = start();
    expect(await ask('POST', '/alerts/history/7-4/ack', body)).toMatchObject({
      status: 200,
      body: { acknowledgedBy: 'admin', acknowledgedAt: '2026-11-22T00:00:00.000Z' },
    });
    expect(alertRecords.items.get('7-4')?.acknowledged?.by).toBe('admin');
  }
  const { ask } = start();
  const named = await ask('POST', '/alerts/history/7-4/ack', { by: 'Ada' });
  expect(named).toMatchObject({ status: 422, body: { errors: [{ pointer: '/by' }] } });
});

test('an alert is silenced while it lasts, and noted whenever', async () => {
  const { ask } = start();
  expect(await ask('POST', '/alerts/history/7-4/silence', { minutes: 90 })).toMatchObject({
    ...{ status: 200, body: { silencedUntil: '2026-11-22T01:30:00.000Z' } },
  });
  expect(await ask('POST', '/alerts/history/7-1/silence', { minutes: 90 })).toMatchObject({
    ...{ status: 409, body: { detail: 'Alert 7-1 is over.' } },
  });
  expect(await ask('POST', '/alerts/history/7-1/notes', { text: 'a leak' })).toMatchObject({
    status: 200,
    body: { notes: [{ by: 'admin', at: '2026-11-22T00:00:00.000Z', text: 'a leak' }] },
  });
});

test('an alert has so many notes and no more', async () => {
  const { ask, book } = start();
  for (let n = 0; n < 100; n++) await book.note('7-4', 'Ada', `${n}`);
  expect((await ask('POST', '/alerts/history/7-4/notes', { text: 'x' })).status).toBe(409);
});

test.each<[path: string, body: unknown, pointer: string]>([
  ['silence', { minutes: 0 }, '/minutes'],
  ['silence', { minutes: 1441 }, '/minutes'],
  ['silence', { minutes: 1.5 }, '/minutes'],
  ['silence', {}, '/minutes'],
  ['notes', { text: '' }, '/text'],
  ['notes', { text: 'x'.repeat(2001) }, '/text'],
  ['notes', { text: 'x', by: 'Ada' }, '/by'],
])('%s of %j is refused', async (path, body, pointer) => {
  const { ask } = start();
  expect(await ask('POST', `/alerts/history/7-4/${path}`, body)).toMatchObject({
    ...{ status: 422, body: { errors: [{ pointer }] } },
  });
});

test('silence and notes need a body', async () => {
  const { ask } = start();
  expect((await ask('POST', '/alerts/history/7-4/silence')).status).toBe(415);
  expect((await ask('POST', '/alerts/history/7-4/notes')).status).toBe(415);
});

test('an alert that is not there is a 404 for everything', async () => {
  const { ask } = start();
  const asked = [
    ask('GET', '/alerts/history/7-9'),
    ask('POST', '/alerts/history/7-9/ack'),
    ask('POST', '/alerts/history/7-9/silence', { minutes: 1 }),
    ask('POST', '/alerts/history/7-9/notes', { text: 'x' }),
  ];
  for (const reply of await Promise.all(asked)) {
    expect(reply).toMatchObject({ status: 404, body: { detail: 'There is no alert "7-9".' } });
  }
});

test('what the disk does not take in time is in effect all the same', async () => {
  const late = new ReadingError('TOO_SLOW', 'the disk has not taken it in 5 s');
  const { ask, alertRecords } = start({ inTime: () => Promise.reject<never>(late) });
  alertRecords.failing = true;
  const slow = await ask('POST', '/alerts/history/7-4/ack');
  expect(slow).toMatchObject({ status: 503, body: { detail: `T${late.message.slice(1)}.` } });
  expect((await ask('GET', '/alerts/history/7-4')).body.acknowledgedBy).toBe('admin');
});
