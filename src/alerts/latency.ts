/** Of the newest, whatever was before. */
const KEPT_MAX = 1_000;

/** From the time of a reading to the alert that it made, over the newest alerts. */
export class Latency {
  readonly #kept: number[] = [];
  #next = 0;

  /** @param us microseconds */
  add(us: number): void {
    this.#kept[this.#next] = us;
    this.#next = (this.#next + 1) % KEPT_MAX;
  }

  /** In ms; null before the first. */
  summary(): { readonly latencyMsP50: number | null; readonly latencyMsP99: number | null } {
    const sorted = this.#kept.toSorted((a, b) => a - b);
    return { latencyMsP50: quantile(sorted, 0.5), latencyMsP99: quantile(sorted, 0.99) };
  }
}

function quantile(sorted: readonly number[], q: number): number | null {
  const us = sorted[Math.max(0, Math.ceil(sorted.length * q) - 1)];
  return us === undefined ? null : Math.round(us) / 1000;
}
