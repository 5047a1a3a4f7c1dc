import type { Comparison, Match, When } from '#core/alert.ts';
import type { Event, Micros, Stream } from '#core/stream.ts';
import type { Known } from './condition.ts';
import { earliestAfter, NEVER } from './due.ts';
import { distanceM, positionOf } from './geofence.ts';
import { begins, type Level, lasts } from './threshold.ts';
import { addPoint, addTime, countIn, type Point, rateOf } from './window.ts';

/**
 * One comparison as it goes along: what it has heard of its stream, and what follows from that.
 *
 * Unknown until its stream has brought a reading, and again when the stream has brought none for
 * `freshUs`: what it was is then forgotten. Silence itself is always known. What is counted or has
 * come stays true for its own time, however silent the stream is; that less than enough was counted
 * is known only after a whole window.
 */

/** A stream is believed for so long after its last reading, or for FRESH_PERIODS if that is longer. */
export const FRESH_US_MIN = 60_000_000;
const FRESH_PERIODS = 3;
/** How long an event is true where its rule has neither `until` nor `lastS`, s. */
export const EVENT_LAST_S = 60;

/** A comparison, and the numbers that it has to tell apart. */
export interface Spec {
  readonly comparison: Comparison;
  /** Values at which its alert gets more severe, in the order of the rule. */
  readonly steps: readonly number[];
}

export interface Heard {
  readonly stream: Stream;
  readonly t: Micros;
  /** Null for an event or a frame. */
  readonly v: number | null;
  readonly data: Event['data'] | undefined;
}

export interface Leaf extends Known {
  readonly stream: Stream | undefined;
  /** Time of the newest reading. */
  readonly seenAt: Micros;
  /** Of the newest reading; null for an event. */
  readonly last: number | null;
  /** Of the newest event that it was true for. */
  readonly data: Event['data'] | undefined;
  /** What is compared, in the unit of the threshold; null while there is nothing. */
  readonly value: number | null;
  /** Whether it lasts, so that only its `clear` ends it. */
  readonly held: boolean;
  /** When it becomes unknown unless there is another reading. */
  readonly freshUntil: Micros;
  /** When time alone changes something. */
  readonly dueAt: Micros;
  /** Since when it is silent, or has been listened to. */
  readonly since: Micros;
  /** Until when an event is true. */
  readonly until: Micros;
  /** Of a rate. */
  readonly points: readonly Point[];
  /** Of a count: the newest that are needed. */
  readonly times: readonly Micros[];
}

/** Before any reading, from the moment at which the rule began. */
export function unheard(spec: Spec, at: Micros): Leaf {
  const leaf: Leaf = {
    stream: undefined,
    seenAt: -NEVER,
    last: null,
    data: undefined,
    value: null,
    truth: undefined,
    firm: false,
    held: false,
    freshUntil: -NEVER,
    dueAt: NEVER,
    since: spec.comparison.when.op === 'stale' ? at : NEVER,
    until: -NEVER,
    points: [],
    times: [],
  };
  return aged(spec, leaf, at);
}

/**
 * As it was before a restart: true, though it has to be heard yet whether it still is.
 *
 * @param forUs how long that is believed of something that lasts until the contrary comes
 */
export function assumed(spec: Spec, leaf: Leaf, at: Micros, forUs: number): Leaf {
  const { when } = spec.comparison;
  const held = { ...leaf, held: true };
  switch (when.op) {
    case 'event':
      return aged(spec, { ...held, until: at + lastUs(when), freshUntil: at + forUs }, at);
    case 'count':
      return aged(spec, { ...held, times: Array<Micros>(sizeOf(spec, when.value)).fill(at) }, at);
    default:
      return held;
  }
}

/**
 * With one more reading, which must not be older than the last one. Undefined for what the
 * comparison cannot do anything with: not a number, or not a place on earth.
 *
 * @param at when the rule gets to it, which may be later than it was taken
 */
export function heard(spec: Spec, leaf: Leaf, reading: Heard, at: Micros): Leaf | undefined {
  const { stream, t, v, data } = reading;
  const { when } = spec.comparison;
  const freshUntil = t + freshUs(stream);
  const next = { ...leaf, stream, seenAt: t, last: v, freshUntil };
  switch (when.op) {
    case 'stale':
      if (v !== null && !Number.isFinite(v)) return undefined;
      return aged(spec, { ...next, since: t }, at);
    case 'event':
      return data && aged(spec, { ...next, ...come(when, leaf, data, at) }, at);
    case 'count': {
      if (data === undefined) return undefined;
      const since = Math.min(leaf.since, t);
      if (!fits(data, when.match)) return aged(spec, { ...next, since }, at);
      const times = addTime(leaf.times, t, sizeOf(spec, when.value));
      return aged(spec, { ...next, data, since, times }, at);
    }
    default: {
      const measure = measured(when, leaf, reading);
      return measure && aged(spec, { ...next, ...measure }, at);
    }
  }
}

/** With a reading that is about something else, but shows that the stream is alive. */
export function refreshed(spec: Spec, leaf: Leaf, { stream, t }: Heard, at: Micros): Leaf {
  return aged(spec, { ...leaf, seenAt: t, freshUntil: t + freshUs(stream) }, at);
}

/** What is left of it at `at`, without another reading. */
export function aged(spec: Spec, leaf: Leaf, at: Micros): Leaf {
  const { when } = spec.comparison;
  switch (when.op) {
    case 'stale':
      return silent(spec, leaf, microsOf(when.value), at);
    case 'event':
      return lasting(leaf, at);
    case 'count':
      return counting(leaf, when, at);
    default:
      return compared(leaf, when, at);
  }
}

function fits(data: Event['data'], match: Match | undefined): boolean {
  return Object.entries(match ?? {}).every(([field, value]) => data[field] === value);
}

/** How long a stream is believed after a reading; for ever where it reports only on change. */
export function freshUs({ hz }: Stream): number {
  return hz > 0 ? Math.max(FRESH_US_MIN, Math.ceil((FRESH_PERIODS * 1e6) / hz)) : NEVER;
}

/** What a comparison of numbers compares; undefined where the reading has nothing for it. */
function measured(
  when: Exclude<Level, { readonly op: 'count' }>,
  { points }: Leaf,
  { t, v, data }: Heard,
): Pick<Leaf, 'value' | 'points'> | undefined {
  if (when.op === 'within' || when.op === 'beyond') {
    const place = data && positionOf(data);
    return place && { value: distanceM(place, when.value), points };
  }
  if (v === null || !Number.isFinite(v)) return undefined;
  if (when.op !== 'rate>' && when.op !== 'rate<') return { value: v, points };
  const windowUs = microsOf(when.windowS);
  const now = { t, v };
  return { value: rateOf(points, now, windowUs) ?? null, points: addPoint(points, now, windowUs) };
}

/** Until when an event lasts, given one more. What ends it may fit `match`, too. */
function come(
  when: Extract<When, { readonly op: 'event' }>,
  { until }: Leaf,
  data: Event['data'],
  at: Micros,
): Partial<Leaf> {
  if (when.until !== undefined && fits(data, when.until)) return { until: -NEVER };
  return fits(data, when.match) ? { data, until: at + lastUs(when) } : { until };
}

function silent(spec: Spec, leaf: Leaf, limitUs: number, at: Micros): Leaf {
  const silence = at - leaf.since;
  const limits = [limitUs, ...spec.steps.map(microsOf)];
  const dueAt = earliestAfter(at, ...limits.map((us) => leaf.since + us));
  const truth = silence >= limitUs;
  return { ...leaf, truth, firm: true, held: truth, value: silence / 1e6, dueAt };
}

function lasting(leaf: Leaf, at: Micros): Leaf {
  const fresh = at < leaf.freshUntil;
  const on = at < leaf.until && (fresh || leaf.until < NEVER);
  const until = on ? leaf.until : -NEVER;
  const truth = on || (fresh ? false : undefined);
  const dueAt = earliestAfter(at, until, leaf.freshUntil);
  return { ...leaf, truth, firm: true, held: on, until, dueAt };
}

function counting(leaf: Leaf, when: Extract<When, { op: 'count' }>, at: Micros): Leaf {
  const windowUs = microsOf(when.windowS);
  const fresh = at < leaf.freshUntil;
  const n = countIn(leaf.times, at, windowUs);
  const held = leaf.held ? lasts(when, n) : begins(when, n);
  const since = fresh ? leaf.since : NEVER;
  const truth = held || (at >= since + windowUs ? false : undefined);
  const dropsAt = (leaf.times[leaf.times.length - n] ?? NEVER) + windowUs;
  const dueAt = earliestAfter(at, dropsAt, leaf.freshUntil, since + windowUs);
  const firm = isFirm(when, n);
  return { ...leaf, truth, firm, held, since, value: n, dueAt };
}

function compared(leaf: Leaf, when: Level, at: Micros): Leaf {
  const { value, held, freshUntil } = leaf;
  if (at >= freshUntil) {
    // What is assumed of before a restart is not forgotten before anything was heard.
    const kept = held && leaf.seenAt === -NEVER;
    const nothing = { truth: undefined, firm: false, held: kept, value: null, points: [] };
    return { ...leaf, ...nothing, freshUntil: -NEVER, dueAt: NEVER };
  }
  if (value === null) return { ...leaf, truth: undefined, firm: false, dueAt: freshUntil };
  const truth = held ? lasts(when, value) : begins(when, value);
  return { ...leaf, truth, firm: isFirm(when, value), held: truth, dueAt: freshUntil };
}

function isFirm(when: Level, x: number): boolean {
  return begins(when, x) || !lasts(when, x);
}

function lastUs({ until, lastS }: Extract<When, { op: 'event' }>): number {
  return lastS === undefined && until !== undefined ? NEVER : microsOf(lastS ?? EVENT_LAST_S);
}

/** How many events a count has to remember. */
function sizeOf({ steps }: Spec, value: number): number {
  return Math.ceil(Math.max(value, ...steps));
}

function microsOf(seconds: number): number {
  return Math.round(seconds * 1e6);
}
