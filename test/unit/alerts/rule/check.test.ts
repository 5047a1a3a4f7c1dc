import { expect, test } from 'vitest';
import type { AlertRule, Condition, When } from '#core/alert.ts';
import { SOURCE_STATES, sourceStream } from '#core/gateway-streams.ts';
import type { Stream } from '#core/stream.ts';
import { checkRule as ruleCheck, type Surroundings } from '../../../../src/alerts/rule/check.ts';

const COOLANT: Stream = {
  id: 'obd.engine.coolant',
  name: 'Engine coolant temperature',
  unit: 'Cel',
  range: [-40, 215],
  hz: 0.2,
  kind: 'sample',
};
const RPM: Stream = { ...COOLANT, id: 'obd.engine.rpm', unit: '/min', range: [0, 16_000], hz: 10 };
const TROUBLE: Stream = { ...COOLANT, id: 'obd.dtc', unit: '1', hz: 0, kind: 'event' };
const RAW: Stream = { ...COOLANT, id: 'eeg.raw', unit: 'uV', hz: 512, kind: 'wave' };
const CAN: Stream = { ...COOLANT, id: 'can.body', unit: '1', hz: 0, kind: 'frame' };
const POSITION: Stream = { ...TROUBLE, id: 'gps.position' };
const STREAMS = [COOLANT, RPM, TROUBLE, RAW, CAN, POSITION, sourceStream('obd')];
const HOME = { lat: 52.5, lon: 13.4, radiusM: 500 };

const TERMS = {
  id: 'a',
  name: 'A',
  holdMs: 0,
  cooldownMs: 0,
  severity: 'info',
  escalate: [],
  while: {},
  actions: [],
  enabled: true,
} as const;

function streams(pattern: string): readonly Stream[] {
  if (pattern === '*') return STREAMS;
  const above = pattern.replace(/\*$/, '');
  return STREAMS.filter(({ id }) => (above === pattern ? id === above : id.startsWith(above)));
}

const checkRule = (rule: AlertRule, surroundings: Surroundings) =>
  ruleCheck(rule, surroundings, { hints: true });
const SURROUNDINGS = { streams, actions: ['mail', 'buzzer'] };

function on(stream: Stream, when: When): AlertRule {
  return { ...TERMS, stream: stream.id, when };
}

function of(condition: Condition): AlertRule {
  return { ...TERMS, ...condition };
}

const hot: When = { op: '>', value: 110 };
const came: When = { op: 'event', match: { present: true }, until: { present: false } };

test.each<[string, AlertRule]>([
  ['a threshold', on(COOLANT, { op: '>', value: 110, clear: 105 })],
  ['one without a band', on(COOLANT, { op: '<', value: 0, clear: 0 })],
  ['the lowest', on(COOLANT, { op: '>', value: -40 })],
  ['a range', on(COOLANT, { op: 'outside', value: [0, 100], clear: [5, 95] })],
  ['a range that it is in', on(COOLANT, { op: 'inside', value: [50, 50], clear: [49, 51] })],
  ['a rate', on(COOLANT, { op: 'rate<', value: -2, clear: -1, windowS: 10 })],
  ['silence', on(COOLANT, { op: 'stale', value: 6 })],
  ['silence of a wave', on(RAW, { op: 'stale', value: 1 })],
  ['silence of a bus', on(CAN, { op: 'stale', value: 1 })],
  ['events', on(TROUBLE, came)],
  ['a count', on(TROUBLE, { op: 'count', value: 3, clear: 2, windowS: 60 })],
  ['a place', on(POSITION, { op: 'within', value: HOME, clear: 600 })],
  ['its outside', on(POSITION, { op: 'beyond', value: HOME, clear: 400 })],
  ['its unit', { ...on(COOLANT, hot), unit: 'Cel' }],
  ['a pattern', of({ stream: SOURCE_STATES, when: { op: '<', value: 1.5 } })],
  [
    'a pattern without streams yet',
    of({ stream: 'gateway.action.*', when: { op: '<', value: 1.5 } }),
  ],
  [
    'silence of streams of several units',
    of({ stream: 'obd.engine.*', when: { op: 'stale', value: 9 } }),
  ],
  ['its actions', { ...on(COOLANT, hot), actions: ['buzzer', 'mail'] }],
  [
    'escalation upwards',
    {
      ...on(COOLANT, hot),
      escalate: [
        { value: 115, afterMs: 5, severity: 'warn' },
        { value: 120, severity: 'alarm' },
      ],
    },
  ],
  [
    'escalation to both sides',
    {
      ...on(COOLANT, { op: 'outside', value: [0, 100] }),
      escalate: [
        { value: 110, severity: 'warn' },
        { value: -10, severity: 'alarm' },
      ],
    },
  ],
  [
    'a range in a list',
    of({
      all: [
        { stream: COOLANT.id, when: { op: '>', value: 10 } },
        { stream: COOLANT.id, when: { op: '<', value: 20 } },
        { stream: RPM.id, when: { op: '>', value: 30 } },
      ],
    }),
  ],
  [
    'what cannot be together in a list of which one is enough',
    of({
      any: [
        { stream: COOLANT.id, when: { op: '>', value: 20 } },
        { stream: COOLANT.id, when: { op: '<', value: 10 } },
      ],
    }),
  ],
])('%s can be used', (_, rule) => {
  expect(checkRule(rule, SURROUNDINGS)).toEqual([]);
});

const ALL = 'which is all that the stream can be';
const SAMPLES = 'expected one of >, <, outside, inside, rate>, rate<, stale for samples';
const EVENTS = 'expected one of event, count, within, beyond, stale for events';

test.each<[AlertRule, string, string]>([
  // Streams
  [
    of({ stream: 'obd.engine.colant', when: hot }),
    '/stream',
    'expected a stream that there is, such as obd.engine.coolant, found "obd.engine.colant"',
  ],
  [
    of({ stream: 'obd.rpm', when: hot }),
    '/stream',
    'expected a stream that there is, such as obd.engine.rpm, found "obd.rpm"',
  ],
  [
    of({ stream: 'tyre.pressure', when: hot }),
    '/stream',
    'expected a stream that there is, found "tyre.pressure"',
  ],
  [
    of({ stream: 'gateway.sorce.*', when: hot }),
    '/stream',
    'expected a pattern with streams below it, such as gateway.source.*, found "gateway.sorce.*"',
  ],
  [
    { ...on(COOLANT, hot), unit: '[degF]' },
    '/unit',
    'expected the unit of the stream, Cel, found "[degF]"',
  ],
  [on(COOLANT, came), '/when/op', `${SAMPLES}, found "event"`],
  [on(TROUBLE, hot), '/when/op', `${EVENTS}, found ">"`],
  [on(RAW, hot), '/when/op', 'expected one of stale for waves, found ">"'],
  [on(CAN, came), '/when/op', 'expected one of stale for frames, found "event"'],
  [
    of({ stream: 'obd.engine.*', when: hot }),
    '/stream',
    'expected a pattern with streams of one unit, as it is one threshold for all, found "obd.engine.*"',
  ],
  // Thresholds that the stream never reaches, or never leaves
  [
    on(COOLANT, { op: '>', value: 300 }),
    '/when/value',
    `expected -40 to 215 °C, ${ALL}, found 300`,
  ],
  [
    on(COOLANT, { op: '<', value: -41 }),
    '/when/value',
    `expected -40 to 215 °C, ${ALL}, found -41`,
  ],
  [
    on(COOLANT, { op: '>', value: 215 }),
    '/when/value',
    'expected below 215 °C, as the stream is never above it, found 215',
  ],
  [
    on(COOLANT, { op: '<', value: -40 }),
    '/when/value',
    'expected above -40 °C, as the stream is never below it, found -40',
  ],
  [on(COOLANT, { ...hot, clear: -50 }), '/when/clear', `expected -40 to 215 °C, ${ALL}, found -50`],
  [
    on(COOLANT, { op: 'outside', value: [-50, 100] }),
    '/when/value/0',
    `expected -40 to 215 °C, ${ALL}, found -50`,
  ],
  [
    on(COOLANT, { op: 'inside', value: [-40, 215] }),
    '/when/value',
    'expected less than all that the stream can be, found -40 to 215',
  ],
  [
    on(COOLANT, { op: 'rate>', value: 60, windowS: 5 }),
    '/when/value',
    'expected below 51 a second, as the stream changes by 255 °C at most, found 60',
  ],
  [
    on(COOLANT, { op: 'stale', value: 5 }),
    '/when/value',
    'expected more than 5, as a reading comes every 5 s, found 5',
  ],
  // Thresholds against each other
  [
    on(COOLANT, { ...hot, clear: 115 }),
    '/when/clear',
    'expected at most 110, as the alert begins above it, found 115',
  ],
  [
    on(COOLANT, { op: '<', value: 5, clear: 4 }),
    '/when/clear',
    'expected at least 5, as the alert begins below it, found 4',
  ],
  [
    on(COOLANT, { op: 'rate<', value: -2, clear: -3, windowS: 9 }),
    '/when/clear',
    'expected at least -2, as the alert begins below it, found -3',
  ],
  [
    on(COOLANT, { op: 'outside', value: [20, 10] }),
    '/when/value',
    'expected the lower number first, found 20 to 10',
  ],
  [
    on(COOLANT, { op: 'outside', value: [10, 20], clear: [5, 15] }),
    '/when/clear',
    'expected a range within 10 to 20, as the alert begins outside of it, found 5 to 15',
  ],
  [
    on(COOLANT, { op: 'inside', value: [10, 20], clear: [12, 25] }),
    '/when/clear',
    'expected a range around 10 to 20, as the alert begins inside of it, found 12 to 25',
  ],
  [
    on(TROUBLE, { op: 'count', value: 3, clear: 3, windowS: 9 }),
    '/when/clear',
    'expected less than 3, where the alert begins, found 3',
  ],
  [
    on(POSITION, { op: 'within', value: HOME, clear: 400 }),
    '/when/clear',
    'expected at least 500, as the alert begins below it, found 400',
  ],
  [
    on(TROUBLE, { op: 'event', match: { present: true, code: 1 }, until: { present: true } }),
    '/when/until',
    'expected fields that differ from match, as every event would end what it begins, found an object',
  ],
  // In lists
  [
    of({
      all: [
        { stream: COOLANT.id, when: { op: '>', value: 110 } },
        { not: [{ stream: RPM.id, when: { op: '<', value: 0 } }] },
        { stream: COOLANT.id, when: { op: '<', value: 100 } },
      ],
    }),
    '/all/1/not/0/when/value',
    'expected above 0 /min, as the stream is never below it, found 0',
  ],
  [
    of({
      all: [
        { stream: COOLANT.id, when: { op: '>', value: 110 } },
        { stream: COOLANT.id, when: { op: '<', value: 100 } },
      ],
    }),
    '/all/1/when/value',
    'expected what obd.engine.coolant can be together with the comparisons before, found 100',
  ],
  [
    of({ any: [{ stream: TROUBLE.id, when: { ...came, key: ['code'] } }] }),
    '/any/0/when/key',
    'expected no key, as only a rule of a single comparison has several causes, found a list of 1',
  ],
  // The rest of a rule
  [
    { ...on(TROUBLE, came), holdMs: 5 },
    '/holdMs',
    'expected 0, as an event comes and is there at once, found 5',
  ],
  [
    { ...on(COOLANT, hot), escalate: [{ value: 120, severity: 'info' }] },
    '/escalate/0/severity',
    'expected more severe than info, found "info"',
  ],
  [
    { ...on(COOLANT, hot), escalate: [{ value: 110, severity: 'warn' }] },
    '/escalate/0/value',
    'expected more than 110, where it is less severe, found 110',
  ],
  [
    {
      ...on(COOLANT, { op: '<', value: 0 }),
      escalate: [
        { value: -10, severity: 'warn' },
        { value: -5, severity: 'alarm' },
      ],
    },
    '/escalate/1/value',
    'expected less than -10, where it is less severe, found -5',
  ],
  [
    { ...on(COOLANT, hot), escalate: [{ value: 500, severity: 'warn' }] },
    '/escalate/0/value',
    `expected -40 to 215 °C, ${ALL}, found 500`,
  ],
  [
    {
      ...on(COOLANT, hot),
      escalate: [
        { afterMs: 9, severity: 'warn' },
        { afterMs: 9, severity: 'alarm' },
      ],
    },
    '/escalate/1/afterMs',
    'expected more than 9, which is that of the step before, found 9',
  ],
  [
    { ...on(TROUBLE, came), escalate: [{ value: 1, severity: 'warn' }] },
    '/escalate/0/value',
    'expected afterMs alone, as there is no value that could rise, found 1',
  ],
  [
    { ...on(COOLANT, hot), while: { schedule: { from: '08:00', to: '08:00' } } },
    '/while/schedule/to',
    'expected another time than that of from, or no schedule for all day, found "08:00"',
  ],
  [
    { ...on(COOLANT, hot), actions: ['mail', 'male'] },
    '/actions/1',
    'expected an action that there is, such as mail, buzzer, found "male"',
  ],
])('a rule is refused in words: %#', (rule, pointer, message) => {
  expect(checkRule(rule, SURROUNDINGS)[0]).toEqual({ pointer, message });
});

test('everything that is wrong is told', () => {
  const rule: AlertRule = { ...on(COOLANT, { op: '>', value: 300, clear: 400 }), actions: ['x'] };
  expect(checkRule(rule, SURROUNDINGS).map(({ pointer }) => pointer)).toEqual([
    '/when/value',
    '/when/clear',
    '/when/clear',
    '/actions/0',
  ]);
});

test('where nothing is known yet, nothing is recommended', () => {
  const rule: AlertRule = { ...on(COOLANT, hot), actions: ['mail'] };
  expect(checkRule(rule, { streams: () => [], actions: [] })).toEqual([
    {
      pointer: '/stream',
      message: 'expected a stream that there is, found "obd.engine.coolant"',
    },
    { pointer: '/actions/0', message: 'expected an action that there is, found "mail"' },
  ]);
});

test('a rule of a wrong form is told that alone', () => {
  const rule = { ...on(COOLANT, hot), holdMs: -1, actions: ['x'] };
  expect(checkRule(rule, SURROUNDINGS)).toEqual([
    { pointer: '/holdMs', message: 'expected a whole number from 0 to 86400000, found -1' },
  ]);
});

test('without hints a name that nothing has is told alone', () => {
  const rule = { ...of({ stream: 'obd.engine.colant', when: hot }), actions: ['male'] };
  const messages = ruleCheck(rule, SURROUNDINGS, { hints: false }).map(({ message }) => message);
  expect(messages).toEqual([
    'expected a stream that there is, found "obd.engine.colant"',
    'expected an action that there is, found "male"',
  ]);
});
