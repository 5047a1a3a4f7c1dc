import type { Micros } from '#core/stream.ts';

/**
 * When a frame is due, in microseconds from the first one; never before the one before it.
 *
 * @param t as its log has it
 */
export type LogClock = (t: Micros) => Micros;

/** A longer gap is played as one of this length: somebody set a clock, or slept. */
const GAP_US_MAX = 10_000_000;
/** Frames of two buses may be this far out of order in a log. One that goes back further was set. */
const DISORDER_US_MAX = 1_000_000;

export function logClock(): LogClock {
  /** The latest time so far, and when it was due. */
  let latest: Micros | undefined;
  let due = 0;
  return (t) => {
    const gap = latest === undefined ? 0 : t - latest;
    if (gap < 0 && gap >= -DISORDER_US_MAX) return due;
    due += Math.max(0, Math.min(gap, GAP_US_MAX));
    latest = t;
    return due;
  };
}
