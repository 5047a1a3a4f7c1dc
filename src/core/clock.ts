import type { Micros } from './stream.ts';

/** Time as an argument: tests pass a fake one, and only io/clock.ts reads a real clock. */
export interface Clock {
  /** Whole microseconds since the epoch's start. Never goes back, whatever the wall clock does. */
  now(): Micros;
  /** Resolves after `ms`, or rejects with the signal's reason. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Resolves when the work is done, or after `ms` without it; rejects as the work does until then. */
export async function waitAtMost(clock: Clock, ms: number, work: Promise<unknown>): Promise<void> {
  const rest = new AbortController();
  const late = clock.sleep(ms, rest.signal).catch(() => {}); // The work was faster.
  try {
    await Promise.race([work, late]);
  } finally {
    rest.abort();
  }
}

/** How far a wall-clock time can be believed, from not at all to best. */
export const TRUST = ['none', 'rtc', 'phone', 'ntp', 'gps'] as const;
export type Trust = (typeof TRUST)[number];

/**
 * One start of the process. A car computer has no battery clock: wall time may be years off at boot
 * and jump in mid-drive, so readings carry monotonic time, and this one record ties it to the wall.
 * Correcting the anchor re-times everything recorded in the epoch and never changes an order.
 */
export interface Epoch {
  /** Increasing over the life of a data directory; u32. */
  readonly id: number;
  /** Milliseconds since 1970 at monotonic time 0 of this epoch. */
  readonly wallMs: number;
  readonly trust: Trust;
  /** The kernel's boot id: two epochs with the same one had no power cut between them. */
  readonly bootId: string;
  /** The kernel's monotonic clock at time 0 of this epoch: it tells how far apart two of a boot are. */
  readonly monotonicMs: number;
}

/** The wall-clock time of a reading, in milliseconds since 1970. */
export function wallMs(epoch: Epoch, t: Micros): number {
  return epoch.wallMs + t / 1000;
}

/**
 * A moment of another epoch on the clock of this one, below 0 for one before it; undefined where the
 * computer was off in between, or nobody knows.
 */
export function onClockOf(epoch: Epoch, other: Epoch, t: Micros): Micros | undefined {
  if (epoch.bootId === '' || other.bootId !== epoch.bootId) return undefined;
  return Math.round(t + (other.monotonicMs - epoch.monotonicMs) * 1000);
}

/** The same epoch with a better anchor, or unchanged where `trust` is no better than what it has. */
export function reanchor(epoch: Epoch, atWallMs: number, t: Micros, trust: Trust): Epoch {
  if (TRUST.indexOf(trust) <= TRUST.indexOf(epoch.trust)) return epoch;
  return { ...epoch, wallMs: atWallMs - t / 1000, trust };
}
