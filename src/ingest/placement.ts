import type { Micros, Reading, Stream } from '#core/stream.ts';
import type { ClockEstimate, ClockMap } from './clock-map.ts';
import type { Draft } from './drafts.ts';
import { IngestError } from './errors.ts';

/** Beyond this between two batches of a channel, what is between them is missing; below, jitter. */
const GAP_US = 250_000;

/** To somebody who has kept what was not acknowledged over a restart of the gateway. */
const LEAVE_OUT =
  'What was not stored before the restart cannot be stored now: leave it out, and send the next number';

/** The clock that a client's times are on, or our own. */
export interface TimeScale {
  at(t: number): Micros;
  /** How far that may be from the truth, in microseconds. */
  bound(t: number): number;
  /** Undefined for our own. */
  readonly estimate: ClockEstimate | undefined;
}

/** A client that maps its clock by itself does so over a hotspot: half of a slow round trip there. */
const OWN_MAPPING_US = 100_000;

/** Times that are on our clock already. */
const OUR_CLOCK: TimeScale = { at: (t) => t, bound: () => OWN_MAPPING_US, estimate: undefined };

/** From when to when times may lie, in microseconds of the running epoch. */
export interface Limits {
  readonly from: Micros;
  readonly now: Micros;
  /** The session was there before `from`, in an earlier start of the gateway. */
  readonly isResumed: boolean;
}

/**
 * @param epoch which the client says that its times are of, if any
 * @throws IngestError NO_CLOCK, OTHER_EPOCH
 */
export function scaleOf(
  epoch: number | undefined,
  ours: number,
  clock: ClockMap | undefined,
): TimeScale {
  if (epoch === undefined) {
    if (clock?.estimate) return clock;
    const text = 'nobody knows the clock of this client: tell exchanges of it first, or an epoch';
    throw new IngestError('NO_CLOCK', text);
  }
  if (epoch === ours) return OUR_CLOCK;
  const gone = epoch < ours ? `. ${LEAVE_OUT}` : '';
  const text = `expected times of epoch ${ours}, which runs, found epoch ${epoch}${gone}`;
  throw new IngestError('OTHER_EPOCH', text, { pointer: '/epoch' });
}

/**
 * A time on our clock, in whole microseconds.
 *
 * @param lastsUs from the first to the last value
 * @throws IngestError BEFORE_SESSION, IN_FUTURE
 */
export function placed(
  { t, pointer }: Pick<Draft, 't' | 'pointer'>,
  scale: TimeScale,
  { from, now, isResumed }: Limits,
  lastsUs = 0,
): Micros {
  const at = Math.floor(scale.at(t));
  if (!(at >= from)) {
    const what = isResumed
      ? `the session went on after a restart. ${LEAVE_OUT}`
      : 'the session began';
    const text = `this time is ${seconds(from - at)} s before ${what}`;
    throw new IngestError('BEFORE_SESSION', text, { pointer });
  }
  const ahead = at + lastsUs - now;
  if (ahead <= scale.bound(t)) return at;
  const text = `this time is ${seconds(ahead)} s in the future`;
  throw new IngestError('IN_FUTURE', text, { pointer });
}

/** Where the waves of a client are in their streams. */
export class Positions {
  readonly #byId: Map<string, { readonly next: number; readonly end: number }>;

  /** @param before from which it goes on, and which stays as it is */
  constructor(before?: Positions) {
    this.#byId = new Map(before ? before.#byId : []);
  }

  /** Samples that are missing before a wave, and its position. */
  next({ stream, t, v, hz }: Draft & { kind: 'wave' }): { seq: number; lost: number } {
    const before = this.#byId.get(stream.id);
    const gap = before ? t - before.end : 0;
    const lost = gap > GAP_US ? Math.round((gap * hz) / 1e6) : 0;
    const seq = (before?.next ?? 0) + lost;
    // One that comes late does not say when the next one is due.
    const end = Math.max(before?.end ?? Number.NEGATIVE_INFINITY, t + (v.length * 1e6) / hz);
    this.#byId.set(stream.id, { next: seq + v.length, end });
    return { seq, lost };
  }
}

/** How long a wave lasts, from its first value to its last, on our clock. */
function lasting({ v, hz }: Draft & { kind: 'wave' }, scale: TimeScale): number {
  return ((v.length - 1) * 1e6) / rate(hz, scale);
}

/** Values per second of our clock. */
function rate(hz: number, { estimate }: TimeScale): number {
  return hz / (1 + (estimate?.drift ?? 0));
}

/** When each draft was, on our clock. @throws IngestError BEFORE_SESSION, IN_FUTURE */
export function timesOf(drafts: readonly Draft[], scale: TimeScale, limits: Limits): Micros[] {
  return drafts.map((draft) =>
    placed(draft, scale, limits, draft.kind === 'wave' ? lasting(draft, scale) : 0),
  );
}

/** A draft as the gateway has readings. Counts what is missing, so that it is called for each once. */
export function readingOf(
  draft: Draft,
  on: { readonly stream: Stream; readonly t: Micros; readonly scale: TimeScale },
  positions: Positions,
): Reading {
  const { stream, t, scale } = on;
  switch (draft.kind) {
    case 'sample':
      return { kind: 'sample', stream, t, v: draft.v };
    case 'event':
      return { kind: 'event', stream, t, data: draft.data };
    case 'wave':
      return {
        kind: 'wave',
        stream,
        t,
        hz: rate(draft.hz, scale),
        v: draft.v,
        ...positions.next(draft),
      };
  }
}

function seconds(us: number): string {
  return Number.isFinite(us) ? (us / 1e6).toFixed(3) : 'an unknown number of';
}
