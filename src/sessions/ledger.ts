import type { Session } from '#core/session.ts';
import { expected } from './errors.ts';

/** Where sessions are kept over a restart. */
export interface SessionRecords {
  /** All of them, in any order. */
  list(): readonly Session[];
  /** The largest id that was ever put, removed ones included; 0 before the first. */
  lastId(): number;
  /**
   * Stores the session in place of an earlier one with its id. Resolves when it is durable; rejects
   * with an error that has a `code` when the device refuses it.
   */
  put(session: Session): Promise<void>;
  /** As `put`. A session that is not there counts as removed. */
  remove(id: number): Promise<void>;
}

/**
 * All sessions in memory, where they are small, and the order to have the records follow. Memory is
 * right at once; a write that fails is kept in mind and tried again, so that a device that refuses
 * writes for a while costs neither a session nor the recording.
 *
 * One write is under way at a time. A session that changes again before its turn is written once.
 */
export class SessionLedger {
  /** Writes that failed, repeats included. */
  failures = 0;
  /** Why the last write failed; empty when it did not. */
  failure = '';
  readonly #records: SessionRecords;
  /** In the order of their ids. */
  readonly #sessions = new Map<number, Session>();
  /** What the records do not have yet, with whoever waits for it. */
  readonly #unsaved = new Map<number, (() => void)[]>();
  #writing: Promise<void> | undefined;
  #lastId = 0;

  constructor(records: SessionRecords) {
    this.#records = records;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Sessions whose last change is not durable yet. */
  get unsaved(): number {
    return this.#unsaved.size;
  }

  load(): void {
    const sessions = this.#records.list().toSorted((a, b) => a.id - b.id);
    for (const session of sessions) this.#sessions.set(session.id, session);
    this.#lastId = Math.max(this.#records.lastId(), sessions.at(-1)?.id ?? 0);
  }

  /** An id that no session has had. */
  nextId(): number {
    this.#lastId++;
    return this.#lastId;
  }

  get(id: number): Session | undefined {
    return this.#sessions.get(id);
  }

  /** In the order of their ids. */
  all(): Iterable<Session> {
    return this.#sessions.values();
  }

  /** Takes the session at once and resolves when it is durable, however many tries that takes. */
  put(session: Session): Promise<void> {
    this.#sessions.set(session.id, session);
    return this.#save(session.id);
  }

  /** Forgets the session at once and resolves when that is durable. */
  remove(id: number): Promise<void> {
    this.#sessions.delete(id);
    return this.#save(id);
  }

  /** Tries to write what is not durable. Resolves when all is, or a write has failed. */
  flush(): Promise<void> {
    if (this.#unsaved.size === 0) return Promise.resolve();
    this.#writing ??= this.#write();
    return this.#writing;
  }

  #save(id: number): Promise<void> {
    return new Promise((resolve) => {
      this.#unsaved.set(id, [...(this.#unsaved.get(id) ?? []), resolve]);
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
  async #writeOne(id: number): Promise<boolean> {
    const session = this.#sessions.get(id);
    try {
      await (session ? this.#records.put(session) : this.#records.remove(id));
      this.failure = '';
      return true;
    } catch (error) {
      this.failure = expected(error).message;
      this.failures++;
      return false;
    }
  }
}
