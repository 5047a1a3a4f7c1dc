import type { Clock } from '#core/clock.ts';

/**
 * At most one flush of the store in so long. Each costs a write of the device, however little there
 * is, and a client that sends on needs no answer to each batch: those of all clients share one.
 */
const PAUSE_MS = 200;

/** Those who wait for a disk wait together. */
export class GroupCommit {
  readonly #durable: () => Promise<void>;
  /** In which clients wait. */
  readonly #clock: Clock;
  #next: Promise<void> | undefined;
  #begunAt = Number.NEGATIVE_INFINITY;

  /** @param durable resolves when everything taken until the call is durable */
  constructor(durable: () => Promise<void>, clock: Clock) {
    this.#durable = durable;
    this.#clock = clock;
  }

  /** As `durable`, at once after a pause and else together with whoever comes until it is due. */
  wait(): Promise<void> {
    this.#next ??= this.#run();
    return this.#next;
  }

  async #run(): Promise<void> {
    const due = this.#begunAt + PAUSE_MS * 1000 - this.#clock.now();
    await (due > 0 ? this.#clock.sleep(due / 1000) : undefined);
    this.#next = undefined;
    this.#begunAt = this.#clock.now();
    await this.#durable();
  }
}
