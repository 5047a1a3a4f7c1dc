import type { Clock } from '#core/clock.ts';

/** Ends a sleep. A reason made anew each time costs a stack trace. */
const PUT_OFF = 'the deadline is another';

/**
 * A time by which something has to happen, which is put off with every frame and seldom comes: one
 * sleep serves a whole message.
 */
export class Deadline {
  readonly #clock: Clock;
  readonly #missed: () => void;
  #at = 0;
  #wakesAt = 0;
  #sleep: AbortController | undefined;

  /** @param missed called once for a deadline that has come */
  constructor(clock: Clock, missed: () => void) {
    this.#clock = clock;
    this.#missed = missed;
  }

  /** In `ms` from now, whatever was set before. */
  set(ms: number): void {
    this.#at = this.#clock.now() + ms * 1000;
    if (this.#sleep && this.#wakesAt <= this.#at) return;
    this.#sleep?.abort(PUT_OFF);
    this.#sleep = new AbortController();
    void this.#watch(this.#sleep);
  }

  /** It has happened: there is no deadline. */
  clear(): void {
    this.#sleep?.abort(PUT_OFF);
    this.#sleep = undefined;
  }

  async #watch(sleep: AbortController): Promise<void> {
    const { signal } = sleep;
    try {
      do {
        this.#wakesAt = this.#at;
        await this.#clock.sleep(Math.max(0, (this.#at - this.#clock.now()) / 1000), signal);
        // After a stall of ours timers run before what has come meanwhile is read. Another turn lets
        // frames that were in time be heard first.
        await this.#clock.sleep(0, signal);
      } while (this.#clock.now() < this.#at);
    } catch (error) {
      if (signal.aborted) return; // Cleared, or set anew to an earlier time.
      throw error;
    }
    this.#sleep = undefined;
    this.#missed();
  }
}
