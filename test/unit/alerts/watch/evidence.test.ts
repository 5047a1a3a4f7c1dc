import { expect, test } from 'vitest';
import type { AlertRule, Comparison, When } from '#core/alert.ts';
import { type Line, play, rule } from './play.ts';

const HOT: Comparison = { stream: 'a', when: { op: '>', value: 110, clear: 105 } };
const COLD: Comparison = { stream: 'b', when: { op: '<', value: 0 } };
const on = (stream: string, when: When): AlertRule => rule({ stream, when });
const place = (lat: number, lon: number) => ({ lat, lon });
const HOME = { lat: 0, lon: 179.999, radiusM: 1_000 };

test('evidence tells what decided, and what else was known', () => {
  const of = rule({ all: [COLD, HOT] }, { while: { moving: true } });
  const lines: Line[] = [
    [1, 'obd.vehicle.speed', 50],
    [2, 'b', -1],
    [3, 'a', 111],
  ];
  const [change] = play(of, lines).changes;
  expect(change).toMatchObject({
    kind: 'started',
    evidence: {
      ...{ stream: 'b', value: -1, unit: 'Cel' },
      readings: [
        { stream: 'b', t: 2e6, v: -1 },
        { stream: 'a', t: 3e6, v: 111 },
        { stream: 'obd.vehicle.speed', t: 1e6, v: 50 },
      ],
    },
  });
});

test.each([
  [
    'a rate',
    on('a', { op: 'rate>', value: 2, windowS: 4 }),
    [
      [0, 'a', 0],
      [4, 'a', 12],
    ],
    3,
    'Cel/s',
  ],
  ['a count', on('dtc', { op: 'count', value: 1, windowS: 4 }), [[1, 'dtc', {}]], 1, '1'],
  ['an event', on('dtc', { op: 'event' }), [[1, 'dtc', {}]], null, null],
  ['silence', on('a', { op: 'stale', value: 1 }), [[2, null]], null, null],
  ['a distance', on('gps', { op: 'within', value: HOME }), [[1, 'gps', place(0, 179.999)]], 0, 'm'],
] as const)('evidence of %s', (_, of, lines, value, unit) => {
  expect(play(of, lines).changes[0]).toMatchObject({ evidence: { value, unit } });
});

test('silence that gets worse tells how long it is by now', () => {
  const escalate = [{ value: 60, severity: 'alarm' as const }];
  const of = rule({ stream: 'a', when: { op: 'stale', value: 10 } }, { escalate });
  const { changes } = play(of, [
    [1, 'a', 5],
    [100, null],
  ]);
  const texts = changes.map((change) => 'evidence' in change && change.evidence.text);
  expect(texts.map((text) => /no reading for (.*)/.exec(String(text))?.[1])).toEqual([
    '10 s',
    '60 s',
  ]);
});
