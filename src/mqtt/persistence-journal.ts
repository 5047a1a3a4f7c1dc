import { isExpected } from '#core/errors.ts';
import type { Json } from '#core/stream.ts';
import type { MqttChange, MqttPlace, MqttRecord } from '../store/mqtt-records.ts';

/** Changes of one commit: some 100 KB, so that the recording beside it does not wait long. */
const COMMIT_CHANGES_MAX = 500;

/** Where it is kept: `MqttTable` of store/mqtt-records.ts. */
export interface Records {
  /** @throws an error with a `code` */
  list(): readonly MqttRecord[];
  /** All or none, durable when it resolves. Rejects with an error that has a `code`. */
  commit(changes: readonly MqttChange[]): Promise<void>;
}

/** Undefined where there is nothing any more. Asked when it is written, and not before. */
export type Contents = (place: MqttPlace) => Json | undefined;

/**
 * Has the records follow what is in memory, behind it and in order. What changes again before it is written is
 * written once, and what is gone by then not at all: a message that a client takes at once costs the disk
 * nothing. One commit is under way at a time and takes all that has come meanwhile.
 *
 * Nothing is followed before `open`: until then there is nothing to write to.
 */
export class Journal {
  /** Commits that failed, repeats included. */
  failures = 0;
  /** Why the last one failed; empty where it did not. */
  failure = '';
  commits = 0;
  readonly #records: Records;
  readonly #contents: Contents;
  /** What the records may have. */
  readonly #held = new Set<string>();
  #pending = new Map<string, MqttPlace>();
  #isOpen = false;
  #isDraining = false;
  /** Changes in the commit that is being made. */
  #underWay = 0;
  #writing: Promise<void> | undefined;

  constructor(records: Records, contents: Contents) {
    this.#records = records;
    this.#contents = contents;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Changes that are not durable. */
  get unsaved(): number {
    return this.#pending.size + this.#underWay;
  }

  /** What earlier starts have left. From here on changes are followed. @throws as Records.list */
  open(): readonly MqttRecord[] {
    const records = this.#records.list();
    for (const record of records) this.#held.add(nameOf(record));
    this.#isOpen = true;
    return records;
  }

  /**
   * Something has changed in memory.
   *
   * @param isLazy it may change again at once, and waits for the next commit or flush
   */
  note(place: MqttPlace, isLazy = false): void {
    if (!this.#isOpen) return;
    const name = nameOf(place);
    if (!this.#held.has(name) && this.#contents(place) === undefined) this.#pending.delete(name);
    else this.#pending.set(name, place);
    // A disk that refuses is not asked anew with every change, but by whoever calls flush.
    if (!isLazy && this.failure === '' && !this.#isDraining) void this.#drain();
  }

  /**
   * Resolves when all that was noted until now is durable, at once where nothing can be.
   *
   * @throws what the records refuse it with
   */
  async flush(): Promise<void> {
    // What comes meanwhile is behind it, and is not waited for.
    let rounds = Math.ceil(this.#pending.size / COMMIT_CHANGES_MAX);
    await this.#writing;
    for (; rounds > 0 && this.#pending.size > 0; rounds--) await this.#round();
  }

  async #drain(): Promise<void> {
    this.#isDraining = true;
    try {
      while (this.#pending.size > 0) await this.#round();
    } catch (error) {
      // It is kept for health, and the next flush tries again.
      if (!isExpected(error)) throw error;
    } finally {
      this.#isDraining = false;
    }
  }

  #round(): Promise<void> {
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  async #write(): Promise<void> {
    await Promise.resolve(); // Whoever makes many changes makes them in one turn.
    const places = [...this.#pending].slice(0, COMMIT_CHANGES_MAX);
    for (const [name] of places) this.#pending.delete(name);
    const changes = places.map(([, place]) => ({ ...place, value: this.#contents(place) }));
    // Before it is written: what was refused may be there all the same.
    for (const [name] of places) this.#held.add(name);
    this.#underWay = changes.length;
    try {
      await this.#records.commit(changes);
    } catch (error) {
      // What has changed meanwhile is pending already.
      this.#pending = new Map([...places, ...this.#pending]);
      if (!isExpected(error)) throw error;
      this.failure = error.message;
      this.failures++;
      throw error;
    } finally {
      this.#underWay = 0;
    }
    this.failure = '';
    this.commits++;
    for (const change of changes) {
      if (change.value === undefined) this.#held.delete(nameOf(change));
    }
  }
}

function nameOf({ kind, owner, n }: MqttPlace): string {
  return `${kind} ${n} ${owner}`;
}
