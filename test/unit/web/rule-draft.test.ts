import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { AlertRule, Match } from '#core/alert.ts';
import { SHIPPED_RULES } from '../../../src/alerts/rule/shipped.ts';
import { draftOf, jsonFault, NEW_DRAFT, ruleOf } from '../../../web/rule-draft.js';

const TERMS = {
  id: 'rule',
  name: 'Rule',
  holdMs: 1_500,
  cooldownMs: 0,
  severity: 'info',
  escalate: [],
  while: {},
  actions: ['mail'],
  enabled: true,
} as const;

const OTHERS: readonly AlertRule[] = [
  { ...TERMS, stream: 'a', unit: 'V', when: { op: 'outside', value: [1, 2.5], clear: [1.1, 2] } },
  { ...TERMS, stream: 'a', unit: 'V', when: { op: 'rate<', value: -3, windowS: 10 } },
  { ...TERMS, stream: 'a', unit: 'V', when: { op: 'stale', value: 5 } },
  {
    ...{ ...TERMS, stream: 'e', unit: 'V' },
    when: { op: 'count', value: 3, windowS: 60, match: { kind: 'x', n: 2, on: false } },
  },
  {
    ...{ ...TERMS, stream: 'gps', unit: 'V' },
    when: { op: 'beyond', value: { lat: 48.1, lon: 11.5, radiusM: 900 }, clear: 800 },
    escalate: [
      { afterMs: 300_000, severity: 'warn' },
      { value: 2, severity: 'alarm' },
    ],
    while: {
      ...{ moving: false, engine: 'on', study: 'night' },
      schedule: { days: [1, 7], from: '22:00', to: '06:00' },
    },
  },
  {
    ...TERMS,
    all: [
      { stream: 'a', when: { op: '>', value: 1 } },
      { not: [{ stream: 'b', when: { op: 'stale', value: 2 } }] },
    ],
  },
];

test.each([...SHIPPED_RULES, ...OTHERS].map((rule, i) => [`${i} ${rule.name}`, rule] as const))(
  'what is in the fields of rule %s says the same',
  (_, rule) => {
    const { id: _id, enabled: _enabled, ...said } = rule;
    const unit = 'unit' in rule ? rule.unit : undefined;
    expect(ruleOf(draftOf(rule), unit)).toEqual(said);
  },
);

/** The fields of an event, written into the form and read from it. */
function throughForm(match: Match, key: readonly string[]) {
  const when = { op: 'event', match, until: match, key } as const;
  const draft = draftOf({ ...TERMS, stream: 'e', when });
  return { draft, when: Object(ruleOf(draft, undefined)['when']) };
}

test('fields of any names and values are the same after they were in the form', () => {
  const text = fc.oneof(
    fc.string({ unit: fc.constantFrom(...'ab =,"\\0.e-') }),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('7E8', '0123', '42', '-0', '1e21', 'true', 'Infinity', 'a,b', '"a"', ' a '),
  );
  // JSON has no -0.
  const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n || 0);
  const value = fc.oneof(text, number, fc.boolean());
  fc.assert(
    fc.property(fc.dictionary(text, value, { minKeys: 1 }), (match) => {
      const { when } = throughForm(match, Object.keys(match));
      expect(Object.entries(when.match)).toEqual(Object.entries(match));
      expect(Object.entries(when.until)).toEqual(Object.entries(match));
      expect(when.key).toEqual(Object.keys(match));
    }),
  );
});

test('texts have quotes only where they would be read as something else', () => {
  const match = {
    ecu: '7E8',
    code: '0123',
    n: '42',
    m: 42,
    on: 'true',
    off: true,
    s: 'a,b',
    t: '',
  };
  expect(throughForm(match, ['ecu', 'a,b']).draft.texts).toMatchObject({
    '/when/match': 'ecu=7E8, code=0123, n="42", m=42, on="true", off=true, s="a,b", t=""',
    '/when/key': 'ecu, "a,b"',
  });
});

test('fields that were typed otherwise are read all the same', () => {
  const read = (text: string) => {
    const texts = { '/when/op': 'event', '/when/match': text };
    return Object(ruleOf({ ...NEW_DRAFT, texts }, undefined)['when']).match;
  };
  expect(read(' a = x y ,, b= "1, 2" ,"c=d"=3')).toEqual({ a: 'x y', b: '1, 2', 'c=d': 3 });
  expect(read('a=5", b="open, c')).toEqual({ a: '5"', b: '"open', c: '' });
  expect(read('a="x" y, b="\\q"')).toEqual({ a: '"x" y', b: '"\\q"' });
});

test('what is no number is sent as it was typed, and an empty field not at all', () => {
  const texts = { ...NEW_DRAFT.texts, '/when/value': 'hot', '/when/clear': ' ', '/holdMs': '1,5' };
  expect(ruleOf({ ...NEW_DRAFT, texts }, 'Cel')).toMatchObject({
    when: { op: '>', value: 'hot' },
    holdMs: 1_500,
    unit: 'Cel',
  });
});

test('half a range keeps its place', () => {
  const texts = { '/when/op': 'inside', '/when/value/1': '5' };
  const rule = ruleOf({ ...NEW_DRAFT, texts }, undefined);
  expect(JSON.parse(JSON.stringify(rule))).toMatchObject({ when: { value: [null, 5] } });
});

test('a step of severity that is not chosen is not sent', () => {
  const texts = { '/escalate/0/value': '5', '/escalate/0/severity': '' };
  expect(ruleOf({ ...NEW_DRAFT, texts }, undefined)['escalate']).toEqual([]);
});

test('a condition that is no JSON is told', () => {
  const wrong = { ...NEW_DRAFT, several: true, texts: { '/condition': '{"all": [' } };
  expect(jsonFault(wrong)).toMatch(/^This is no JSON: /);
  expect(jsonFault({ ...wrong, several: false })).toBe('');
  expect(jsonFault({ ...wrong, texts: { '/condition': '{"all": []}' } })).toBe('');
});
