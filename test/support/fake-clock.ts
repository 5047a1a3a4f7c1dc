import type { Clock } from '#core/clock.ts';
import type { Micros } from '#core/stream.ts';

interface Sleeper {
  readonly at: Micros;
  readonly wake: () => void;
}

/** A clock that a test moves by hand, so that an hour takes no time and every run is the same. */
export class FakeClock implements Clock {
  #now: Micros = 0;
  #sleepers: readonly Sleeper[] = [];

  /** How many sleeps are waiting: 0 when everything has stopped. */
  get sleepers(): number {
    return this.#sleepers.length;
  }

  now(): Micros {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const sleeper: Sleeper = {
        at: this.#now + Math.round(ms * 1000),
        wake: () => {
          this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      const onAbort = (): void => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#sleepers = [...this.#sleepers, sleeper];
    });
  }

  /**
   * Moves on by `ms` and ends the sleeps on the way in the order of their times, equal times in the
   * order they began. After each, what waited for it runs before time moves again.
   */
  async advance(ms: number): Promise<void> {
    const end = this.#now + Math.round(ms * 1000);
    await settle();
    for (let next = this.#next(end); next; next = this.#next(end)) {
      this.#now = next.at;
      next.wake();
      await settle();
    }
    this.#now = end;
  }

  #next(end: Micros): Sleeper | undefined {
    const due = this.#sleepers.filter(({ at }) => at <= end);
    return due.toSorted((a, b) => a.at - b.at)[0];
  }
}

/** Lets everything run that waits for nothing but its turn. */
export function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
