import * as v from 'valibot';
import { expect, test } from 'vitest';
import { RuleShape } from '../../../../src/http/routes/alerts-shape.ts';
import { ReadingError } from '../../../../src/reading/errors.ts';
import { coolant, HOT } from '../alerting.ts';
import { sample } from '../fakes.ts';
import { startAlerting } from './ask.ts';

test('a rule is added with what was left out filled in, told, changed and removed', async () => {
  const { ask, ruleRecords } = startAlerting();
  const made = await ask('POST', '/alerts', HOT);
  expect(made.status).toBe(201);
  expect(made.headers['location']).toBe('/api/v1/alerts/oven');
  expect(made.body).toEqual({
    ...HOT,
    ...{ id: 'oven', origin: 'own', ongoing: 0, faults: [] },
    ...{ holdMs: 0, cooldownMs: 30_000, escalate: [], while: {}, actions: [], enabled: true },
    sentence: 'Warning when Engine coolant temperature is over 100 °C (until 95 °C).',
  });
  expect(ruleRecords.items.has('oven')).toBe(true);
  expect(await ask('GET', '/alerts/oven')).toMatchObject({ status: 200, body: made.body });

  const changed = await ask('PATCH', '/alerts/oven', { when: { op: '>', value: 90 }, holdMs: 500 });
  expect(changed).toMatchObject({
    status: 200,
    body: { stream: coolant.id, when: { op: '>', value: 90 }, holdMs: 500, severity: 'warn' },
  });
  expect((await ask('DELETE', '/alerts/oven')).status).toBe(204);
  expect(await ask('GET', '/alerts/oven')).toMatchObject({
    status: 404,
    body: { title: 'Not Found', detail: 'There is no rule "oven".' },
  });
});

test('the list has all rules, each with where it is from, its alerts and what is wrong with it', async () => {
  const { ask, engine } = startAlerting();
  await ask('POST', '/alerts', HOT);
  engine.take(sample(coolant, 1_000_000, 101));
  const { body } = await ask('GET', '/alerts');
  expect(v.parse(v.array(RuleShape), body.items)).toEqual(body.items);
  expect(body.next).toBeNull();
  const byId = new Map(body.items.map((rule: { id: string }) => [rule.id, rule]));
  expect(byId.get('oven')).toMatchObject({ origin: 'own', ongoing: 1, faults: [] });
  expect(byId.get('speed')).toMatchObject({ origin: 'shipped', ongoing: 0, faults: [] });
  // Its stream is not one of these.
  expect(byId.get('battery-low')).toMatchObject({
    faults: [
      { pointer: '/stream', message: expect.stringMatching(/^Expected a stream that .*\.$/) },
    ],
  });
});

test('a rule that came with the gateway is not removed, and comes back when it was changed', async () => {
  const { ask } = startAlerting();
  expect(await ask('DELETE', '/alerts/speed')).toMatchObject({
    status: 409,
    body: {
      detail: 'The rule speed comes with the gateway: it is switched off with enabled: false.',
    },
  });
  const off = await ask('PATCH', '/alerts/speed', { enabled: false });
  expect(off.body).toMatchObject({ enabled: false, origin: 'changed' });
  expect((await ask('DELETE', '/alerts/speed')).status).toBe(204);
  expect((await ask('GET', '/alerts/speed')).body).toMatchObject({
    ...{ enabled: true, origin: 'shipped' },
  });
});

const { name: _, ...NAMELESS } = HOT;
const WHEN = HOT.when;

test.each<[what: string, body: unknown, pointer: string, message: string]>([
  ['no name', NAMELESS, '/name', 'This is missing.'],
  ['two lines', { ...HOT, name: 'a\nb' }, '/name', 'Expected a name of 1 to 80 characters on one'],
  ['a misspelt field', { ...HOT, hodlMs: 5 }, '/hodlMs', 'Expected one of name, holdMs,'],
  [
    'a misspelt field deeper down',
    { ...HOT, when: { ...WHEN, claer: 5 } },
    '/when/claer',
    'Expected one of op, value, clear, found "claer".',
  ],
  ['an unknown op', { ...HOT, when: { op: '>=', value: 1 } }, '/when/op', 'Expected one of >, <,'],
  [
    'a text for a number',
    { ...HOT, when: { op: '>', value: '1' } },
    '/when/value',
    'Expected a nu',
  ],
  [
    'a hold below 0',
    { ...HOT, holdMs: -1 },
    '/holdMs',
    'Expected a whole number from 0 to 86400000',
  ],
  [
    'a severity too many',
    { ...HOT, severity: 'panic' },
    '/severity',
    'Expected one of info, warn,',
  ],
  ['two conditions', { ...HOT, all: [] }, '/all', 'Expected a list of 1 to 16, found a list of 0.'],
  [
    'two shapes',
    { ...HOT, any: [{ stream: HOT.stream, when: WHEN }] },
    '',
    'Expected stream with when, or just one of',
  ],
  [
    'no condition',
    { name: 'x', severity: 'warn' },
    '',
    'Expected stream with when, or just one of',
  ],
  [
    'no time of day',
    { ...HOT, while: { schedule: { from: '25:00', to: '1' } } },
    '/while/schedule/from',
    'Expected a time from 00:00 to 23:59, found "25:00".',
  ],
  [
    'an unknown stream',
    { ...HOT, stream: 'obd.engine.colant' },
    '/stream',
    'Expected a stream that there is, such as obd.engine.coolant',
  ],
  [
    'another unit',
    { ...HOT, unit: 'km/h' },
    '/unit',
    'Expected the unit of the stream, Cel, found "km/h".',
  ],
  [
    'a clear beyond',
    { ...HOT, when: { op: '>', value: 1, clear: 2 } },
    '/when/clear',
    'Expected at most 1, as the alert begins above it, found 2.',
  ],
  [
    'what never is',
    { ...HOT, when: { op: '>', value: 500 } },
    '/when/value',
    'Expected -40 to 215 °C, which is all that the stream can be',
  ],
  [
    'an event of a sample',
    { ...HOT, when: { op: 'event' } },
    '/when/op',
    'Expected one of >, <, outside',
  ],
  [
    'a value of a wave',
    { ...HOT, stream: 'eeg.raw' },
    '/when/op',
    'Expected one of stale for waves',
  ],
  ['an unknown action', { ...HOT, actions: ['mial'] }, '/actions/0', 'Expected '],
  [
    'no step up',
    { ...HOT, escalate: [{ value: 110, severity: 'info' }] },
    '/escalate/0/severity',
    'Expected more severe than warn, found "info".',
  ],
])('a rule with %s is refused', async (_what, body, pointer, message) => {
  const { ask, ruleRecords } = startAlerting();
  const refused = await ask('POST', '/alerts', body);
  expect(refused).toMatchObject({ status: 422, body: { title: 'Unprocessable Content' } });
  expect(refused.headers['content-type']).toBe('application/problem+json');
  const [fault] = refused.body.errors;
  expect(fault.pointer).toBe(pointer);
  expect(fault.message).toContain(message);
  expect(refused.body.detail).toContain(fault.message.slice(1));
  expect(ruleRecords.items.size).toBe(0);
});

test('a change that makes no sense changes nothing', async () => {
  const { ask } = startAlerting();
  const before = (await ask('POST', '/alerts', HOT)).body;
  const refused = await ask('PATCH', '/alerts/oven', { when: { op: '<', value: -400 } });
  expect(refused).toMatchObject({ status: 422, body: { errors: [{ pointer: '/when/value' }] } });
  expect((await ask('PATCH', '/alerts/oven', { id: 'other' })).body.errors[0].pointer).toBe('/id');
  expect((await ask('PATCH', '/alerts/nothing', { enabled: false })).status).toBe(404);
  expect((await ask('GET', '/alerts/oven')).body).toEqual(before);
});

test('the disk is not waited for longer than a person would, and the rule is watched meanwhile', async () => {
  const late = new ReadingError('TOO_SLOW', 'the disk has not taken it in 5 s');
  const { ask, engine, book, ruleRecords } = startAlerting(
    {},
    { inTime: () => Promise.reject<never>(late) },
  );
  ruleRecords.failing = true;
  const slow = await ask('POST', '/alerts', HOT);
  expect(slow).toMatchObject({ status: 503, headers: { 'retry-after': '5' } });
  engine.take(sample(coolant, 1, 120));
  expect(book.ongoing()).toMatchObject([{ rule: { id: 'oven' } }]);
  for (const method of ['PATCH', 'DELETE']) {
    expect((await ask(method, '/alerts/oven', {})).status, method).toBe(503);
  }
  expect((await ask('GET', '/alerts/oven')).status).toBe(404);
});
