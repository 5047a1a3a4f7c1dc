import type { Clock } from '#core/clock.ts';

/** Wakes who waits for something to do. A ring that nobody waits for wakes the next who does. */
export class Bell {
  #rung = false;
  #waiting: AbortController | undefined;

  ring(): void {
    this.#rung = true;
    this.#waiting?.abort();
  }

  /** Resolves when it rings, after `ms`, or when the signal aborts. Never rejects. */
  async wait(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#rung && !signal.aborted) {
      const waiting = new AbortController();
      const stop = (): void => waiting.abort();
      signal.addEventListener('abort', stop, { once: true });
      this.#waiting = waiting;
      await clock.sleep(ms, waiting.signal).catch(() => {}); // Rung, or stopped.
      signal.removeEventListener('abort', stop);
      this.#waiting = undefined;
    }
    this.#rung = false;
  }
}
