import { expect, test } from 'vitest';
import { inSchedule } from '../../../../src/alerts/watch/schedule.ts';

function at(weekday: number, text: string) {
  const [hours = 0, minutes = 0] = text.split(':').map(Number);
  return { weekday, minute: hours * 60 + minutes, msToNextMinute: 1 };
}

const DAY = { from: '08:00', to: '17:30' };
const NIGHT = { from: '22:00', to: '06:00' };
const FRIDAY_NIGHT = { ...NIGHT, days: [5] };
const SUNDAY_NIGHT = { ...NIGHT, days: [7] };
const WHOLE_DAYS = { from: '06:00', to: '06:00', days: [1] };

test.each([
  [DAY, 1, '07:59', false],
  [DAY, 1, '08:00', true],
  [DAY, 1, '17:29', true],
  [DAY, 1, '17:30', false],
  [{ ...DAY, days: [2, 3] }, 1, '09:00', false],
  [{ ...DAY, days: [2, 3] }, 3, '09:00', true],
  [NIGHT, 3, '21:59', false],
  [NIGHT, 3, '22:00', true],
  [NIGHT, 3, '00:00', true],
  [NIGHT, 3, '05:59', true],
  [NIGHT, 3, '06:00', false],
  [FRIDAY_NIGHT, 5, '23:00', true],
  [FRIDAY_NIGHT, 6, '05:59', true],
  [FRIDAY_NIGHT, 5, '05:59', false],
  [FRIDAY_NIGHT, 6, '23:00', false],
  [SUNDAY_NIGHT, 1, '03:00', true],
  [SUNDAY_NIGHT, 7, '03:00', false],
  [WHOLE_DAYS, 1, '06:00', true],
  [WHOLE_DAYS, 2, '05:59', true],
  [WHOLE_DAYS, 2, '06:00', false],
])('%j on day %d at %s: %s', (schedule, weekday, time, inside) => {
  expect(inSchedule(schedule, at(weekday, time))).toBe(inside);
});
