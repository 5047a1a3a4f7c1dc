import type { Micros } from '#core/stream.ts';
import type { Bearer } from '../io/bearer.ts';
import type { Priority } from '../wire/topics.ts';
import type { Admission } from './admission.ts';
import type { Lane } from './lane.ts';
import type { Position } from './queue.ts';

/** `waiting`: not connected, and the next try comes. */
export type BridgeState = 'off' | 'connecting' | 'online' | 'waiting';

/** What waits of one class. */
export interface ClassStatus {
  /** Values that the cloud has not acknowledged. */
  readonly records: number;
  /** What they are likely to need on the wire. */
  readonly bytes: number;
  readonly streams: number;
  /**
   * Where the least advanced stream is of those that waited at the start; undefined where none does, or
   * nothing of them was acknowledged yet.
   */
  readonly oldest: Position | undefined;
  /** Of those that waited for nothing in between: the earliest moment at which that was so last. */
  readonly emptyAt: Micros | undefined;
  /** Whether it may be sent now, or why not. */
  readonly admission: Admission;
}

/** For `GET /sync`. Times are of this epoch's clock, in microseconds, where they do not end in Ms. */
export interface BridgeStatus {
  readonly state: BridgeState;
  /** Since when; while there is no connection, since it was lost. */
  readonly since: Micros;
  /** Why it is not as it should be, one sentence; empty where all is well. */
  readonly reason: string;
  /** Host and port. */
  readonly broker: string;
  readonly bearer: Bearer;
  /** When the cloud last said that it had stored something. */
  readonly lastAck: { readonly at: Micros } | undefined;
  readonly classes: Readonly<Record<Priority, ClassStatus>>;
  readonly inFlight: { readonly batches: number; readonly bytes: number };
  readonly budget: {
    /** A month; undefined for no limit. */
    readonly bytes: number | undefined;
    readonly used: number;
    /** `2026-11`; empty while nobody knows. */
    readonly month: string;
    readonly resetsAtMs: number | undefined;
  };
  /** Values that the cloud was told will never come. */
  readonly gaps: { readonly lost: number; readonly refused: number };
}

export function classStatus(lanes: Iterable<Lane>, admission: Admission): ClassStatus {
  let [records, bytes, streams] = [0, 0, 0];
  let oldest: Position | undefined;
  let emptyAt: Micros | undefined;
  for (const lane of lanes) {
    if (lane.backlog === 0) continue;
    records += lane.backlog;
    bytes += lane.backlog * lane.rowBytes;
    streams++;
    if (lane.emptyAt !== undefined) emptyAt = Math.min(emptyAt ?? lane.emptyAt, lane.emptyAt);
    else if (lane.ackedAt && (!oldest || isBefore(lane.ackedAt, oldest))) oldest = lane.ackedAt;
  }
  return { records, bytes: Math.round(bytes), streams, oldest, emptyAt, admission };
}

function isBefore(a: Position, b: Position): boolean {
  return a.epoch < b.epoch || (a.epoch === b.epoch && a.t < b.t);
}

/** `3 days`, for a person who wants to know since when nothing goes. */
export function spoken(us: Micros): string {
  const s = Math.round(us / 1e6);
  for (const [seconds, name] of [
    [86_400, 'day'],
    [3_600, 'hour'],
    [60, 'minute'],
  ] as const) {
    const n = Math.floor(s / seconds);
    if (n >= 1) return `${n} ${name}${n === 1 ? '' : 's'}`;
  }
  return `${s} s`;
}
