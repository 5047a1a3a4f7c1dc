import type { Micros } from '#core/stream.ts';

/**
 * Where the clock of a client is on ours, from exchanges of messages as NTP has them (RFC 5905
 * clause 8): with t1 and t4 on the client's clock and t2 and t3 on ours,
 *
 *   offset     = ((t2 - t1) + (t3 - t4)) / 2      ours less theirs
 *   round trip = (t4 - t1) - (t3 - t2)            the offset is wrong by half of it at most
 *
 * Of the exchanges that are told together, the one with the least round trip becomes a point. Through
 * the last POINTS_MAX points goes a line, each counting by how little it can be wrong, whose slope is
 * the drift of the one clock against the other. It is tied to none as if by what a crystal does, so
 * that one point gives an offset, and two that lie close together no wild slope.
 *
 * A point that no drift explains says that the client's clock was set or began anew: the line begins
 * with it.
 */
const POINTS_MAX = 16;
/** What the two crystals differ by, mostly; of what is not known yet the bound grows by this. */
const DRIFT = 100e-6;
/** What an exchange is wrong by beside its round trip: timers of browsers are that coarse. */
const COARSE_US = 1_000;

export interface Exchange {
  readonly t1: number;
  readonly t2: Micros;
  readonly t3: Micros;
  readonly t4: number;
}

/** How the clock of a client goes, for who is to look at it, or to do it again. */
export interface ClockEstimate {
  /** Microseconds to be added at `t` of the client's clock. */
  readonly offset: number;
  readonly t: number;
  /** Microseconds of our clock that pass in one of the client's, less 1. */
  readonly drift: number;
  /** Of the best exchange, in microseconds. */
  readonly roundTrip: number;
}

interface Point {
  /** On the client's clock. */
  readonly t: number;
  readonly offset: number;
  readonly roundTrip: number;
}

export class ClockMap {
  /** Times that the client's clock was set. */
  steps = 0;
  #points: readonly Point[] = [];
  #estimate: ClockEstimate = { offset: 0, t: 0, drift: 0, roundTrip: Number.POSITIVE_INFINITY };

  /** Undefined before the first exchange. */
  get estimate(): ClockEstimate | undefined {
    return this.#points.length === 0 ? undefined : this.#estimate;
  }

  /** @param exchanges at least one; see `roundTrip` for those that can be */
  observe(exchanges: readonly Exchange[]): void {
    const [best] = exchanges.map(pointOf).sort((a, b) => a.roundTrip - b.roundTrip);
    if (!best) return;
    const { length } = this.#points;
    const off = Math.abs(best.t + best.offset - this.at(best.t));
    const stepped = length > 0 && off > best.roundTrip / 2 + this.bound(best.t) + COARSE_US;
    if (stepped) this.steps++;
    this.#points = stepped ? [best] : [...this.#points, best].slice(-POINTS_MAX);
    this.#estimate = lineThrough(this.#points);
  }

  /** Our time at a time of the client's, in microseconds and not rounded. */
  at(t: number): Micros {
    const { offset, t: middle, drift } = this.#estimate;
    return t + offset + drift * (t - middle);
  }

  /** How far that may be from the truth, in microseconds. */
  bound(t: number): number {
    const far = this.#points.map((point) => Math.abs(t - point.t));
    return this.#estimate.roundTrip / 2 + DRIFT * Math.min(...far);
  }
}

/** Microseconds; below 0 for one that cannot have been. */
export function roundTrip({ t1, t2, t3, t4 }: Exchange): number {
  return t4 - t1 - (t3 - t2);
}

function pointOf(exchange: Exchange): Point {
  const { t1, t2, t3, t4 } = exchange;
  const offset = (t2 - t1 + (t3 - t4)) / 2;
  return { t: (t1 + t4) / 2, offset, roundTrip: roundTrip(exchange) };
}

/** Weighted least squares, with a slope of 0 known to DRIFT. */
function lineThrough(points: readonly Point[]): ClockEstimate {
  const weighed = points.map((point) => {
    return { ...point, w: 1 / (point.roundTrip / 2 + COARSE_US) ** 2 };
  });
  // Clients count from 1970, and squares of that leave no microseconds: all of it from the first.
  const [first] = points;
  const zero = { t: first?.t ?? 0, offset: first?.offset ?? 0 };
  const total = sum(weighed, ({ w }) => w);
  const t = sum(weighed, (one) => one.w * (one.t - zero.t)) / total;
  const offset = sum(weighed, (one) => one.w * (one.offset - zero.offset)) / total;
  const across = sum(
    weighed,
    (one) => one.w * (one.t - zero.t - t) * (one.offset - zero.offset - offset),
  );
  const along = sum(weighed, (one) => one.w * (one.t - zero.t - t) ** 2);
  return {
    offset: offset + zero.offset,
    t: t + zero.t,
    drift: across / (along + 1 / DRIFT ** 2),
    roundTrip: Math.min(...points.map((point) => point.roundTrip)),
  };
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
