import type { Micros } from '#core/stream.ts';

/** A moment as a clock on the wall shows it. */
export interface LocalTime {
  /** 1 (Monday) to 7. */
  readonly weekday: number;
  /** Since midnight, 0 to 1439. */
  readonly minute: number;
  /** Until `minute` changes: above 0, at most 60,000. */
  readonly msToNextMinute: number;
}

/** What a rule has to know besides readings. */
export interface Situation {
  /** Undefined while the wall clock cannot be believed. */
  localTime(t: Micros): LocalTime | undefined;
  /** Those of the sessions that are open. */
  readonly studies: ReadonlySet<string>;
}
