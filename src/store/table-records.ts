import type { Records } from '#core/ledger.ts';
import type { Change, Reads, TableName } from './lmdb.ts';
import { recordsOf } from './reading/walk.ts';
import { encodeRecord, soundRecord } from './record.ts';
import type { Store } from './store.ts';

/** The items of a ledger in a small table of the store, a record each. */
export class TableRecords<K, T extends { readonly id: K }> implements Records<K, T> {
  readonly #store: Pick<Store, 'reads' | 'commit'>;
  readonly #table: TableName;
  readonly #keyOf: (id: K) => Uint8Array;

  /** @param keyOf under which key an id is kept: another one for each, 1 to 511 bytes */
  constructor(
    store: Pick<Store, 'reads' | 'commit'>,
    table: TableName,
    keyOf: (id: K) => Uint8Array,
  ) {
    this.#store = store;
    this.#table = table;
    this.#keyOf = keyOf;
  }

  list(): T[] {
    return itemsIn(this.#store.reads, this.#table);
  }

  /** @param also changes that are of the same commit */
  async put(item: T, also: readonly Change[] = []): Promise<void> {
    const key = this.#keyOf(item.id);
    const change = { table: this.#table, key, value: encodeRecord(key, item) };
    await this.#store.commit([change, ...also]);
  }

  async remove(id: K): Promise<void> {
    await this.#store.commit([{ table: this.#table, key: this.#keyOf(id), value: undefined }]);
  }
}

/**
 * What a table has, in the order of the keys. Damaged records are left out: the scrub tells of them.
 * They are taken for what was put: their CRC says that we wrote them.
 */
export function itemsIn<T>(reads: Reads, table: TableName): T[] {
  return [...recordsOf(reads, table)].flatMap(({ key, value }) => {
    const item = soundRecord(key, value);
    return item === undefined ? [] : [item as unknown as T];
  });
}
