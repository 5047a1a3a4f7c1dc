import { expect, test } from 'vitest';
import type { Severity } from '#core/alert.ts';
import type { Truth } from '../../../../src/alerts/watch/condition.ts';
import {
  acknowledged,
  isForgettable,
  type Life,
  resumed,
  type Terms,
  turn,
  UNBORN,
} from '../../../../src/alerts/watch/machine.ts';

const S = 1e6;
const PLAIN: Terms = { holdUs: 0, cooldownUs: 0, severity: 'warn', byTime: [] };

type Line =
  | readonly [s: number, truth: Truth | 'soft', severity?: Severity]
  | readonly [s: number, what: 'ack'];

/** Takes its turns, those that are due between the lines included. `soft` is true but not firm. */
function play(terms: Terms, lines: readonly Line[], from: Life = UNBORN) {
  let life = from;
  let finding = { truth: false as Truth, firm: false, severity: terms.severity };
  const told: string[] = [];
  const take = (t: number): void => {
    const next = turn(terms, life, finding, t);
    life = next.life;
    const { news } = next;
    if (news) told.push(`${news.kind} ${t / S} ${news.kind === 'ended' ? news.by : news.severity}`);
    expect(life.dueAt).toBeGreaterThan(t);
  };
  for (const [s, what, severity = terms.severity] of lines) {
    while (life.dueAt < s * S) take(life.dueAt);
    if (what === 'ack') life = acknowledged(life, s * S);
    else {
      finding = { truth: what === 'soft' || what, firm: what === true, severity };
      take(s * S);
    }
  }
  return { life, told };
}

const HOLD = { ...PLAIN, holdUs: 5 * S };
const COOL = { ...PLAIN, cooldownUs: 30 * S };
const BY_TIME: Terms = {
  ...PLAIN,
  byTime: [
    { afterUs: 10 * S, severity: 'warn' },
    { afterUs: 20 * S, severity: 'alarm' },
  ],
  severity: 'info',
};

const LIVES: readonly [name: string, terms: Terms, lines: readonly Line[], told: string[]][] = [
  [
    'starts and ends',
    PLAIN,
    [
      [1, true],
      [2, false],
    ],
    ['started 1 warn', 'ended 2 cleared'],
  ],
  [
    'ends in silence',
    PLAIN,
    [
      [1, true],
      [2, undefined],
    ],
    ['started 1 warn', 'ended 2 silent'],
  ],
  [
    'unknown starts nothing',
    PLAIN,
    [
      [1, undefined],
      [2, undefined],
    ],
    [],
  ],
  [
    'holds for its time',
    HOLD,
    [
      [1, true],
      [20, true],
    ],
    ['started 6 warn'],
  ],
  [
    'an interruption begins the hold time anew',
    HOLD,
    [
      [1, true],
      [5, false],
      [5, true],
      [9, true],
      [11, true],
    ],
    ['started 10 warn'],
  ],
  [
    'silence does so, too',
    HOLD,
    [
      [1, true],
      [3, undefined],
      [4, true],
      [8, true],
      [10, true],
    ],
    ['started 9 warn'],
  ],
  [
    'what only lasts starts nothing, but the hold time goes on',
    HOLD,
    [
      [1, true],
      [3, 'soft'],
      [9, 'soft'],
      [9.5, true],
    ],
    ['started 9.5 warn'],
  ],
  [
    'what only lasts keeps an alert',
    PLAIN,
    [
      [1, true],
      [3, 'soft'],
      [9, false],
    ],
    ['started 1 warn', 'ended 9 cleared'],
  ],
  [
    'none in the cool-down, and one at its end',
    COOL,
    [
      [1, true],
      [2, false],
      [5, true],
      [40, true],
    ],
    ['started 1 warn', 'ended 2 cleared', 'started 32 warn'],
  ],
  [
    'nothing at the end of the cool-down if it is over by then',
    COOL,
    [
      [1, true],
      [2, false],
      [5, true],
      [31, false],
      [40, false],
    ],
    ['started 1 warn', 'ended 2 cleared'],
  ],
  [
    'a higher severity breaks the cool-down, the same one does not',
    COOL,
    [
      [1, true],
      [2, false],
      [5, true],
      [6, true, 'alarm'],
      [7, false],
      [8, true, 'alarm'],
      [9, false],
    ],
    ['started 1 warn', 'ended 2 cleared', 'started 6 alarm', 'ended 7 cleared'],
  ],
  [
    'the cool-down counts against what was reached, not what it began with',
    COOL,
    [
      [1, true],
      [2, true, 'alarm'],
      [3, false],
      [4, true, 'alarm'],
      [5, false],
    ],
    ['started 1 warn', 'escalated 2 alarm', 'ended 3 cleared'],
  ],
  [
    'escalates by value, and never back',
    PLAIN,
    [
      [1, true],
      [2, true, 'alarm'],
      [3, true],
    ],
    ['started 1 warn', 'escalated 2 alarm'],
  ],
  [
    'escalates by time',
    BY_TIME,
    [
      [1, true],
      [60, true],
    ],
    ['started 1 info', 'escalated 11 warn', 'escalated 21 alarm'],
  ],
  [
    'time counts on over an interruption',
    BY_TIME,
    [
      [0, true],
      [6, false],
      [100, true],
      [160, true],
    ],
    [
      'started 0 info',
      'ended 6 cleared',
      'started 100 info',
      'escalated 104 warn',
      'escalated 114 alarm',
    ],
  ],
  [
    'one that was severe by time begins severe',
    BY_TIME,
    [
      [0, true],
      [12, false],
      [13, true],
    ],
    ['started 0 info', 'escalated 10 warn', 'ended 12 cleared', 'started 13 warn'],
  ],
  [
    'but not for ever',
    BY_TIME,
    [
      [0, true],
      [12, false],
      [612, true],
      [613, false],
      [1214, true],
    ],
    [
      'started 0 info',
      'escalated 10 warn',
      'ended 12 cleared',
      'started 612 warn',
      'ended 613 cleared',
      'started 1214 info',
    ],
  ],
  [
    'acknowledged, it escalates by value only',
    BY_TIME,
    [
      [0, true],
      [5, 'ack'],
      [60, true],
      [61, true, 'alarm'],
    ],
    ['started 0 info', 'escalated 61 alarm'],
  ],
  [
    'time after it was acknowledged does not count later',
    BY_TIME,
    [
      [0, true],
      [5, 'ack'],
      [60, false],
      [61, true],
      [67, true],
    ],
    ['started 0 info', 'ended 60 cleared', 'started 61 info', 'escalated 66 warn'],
  ],
];

test.each(LIVES)('%s', (_, terms, lines, told) => {
  expect(play(terms, lines).told).toEqual(told);
});

function flicker(from: number, to: number): Line[] {
  return Array.from({ length: to - from }, (_, i) => [from + i, i % 2 === 0]);
}

test('a storm becomes one long alert, which ends a minute after the last of it', () => {
  const { told } = play(PLAIN, [...flicker(0, 40), [40, false], [200, false]]);
  expect(told).toHaveLength(14);
  expect(told.slice(-2)).toEqual(['started 12 warn', 'ended 99 cleared']);
});

test('a storm that goes silent ends so', () => {
  const { told } = play(PLAIN, [...flicker(0, 14), [14, undefined], [200, undefined]]);
  expect(told.at(-1)).toBe('ended 73 silent');
});

test('six in a minute are no storm', () => {
  const { told } = play(PLAIN, [...flicker(0, 12), [60, true], [61, false]]);
  expect(told.slice(-2)).toEqual(['started 60 warn', 'ended 61 cleared']);
});

test('after a storm everything is as before', () => {
  const { told } = play(PLAIN, [...flicker(0, 40), [40, false], [200, true], [201, false]]);
  expect(told.slice(-2)).toEqual(['started 200 warn', 'ended 201 cleared']);
});

test('one that is latched does not escalate while its condition is not true', () => {
  const { told } = play(BY_TIME, [
    ...flicker(0, 12),
    [12, true],
    [13, false],
    [60, true],
    [61, false],
  ]);
  expect(told.slice(-2)).toEqual(['started 12 info', 'escalated 60 alarm']);
});

const OLD: { readonly severity: Severity; readonly countedUs: number } = {
  severity: 'warn',
  countedUs: 15 * S,
};

test('an alert of before a restart goes on while that is unknown, for its grace', () => {
  expect(
    play(
      PLAIN,
      [
        [1, undefined],
        [100, undefined],
      ],
      resumed(OLD, 0, 60 * S),
    ).told,
  ).toEqual(['ended 60 silent']);
  expect(
    play(
      PLAIN,
      [
        [1, undefined],
        [30, false],
      ],
      resumed(OLD, 0, 60 * S),
    ).told,
  ).toEqual(['ended 30 cleared']);
});

test('once it is known it goes on like any other, with the time that it has lasted', () => {
  const lines: Line[] = [
    [1, undefined],
    [2, true],
    [30, true],
    [31, undefined],
  ];
  expect(play(BY_TIME, lines, resumed(OLD, 0, 60 * S)).told).toEqual([
    'escalated 5 alarm',
    'ended 31 silent',
  ]);
});

test('a cause can be forgotten once it would be as new', () => {
  const { life } = play(COOL, [
    [1, true],
    [2, false],
  ]);
  expect(isForgettable(UNBORN, 0)).toBe(true);
  expect(isForgettable(life, 40 * S)).toBe(false);
  expect(isForgettable(life, 61 * S)).toBe(true);
  expect(isForgettable(play(COOL, [[1, true]]).life, 900 * S)).toBe(false);
});
