import { isExpected } from '#core/errors.ts';
import type { Micros } from '#core/stream.ts';
import type { MailMatter } from './text.ts';

/** A mail that waits to be delivered. */
export interface StoredMail {
  /** u32, from 1, increasing while others wait. */
  readonly id: number;
  readonly matter: MailMatter;
  readonly queuedAt: {
    readonly epoch: number;
    readonly t: Micros;
    /** Milliseconds since 1970; null as long as the wall clock was not believed. */
    readonly wallMs: number | null;
  };
  /** Deliveries begun. */
  readonly attempts: number;
  /** Not to be tried before: milliseconds since 1970; null where the wall clock was not believed. */
  readonly nextAt: number | null;
  /**
   * Given with the first attempt and kept for good, for those who got it to know a copy. Mails with the
   * same one are one digest.
   */
  readonly messageId: string | null;
  /** Recipients that have it or will never take it. */
  readonly done: readonly string[];
}

/** Where mails are kept over a restart. */
export interface MailRecords {
  /** All of them, in any order. */
  list(): readonly StoredMail[];
  /**
   * Keeps the mail in place of an earlier one with its id. Resolves when it is durable; rejects with an
   * error that has a `code` when the device refuses it.
   */
  put(mail: StoredMail): Promise<void>;
  /** As `put`; all or none. Those that are not there count as removed. */
  remove(ids: readonly number[]): Promise<void>;
}

/**
 * Has the records follow the queue. What could not be written is kept in mind and tried again with the
 * next change. One write is under way at a time, removals first: each of them is a mail that somebody
 * has, and would get again after a power cut. What waits is at most the mails there are, and the
 * removals of those that the records hold.
 */
export class MailShelf {
  /** Writes that failed. */
  failures = 0;
  readonly #records: MailRecords;
  readonly #unsaved = new Map<number, StoredMail>();
  readonly #gone = new Set<number>();
  /** What the records may hold. */
  readonly #held = new Set<number>();
  #writing: Promise<void> | undefined;

  constructor(records: MailRecords) {
    this.#records = records;
  }

  /** Changes that are not durable yet. */
  get unsaved(): number {
    return this.#unsaved.size + this.#gone.size;
  }

  /** In the order of their ids. */
  load(): readonly StoredMail[] {
    const mails = this.#records.list().toSorted((a, b) => a.id - b.id);
    for (const { id } of mails) this.#held.add(id);
    return mails;
  }

  /** Resolves when they are durable, or a write has failed. */
  put(mails: readonly StoredMail[]): Promise<void> {
    for (const mail of mails) this.#unsaved.set(mail.id, mail);
    return this.flush();
  }

  /** As `put`. */
  remove(ids: readonly number[]): Promise<void> {
    for (const id of ids) {
      this.#unsaved.delete(id);
      if (this.#held.has(id)) this.#gone.add(id);
    }
    return this.flush();
  }

  /** Writes what is not durable. Resolves when all is, or a write has failed. */
  flush(): Promise<void> {
    if (this.unsaved === 0) return Promise.resolve();
    this.#writing ??= this.#write();
    return this.#writing;
  }

  async #write(): Promise<void> {
    try {
      while (this.unsaved > 0) await this.#writeNext();
    } catch (error) {
      if (!isExpected(error)) throw error;
      this.failures++;
    } finally {
      this.#writing = undefined;
    }
  }

  async #writeNext(): Promise<void> {
    const gone = [...this.#gone];
    const [mail] = this.#unsaved.values();
    if (gone.length > 0) {
      await this.#records.remove(gone);
      for (const id of gone) {
        this.#gone.delete(id);
        this.#held.delete(id);
      }
    } else if (mail) {
      this.#held.add(mail.id);
      await this.#records.put(mail);
      // It may have changed meanwhile.
      if (this.#unsaved.get(mail.id) === mail) this.#unsaved.delete(mail.id);
    }
  }
}
