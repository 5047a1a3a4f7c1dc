import { expect, test } from 'vitest';
import type { Comparison } from '#core/alert.ts';
import type { Situation } from '../../../../src/alerts/watch/situation.ts';
import { ANYTIME, type Line, play, rule } from './play.ts';

const HOT: Comparison = { stream: 'a', when: { op: '>', value: 110, clear: 105 } };

/** Second 0 is Monday, 23:58:30. */
const NIGHT: Situation = {
  localTime(t) {
    const ms = 86_310_000 + t / 1000;
    const minute = Math.floor(ms / 60_000);
    const weekday = (Math.floor(minute / 1440) % 7) + 1;
    return { weekday, minute: minute % 1440, msToNextMinute: (minute + 1) * 60_000 - ms };
  },
  studies: new Set(['s1']),
};

test('a schedule begins and ends at its minutes, over midnight', () => {
  const schedule = { days: [1], from: '23:59', to: '00:01' };
  const of = rule({ stream: 'still', when: { op: '>', value: 1 } }, { while: { schedule } });
  const lines: Line[] = [
    [1, 'still', 2],
    [9_999, null],
  ];
  expect(play(of, lines, NIGHT).told).toEqual(['started 30 warn', 'ended 150 cleared']);
  expect(play(of, lines, ANYTIME).told).toEqual(['started 1 warn']);
});

test('a study counts while its session is open', () => {
  const of = (study: string) => rule(HOT, { while: { study } });
  expect(play(of('s1'), [[1, 'a', 111]], NIGHT).told).toEqual(['started 1 warn']);
  expect(play(of('s2'), [[1, 'a', 111]], NIGHT).told).toEqual([]);
});
