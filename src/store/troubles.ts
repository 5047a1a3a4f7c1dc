import type { Log } from '../io/log.ts';

/** What does not work at the moment, each told once in the log when it begins and when it is over. */
export class Troubles {
  /** Failures so far, repeats included. */
  failures = 0;
  readonly #source: string;
  readonly #log: Log;
  readonly #texts = new Map<string, string>();

  constructor(source: string, log: Log) {
    this.#source = source;
    this.#log = log;
  }

  /** One sentence for all; empty while all is well. */
  get text(): string {
    return [...this.#texts.values()].join('; ');
  }

  /** Something failed: another reason than the last time is news, the same one is not. */
  failed(what: string, text: string): void {
    this.failures++;
    if (this.#texts.get(what) !== text) this.#log.error({ source: this.#source }, text);
    this.#texts.set(what, text);
  }

  /** Something worked. @param text what to tell where it did not before */
  works(what: string, text: string): void {
    if (this.#texts.delete(what)) this.#log.info({ source: this.#source }, text);
  }
}
