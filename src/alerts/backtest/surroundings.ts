import type { Micros, Sample } from '#core/stream.ts';

/** What streams said around the starts of alerts, gathered while readings go by. */

/** On either side of a start. */
const AROUND_US = 10_000_000;
/** Of each stream; of more, so many are picked. */
const AROUND_POINTS_MAX = 50;
/** Starts are told a little late, by timers that nobody has looked at yet. */
const KEPT_US = 2 * AROUND_US + 1_000_000;
/** What is too old is taken out when there is so much again. */
const TRIM_POINTS = 1_024;

/** One stream. */
export interface AroundSeries {
  /** Id. */
  readonly stream: string;
  /** Microseconds. */
  readonly t: readonly number[];
  /** In the stream's unit. */
  readonly v: readonly number[];
}

/** The last seconds of a stream. */
interface Recent {
  readonly stream: string;
  t: number[];
  v: number[];
  trimAt: number;
}

interface Wanted {
  readonly streams: readonly string[];
  readonly t: Micros;
  readonly give: (series: readonly AroundSeries[]) => void;
}

export class Surroundings {
  readonly #recent = new Map<string, Recent>();
  #wanted: readonly Wanted[] = [];

  add({ stream: { id }, t, v }: Sample): void {
    let recent = this.#recent.get(id);
    if (recent === undefined) {
      recent = { stream: id, t: [], v: [], trimAt: TRIM_POINTS };
      this.#recent.set(id, recent);
    }
    recent.t.push(t);
    recent.v.push(v);
    if (recent.t.length >= recent.trimAt) trim(recent, t - KEPT_US);
  }

  /** Has `give` called with what the streams said around `t`, once that is over. */
  want(streams: readonly string[], t: Micros, give: Wanted['give']): void {
    this.#wanted = [...this.#wanted, { streams, t, give }];
  }

  /** Gives what was wanted and is over at `t`. To be called before what came then is added. */
  settle(t: Micros): void {
    if (this.#wanted.length === 0) return;
    const over = this.#wanted.filter((one) => one.t + AROUND_US < t);
    if (over.length === 0) return;
    this.#wanted = this.#wanted.filter((one) => one.t + AROUND_US >= t);
    for (const { streams, t: at, give } of over) {
      give(streams.flatMap((id) => around(this.#recent.get(id), at)));
    }
  }
}

function trim(recent: Recent, before: Micros): void {
  const first = recent.t.findIndex((t) => t >= before);
  recent.t = recent.t.slice(first);
  recent.v = recent.v.slice(first);
  recent.trimAt = 2 * recent.t.length + TRIM_POINTS;
}

/** Nothing where the stream was silent. */
function around(recent: Recent | undefined, at: Micros): AroundSeries[] {
  if (recent === undefined) return [];
  const { stream, t, v } = recent;
  const all = [...t.keys()].filter((i) => Math.abs((t[i] ?? Number.NaN) - at) <= AROUND_US);
  const places = picked(all);
  if (places.length === 0) return [];
  return [{ stream, t: places.map((i) => t[i] ?? 0), v: places.map((i) => v[i] ?? 0) }];
}

/** Evenly, the first and the last among them. */
function picked(all: readonly number[]): readonly number[] {
  if (all.length <= AROUND_POINTS_MAX) return all;
  const step = (all.length - 1) / (AROUND_POINTS_MAX - 1);
  return Array.from({ length: AROUND_POINTS_MAX }, (_, i) => all[Math.round(i * step)] ?? 0);
}
