import type { Micros } from '#core/stream.ts';

/** When time alone changes something: `dueAt` of whatever has one. */

export const NEVER = Number.POSITIVE_INFINITY;

/** The first of these times that is later than `t`; NEVER where none of them is. */
export function earliestAfter(t: Micros, ...times: readonly Micros[]): Micros {
  return times.reduce((first, time) => (time > t && time < first ? time : first), NEVER);
}
