import type { Micros } from '#core/stream.ts';
import type { CanFrame, CanListener } from './bus.ts';

/** Those who listen to a bus, in the order they came. */
export class Listeners {
  #all: readonly { readonly tell: CanListener }[] = [];

  /** The same function twice is told twice. */
  add(listener: CanListener): () => void {
    const entry = { tell: listener };
    this.#all = [...this.#all, entry];
    return () => {
      this.#all = this.#all.filter((other) => other !== entry);
    };
  }

  tell(frame: CanFrame, t: Micros): void {
    for (const { tell } of this.#all) tell(frame, t);
  }
}
