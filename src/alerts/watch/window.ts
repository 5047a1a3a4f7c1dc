import type { Micros } from '#core/stream.ts';

/**
 * What has to be remembered of the last `windowUs`. Both windows are values: what is added gives a
 * new one.
 */
export interface Point {
  readonly t: Micros;
  readonly v: number;
}

/**
 * Points that a rate remembers, evenly over its window. Of a stream that brings more, those between
 * are not kept: where the window begins is then known to a 64th of it, between two of its values.
 */
const RATE_POINTS_MAX = 64;

/** With `now` added, from the last point at or before the window's start. Times must not go back. */
export function addPoint(points: readonly Point[], now: Point, windowUs: number): readonly Point[] {
  const last = points.at(-1);
  if (last !== undefined && now.t - last.t < windowUs / RATE_POINTS_MAX) return points;
  const from = points.findLastIndex(({ t }) => t <= now.t - windowUs);
  return [...points.slice(Math.max(0, from)), now];
}

/**
 * Change a second between the window's start and `now`; the value at its start is on the line between
 * the points around it, so that samples may come as they like. Undefined where the points do not
 * reach back that far: a rate over less than its window is mostly noise.
 */
export function rateOf(points: readonly Point[], now: Point, windowUs: number): number | undefined {
  const start = now.t - windowUs;
  const index = points.findLastIndex(({ t }) => t <= start);
  const before = points[index];
  if (before === undefined) return undefined;
  const after = points[index + 1] ?? now;
  const share = (start - before.t) / (after.t - before.t);
  const then = before.v + (after.v - before.v) * share;
  return (now.v - then) / (windowUs / 1e6);
}

/** With an event at `t`, of which only the newest `size` are needed. */
export function addTime(times: readonly Micros[], t: Micros, size: number): readonly Micros[] {
  return [...times, t].slice(-size);
}

/** How many are within the window that ends at `at`: one is in it for just `windowUs`. */
export function countIn(times: readonly Micros[], at: Micros, windowUs: number): number {
  const first = times.findIndex((t) => t + windowUs > at);
  return first < 0 ? 0 : times.length - first;
}
