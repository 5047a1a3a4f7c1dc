import type { VerifyStep } from '../reading/verify.ts';

/**
 * Looks through the whole store in the background, so that a medium that begins to forget is noticed
 * before somebody needs what was on it.
 */
const BYTES_PER_S = 2 ** 20;
/** From the end of a pass to the beginning of the next. */
const PAUSE_S = 24 * 3600;
/** Damages of one pass that are told one by one. */
const TOLD_MAX = 10;

export class Scrub {
  /** Passes that went through to the end. */
  passes = 0;
  /** Damaged entries of the last pass that ended, or of this one where it has found more. */
  damaged = 0;
  readonly #verify: () => Iterator<VerifyStep>;
  #pass: Iterator<VerifyStep> | undefined;
  #found = 0;
  /** Bytes ahead of the pace, or seconds of the pause as bytes. */
  #ahead = 0;

  /** @param verify begins a pass */
  constructor(verify: () => Iterator<VerifyStep>) {
    this.#verify = verify;
  }

  /** Goes on for the time since the last step. Returns what it found, in sentences for people. */
  step(ms: number): string[] {
    const texts: string[] = [];
    this.#ahead -= (BYTES_PER_S * ms) / 1000;
    while (this.#ahead < 0) {
      this.#pass ??= this.#verify();
      const { value, done } = this.#pass.next();
      if (done) {
        this.#end();
        break;
      }
      // An empty page has its cost too.
      this.#ahead += Math.max(value.bytes, 1024);
      for (const { table, key, text } of value.problems) {
        this.#found++;
        const place = key === '' ? table : `${table} ${key}`;
        if (this.#found <= TOLD_MAX) texts.push(`${place}: ${text}`);
      }
      this.damaged = Math.max(this.damaged, this.#found);
    }
    return texts;
  }

  #end(): void {
    this.passes++;
    this.damaged = this.#found;
    this.#found = 0;
    this.#pass = undefined;
    this.#ahead = PAUSE_S * BYTES_PER_S;
  }
}
