/** Lets one thing through at a time, in the order in which they came. */
export class Gate {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `work` when everything before it has ended, however that ended. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => {}); // Whoever asked for it is told.
    return result;
  }
}
