import fc from 'fast-check';
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { faultPointer } from '../../../src/http/fault.ts';
import {
  AlertBody,
  ClockBody,
  EegBody,
  FaceBody,
  GameBody,
  MarkerBody,
} from '../../../src/ingest/shapes.ts';

const picture = { t: 0, faceDetected: true, confidence: 1 };
const faceOf = (item: object) => ({ client: 'c', seq: 0, items: [{ ...picture, ...item }] });
const gameOf = (item: object) => ({ client: 'c', seq: 0, items: [{ t: 0, event: 'e', ...item }] });
const alertOf = (item: object) => ({
  ...{ client: 'c', seq: 0 },
  items: [{ t: 0, severity: 'warn', text: 'x', ...item }],
});
const wave = { client: 'c', seq: 0, t: 0, hz: 256, unit: 'uV', channels: { a: [1] } };
const list = (n: number, item: unknown) => Array.from({ length: n }, () => item);
const members = (n: number) => Object.fromEntries(list(n, 1).map((one, i) => [`m${i}`, one]));

/** The largest or smallest that is taken. */
const TAKEN: readonly (readonly [string, v.GenericSchema, unknown])[] = [
  ['hz of 1', EegBody, { ...wave, hz: 1 }],
  ['hz of 4096', EegBody, { ...wave, hz: 4_096 }],
  ['4096 values', EegBody, { ...wave, channels: { a: list(4_096, 0) } }],
  ['24 bits', EegBody, { ...wave, channels: { a: [8_388_607, -8_388_607] } }],
  ['a name of 23', EegBody, { ...wave, client: 'x'.repeat(23) }],
  ['seq of 32 bits', EegBody, { ...wave, seq: 2 ** 32 - 1 }],
  ['t of 52 bits', EegBody, { ...wave, t: -(2 ** 52) }],
  ['features alone', EegBody, { client: 'c', seq: 0, items: [{ t: 0, attention: 100 }] }],
  ['1000 pictures', FaceBody, { client: 'c', seq: 0, items: list(1_000, picture) }],
  ['half turns', FaceBody, faceOf({ headPose: { yaw: -180, pitch: 180, roll: 0 } })],
  ['32 members', GameBody, gameOf({ data: members(32) })],
  ['text of 500', GameBody, gameOf({ data: { a: 'x'.repeat(500) } })],
  ['two levels', GameBody, gameOf({ data: { a: { b: 1 }, c: [1, 'x', null, true] } })],
  ['an alert', AlertBody, alertOf({ value: -1e12, kind: 'fatigue', text: 'x'.repeat(500) })],
  ['text of 500', MarkerBody, { text: 'x'.repeat(500) }],
];

test.each(TAKEN)('taken: %s', (_, schema, value) => {
  expect(v.safeParse(schema, value)).toMatchObject({ success: true, output: value });
});

const one = { t1: 0, t2: 0, t3: 0, t4: 0 };
const REFUSED: readonly (readonly [string, v.GenericSchema, unknown, string])[] = [
  ['hz below 1', EegBody, { ...wave, hz: 0.9 }, '/hz'],
  ['hz above 4096', EegBody, { ...wave, hz: 4_097 }, '/hz'],
  ['4097 values', EegBody, { ...wave, channels: { a: list(4_097, 0) } }, '/channels/a'],
  ['no value', EegBody, { ...wave, channels: { a: [] } }, '/channels/a'],
  ['more than 24 bits', EegBody, { ...wave, channels: { a: [0, 2 ** 23] } }, '/channels/a/1'],
  ['NaN', EegBody, { ...wave, channels: { a: [Number.NaN] } }, '/channels/a/0'],
  ['infinity', EegBody, { ...wave, channels: { a: [Infinity] } }, '/channels/a/0'],
  ['null among values', EegBody, { ...wave, channels: { a: [1, null] } }, '/channels/a/1'],
  ['a dot in a channel', EegBody, { ...wave, channels: { 'a.b': [1] } }, '/channels/a.b'],
  ['another unit', EegBody, { ...wave, unit: 'mV' }, '/unit'],
  ['a name of 24', EegBody, { ...wave, client: 'x'.repeat(24) }, '/client'],
  ['a dot in a name', EegBody, { ...wave, client: 'eeg.raw' }, '/client'],
  ['no name', EegBody, { ...wave, client: undefined }, '/client'],
  ['half a seq', EegBody, { ...wave, seq: 0.5 }, '/seq'],
  ['seq of 33 bits', EegBody, { ...wave, seq: 2 ** 32 }, '/seq'],
  ['t of 53 bits', EegBody, { ...wave, t: 2 ** 53 }, '/t'],
  [
    'an unknown band',
    EegBody,
    { ...wave, items: [{ t: 0, bands: { mu: 1 } }] },
    '/items/0/bands/mu',
  ],
  [
    'attention above 100',
    EegBody,
    { ...wave, items: [{ t: 0, attention: 101 }] },
    '/items/0/attention',
  ],
  ['1001 pictures', FaceBody, { client: 'c', seq: 0, items: list(1_001, picture) }, '/items'],
  ['a share above 1', FaceBody, faceOf({ perclos: 1.01 }), '/items/0/perclos'],
  ['a share below 0', FaceBody, faceOf({ eyeClosure: -0.01 }), '/items/0/eyeClosure'],
  ['half a pose', FaceBody, faceOf({ headPose: { yaw: 1, pitch: 1 } }), '/items/0/headPose/roll'],
  [
    'more than half a turn',
    FaceBody,
    faceOf({ gaze: { yaw: 181, pitch: 0 } }),
    '/items/0/gaze/yaw',
  ],
  ['33 members', GameBody, gameOf({ data: members(33) }), '/items/0/data'],
  ['text of 501', GameBody, gameOf({ data: { a: 'x'.repeat(501) } }), '/items/0/data/a'],
  ['three levels', GameBody, gameOf({ data: { a: { b: { c: 1 } } } }), '/items/0/data/a'],
  ['lists in lists', GameBody, gameOf({ data: { a: [[1]] } }), '/items/0/data/a'],
  ['an event that is no name', GameBody, gameOf({ event: 'Lane Change' }), '/items/0/event'],
  ['another severity', AlertBody, alertOf({ severity: 'fatal' }), '/items/0/severity'],
  ['an alert without words', AlertBody, alertOf({ text: '' }), '/items/0/text'],
  ['an alert by infinity', AlertBody, alertOf({ value: Infinity }), '/items/0/value'],
  ['no text', MarkerBody, { text: '' }, '/text'],
  ['text of 501', MarkerBody, { text: 'x'.repeat(501) }, '/text'],
  ['no exchange', ClockBody, { client: 'c', epoch: 1, exchanges: [] }, '/exchanges'],
  ['17 exchanges', ClockBody, { client: 'c', epoch: 1, exchanges: list(17, one) }, '/exchanges'],
];

test.each(REFUSED)('refused with its place: %s', (_, schema, value, pointer) => {
  const { issues = [] } = v.safeParse(schema, value);
  expect(issues.map(faultPointer)).toContain(pointer);
});

test.each(['__proto__', 'constructor', 'prototype'])('nothing may be called %s', (name) => {
  // As it comes: a literal would set the prototype.
  const named = (value: unknown): object =>
    JSON.parse(`{${JSON.stringify(name)}:${JSON.stringify(value)}}`);
  const refused = [
    [EegBody, { ...wave, channels: named([1]) }, '/channels'],
    [GameBody, gameOf({ data: named(1) }), '/items/0/data'],
    [GameBody, gameOf({ data: { a: named(1) } }), '/items/0/data/a'],
    [MarkerBody, { text: 'x', data: named('y') }, '/data'],
    [FaceBody, faceOf(named(1)), `/items/0/${name}`],
  ] as const;
  for (const [schema, value, pointer] of refused) {
    const { issues = [] } = v.safeParse(schema, value);
    expect(issues.map(faultPointer)).toEqual([pointer]);
  }
});

test('other names of objects are names like all others', () => {
  const channels = { toString: [1], hasOwnProperty: [2] };
  expect(v.parse(EegBody, { ...wave, channels }).channels).toEqual(channels);
});

test('a name that no shape has is refused in every one', () => {
  const shapes = [
    [EegBody, wave],
    [FaceBody, faceOf({})],
    [GameBody, gameOf({})],
    [AlertBody, alertOf({})],
    [MarkerBody, { text: 'x' }],
    [ClockBody, { client: 'c', epoch: 1, exchanges: [one] }],
  ] as const;
  const names = fc.stringMatching(/^[a-z]{1,8}$/);
  fc.assert(
    fc.property(fc.constantFrom(...shapes), names, ([schema, value], name) => {
      fc.pre(!(name in schema.entries));
      const { issues = [] } = v.safeParse(schema, { ...value, [name]: 1 });
      expect(issues.map(faultPointer)).toEqual([`/${name}`]);
    }),
  );
});
