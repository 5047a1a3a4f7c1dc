import type { SessionStats, StreamQuality, Stretch } from '#core/session.ts';
import type { Micros, Stream } from '#core/stream.ts';
import type { Columns } from '../codec/columns.ts';

/** What a session amounts to: how long, how far, how much of each stream. */

const SPEED = 'obd.vehicle.speed';
/** Streams whose events are alerts begin so. */
const ALERTS = 'alert';
/** Nobody knows what the car did between two speeds that are further apart: it adds no distance. */
const SPEED_GAP_US_MAX = 5_000_000;
/** One km/h for one hour is a kilometre. */
const US_PER_HOUR = 3_600e6;

/** What is stored of one stream in one stretch. */
export interface StreamSummary {
  readonly stream: Pick<Stream, 'id' | 'kind'>;
  /** Samples, frames or events. */
  readonly n: number;
  /** Samples known to be lost. */
  readonly lost: number;
  /** For how much of the stretch there is data, in microseconds. */
  readonly coveredUs: number;
}

/** What the statistics are made from. */
export interface Recorded {
  /** Of the session, in the order of time. */
  readonly stretches: readonly Stretch[];
  /** Pieces of a stream, cut to the stretch, in the order of time; none where it has no data. */
  columns(streamId: string, stretch: Stretch): Iterable<Columns>;
  /** Every stream that has data in the stretch, once. */
  summary(stretch: Stretch): Iterable<StreamSummary>;
}

export function sessionStats(recorded: Recorded): SessionStats {
  const { stretches } = recorded;
  const durationUs = stretches.reduce((sum, { from, to }) => sum + to - from, 0);
  const summaries = stretches.flatMap((stretch) => [...recorded.summary(stretch)]);
  const alerts = summaries.filter(({ stream }) => isAlert(stream));
  return {
    durationS: durationUs / 1e6,
    distanceKm: distanceKm(recorded),
    alerts: alerts.reduce((sum, { n }) => sum + n, 0),
    streams: qualities(summaries, durationUs),
  };
}

function isAlert({ id, kind }: StreamSummary['stream']): boolean {
  return kind === 'event' && id.startsWith(ALERTS);
}

function qualities(
  summaries: readonly StreamSummary[],
  durationUs: number,
): Readonly<Record<string, StreamQuality>> {
  const sums = new Map<string, Omit<StreamSummary, 'stream'>>();
  for (const { stream, ...one } of summaries) {
    const sum = sums.get(stream.id) ?? { n: 0, lost: 0, coveredUs: 0 };
    sums.set(stream.id, {
      n: sum.n + one.n,
      lost: sum.lost + one.lost,
      coveredUs: sum.coveredUs + one.coveredUs,
    });
  }
  const quality = ({ n, lost, coveredUs }: Omit<StreamSummary, 'stream'>): StreamQuality => ({
    n,
    lost,
    coverage: durationUs > 0 ? Math.min(1, coveredUs / durationUs) : 0,
  });
  return Object.fromEntries([...sums].map(([id, sum]) => [id, quality(sum)]));
}

/** Null where there is not one speed. */
function distanceKm(recorded: Recorded): number | null {
  const road = new Road();
  for (const stretch of recorded.stretches) {
    road.leave();
    for (const piece of recorded.columns(SPEED, stretch)) {
      if (piece.kind !== 'scalars') continue;
      for (const [i, t] of piece.t.entries()) road.add(t, piece.v[i] ?? Number.NaN);
    }
  }
  return road.speeds > 0 ? road.km : null;
}

/** Adds up trapezoids between neighbouring speeds. */
class Road {
  km = 0;
  speeds = 0;
  #t = Number.NEGATIVE_INFINITY;
  #kmh = 0;

  /** What follows is no neighbour of what came before. */
  leave(): void {
    this.#t = Number.NEGATIVE_INFINITY;
  }

  add(t: Micros, kmh: number): void {
    // Two pieces may hold the same samples: the second time they are passed by.
    if (t <= this.#t || !Number.isFinite(kmh)) return;
    const us = t - this.#t;
    if (us <= SPEED_GAP_US_MAX) this.km += ((this.#kmh + kmh) / 2) * (us / US_PER_HOUR);
    this.#t = t;
    this.#kmh = kmh;
    this.speeds++;
  }
}
