import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Gate } from '../../../../src/alerts/actions/gate.ts';
import { quietMs } from '../../../../src/alerts/actions/quiet-hours.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

const MINUTE_MS = 60_000;

function at(text: string, msToNextMinute = MINUTE_MS) {
  const [hours = 0, minutes = 0] = text.split(':').map(Number);
  return { minute: hours * 60 + minutes, msToNextMinute };
}

test.each([
  ['21:59', 0],
  ['22:00', 8 * 60],
  ['23:59', 6 * 60 + 1],
  ['00:00', 6 * 60],
  ['05:59', 1],
  ['06:00', 0],
  ['12:00', 0],
])('from 22:00 to 06:00 it is quiet at %s for %i minutes yet', (now, minutes) => {
  expect(quietMs({ from: '22:00', to: '06:00' }, at(now))).toBe(minutes * MINUTE_MS);
});

test.each([
  ['12:59', 0],
  ['13:00', 120],
  ['14:59', 1],
  ['15:00', 0],
])('from 13:00 to 15:00 it is quiet at %s for %i minutes yet', (now, minutes) => {
  expect(quietMs({ from: '13:00', to: '15:00' }, at(now))).toBe(minutes * MINUTE_MS);
});

test('a minute that has begun counts by what is left of it', () => {
  expect(quietMs({ from: '13:00', to: '15:00' }, at('14:58', 1))).toBe(MINUTE_MS + 1);
});

test('without quiet hours nothing waits, and nobody asks for the time', () => {
  const localTime = () => {
    throw new Error('it was asked for');
  };
  expect(new Gate({}, { realTime: new FakeClock(), localTime }).waitMs('warn')).toBe(0);
});

test('without a clock that can be believed it is never quiet', () => {
  expect(quietMs({ from: '22:00', to: '06:00' }, undefined)).toBe(0);
});

test('two halves of a day are never quiet together, and one of them always is', () => {
  const minute = fc.integer({ min: 0, max: 1439 });
  const text = (m: number) =>
    `${String(Math.floor(m / 60)).padStart(2, '0')}:${String(m % 60).padStart(2, '0')}`;
  fc.assert(
    fc.property(minute, minute, minute, (from, to, now) => {
      fc.pre(from !== to);
      const time = { minute: now, msToNextMinute: MINUTE_MS };
      const one = quietMs({ from: text(from), to: text(to) }, time);
      const other = quietMs({ from: text(to), to: text(from) }, time);
      expect([one > 0, other > 0]).toContain(true);
      expect(Math.min(one, other)).toBe(0);
      const end = (now + Math.max(one, other) / MINUTE_MS) % 1440;
      expect(end).toBe(one > 0 ? to : from);
    }),
  );
});
