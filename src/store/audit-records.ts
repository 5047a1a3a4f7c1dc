import type { AuditEntry, Link } from '../accounts/audit.ts';
import type { AuditRecords } from '../accounts/audit-log.ts';
import { numberKey, parseNumberKey } from './keys.ts';
import type { Change } from './lmdb.ts';
import { BEHIND_KEYS, FIRST_KEY } from './reading/walk.ts';
import { encodeRecord, soundRecord } from './record.ts';
import type { Store } from './store.ts';

/** Entries that are kept: some 20 MB at most. Each further one takes the place of the oldest. */
const AUDIT_ENTRIES_MAX = 50_000;
/** What is older than this goes with the next entries. */
const AUDIT_MS_MAX = 90 * 86_400_000;
/** Old ones that go with one new one: more than come, so that the table gets shorter. */
const EVICTED_MAX = 4;

type AuditRecord = ReturnType<Store['reads']['page']>[number];

export interface AuditTableOptions {
  /** Milliseconds since an entry was made; undefined where nobody can tell. */
  readonly age: (at: AuditEntry['at']) => number | undefined;
}

/** The audit log in the store: a record an entry, under its number (u32, big-endian). */
export class AuditTable implements AuditRecords {
  readonly #store: Pick<Store, 'reads' | 'commit'>;
  readonly #age: AuditTableOptions['age'];

  constructor(store: Pick<Store, 'reads' | 'commit'>, { age }: AuditTableOptions) {
    this.#store = store;
    this.#age = age;
  }

  /** Of a damaged one the number is known: without it the next would be written over the oldest. */
  last(): Link | undefined {
    const query = { start: FIRST_KEY, end: BEHIND_KEYS, limit: 1, reverse: true };
    const [newest] = this.#store.reads.page('audit', query);
    if (newest === undefined) return undefined;
    return entryIn(newest) ?? { n: parseNumberKey(newest.key), hash: '' };
  }

  page(before: number | undefined, limit: number): readonly AuditEntry[] {
    let end = before === undefined ? BEHIND_KEYS : numberKey(before);
    // A page of which nothing is sound is not the end of the table.
    for (;;) {
      const query = { start: FIRST_KEY, end, limit, reverse: true };
      const records = this.#store.reads.page('audit', query);
      const entries = records.flatMap((record) => entryIn(record) ?? []);
      const oldest = records.at(-1);
      if (entries.length > 0 || oldest === undefined) return entries;
      end = oldest.key;
    }
  }

  async put(entry: AuditEntry): Promise<void> {
    const key = numberKey(entry.n);
    const value = encodeRecord(key, entry);
    await this.#store.commit([{ table: 'audit', key, value }, ...this.#evicted(entry.n)]);
  }

  /** The oldest, as far as they are too many or too old. */
  #evicted(newest: number): Change[] {
    const query = { start: FIRST_KEY, end: BEHIND_KEYS, limit: EVICTED_MAX };
    return this.#store.reads
      .page('audit', query)
      .filter((record) => this.#isOver(record, newest))
      .map(({ key }) => ({ table: 'audit', key, value: undefined }));
  }

  /** One that is damaged has no age, and goes when its number is too far behind. */
  #isOver(record: AuditRecord, newest: number): boolean {
    const at = entryIn(record)?.at;
    const ageMs = at && this.#age(at);
    return newest - parseNumberKey(record.key) >= AUDIT_ENTRIES_MAX || (ageMs ?? 0) > AUDIT_MS_MAX;
  }
}

/** Undefined for one that is damaged: the chain tells of it. */
function entryIn({ key, value }: AuditRecord): AuditEntry | undefined {
  // Taken for what was put: its CRC says that we wrote it.
  return soundRecord(key, value) as unknown as AuditEntry | undefined;
}
