import type { While } from '#core/alert.ts';
import type { LocalTime } from './situation.ts';

type Schedule = NonNullable<While['schedule']>;

/**
 * Whether a moment is in a schedule: `from` belongs to it, `to` does not. Where `to` is not after
 * `from` it goes over midnight, and its morning belongs to the day on which it began.
 */
export function inSchedule({ days, from, to }: Schedule, local: LocalTime): boolean {
  const begin = minuteOf(from);
  const end = minuteOf(to);
  const { weekday, minute } = local;
  const overMidnight = end <= begin;
  const inside = overMidnight ? minute >= begin || minute < end : minute >= begin && minute < end;
  const dayBefore = weekday === 1 ? 7 : weekday - 1;
  return inside && (days === undefined || days.includes(minute >= begin ? weekday : dayBefore));
}

/** Since midnight. @param text as `HH:MM` */
export function minuteOf(text: string): number {
  return Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
}
