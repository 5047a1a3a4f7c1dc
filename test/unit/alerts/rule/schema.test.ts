import fc from 'fast-check';
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { type AlertRule, type Condition, SEVERITIES, type When } from '#core/alert.ts';
import { AlertError } from '../../../../src/alerts/errors.ts';
import { formFaults, parseRule, RuleBody, RulePatch } from '../../../../src/alerts/rule/schema.ts';

const OVER: When = { op: '>', value: 110, clear: 105 };
const ONE = { stream: 'obd.engine.coolant', when: OVER };
const TERMS = {
  id: 'coolant-hot',
  name: 'Coolant too hot',
  holdMs: 5_000,
  cooldownMs: 30_000,
  severity: 'warn',
  escalate: [],
  while: {},
  actions: [],
  enabled: true,
} as const;
const RULE: AlertRule = { ...TERMS, ...ONE };

/** A rule with one field otherwise, as it comes out of JSON. */
function written(change: object): unknown {
  return JSON.parse(JSON.stringify({ ...RULE, ...change }));
}

function watching(when: unknown): unknown {
  return written({ when });
}

function nested(lists: number): object {
  return lists === 0 ? ONE : { all: [nested(lists - 1)] };
}

function many(n: number): object[] {
  return Array.from({ length: n }, () => ONE);
}

const SHAPE = 'expected stream with when, or just one of all, any and not';
const FIELDS =
  'expected one of id, name, holdMs, cooldownMs, severity, escalate, while, actions, enabled, stream, when, unit, all, any, not';
const OPS =
  'expected one of >, <, outside, inside, rate>, rate<, stale, count, event, within, beyond';
const NAME = 'expected a name of 1 to 80 characters on one line';
const DAY_MS = 'expected a whole number from 0 to 86400000';
const MATCH =
  'expected fields with their values, none of them called __proto__, constructor, prototype';
const STREAM = 'expected the id of a stream, or id.* for those below it';
const HOME = { lat: 52.5, lon: 13.4, radiusM: 500 };

test.each<[unknown, string, string]>([
  [null, '', 'expected an object, found null'],
  ['rule', '', 'expected an object, found "rule"'],
  [written({ hodlMs: 5 }), '/hodlMs', `${FIELDS}, found "hodlMs"`],
  [
    JSON.parse(`${JSON.stringify(RULE).slice(0, -1)},"__proto__":{"a":1}}`),
    '/__proto__',
    `${FIELDS}, found "__proto__"`,
  ],
  [written({ 'a/b~c': 5 }), '/a~1b~0c', `${FIELDS}, found "a/b~c"`],
  [written({ id: 'A b' }), '/id', 'expected an id: 1 to 40 of a-z, 0-9 and -, found "A b"'],
  [written({ name: undefined }), '/name', 'this is missing'],
  [written({ name: '' }), '/name', `${NAME}, found ""`],
  [written({ name: '  ' }), '/name', `${NAME}, found "  "`],
  [written({ name: 'a\r\nBcc: b' }), '/name', `${NAME}, found "a\\r\\nBcc: b"`],
  [written({ name: 'x'.repeat(100_000) }), '/name', `${NAME}, found "${'x'.repeat(64)}"`],
  [written({ holdMs: -1 }), '/holdMs', `${DAY_MS}, found -1`],
  [written({ holdMs: 1.5 }), '/holdMs', `${DAY_MS}, found 1.5`],
  [written({ holdMs: '5' }), '/holdMs', `${DAY_MS}, found "5"`],
  [written({ cooldownMs: 86_400_001 }), '/cooldownMs', `${DAY_MS}, found 86400001`],
  [written({ severity: 'bad' }), '/severity', 'expected one of info, warn, alarm, found "bad"'],
  [written({ enabled: 1 }), '/enabled', 'expected true or false, found 1'],
  [written({ actions: 'mail' }), '/actions', 'expected a list of 0 to 16, found "mail"'],
  [written({ actions: ['a', 'a'] }), '/actions', 'expected each only once, found a list of 2'],
  [written({ actions: ['A'] }), '/actions/0', 'expected the id of an action, found "A"'],
  [
    written({ escalate: [{ severity: 'alarm' }] }),
    '/escalate/0',
    'expected value, afterMs or both, found an object',
  ],
  [written({ escalate: [{}, {}, {}] }), '/escalate/0/severity', 'this is missing'],
  [written({ while: { engine: 'cold' } }), '/while/engine', 'expected on or off, found "cold"'],
  [
    written({ while: { speed: 1 } }),
    '/while/speed',
    'expected one of moving, engine, study, schedule, found "speed"',
  ],
  [
    written({ while: { schedule: { from: '8:00', to: '09:00' } } }),
    '/while/schedule/from',
    'expected a time from 00:00 to 23:59, found "8:00"',
  ],
  [
    written({ while: { schedule: { from: '08:00', to: '24:00' } } }),
    '/while/schedule/to',
    'expected a time from 00:00 to 23:59, found "24:00"',
  ],
  [
    written({ while: { schedule: { days: [], from: '08:00', to: '09:00' } } }),
    '/while/schedule/days',
    'expected a list of 1 to 7, found a list of 0',
  ],
  [
    written({ while: { schedule: { days: [0], from: '08:00', to: '09:00' } } }),
    '/while/schedule/days/0',
    'expected a whole number from 1 to 7, found 0',
  ],
  [written({ stream: 'Obd' }), '/stream', `${STREAM}, found "Obd"`],
  [written({ stream: '*' }), '/stream', `${STREAM}, found "*"`],
  [written({ stream: 'a.*.b' }), '/stream', `${STREAM}, found "a.*.b"`],
  [
    written({ unit: '' }),
    '/unit',
    'expected a UCUM unit such as Cel or km/h of 1 to 40 characters on one line, found ""',
  ],
  [watching(5), '/when', 'expected an object with op, found 5'],
  [watching({ value: 5 }), '/when/op', 'this is missing'],
  [watching({ op: '=', value: 5 }), '/when/op', `${OPS}, found "="`],
  [watching({ op: '>', value: Number.NaN }), '/when/value', 'expected a number, found null'],
  [
    JSON.parse(JSON.stringify(RULE).replace('110', '1e999')),
    '/when/value',
    'expected a finite number, found Infinity',
  ],
  [watching({ op: '>', value: '110' }), '/when/value', 'expected a number, found "110"'],
  [
    watching({ op: '>', value: 1, windowS: 5 }),
    '/when/windowS',
    'expected one of op, value, clear, found "windowS"',
  ],
  [watching({ op: 'outside', value: [1] }), '/when/value/1', 'this is missing'],
  [
    watching({ op: 'outside', value: [1, 2, 3] }),
    '/when/value/2',
    'expected two numbers, the lower first, found 3',
  ],
  [
    watching({ op: 'inside', value: 3 }),
    '/when/value',
    'expected two numbers, the lower first, found 3',
  ],
  [watching({ op: 'rate>', value: 3 }), '/when/windowS', 'this is missing'],
  [
    watching({ op: 'rate>', value: 3, windowS: 0 }),
    '/when/windowS',
    'expected seconds: more than 0 and at most 3600, found 0',
  ],
  [
    watching({ op: 'stale', value: -1 }),
    '/when/value',
    'expected seconds: more than 0 and at most 86400, found -1',
  ],
  [
    watching({ op: 'count', value: 0, windowS: 5 }),
    '/when/value',
    'expected a whole number from 1 to 1000, found 0',
  ],
  [
    watching({ op: 'event', match: {} }),
    '/when/match',
    'expected at least 1 field, found an object',
  ],
  [watching({ op: 'event', match: ['code'] }), '/when/match', `${MATCH}, found a list of 1`],
  [
    watching({ op: 'event', match: { code: [] } }),
    '/when/match/code',
    'expected text, a number, true or false, found a list of 0',
  ],
  [
    JSON.parse(
      JSON.stringify({ ...RULE, when: { op: 'event', match: 7 } }).replace('7', '{"__proto__":1}'),
    ),
    '/when/match',
    `${MATCH}, found an object`,
  ],
  [
    watching({ op: 'event', key: [] }),
    '/when/key',
    'expected a list of 1 to 16, found a list of 0',
  ],
  [
    watching({ op: 'within', value: { ...HOME, lat: 91 } }),
    '/when/value/lat',
    'expected a number from -90 to 90, found 91',
  ],
  [{ ...TERMS }, '', `${SHAPE}, found "none of them"`],
  [{ ...TERMS, stream: 'a' }, '', `${SHAPE}, found "stream"`],
  [{ ...TERMS, when: OVER }, '', `${SHAPE}, found "when"`],
  [{ ...RULE, any: [ONE] }, '', `${SHAPE}, found "stream, when, any"`],
  [{ ...TERMS, all: [ONE], unit: 'Cel' }, '', `${SHAPE}, found "unit, all"`],
  [{ ...TERMS, all: [{}] }, '/all/0', `${SHAPE}, found "none of them"`],
  [{ ...TERMS, all: [] }, '/all', 'expected a list of 1 to 16, found a list of 0'],
  [{ ...TERMS, not: ONE }, '/not', 'expected a list of 1 to 16, found an object'],
  [{ ...TERMS, any: many(17) }, '/any', 'expected a list of 1 to 16, found a list of 17'],
  [
    { ...TERMS, any: [{ not: many(9) }, { all: many(8) }] },
    '',
    'expected at most 16 comparisons, found 17',
  ],
  [
    { ...TERMS, all: [{ ...ONE, stream: 'gateway.source.*' }] },
    '/all/0/stream',
    'expected the id of one stream, as only a rule of a single comparison may watch id.*, found "gateway.source.*"',
  ],
  [
    { ...TERMS, ...nested(5) },
    '/all/0/all/0/all/0/all/0/all',
    'expected a comparison, as lists are at most 4 deep within each other, found "all"',
  ],
])('a rule is refused in words: %#', (json, pointer, message) => {
  expect(formFaults(json)[0]).toEqual({ pointer, message });
  expect(() => parseRule(json)).toThrow(AlertError);
});

test('what cannot be read as a rule is told with the first place that is wrong', () => {
  expect(() => parseRule(written({ holdMs: 'x', enabled: 1 }))).toThrow(
    `this is no rule at /holdMs: ${DAY_MS}, found "x"`,
  );
  expect(formFaults(written({ holdMs: 'x', enabled: 1 }))).toHaveLength(2);
});

test('nesting as deep as a body can be is refused, not a reason to fall over', () => {
  const depth = 20_000;
  const text = `${'{"all":['.repeat(depth)}${']}'.repeat(depth)}`;
  const deep = JSON.parse(`{"x":${text}}`).x;
  expect(formFaults({ ...TERMS, ...deep })[0]?.message).toContain('at most 4 deep');
});

test('no message is in the words of the library', () => {
  const anything = fc.object({ key: fc.constantFrom('stream', 'when', 'all', 'op', 'x', 'while') });
  fc.assert(
    fc.property(anything, anything, (change, when) => {
      for (const { message } of formFaults({ ...RULE, when, ...change })) {
        expect(message).toMatch(/^(this is missing$|expected .+, found )/);
        expect(message).not.toContain('Invalid');
      }
    }),
  );
});

test('as many lists and comparisons as are allowed are taken', () => {
  for (const condition of [nested(4), { all: [{ not: many(8) }, { any: many(8) }] }]) {
    expect(parseRule({ ...TERMS, ...condition })).toEqual({ ...TERMS, ...condition });
  }
});

test('a new rule gets what it does not say', () => {
  expect(v.parse(RuleBody, { name: 'Hot', severity: 'info', ...ONE })).toEqual({
    ...{ name: 'Hot', severity: 'info', ...ONE },
    ...{ holdMs: 0, cooldownMs: 30_000, escalate: [], while: {}, actions: [], enabled: true },
  });
});

test.each([
  [{ name: 'Hot', severity: 'info' }, SHAPE],
  [{ name: 'Hot', severity: 'info', ...ONE, id: 'mine' }, FIELDS.replace('id, ', '')],
])('a new rule is refused in words: %#', (body, message) => {
  expect(v.safeParse(RuleBody, body).issues?.[0].message).toBe(message);
});

test('a change says only what it changes', () => {
  const changes = [{}, { enabled: false }, { when: OVER }, { unit: 'Cel' }, { all: [ONE] }];
  for (const change of changes) expect(v.parse(RulePatch, change)).toEqual(change);
});

test.each([
  [{ all: [ONE], any: [ONE] }, SHAPE],
  [{ when: OVER, not: [ONE] }, SHAPE],
  [{ id: 'other' }, FIELDS.replace('id, ', '')],
  [{ holdMs: null }, DAY_MS],
])('a change is refused in words: %#', (body, message) => {
  expect(v.safeParse(RulePatch, body).issues?.[0].message).toBe(message);
});

const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0);
const pair = fc.tuple(number, number);
const windowS = fc.integer({ min: 1, max: 3_600 });
// `constructor` and the like are refused by name, and `prototype` is one of them.
const field = fc
  .stringMatching(/^[a-z]{1,10}$/)
  .filter((name) => !(name in {}) && name !== 'prototype');
const value = fc.oneof(fc.stringMatching(/^[a-zA-Z ]{0,9}[a-z]$/), number, fc.boolean());
const match = fc.dictionary(field, value, { minKeys: 1, maxKeys: 5, noNullPrototype: true });
const names = fc.uniqueArray(field, { minLength: 1, maxLength: 4 });

function record<T>(required: { [K in keyof T]: fc.Arbitrary<T[K]> }, optional: object = {}) {
  return fc.record(
    { ...required, ...optional },
    {
      requiredKeys: Object.keys(required) as never, // The others may be left out.
    },
  ) as fc.Arbitrary<T>;
}

const when: fc.Arbitrary<When> = fc.oneof(
  record({ op: fc.constantFrom('>', '<'), value: number }, { clear: number }),
  record({ op: fc.constantFrom('outside', 'inside'), value: pair }, { clear: pair }),
  record({ op: fc.constantFrom('rate>', 'rate<'), value: number, windowS }, { clear: number }),
  record({ op: fc.constant('stale'), value: windowS }),
  record(
    { op: fc.constant('count'), value: fc.integer({ min: 1, max: 1_000 }), windowS },
    { match },
  ),
  record({ op: fc.constant('event') }, { match, key: names, until: match, lastS: windowS }),
  record(
    { op: fc.constantFrom('within', 'beyond'), value: fc.constant(HOME) },
    { clear: fc.integer({ min: 0, max: 1_000 }) },
  ),
) as fc.Arbitrary<When>;

const stream = fc.stringMatching(/^[a-z0-9_-]{1,23}(\.[a-z0-9_-]{1,23}){0,3}$/);
const comparison = record({ stream, when }, { unit: fc.constantFrom('Cel', '/min', '1') });
const condition = fc.letrec<{ any: Condition; list: Condition[] }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'lists' },
    comparison as fc.Arbitrary<Condition>,
    fc.record({ all: tie('list') }),
    fc.record({ any: tie('list') }),
    fc.record({ not: tie('list') }),
  ),
  list: fc.array(tie('any'), { minLength: 1, maxLength: 2 }),
})).any;
const timeOfDay = fc.stringMatching(/^([01][0-9]|2[0-3]):[0-5][0-9]$/);
const timeMs = fc.integer({ min: 0, max: 86_400_000 });
const step = record(
  { severity: fc.constantFrom(...SEVERITIES), afterMs: fc.integer({ min: 1, max: 86_400_000 }) },
  { value: number },
);
const terms = fc.record({
  id: fc.stringMatching(/^[a-z0-9-]{1,40}$/),
  name: fc.stringMatching(/^[a-zA-Zäß0-9 ]{0,79}[a-z]$/),
  holdMs: timeMs,
  cooldownMs: timeMs,
  severity: fc.constantFrom(...SEVERITIES),
  escalate: fc.array(step, { maxLength: 2 }),
  while: record(
    {},
    {
      moving: fc.boolean(),
      engine: fc.constantFrom('on', 'off'),
      study: fc.constant('Night'),
      schedule: record(
        { from: timeOfDay, to: timeOfDay },
        { days: fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1 }) },
      ),
    },
  ),
  actions: fc.uniqueArray(fc.stringMatching(/^[a-z0-9_-]{1,40}$/), { maxLength: 16 }),
  enabled: fc.boolean(),
});

test('a rule that was written as JSON is the same rule when it is read', () => {
  fc.assert(
    fc.property(terms, condition, (common, what) => {
      const rule = { ...common, ...what };
      fc.pre(JSON.stringify(rule).split('"when"').length <= 17);
      expect(parseRule(JSON.parse(JSON.stringify(rule)))).toEqual(rule);
    }),
  );
});
