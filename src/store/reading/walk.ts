import type { Entry, PageQuery, Reads, TableName } from '../lmdb.ts';

/**
 * Walks over the tables a page at a time. Each page is a read of its own, so that nothing is held
 * open while the caller does something with the last one, and what is committed meanwhile is seen.
 */

/** Below every key: no name and no epoch begins like this, and LMDB has no empty keys. */
export const FIRST_KEY: Uint8Array = Uint8Array.of(0);
/** Above every key: none is that long or begins with that many ones. */
export const BEHIND_KEYS: Uint8Array = Buffer.alloc(32, 0xff);

export const BLOCK_TABLES = ['samples', 'waves', 'frames'] as const satisfies readonly TableName[];
export type BlockTable = (typeof BLOCK_TABLES)[number];

type Stretch = Omit<PageQuery, 'reverse'>;

/** Records of a small table that are read at a time. */
const PAGE_RECORDS = 256;

/** The first key behind this one that there can be. */
export function keyAfter(key: Uint8Array): Uint8Array {
  return Buffer.concat([key, FIRST_KEY]);
}

/** Pages of `limit` entries, the last one shorter; none is empty. */
export function entryPages(reads: Reads, table: TableName, query: Stretch): Generator<Entry[]> {
  return pages(
    query,
    (one) => reads.page(table, one),
    ({ key }) => key,
  );
}

/** The same without the values, which are not touched. */
export function keyPages(
  reads: Pick<Reads, 'keys'>,
  table: TableName,
  query: Stretch,
): Generator<Uint8Array[]> {
  return pages(
    query,
    (one) => reads.keys(table, one),
    (key) => key,
  );
}

/** Every record of a small table, in the order of the keys. */
export function* recordsOf(reads: Reads, table: TableName): Generator<Entry> {
  const all = { start: FIRST_KEY, end: BEHIND_KEYS, limit: PAGE_RECORDS };
  for (const page of entryPages(reads, table, all)) yield* page;
}

function* pages<T>(
  query: Stretch,
  read: (query: PageQuery) => T[],
  keyOf: (one: T) => Uint8Array,
): Generator<T[]> {
  let start: Uint8Array | undefined = query.start;
  while (start) {
    const page: T[] = read({ ...query, start });
    if (page.length > 0) yield page;
    const last = page.length < query.limit ? undefined : page.at(-1);
    start = last === undefined ? undefined : keyAfter(keyOf(last));
  }
}
