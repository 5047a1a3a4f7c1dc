import type { Clock } from '#core/clock.ts';
import type { Micros } from '#core/stream.ts';

export interface AnsweredOptions {
  /** In which clients wait. */
  readonly clock: Clock;
  /** Answers are kept for so long. */
  readonly ms: number;
  /** Further ones take the place of the oldest. */
  readonly max: number;
}

/** Answers by the idempotency key of who asked: asked again, the work is not done again. */
export class Answered<T> {
  readonly #options: AnsweredOptions;
  /** In the order in which they were asked. */
  readonly #answers = new Map<string, { readonly at: Micros; readonly answer: Promise<T> }>();

  constructor(options: AnsweredOptions) {
    this.#options = options;
  }

  /** The answer there was, or is about to be, to this key of this account. */
  find(who: string, key: string): Promise<T> | undefined {
    const found = this.#answers.get(nameOf(who, key));
    const isOld = found && this.#options.clock.now() - found.at > this.#options.ms * 1000;
    return isOld ? undefined : found?.answer;
  }

  /** Keeps an answer, unless it is a failure: that may be tried again with the same key. */
  keep(who: string, key: string, answer: Promise<T>): void {
    const name = nameOf(who, key);
    const kept = { at: this.#options.clock.now(), answer };
    this.#answers.delete(name);
    this.#answers.set(name, kept);
    const [oldest = ''] = this.#answers.keys();
    if (this.#answers.size > this.#options.max) this.#answers.delete(oldest);
    answer.catch(() => {
      if (this.#answers.get(name) === kept) this.#answers.delete(name);
    });
  }
}

/** Ids of accounts have no spaces. */
function nameOf(who: string, key: string): string {
  return `${who} ${key}`;
}
