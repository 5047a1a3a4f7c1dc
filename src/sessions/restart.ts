import type { Epoch } from '#core/clock.ts';
import type { Session } from '#core/session.ts';
import type { Micros } from '#core/stream.ts';
import { closed, lastSpan } from './spans.ts';

/**
 * What becomes of a session that was open when the process ended. The wall clock has no say in it:
 * the boot id tells whether the power was cut, and within a boot the kernel's monotonic clock tells
 * how long the process was gone.
 */

/** After a longer absence nobody knows what was in between: the session has ended. */
const RESTART_GAP_MS_MAX = 300_000;

/** The last time for which something is stored. */
export interface LastSeen {
  readonly epoch: number;
  readonly t: Micros;
}

export interface Restart {
  /** Undefined where nothing is stored. */
  readonly lastSeen: LastSeen | undefined;
  /** That of this process. */
  readonly epoch: Epoch;
  readonly epochs: ReadonlyMap<number, Epoch>;
}

export interface Interrupted {
  /** Not ended yet, its spans closed at what was last seen of it. */
  readonly session: Session;
  /** Whether it may go on in this epoch. */
  readonly goesOn: boolean;
}

/**
 * Where nothing is stored of the epoch in which the session was open, its span ends where it began.
 * The gap counts from where the session was last seen, so that several short lives of the process
 * in a row, in none of which the car was heard, do not add up to a drive.
 */
export function interrupted(session: Session, { lastSeen, epoch, epochs }: Restart): Interrupted {
  const { epoch: id, from, to } = lastSpan(session);
  const seen = to ?? (lastSeen?.epoch === id ? Math.max(from, lastSeen.t) : from);
  const was = epochs.get(id);
  const sameBoot = was !== undefined && was.bootId !== '' && was.bootId === epoch.bootId;
  const goneMs = sameBoot ? epoch.monotonicMs - (was.monotonicMs + seen / 1000) : Number.NaN;
  return {
    session: { ...session, spans: closed(session, seen) },
    goesOn: lastSeen !== undefined && goneMs <= RESTART_GAP_MS_MAX,
  };
}
