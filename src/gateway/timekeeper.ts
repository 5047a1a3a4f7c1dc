import { type Clock, type Epoch, reanchor, type Trust } from '#core/clock.ts';
import { isExpected } from '#core/errors.ts';
import type { Log } from '../io/log.ts';

/**
 * Ties this start to the wall clock, and mends that once better time is known: a car computer starts
 * with whatever time it has, and gets the right one when a phone or a network comes. Everything
 * recorded since the start is re-timed by that one record.
 */
const LOOK_MS = 5_000;

export interface TimekeeperOptions {
  readonly epoch: Epoch;
  readonly clock: Clock;
  readonly log: Log;
  /** What the wall clock says, in ms since 1970, and how far to believe it. */
  wall(): { readonly ms: number; readonly trust: Trust };
  /** Keeps the corrected epoch. */
  correct(epoch: Epoch): Promise<void>;
}

export class Timekeeper {
  readonly #options: TimekeeperOptions;
  #epoch: Epoch;
  /** It is right, and not kept yet. */
  #unsaved = false;

  constructor(options: TimekeeperOptions) {
    this.#options = options;
    this.#epoch = options.epoch;
  }

  get epoch(): Epoch {
    return this.#epoch;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      await this.#look();
      await clock.sleep(LOOK_MS, signal).catch(() => {}); // The stop ends it.
    }
  }

  async #look(): Promise<void> {
    const { clock, log, wall, correct } = this.#options;
    const { ms, trust } = wall();
    const better = reanchor(this.#epoch, ms, clock.now(), trust);
    if (better !== this.#epoch) {
      const seconds = Math.round((better.wallMs - this.#epoch.wallMs) / 1000);
      log.info({ source: 'clock' }, `set by ${trust}: ${seconds} s from what it was taken for`);
      this.#epoch = better;
      this.#unsaved = true;
    }
    if (!this.#unsaved) return;
    try {
      await correct(this.#epoch);
      this.#unsaved = false;
    } catch (error) {
      // The store says what is wrong with it; the next look tries again.
      if (!isExpected(error)) throw error;
    }
  }
}
