import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { AlertRule, Comparison, When } from '#core/alert.ts';
import { FATIGUE_LEVEL, sourceStream } from '#core/gateway-streams.ts';
import type { Stream } from '#core/stream.ts';
import { SHIPPED_RULES } from '../../../../src/alerts/rule/shipped.ts';
import { alertLine, alertText, quantity, ruleSentence } from '../../../../src/alerts/rule/words.ts';

const COOLANT: Stream = {
  id: 'obd.engine.coolant',
  name: 'Engine coolant temperature',
  unit: 'Cel',
  range: [-40, 215],
  hz: 0.2,
  kind: 'sample',
};
const TROUBLE: Stream = {
  ...COOLANT,
  id: 'obd.dtc',
  name: 'Trouble code',
  unit: '1',
  kind: 'event',
};
const POSITION: Stream = { ...TROUBLE, id: 'gps.position', name: 'Position' };
const HOME = { lat: 52.5, lon: 13.4, radiusM: 500 };

function on(stream: Stream, when: When): Comparison {
  return { stream: stream.id, when };
}

test.each<[Stream, When, number | null, string]>([
  [COOLANT, { op: '>', value: 110 }, 112, 'Engine coolant temperature 112 °C, over 110'],
  [COOLANT, { op: '>', value: 110 }, 110.001, 'Engine coolant temperature 110.001 °C, over 110'],
  [COOLANT, { op: '>', value: 110 }, null, 'Engine coolant temperature over 110 °C'],
  [COOLANT, { op: '<', value: -5 }, -7.123456, 'Engine coolant temperature -7.123 °C, under -5'],
  [
    COOLANT,
    { op: 'outside', value: [10, 20] },
    25,
    'Engine coolant temperature 25 °C, outside 10 to 20',
  ],
  [
    COOLANT,
    { op: 'inside', value: [10, 20] },
    15,
    'Engine coolant temperature 15 °C, inside 10 to 20',
  ],
  [
    COOLANT,
    { op: 'rate>', value: 2, windowS: 5 },
    2.5,
    'Engine coolant temperature changes by 2.5 °C a second, over 2',
  ],
  [
    COOLANT,
    { op: 'rate<', value: -2, windowS: 5 },
    null,
    'Engine coolant temperature changes, under -2',
  ],
  [COOLANT, { op: 'stale', value: 10 }, null, 'Engine coolant temperature: no reading for 10 s'],
  [COOLANT, { op: 'stale', value: 10 }, 60, 'Engine coolant temperature: no reading for 60 s'],
  [TROUBLE, { op: 'count', value: 3, windowS: 60 }, 4, 'Trouble code: 4 times within 60 s'],
  [POSITION, { op: 'within', value: HOME }, 430.4, 'Position 430 m from 52.5, 13.4, within 500 m'],
  [POSITION, { op: 'beyond', value: HOME }, null, 'Position over 500 m'],
  [sourceStream('obd'), { op: '<', value: 1.5 }, 0, 'Source obd: failed'],
  [FATIGUE_LEVEL, { op: '>', value: 0.5 }, 2, 'Driver: very tired'],
])('%o %o %o is told', (stream, when, value, text) => {
  expect(alertText(on(stream, when), value, stream)).toBe(text);
});

test('a trouble code is told by its code and text, whatever else the event holds', () => {
  const data = {
    code: 'P0301',
    status: 'confirmed',
    ecu: '7E8',
    text: 'Cylinder 1 misfire detected',
    present: true,
  };
  const when: When = { op: 'event', key: ['code', 'ecu'] };
  expect(alertText(on(TROUBLE, when), null, TROUBLE, data)).toBe(
    'Trouble code P0301 Cylinder 1 misfire detected',
  );
});

test('an event that says nothing is told by what the rule looks at, or by its name', () => {
  const when: When = { op: 'event', key: ['who'], match: { kind: 'wide', strong: true } };
  const data = { kind: 'wide', strong: true, who: 'left', noise: [1] };
  expect(alertText(on(TROUBLE, when), null, TROUBLE, data)).toBe('Trouble code left wide');
  expect(alertText(on(TROUBLE, when), null, TROUBLE)).toBe('Trouble code');
});

test('text of an event stays on one line and is cut', () => {
  const data = { text: `a\r\nBcc: x\u0000${'y'.repeat(10_000)}` };
  const text = alertText(on(TROUBLE, { op: 'event' }), null, TROUBLE, data);
  expect(text).toMatch(/^Trouble code a Bcc: x y+…$/);
  expect(text.length).toBeLessThan(150);
});

test('text of an event cannot turn the direction of what follows, and ends with a whole character', () => {
  const told = (value: string) =>
    alertText(on(TROUBLE, { op: 'event' }), null, TROUBLE, { code: 'P0301', text: value });
  expect(told('a\u202eb')).toBe('Trouble code P0301 a b');
  expect(told(`${'y'.repeat(118)}😀y`)).toBe(`Trouble code P0301 ${'y'.repeat(118)}…`);
  expect(told('\u202e')).toBe('Trouble code P0301');
});

test('without a stream its id and the unit of the rule are told', () => {
  const comparison: Comparison = { stream: 'a.b', when: { op: '>', value: 1 }, unit: 'V' };
  expect(alertText(comparison, 2, undefined)).toBe('a.b 2 V, over 1');
});

test('time is told where time decided', () => {
  expect(alertText(undefined, null, undefined)).toBe('The conditions of the rule are met');
});

test('a value is never told as the limit that it is not', () => {
  const number = fc.double({ noNaN: true, noDefaultInfinity: true });
  fc.assert(
    fc.property(number, number, (limit, value) => {
      fc.pre(limit !== value);
      const text = alertText(on(COOLANT, { op: '>', value: limit }), value, COOLANT);
      const [, told] = /temperature (\S+) °C, over/.exec(text) ?? [];
      expect(Number(told)).not.toBe(limit);
    }),
  );
});

test.each([
  [110, 'Cel', '110 °C'],
  [45, 'deg', '45°'],
  [3, '1', '3'],
  [50, '%', '50 %'],
  [750, '/min', '750 /min'],
  [12_345.6, '/min', '12346 /min'],
  [0.000_123_4, 'V', '0.0001234 V'],
  [0, 'uV', '0 µV'],
  [1e21, 'V', '1e+21 V'],
  [-0.5, '[degF]', '-0.5 °F'],
])('%d %s is %s', (value, unit, text) => {
  expect(quantity(value, unit)).toBe(text);
});

const RULE: AlertRule = {
  id: 'a',
  name: 'A',
  holdMs: 0,
  cooldownMs: 0,
  severity: 'warn',
  escalate: [],
  while: {},
  actions: [],
  enabled: true,
  stream: COOLANT.id,
  when: { op: '>', value: 110 },
};
const { stream: _stream, when: _when, ...TERMS } = RULE;
const streamOf = (id: string) =>
  [COOLANT, TROUBLE, POSITION, FATIGUE_LEVEL].find((stream) => stream.id === id);
const cold = on(COOLANT, { op: '<', value: 0 });
const hot = on(COOLANT, { op: '>', value: 100 });
const NAME = 'Engine coolant temperature';

test.each<[AlertRule, string]>([
  [RULE, `Warning when ${NAME} is over 110 °C.`],
  [
    {
      ...RULE,
      holdMs: 120_000,
      while: { moving: true, engine: 'on', study: 'Night' },
      escalate: [{ value: 118, afterMs: 1_500, severity: 'alarm' }],
    },
    `Warning when ${NAME} is over 110 °C for 2 min, while the car moves, while the engine is on, in a session of the study Night; alarm over 118 °C or after 1.5 s.`,
  ],
  [
    {
      ...RULE,
      severity: 'info',
      while: { moving: false, schedule: { days: [1, 7], from: '22:00', to: '06:00' } },
    },
    `Info when ${NAME} is over 110 °C, while the car stands still, from 22:00 to 06:00 on Monday, Sunday.`,
  ],
  [
    { ...TERMS, all: [cold, { not: [hot, { any: [hot, cold] }] }] },
    `Warning when ${NAME} is under 0 °C and (not (${NAME} is over 100 °C or (${NAME} is over 100 °C or ${NAME} is under 0 °C))).`,
  ],
  [
    { ...RULE, when: { op: 'outside', value: [1, 2], clear: [1.2, 1.8] } },
    `Warning when ${NAME} is outside 1 to 2 °C (until 1.2 to 1.8 °C).`,
  ],
  [
    {
      ...RULE,
      when: { op: 'rate<', value: -2, windowS: 5 },
      escalate: [{ value: -3, severity: 'alarm' }],
    },
    `Warning when ${NAME} changes under -2 °C a second within 5 s; alarm beyond -3 °C.`,
  ],
  [
    {
      ...RULE,
      when: { op: 'stale', value: 10 },
      escalate: [{ value: 60, severity: 'alarm' }],
    },
    `Warning when ${NAME} has had no reading for 10 s; alarm after 60 s of silence.`,
  ],
  [
    {
      ...RULE,
      stream: TROUBLE.id,
      when: { op: 'count', value: 3, windowS: 60, match: { status: 'pending' } },
      escalate: [{ value: 5, severity: 'alarm' }],
    },
    'Warning when Trouble code (status pending) comes 3 times within 60 s; alarm from 5 times on.',
  ],
  [
    {
      ...RULE,
      stream: POSITION.id,
      when: { op: 'beyond', value: HOME },
      escalate: [{ value: 900, severity: 'alarm' }],
    },
    'Warning when Position is more than 500 m from 52.5, 13.4; alarm beyond 900 m.',
  ],
  [
    { ...RULE, stream: 'a.*', when: { op: '<', value: 1 }, unit: 'V' },
    'Warning when one of a.* is under 1 V.',
  ],
])('a rule is a sentence: %#', (rule, text) => {
  expect(ruleSentence(rule, streamOf)).toBe(text);
});

test('states are told by their words', () => {
  const fatigue = SHIPPED_RULES.find(({ id }) => id === 'fatigue');
  expect(fatigue && ruleSentence(fatigue, streamOf)).toBe(
    'Info when Driver is tired or very tired or falling asleep; warning when very tired or falling asleep or after 5 min; alarm when falling asleep or after 15 min.',
  );
});

test('of streams that are alike the words of their states are told', () => {
  const sentences = ['source-lost', 'action-failing'].map((id) => {
    const rule = SHIPPED_RULES.find((one) => one.id === id);
    return rule && ruleSentence(rule, () => undefined);
  });
  expect(sentences).toEqual([
    'Warning when a source is failed or waiting for 10 s.',
    'Warning when an alert action is failed or waiting for 30 s.',
  ]);
});

test('a line about an alert says nothing twice', () => {
  expect(alertLine('Clock not set', 'Clock: not set')).toBe('Clock not set');
  expect(alertLine('Hot', 'Oven 112 °C, over 110')).toBe('Hot: Oven 112 °C, over 110');
});
