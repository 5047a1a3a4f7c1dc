import { seededRandom } from './random.ts';

/** A stretch of road: the speed the driver aims for, until so many seconds after the start. */
interface Leg {
  readonly untilS: number;
  readonly kmh: number;
}

interface Lap {
  readonly fromS: number;
  readonly legs: readonly Leg[];
}

/** Time to start the engine and buckle up before the car pulls away. */
const FIRST_IDLE_S = 7.5;
/** Spreads the seeds of successive laps, so that neighbouring car seeds share none. */
const LAP_SEED_STEP = 7919;

/**
 * An endless drive: idle, city with stops at lights, ring road, motorway, and back; about a quarter
 * of an hour a lap. Lap n depends on (seed, n) only, so that the order of questions does not matter.
 */
export class DriveCycle {
  readonly #seed: number;
  readonly #laps: Lap[] = [];

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** The speed the driver aims for, in km/h, `s` seconds after the ignition came on. */
  targetKmh(s: number): number {
    while (s >= (this.#laps.at(-1)?.legs.at(-1)?.untilS ?? 0)) this.#addLap();
    const lap = this.#laps.findLast(({ fromS }) => fromS <= s);
    return lap?.legs.find(({ untilS }) => s < untilS)?.kmh ?? 0;
  }

  #addLap(): void {
    const fromS = this.#laps.at(-1)?.legs.at(-1)?.untilS ?? 0;
    const random = seededRandom(this.#seed + (this.#laps.length + 1) * LAP_SEED_STEP);
    const legs: Leg[] = [];
    const add = (forS: number, kmh: number): void => {
      legs.push({ untilS: (legs.at(-1)?.untilS ?? fromS) + forS, kmh });
    };
    add(FIRST_IDLE_S, 0);
    add(15, 50);
    add(13, 0);
    city(add, random, 4);
    cruise(add, random, { legs: 3, kmh: [70, 90], forS: [25, 45] });
    cruise(add, random, { legs: 4, kmh: [105, 130], forS: [40, 70] });
    cruise(add, random, { legs: 3, kmh: [65, 85], forS: [25, 40] });
    city(add, random, 4);
    add(20, 0);
    this.#laps.push({ fromS, legs });
  }
}

type AddLeg = (forS: number, kmh: number) => void;

function city(add: AddLeg, random: () => number, blocks: number): void {
  for (let block = 0; block < blocks; block++) {
    add(between(random, [12, 26]), 30 + 10 * Math.floor(random() * 3));
    if (random() < 0.75) add(between(random, [10, 24]), 0);
  }
}

interface Cruise {
  readonly legs: number;
  readonly kmh: readonly [number, number];
  readonly forS: readonly [number, number];
}

function cruise(add: AddLeg, random: () => number, { legs, kmh, forS }: Cruise): void {
  for (let leg = 0; leg < legs; leg++) add(between(random, forS), between(random, kmh));
}

function between(random: () => number, [low, high]: readonly [number, number]): number {
  return low + random() * (high - low);
}
