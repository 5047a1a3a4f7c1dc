const FIRST_MS = 1_000;
const MAX_MS = 120_000;

/**
 * Pauses between two tries to connect: anything from 0 to a bound that doubles from 1 s to 120 s. All of it
 * is random ("full jitter"), as after an outage of the broker every car tries at the same time.
 */
export class Backoff {
  #boundMs = FIRST_MS;
  readonly #random: () => number;

  /** @param random in [0, 1) */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** How long to wait before the next try, ms. */
  next(): number {
    const ms = this.#random() * this.#boundMs;
    this.#boundMs = Math.min(this.#boundMs * 2, MAX_MS);
    return ms;
  }

  /** It works again: the next pause is a short one. */
  reset(): void {
    this.#boundMs = FIRST_MS;
  }
}
