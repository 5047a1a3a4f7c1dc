import type { Micros } from '#core/stream.ts';
import type { LocalTime, Situation } from '../watch/situation.ts';

/** A time in which a session of a study was open. */
export interface StudyTime {
  readonly study: string;
  /** Id. */
  readonly epoch: number;
  readonly from: Micros;
  /** Exclusive. */
  readonly to: Micros;
}

/** The wall clock, and the studies that are open, along the readings of one start of the gateway. */
export class BacktestClock {
  readonly situation: Situation;
  readonly #studies: readonly StudyTime[];
  /** When studies begin or end, the next one last. */
  readonly #changes: Micros[];
  #open: ReadonlySet<string> = new Set();

  /** @param studies of this start alone */
  constructor(
    studies: readonly StudyTime[],
    localTime: (t: Micros) => LocalTime | undefined,
    from: Micros,
  ) {
    this.#studies = studies;
    const times = studies.flatMap((one) => [one.from, one.to]);
    this.#changes = [...new Set(times.filter((t) => t > from))].sort((a, b) => b - a);
    const open = (): ReadonlySet<string> => this.#open;
    this.situation = {
      localTime,
      get studies() {
        return open();
      },
    };
    this.moveTo(from);
  }

  /** When studies change next, where that is not after `until`. It is given once. */
  next(until: Micros): Micros | undefined {
    const change = this.#changes.at(-1);
    return change !== undefined && change <= until ? this.#changes.pop() : undefined;
  }

  moveTo(t: Micros): void {
    const open = this.#studies.filter(({ from, to }) => from <= t && t < to);
    this.#open = new Set(open.map(({ study }) => study));
  }
}
