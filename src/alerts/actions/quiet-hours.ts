import { minuteOf } from '../watch/schedule.ts';
import type { LocalTime } from '../watch/situation.ts';

const DAY_MINUTES = 24 * 60;
const MINUTE_MS = 60_000;

/** Local time, `HH:MM`, over midnight where `to` is before `from`; never equal. */
export interface QuietHours {
  readonly from: string;
  /** The first minute that is not quiet any more. */
  readonly to: string;
}

/** On whatever day. */
export type LocalMinute = Pick<LocalTime, 'minute' | 'msToNextMinute'>;

/**
 * How long quiet hours last yet, milliseconds; 0 outside of them. A clock that cannot be believed has
 * no quiet hours: what is told at a bad time is better than what is not told.
 *
 * @param now undefined where the wall clock cannot be believed
 */
export function quietMs(hours: QuietHours, now: LocalMinute | undefined): number {
  if (!now) return 0;
  const [from, to] = [minuteOf(hours.from), minuteOf(hours.to)];
  const since = (now.minute - from + DAY_MINUTES) % DAY_MINUTES;
  const length = (to - from + DAY_MINUTES) % DAY_MINUTES;
  if (since >= length) return 0;
  return (length - since - 1) * MINUTE_MS + now.msToNextMinute;
}
