import type { BusHealth } from '../../io/can/bus.ts';

/** The counters of BusHealth. */
const COUNTERS = [
  ...(['received', 'sent', 'unsent', 'remote', 'fd', 'errorFrames'] as const),
  ...(['busOffs', 'lost', 'malformed'] as const),
];
export type BusCounters = Readonly<Record<(typeof COUNTERS)[number], number>>;

const NOTHING: BusCounters = {
  ...{ received: 0, sent: 0, unsent: 0, remote: 0, fd: 0, errorFrames: 0 },
  ...{ busOffs: 0, lost: 0, malformed: 0 },
};

/** What a bus has counted since the process started, over all the times that it was opened. */
export class BusTally {
  /** Of the times before. */
  #past: BusCounters = NOTHING;
  /** What the bus had counted when it was opened: others may have had it open before. */
  #base: BusCounters = NOTHING;
  #health: (() => BusHealth) | undefined;

  opened(health: () => BusHealth): void {
    this.#base = health();
    this.#health = health;
  }

  closed(): void {
    this.#past = this.counters();
    this.#health = undefined;
  }

  /** How the bus is now; undefined while it is closed. */
  health(): BusHealth | undefined {
    return this.#health?.();
  }

  counters(): BusCounters {
    const now = this.#health?.() ?? this.#base;
    const sums = COUNTERS.map((name) => [name, this.#past[name] + now[name] - this.#base[name]]);
    return { ...NOTHING, ...Object.fromEntries(sums) };
  }
}
