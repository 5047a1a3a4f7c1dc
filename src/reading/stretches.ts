import type { AlertRule } from '#core/alert.ts';
import { type Session, type Stretch, timeline } from '#core/session.ts';
import type { Micros } from '#core/stream.ts';
import type { StudyTime } from '../alerts/backtest/clock.ts';
import type { Range } from '../codec/columns.ts';
import type { OfflineStore } from '../store/opening/offline.ts';
import { ReadingError } from './errors.ts';

/** The arithmetic of a session's time axis. */

/** Microseconds since the session's start; undefined where a side is open. */
export interface Window {
  readonly from?: number | undefined;
  /** Exclusive. */
  readonly to?: number | undefined;
}

/**
 * What of the stretches lies in the window; they keep their places on the axis.
 *
 * @throws ReadingError BAD_WINDOW for one that ends before it begins
 */
export function within(stretches: readonly Stretch[], { from, to }: Window): Stretch[] {
  if (from !== undefined && to !== undefined && from > to) {
    throw new ReadingError('BAD_WINDOW', `from: expected at most ${to} (to), found ${from}`);
  }
  return stretches.flatMap((stretch) => {
    const begin = Math.max(stretch.at, from ?? stretch.at);
    const end = Math.min(endOf(stretch), to ?? Number.POSITIVE_INFINITY);
    if (begin >= end) return [];
    const shift = stretch.from - stretch.at;
    return [{ epoch: stretch.epoch, from: begin + shift, to: end + shift, at: begin }];
  });
}

/**
 * As `within`, for somebody who asks for a part: one outside of the session is a slip.
 *
 * @param gaps whether one between two spans, where nothing was recorded, will do
 * @throws ReadingError BAD_WINDOW also for that
 */
export function partOf(
  stretches: readonly Stretch[],
  window: Window,
  { gaps }: { readonly gaps: boolean },
): Stretch[] {
  const part = within(stretches, window);
  const { from, to } = window;
  if (part.length > 0 || (from === undefined && to === undefined)) return part;
  const last = stretches.at(-1);
  const us = last ? endOf(last) : 0;
  if (gaps && (from ?? 0) < us && (to ?? us) > 0) return part;
  const length = `which is ${us} microseconds (${Math.round(us / 1e6)} s) long`;
  const found = `${from ?? 'its start'} to ${to ?? 'its end'}`;
  throw new ReadingError(
    'BAD_WINDOW',
    `from: expected a part of the session, ${length}, found ${found}`,
  );
}

/** A session of a store that is only looked at. One that lasts ends behind what is stored of it. */
export function sessionStretches(
  store: Pick<OfflineStore, 'reader' | 'epochs'>,
  { spans }: Session,
): Stretch[] {
  const open = spans.find(({ to }) => to === null);
  const last = open && store.reader().lastTime(open.epoch);
  const end = last === undefined ? (open?.from ?? 0) : last + 1;
  return timeline(spans, store.epochs(), end);
}

/** Where a stretch ends on the axis. */
export function endOf({ at, from, to }: Stretch): number {
  return at + to - from;
}

export function rangeOf({ epoch, from, to }: Stretch): Range {
  return { epoch: epoch.id, from, to };
}

/**
 * How many points each stretch gets: by its length, and one at least, so that there may be one more
 * a stretch than were asked for.
 */
export function sharePoints(stretches: readonly Stretch[], points: number): number[] {
  const whole = stretches.reduce((sum, { from, to }) => sum + to - from, 0);
  return stretches.map(({ from, to }) =>
    Math.max(1, whole > 0 ? Math.floor((points * (to - from)) / whole) : 1),
  );
}

/**
 * When sessions of the studies that rules ask for were open.
 *
 * @param now where an open span ends
 */
export function studyTimes(
  sessions: Iterable<Session>,
  rules: readonly AlertRule[],
  now: Micros,
): StudyTime[] {
  const asked = new Set(rules.flatMap((rule) => rule.while.study ?? []));
  const times: StudyTime[] = [];
  for (const { study, spans } of asked.size > 0 ? sessions : []) {
    if (study === null || !asked.has(study)) continue;
    for (const { epoch, from, to } of spans) times.push({ study, epoch, from, to: to ?? now });
  }
  return times;
}
