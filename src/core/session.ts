import { type Epoch, TRUST, type Trust, wallMs } from './clock.ts';
import type { Micros } from './stream.ts';

/**
 * A session is not a container but a list of spans over the recording: data outside any session is
 * kept too, sessions may overlap (a manual one inside an automatic drive), and one that goes on over
 * a restart of the process has a span in each epoch.
 */
export interface Span {
  /** Id of the epoch that `from` and `to` count in. */
  readonly epoch: number;
  readonly from: Micros;
  /** Exclusive; null while it lasts. */
  readonly to: Micros | null;
}

/** Why a session ended: the car was switched off, a person did it, the power went. */
export type EndedBy = 'ignition' | 'manual' | 'power';

/** What a person may say of a session, at its start or later. */
export interface SessionNotes {
  /** Id of the account whose own it is; null where it is nobody's. */
  readonly owner: string | null;
  readonly driver: string | null;
  readonly vehicle: string | null;
  readonly study: string | null;
  readonly tags: readonly string[];
  readonly notes: string;
  /** What the driver agreed to, in the words that were shown; null where nobody was asked. */
  readonly consent: string | null;
  /** Kept whatever the ring needs. */
  readonly pinned: boolean;
}

/** How much of one stream a session holds. */
export interface StreamQuality {
  /** Samples, frames or events stored. */
  readonly n: number;
  /** Samples known to be lost, from the stream's own sequence numbers; 0 for streams without any. */
  readonly lost: number;
  /** Share of the session's duration in which the stream had data, 0 to 1. */
  readonly coverage: number;
}

export interface SessionStats {
  /** Without the gaps between spans. */
  readonly durationS: number;
  /** From road speed; null where the car told none. Gaps in it add nothing. */
  readonly distanceKm: number | null;
  readonly alerts: number;
  /** By stream id. */
  readonly streams: Readonly<Record<string, StreamQuality>>;
}

export interface Session extends SessionNotes {
  /** Increasing over the life of a data directory; u32, from 1. */
  readonly id: number;
  readonly startedBy: 'ignition' | 'manual';
  /** Null while it lasts. */
  readonly endedBy: EndedBy | null;
  /** In the order of time, at least one; only the last may be open. */
  readonly spans: readonly Span[];
  /** As of its end; null while it lasts. */
  readonly stats: SessionStats | null;
}

/** One span of a session on its time axis. */
export interface Stretch {
  readonly epoch: Epoch;
  readonly from: Micros;
  /** Exclusive. */
  readonly to: Micros;
  /** Microseconds since the session's start at `from`. */
  readonly at: number;
}

/**
 * The spans of a session one after the other on its own time axis, which begins with its first span.
 * Between two epochs of one boot the monotonic clock tells the gap; over a boot the wall clock does,
 * where it can be believed, and a span never begins before the one before it has ended.
 *
 * @param epochs by id; spans of an epoch that is not among them are left out
 * @param now where the open span ends
 */
export function timeline(
  spans: readonly Span[],
  epochs: ReadonlyMap<number, Epoch>,
  now: Micros,
): Stretch[] {
  const stretches: Stretch[] = [];
  for (const { epoch: id, from, to } of spans) {
    const epoch = epochs.get(id);
    if (!epoch) continue;
    const [first] = stretches;
    const last = stretches.at(-1);
    const end = last ? last.at + (last.to - last.from) : 0;
    const at = first ? Math.max(end, between(first, epoch, from)) : 0;
    stretches.push({ epoch, from, to: Math.max(from, to ?? now), at });
  }
  return stretches;
}

/** Microseconds from the start of `first` to `t` of another epoch. */
function between(first: Stretch, epoch: Epoch, t: Micros): number {
  const sameBoot = epoch.bootId !== '' && epoch.bootId === first.epoch.bootId;
  const ms = sameBoot
    ? epoch.monotonicMs - first.epoch.monotonicMs + (t - first.from) / 1000
    : wallMs(epoch, t) - wallMs(first.epoch, first.from);
  return Math.round(ms * 1000);
}

/** The least that the wall clock of any of these can be believed. */
export function leastTrust(trusts: readonly Trust[]): Trust {
  const ranks = trusts.map((trust) => TRUST.indexOf(trust));
  return TRUST[Math.min(...ranks)] ?? 'none';
}
