import { expect, test } from 'vitest';
import type { AlertRule, Comparison, When } from '#core/alert.ts';
import { type Line, play, playInputs, rule, STREAMS } from './play.ts';

const HOT: Comparison = { stream: 'a', when: { op: '>', value: 110, clear: 105 } };
const COLD: Comparison = { stream: 'b', when: { op: '<', value: 0 } };
const on = (stream: string, when: When): AlertRule => rule({ stream, when });
const place = (lat: number, lon: number) => ({ lat, lon });
const HOME = { lat: 0, lon: 179.999, radiusM: 1_000 };
const DTC: When = { op: 'event', match: { on: true }, key: ['code'], until: { on: false } };

const PLAYS: readonly [name: string, of: AlertRule, lines: readonly Line[], told: string[]][] = [
  [
    'over',
    rule(HOT),
    [
      [1, 'a', 110],
      [2, 'a', 111],
      [3, 'a', 106],
      [4, 'a', 105],
    ],
    ['started 2 warn', 'ended 4 cleared'],
  ],
  [
    'outside',
    on('a', { op: 'outside', value: [0, 9] }),
    [
      [1, 'a', 9],
      [2, 'a', 10],
      [3, 'a', 0],
    ],
    ['started 2 warn', 'ended 3 cleared'],
  ],
  [
    'a rise',
    on('a', { op: 'rate>', value: 2, windowS: 4 }),
    [
      [0, 'a', 0],
      [3, 'a', 90],
      [4, 'a', 8],
      [6, 'a', 80],
      [11, 'a', 80],
    ],
    ['started 6 warn', 'ended 11 cleared'],
  ],
  [
    'a fall',
    on('a', { op: 'rate<', value: -2, windowS: 4 }),
    [
      [0, 'a', 0],
      [4, 'a', -9],
      [9, 'a', -9],
    ],
    ['started 4 warn', 'ended 9 cleared'],
  ],
  [
    'silence, to the moment',
    on('a', { op: 'stale', value: 3 }),
    [
      [1, 'a', 1],
      [3, 'a', 1],
      [90, null],
      [100, 'a', 1],
      [101, null],
    ],
    ['started 6 warn', 'ended 100 cleared'],
  ],
  [
    'silence of what never came',
    on('a', { op: 'stale', value: 3 }),
    [[90, null]],
    ['started 3 warn'],
  ],
  [
    'NaN breaks no silence',
    on('a', { op: 'stale', value: 3 }),
    [
      [1, 'a', 1],
      [3, 'a', Number.NaN],
      [9, 'a', 1],
    ],
    ['started 4 warn', 'ended 9 cleared'],
  ],
  [
    'silence gets severe by its length',
    rule(
      { stream: 'a', when: { op: 'stale', value: 3 } },
      { escalate: [{ value: 8, severity: 'alarm' }] },
    ),
    [
      [1, 'a', 1],
      [90, null],
    ],
    ['started 4 warn', 'escalated 9 alarm'],
  ],
  [
    'a count',
    on('dtc', { op: 'count', value: 3, windowS: 10 }),
    [
      [1, 'dtc', {}],
      [2, 'dtc', {}],
      [9, 'dtc', {}],
      [90, null],
    ],
    ['started 9 warn', 'ended 11 cleared'],
  ],
  [
    'a count with clear',
    on('dtc', { op: 'count', value: 3, clear: 1, windowS: 10 }),
    [
      [1, 'dtc', {}],
      [2, 'dtc', {}],
      [9, 'dtc', {}],
      [90, null],
    ],
    ['started 9 warn', 'ended 12 cleared'],
  ],
  [
    'a count of what fits',
    on('dtc', { op: 'count', value: 2, windowS: 10, match: { x: 1 } }),
    [
      [1, 'dtc', { x: 1 }],
      [2, 'dtc', { x: 2 }],
      [3, 'dtc', { x: '1' }],
      [4, 'dtc', { x: 1 }],
    ],
    ['started 4 warn'],
  ],
  [
    'few are known to be few after a whole window',
    rule({ not: [{ stream: 'dtc', when: { op: 'count', value: 2, windowS: 10 } }] }),
    [
      [5, 'dtc', {}],
      [90, null],
    ],
    ['started 15 warn'],
  ],
  [
    'an event lasts for lastS, anew with each',
    on('dtc', { op: 'event', lastS: 5 }),
    [
      [1, 'dtc', {}],
      [4, 'dtc', {}],
      [90, null],
    ],
    ['started 1 warn', 'ended 9 cleared'],
  ],
  [
    'an event with neither end',
    on('dtc', { op: 'event' }),
    [
      [1, 'dtc', {}],
      [90, null],
    ],
    ['started 1 warn', 'ended 61 cleared'],
  ],
  [
    'an event with a key',
    on('dtc', DTC),
    [
      [1, 'dtc', { on: true, code: 'P1' }],
      [2, 'dtc', { on: true, code: 'P2' }],
      [3, 'dtc', { on: true, code: 'P1' }],
      [4, 'dtc', { on: false, code: 'P1' }],
      [9999, null],
    ],
    ['P1 started 1 warn', 'P2 started 2 warn', 'P1 ended 4 cleared'],
  ],
  [
    'until comes before match',
    on('dtc', { op: 'event', match: { x: 1 }, until: { on: false } }),
    [
      [1, 'dtc', { x: 1 }],
      [2, 'dtc', { x: 1, on: false }],
    ],
    ['started 1 warn', 'ended 2 cleared'],
  ],
  [
    'an endless event of a stream that went silent',
    on('face', { op: 'event', until: { on: false } }),
    [
      [1, 'face', {}],
      [99, null],
    ],
    ['started 1 warn', 'ended 61 silent'],
  ],
  [
    'within, over the date line',
    on('gps', { op: 'within', value: HOME, clear: 2_000 }),
    [
      [1, 'gps', place(0, 179.9)],
      [2, 'gps', place(0, -179.995)],
      [3, 'gps', place(0, -179.99)],
      [4, 'gps', place(0, -179.97)],
    ],
    ['started 2 warn', 'ended 4 cleared'],
  ],
  [
    'beyond, over the date line',
    on('gps', { op: 'beyond', value: HOME }),
    [
      [1, 'gps', place(0, -179.995)],
      [2, 'gps', place(0, -179.98)],
      [3, 'gps', place(0, 179.995)],
    ],
    ['started 2 warn', 'ended 3 cleared'],
  ],
  [
    'ends in silence',
    rule(HOT),
    [
      [1, 'a', 111],
      [99, null],
    ],
    ['started 1 warn', 'ended 61 silent'],
  ],
  [
    'a rare stream is believed for three periods',
    on('rare', { op: '>', value: 1 }),
    [
      [1, 'rare', 2],
      [999, null],
    ],
    ['started 1 warn', 'ended 301 silent'],
  ],
  [
    'one that reports on change is believed for ever',
    on('still', { op: '>', value: 1 }),
    [
      [1, 'still', 2],
      [99999, null],
    ],
    ['started 1 warn'],
  ],
  [
    'held, to the moment',
    rule(HOT, { holdMs: 5_000 }),
    [
      [1, 'a', 111],
      [4, 'a', 112],
      [7, 'a', 90],
    ],
    ['started 6 warn', 'ended 7 cleared'],
  ],
  [
    'not in the band, even if held',
    rule(HOT, { holdMs: 5_000 }),
    [
      [1, 'a', 111],
      [4, 'a', 107],
      [7, 'a', 108],
      [8, 'a', 111],
    ],
    ['started 8 warn'],
  ],
  [
    'escalation by value',
    rule(HOT, { escalate: [{ value: 118, severity: 'alarm' }] }),
    [
      [1, 'a', 111],
      [2, 'a', 119],
    ],
    ['started 1 warn', 'escalated 2 alarm'],
  ],
  [
    'all',
    rule({ all: [HOT, COLD] }),
    [
      [1, 'a', 111],
      [2, 'b', -1],
      [3, 'b', 1],
    ],
    ['started 2 warn', 'ended 3 cleared'],
  ],
  [
    'any, though one is unknown',
    rule({ any: [HOT, COLD] }),
    [
      [1, 'a', 111],
      [2, 'a', 1],
    ],
    ['started 1 warn', 'ended 2 silent'],
  ],
  [
    'not, but only of what is known',
    rule({ not: [HOT] }),
    [
      [1, null],
      [2, 'a', 1],
      [3, 'a', 111],
    ],
    ['started 2 warn', 'ended 3 cleared'],
  ],
  [
    'while moving',
    rule(HOT, { while: { moving: true } }),
    [
      [1, 'a', 111],
      [2, 'obd.vehicle.speed', 4],
      [3, 'obd.vehicle.speed', 6],
      [4, 'obd.vehicle.speed', 4],
      [5, 'obd.vehicle.speed', 3],
    ],
    ['started 3 warn', 'ended 5 cleared'],
  ],
  [
    'while standing',
    rule(HOT, { while: { moving: false } }),
    [
      [1, 'a', 111],
      [2, 'obd.vehicle.speed', 4],
      [3, 'obd.vehicle.speed', 6],
    ],
    ['started 2 warn', 'ended 3 cleared'],
  ],
  [
    'while the engine is off',
    rule(HOT, { while: { engine: 'off' } }),
    [
      [1, 'a', 111],
      [2, 'obd.ignition', 1],
      [3, 'obd.ignition', 2],
    ],
    ['started 2 warn', 'ended 3 cleared'],
  ],
  [
    'a pattern',
    on('part.*', { op: '>', value: 1 }),
    [
      [1, 'part.x', 2],
      [2, 'part.y', 2],
      [3, 'a', 2],
      [4, 'part.x', 0],
    ],
    ['part.x started 1 warn', 'part.y started 2 warn', 'part.x ended 4 cleared'],
  ],
  [
    'late for its stream: not evaluated',
    rule(HOT),
    [
      [5, 'a', 111],
      [3, 'a', 1],
      [4, 'a', 1],
    ],
    ['started 5 warn'],
  ],
  [
    'late for the rule only: evaluated now',
    rule({ all: [HOT, COLD] }),
    [
      [5, 'a', 111],
      [3, 'b', -1],
    ],
    ['started 5 warn'],
  ],
  [
    'not a number',
    rule(HOT),
    [
      [1, 'a', 111],
      [2, 'a', Number.NaN],
      [3, 'a', -1 / 0],
    ],
    ['started 1 warn'],
  ],
];

test.each(PLAYS)('%s', (_, of, lines, told) => {
  expect(play(of, lines).told).toEqual(told);
});

test('what says nothing is counted', () => {
  const lines: Line[] = [
    [5, 'a', 1],
    [4, 'a', 1],
    [6, 'a', Number.NaN],
    [7, 'a', { x: 1 }],
  ];
  expect(play(rule(HOT), lines).state.counts).toMatchObject({ late: 1, notFinite: 2 });
  const fix: Line[] = [
    [1, 'gps', {}],
    [2, 'gps', place(99, 0)],
  ];
  expect(play(on('gps', { op: 'beyond', value: HOME }), fix).state.counts.notFinite).toBe(2);
});

test('a wave counts as its samples, in the unit of its stream', () => {
  const { eeg } = STREAMS;
  if (!eeg) throw new Error('no stream');
  const v = Int16Array.of(0, 300, 100, 0);
  const reading = { kind: 'wave', stream: eeg, t: 2e6, hz: 4, v, seq: 0, lost: 0 } as const;
  const inputs = [
    { kind: 'advance', t: 0 },
    { kind: 'reading', reading },
  ] as const;
  const { told, changes } = playInputs(on('eeg', { op: '>', value: 100, clear: 40 }), inputs);
  expect(told).toEqual(['started 2.25 warn', 'ended 2.75 cleared']);
  expect(changes[0]).toMatchObject({ evidence: { stream: 'eeg', value: 150, unit: 'uV' } });
});
