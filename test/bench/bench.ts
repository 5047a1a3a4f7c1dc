/**
 * What a benchmark is, and how two sides are compared.
 *
 * Machines are noisy and shared, so a figure is a ratio against a peer or a physical floor taken in
 * the same run, or a count. The sides take turns (A B A B) after a round that does not count, and
 * their medians are compared. Nothing is asserted: a figure is printed beside what it is to reach.
 */
import { median, significant } from './stats.ts';

export interface Figure {
  /** What was measured: `framer x4`. */
  readonly metric: string;
  readonly value: number;
  readonly unit: string;
  /** What it is held against, in the same unit. */
  readonly peer?: { readonly name: string; readonly value: number };
  /** Measurements behind the value. */
  readonly n: number;
  /** What it is to reach, for people: `>= 0.8x`. */
  readonly goal?: string;
}

export interface BenchOptions {
  /** Multiples of the usual load, ascending. */
  readonly scales: readonly number[];
  /** How long slow processes are watched. */
  readonly minutes: number;
}

export interface Bench {
  readonly name: string;
  /** Figures as they come. What it starts it stops, also when the caller stops listening. */
  run(options: BenchOptions): AsyncIterable<Figure>;
}

/** One way to do the same work. */
export class Side {
  /** One value a round. */
  readonly results: number[] = [];
  readonly #measure: () => number | Promise<number>;

  /** @param measure does the work once and returns its figure */
  constructor(measure: () => number | Promise<number>) {
    this.#measure = measure;
  }

  get median(): number {
    return median(this.results);
  }

  async round(counts: boolean): Promise<void> {
    const result = await this.#measure();
    if (counts) this.results.push(result);
  }
}

/** Lets the sides take turns; the first round warms up and does not count. */
export async function interleave(rounds: number, sides: readonly Side[]): Promise<void> {
  for (let round = 0; round <= rounds; round++) {
    for (const side of sides) await side.round(round > 0);
  }
}

/** Seconds that `work` takes. */
export async function secondsOf(work: () => void | Promise<void>): Promise<number> {
  const start = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - start) / 1e9;
}

/**
 * How the cost of one unit grows with the load: each scale against the first, which is to stay
 * within a fifth. Nothing for a single scale.
 */
export function* growth(
  unit: string,
  sides: ReadonlyMap<number, Side>,
  costOf: (result: number, scale: number) => number,
): Generator<Figure> {
  const [first, ...rest] = [...sides].map(
    ([scale, side]) => [scale, costOf(side.median, scale)] as const,
  );
  if (!first) return;
  for (const [scale, cost] of rest) {
    yield {
      metric: `cost x${scale}`,
      value: significant(cost),
      unit,
      peer: { name: `cost x${first[0]}`, value: significant(first[1]) },
      n: sides.get(scale)?.results.length ?? 0,
      goal: '<= 1.2x',
    };
  }
}
