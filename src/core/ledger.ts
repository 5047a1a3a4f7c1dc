import { isExpected } from './errors.ts';

/** Where the items of a ledger are kept over a restart. */
export interface Records<K, T> {
  /** All of them, in any order. */
  list(): readonly T[];
  /**
   * Stores the item in place of an earlier one with its id. Resolves when it is durable; rejects
   * with an error that has a `code` when the device refuses it.
   */
  put(item: T): Promise<void>;
  /** As `put`. An item that is not there counts as removed. */
  remove(id: K): Promise<void>;
}

/**
 * Few and small items (sessions, rules, alerts), all of them in memory, with the order to have the
 * records follow. Memory is right at once; a write that fails is kept in mind and tried again, so
 * that a device that refuses writes for a while costs neither an item nor the recording.
 *
 * One write is under way at a time. An item that changes again before its turn is written once.
 */
export class Ledger<K, T extends { readonly id: K }> {
  /** Writes that failed, repeats included. */
  failures = 0;
  /** Why the last write failed; empty when it did not. */
  failure = '';
  readonly #records: Records<K, T>;
  /** In the order in which they were put first. */
  readonly #items = new Map<K, T>();
  /** What the records do not have yet, with whoever waits for it. */
  readonly #unsaved = new Map<K, (() => void)[]>();
  /** What the records may hold. */
  readonly #held = new Set<K>();
  #writing: Promise<void> | undefined;

  constructor(records: Records<K, T>) {
    this.#records = records;
  }

  get size(): number {
    return this.#items.size;
  }

  /** Items whose last change is not durable yet. */
  get unsaved(): number {
    return this.#unsaved.size;
  }

  /**
   * Takes what the records have, in front of what was put since the start.
   *
   * @param order which of two comes first
   * @returns the items of the records
   */
  load(order: (a: T, b: T) => number): readonly T[] {
    const loaded = this.#records.list().toSorted(order);
    const since = [...this.#items.values()];
    this.#items.clear();
    for (const { id } of loaded) this.#held.add(id);
    for (const item of [...loaded, ...since]) this.#items.set(item.id, item);
    return loaded;
  }

  get(id: K): T | undefined {
    return this.#items.get(id);
  }

  all(): Iterable<T> {
    return this.#items.values();
  }

  /** Takes the item at once and resolves when it is durable, however many tries that takes. */
  put(item: T): Promise<void> {
    this.#items.set(item.id, item);
    return this.#save(item.id);
  }

  /** Forgets the item at once and resolves when that is durable. */
  remove(id: K): Promise<void> {
    this.#items.delete(id);
    if (this.#held.has(id)) return this.#save(id);
    // It was never written. While nothing can be, those that come and go must not pile up.
    const waiting = this.#unsaved.get(id) ?? [];
    this.#unsaved.delete(id);
    for (const done of waiting) done();
    return Promise.resolve();
  }

  /** Tries to write what is not durable. Resolves when all is, or a write has failed. */
  flush(): Promise<void> {
    if (this.#unsaved.size === 0) return Promise.resolve();
    this.#writing ??= this.#write();
    return this.#writing;
  }

  #save(id: K): Promise<void> {
    return new Promise((resolve) => {
      this.#unsaved.set(id, [...(this.#unsaved.get(id) ?? []), resolve]);
      // A device that refuses is not asked anew with every item, but by whoever calls flush.
      if (this.failure !== '') return;
      // A rejection is a bug: it is left unhandled, which ends the process.
      void this.flush();
    });
  }

  async #write(): Promise<void> {
    try {
      for (let [next] = this.#unsaved; next; [next] = this.#unsaved) {
        const [id, waiting] = next;
        if (!(await this.#writeOne(id))) return;
        const since = this.#unsaved.get(id)?.slice(waiting.length) ?? [];
        // Those who came while it was written changed it again.
        if (since.length > 0) this.#unsaved.set(id, since);
        else this.#unsaved.delete(id);
        for (const done of waiting) done();
      }
    } finally {
      this.#writing = undefined;
    }
  }

  /** Whether it is durable now. */
  async #writeOne(id: K): Promise<boolean> {
    const item = this.#items.get(id);
    // Before it is written: what was refused may be there all the same.
    if (item) this.#held.add(id);
    try {
      await (item ? this.#records.put(item) : this.#records.remove(id));
      if (!item) this.#held.delete(id);
      this.failure = '';
      return true;
    } catch (error) {
      if (!isExpected(error)) throw error;
      this.failure = error.message;
      this.failures++;
      return false;
    }
  }
}
