import { isExpected } from '#core/errors.ts';
import { TokenBuckets } from '#core/token-buckets.ts';
import {
  type AuditEntry,
  type AuditFact,
  follows,
  isSound,
  type Link,
  nextEntry,
} from './audit.ts';
import type { Moments } from './moments.ts';

/** Entries that wait for a store that takes none; further ones are dropped and counted. */
const WAITING_MAX = 1_000;
/**
 * Refusals that are kept: so many at once, and then one in five minutes. Whoever guesses passwords would
 * else drive everything else out of the log within two days. The next that is kept counts the others.
 */
const REFUSALS = { burst: 100, perS: 1 / 300, namesMax: 1 };
/** Entries that are read in one turn of the event loop, in some ms on a Pi. */
const READ_MAX = 200;

/** Where the entries are kept. */
export interface AuditRecords {
  /** The newest; undefined where there is none. The hash of one that is damaged is empty. */
  last(): Link | undefined;
  /** Those before a number, the newest first. */
  page(before: number | undefined, limit: number): readonly AuditEntry[];
  /** Resolves when it is durable; rejects with an error that has a `code`. What is older than what is kept may go. */
  put(entry: AuditEntry): Promise<void>;
}

export interface AuditLogOptions {
  readonly records: AuditRecords;
  readonly moments: Moments;
  /** RFC 3339. */
  readonly now: () => string;
  /** Resolves in a later turn of the event loop. */
  readonly rest: () => Promise<void>;
  /** Told of each, whether or not it can be kept. */
  readonly tell: (fact: AuditFact) => void;
}

/** Which entries; what is undefined does not matter. */
export interface AuditQuery {
  /** Only older ones than the entry with this number. */
  readonly before?: number | undefined;
  readonly limit: number;
  readonly action?: string | undefined;
  readonly who?: string | undefined;
}

export interface AuditPage {
  /** Newest first. */
  readonly items: readonly AuditEntry[];
  /** `before` of the next page; null when this is the last. */
  readonly next: number | null;
}

/** Refusals that are kept however many others there are: nobody can have them at will. */
const RARE: readonly string[] = ['token.reuse'];

/** What is known of the chain as it is kept. */
export interface AuditCheck {
  /** As it was written, from the first that is left to the last. */
  readonly whole: boolean;
  readonly entries: number;
  /** Numbers of the oldest and the newest; null where there is none. */
  readonly first: number | null;
  readonly last: number | null;
  /** Number of the oldest entry that is not as it was, or before which one is missing. */
  readonly brokenAt: number | null;
}

/** Writes the audit log, in order, and keeps what cannot be written yet. */
export class AuditLog {
  /** Entries lost since the start. */
  dropped = 0;
  readonly #options: AuditLogOptions;
  readonly #refusals: TokenBuckets;
  /** Refusals since the last one that was kept. */
  #unkept = 0;
  #isOpen = false;
  /** With the moment at which they were noted. */
  #waiting: (readonly [fact: AuditFact, when: Pick<AuditEntry, 'at' | 'time'>])[] = [];
  #last: Link | undefined;
  #writing: Promise<void> | undefined;

  constructor(options: AuditLogOptions) {
    this.#options = options;
    const { moments } = options;
    this.#refusals = new TokenBuckets({ now: () => moments.now().t }, REFUSALS);
  }

  /** The store is open: what has waited is written behind what is there. */
  open(): void {
    this.#last = this.#options.records.last();
    this.#isOpen = true;
  }

  /** Takes it at once; it is durable some time after. */
  note(fact: AuditFact): void {
    this.#options.tell(fact);
    if (fact.result === 'done' || RARE.includes(fact.action)) this.#keep(fact);
    else if (this.#refusals.take('') > 0) this.#unkept++;
    else this.#keep(this.#counted(fact));
  }

  #counted(fact: AuditFact): AuditFact {
    const details = this.#unkept > 0 ? { ...fact.details, unkept: this.#unkept } : fact.details;
    this.#unkept = 0;
    return { ...fact, details };
  }

  #keep(fact: AuditFact): void {
    if (this.#waiting.length >= WAITING_MAX) {
      this.dropped++;
      return;
    }
    const { moments, now } = this.#options;
    this.#waiting.push([fact, { at: moments.now(), time: now() }]);
    void this.flush();
  }

  /** A page of what is kept. Rejects as the records do. */
  async list({ before, limit, action, who }: AuditQuery): Promise<AuditPage> {
    const items: AuditEntry[] = [];
    for await (const entry of this.#entries(before)) {
      if (action !== undefined && entry.action !== action) continue;
      if (who !== undefined && entry.who !== who) continue;
      if (items.length === limit) return { items, next: items.at(-1)?.n ?? null };
      items.push(entry);
    }
    return { items, next: null };
  }

  /** Goes through all that is kept. Rejects as the records do. */
  async check(): Promise<AuditCheck> {
    // Entries that come meanwhile are not looked at.
    const last = this.#last;
    let newer: AuditEntry | undefined;
    let entries = 0;
    let brokenAt: number | null = null;
    for await (const entry of this.#entries(last && last.n + 1)) {
      if (newer === undefined && entry.hash !== last?.hash) brokenAt = last?.n ?? entry.n;
      if (newer !== undefined && !follows(newer, entry)) brokenAt = newer.n;
      if (!isSound(entry)) brokenAt = entry.n;
      newer = entry;
      entries++;
    }
    if (entries === 0 && last !== undefined) brokenAt = last.n;
    const ends = { first: newer?.n ?? null, last: last?.n ?? null };
    return { whole: brokenAt === null, entries, ...ends, brokenAt };
  }

  /** Resolves when all has been written, or the store takes nothing. */
  flush(): Promise<void> {
    if (!this.#isOpen) return Promise.resolve();
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  /** From the newest before a number on, so many in a turn that nobody else has to wait. */
  async *#entries(before: number | undefined): AsyncGenerator<AuditEntry> {
    for (let end = before; ; ) {
      const page = this.#options.records.page(end, READ_MAX);
      yield* page;
      const oldest = page.at(-1);
      if (oldest === undefined) return;
      end = oldest.n;
      await this.#options.rest();
    }
  }

  async #write(): Promise<void> {
    for (let [next] = this.#waiting; next; [next] = this.#waiting) {
      const entry = nextEntry(this.#last, ...next);
      try {
        await this.#options.records.put(entry);
      } catch (error) {
        if (!isExpected(error)) throw error;
        return; // The next flush tries again.
      }
      this.#last = entry;
      this.#waiting.shift();
    }
  }
}
