import { type Trust, wallMs } from '#core/clock.ts';
import { leastTrust, type Session, type Stretch } from '#core/session.ts';

/**
 * What is known of a session beside its values, for whoever has only the file: what people said of
 * it, null or empty where they said nothing, and when it was.
 */
export interface ExportAbout {
  /** Id. */
  readonly session: number;
  /** Name of the gateway that recorded it; left out where only its files are known. */
  readonly device?: string;
  readonly driver: string | null;
  readonly vehicle: string | null;
  readonly study: string | null;
  readonly tags: readonly string[];
  readonly notes: string;
  readonly consent: string | null;
  /** RFC 3339, UTC, milliseconds; null where nothing is known of its start. */
  readonly startedAt: string | null;
  /** Exclusive; null while it lasts. */
  readonly endedAt: string | null;
  /** How far both can be believed. */
  readonly clockTrust: Trust;
}

/** @param stretches all of the session, whatever part of it is exported */
export function aboutSession(session: Session, stretches: readonly Stretch[]): ExportAbout {
  const { id, endedBy, driver, vehicle, study, tags, notes, consent } = session;
  const [first] = stretches;
  const last = endedBy === null ? undefined : stretches.at(-1);
  const trusts = stretches.map(({ epoch }) => epoch.trust);
  return {
    session: id,
    ...{ driver, vehicle, study, tags, notes, consent },
    startedAt: first ? new Date(wallMs(first.epoch, first.from)).toISOString() : null,
    endedAt: last ? new Date(wallMs(last.epoch, last.to)).toISOString() : null,
    clockTrust: leastTrust(trusts),
  };
}
