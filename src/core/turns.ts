/** One thing at a time for each name, in the order in which it was asked. */
export class Turns {
  readonly #last = new Map<string, Promise<void>>();

  /** Resolves or rejects as the work does. What one work throws does not concern the next. */
  async run<T>(name: string, work: () => Promise<T>): Promise<T> {
    const mine = (this.#last.get(name) ?? Promise.resolve()).then(work);
    const quiet = mine.then(
      () => {},
      () => {},
    );
    this.#last.set(name, quiet);
    try {
      return await mine;
    } finally {
      // Nobody came behind: the name is forgotten, or names would pile up.
      if (this.#last.get(name) === quiet) this.#last.delete(name);
    }
  }
}
