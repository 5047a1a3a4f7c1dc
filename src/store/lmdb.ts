import { type Database as Lmdb, open, type RootDatabase } from 'lmdb';
import { isExpected } from '#core/errors.ts';
import { StoreError } from './errors.ts';

/**
 * LMDB as the store uses it; the only file that imports it.
 *
 * Its rules, each of which costs data or the process when broken:
 * - a failed open() segfaults, so whoever opens a file has looked at it before (inspect.ts, probe.ts);
 * - values are not checked, so every one carries a CRC of ours (block.ts, record.ts);
 * - an exception inside a transaction does not undo what was put before it: changes are a list that
 *   is made beforehand, and the transaction only puts it;
 * - a read that is left open keeps its snapshot, and the file grows for ever: reads are pages with a
 *   limit, and each begins with a fresh snapshot;
 * - a transaction that met a damaged page reads nothing any more (MDB_BAD_TXN), and lmdb-js keeps it
 *   until the next commit when a walk does not let go of it: walks are ended whatever happens;
 * - `overlappingSync` off: a commit that has resolved is on the disk.
 */
export const TABLES = [
  ...(['meta', 'epochs', 'sessions', 'streams', 'samples', 'waves', 'frames'] as const),
  ...(['rollups', 'events', 'eventIndex', 'users', 'tokens', 'rules', 'audit'] as const),
  ...(['cursors', 'retained', 'alerts', 'mail', 'mqtt', 'seals', 'erased'] as const),
] as const;
export type TableName = (typeof TABLES)[number];

export const PAGE_BYTES = 4096;
/** More than there are, so that a later version can be looked at by this one. */
const TABLES_MAX = 32;
/** Address space, not memory: twice the file, and at least this. */
const MAP_BYTES_MIN = 256 * 2 ** 20;

/**
 * What LMDB says of a damaged page (MDB_CURSOR_FULL: of a tree that leads back to itself), and lmdb-js,
 * without a code, of a key that is longer than any. MDB_BAD_TXN is what is left of one of these where
 * lmdb-js went on to the next step, which it does in all commits: transactions begin sound.
 */
const DAMAGE = /^(MDB_PAGE_NOTFOUND|MDB_CORRUPTED|MDB_CURSOR_FULL|MDB_BAD_TXN|Invalid key size)/;

/** Of a file that it makes: who drove where when is for nobody else on this computer. */
const FILE_MODE = 0o600;
/** Options that its types do not know. */
const UNTYPED = { noReadAhead: true, permissionsMode: FILE_MODE };

export interface Entry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** One put, or a removal where there is no value. */
export interface Change {
  readonly table: TableName;
  readonly key: Uint8Array;
  readonly value: Uint8Array | undefined;
}

export interface PageQuery {
  /** Inclusive. */
  readonly start: Uint8Array;
  /** Exclusive. */
  readonly end: Uint8Array;
  readonly limit: number;
  /** From the last key before `end` down to `start`. */
  readonly reverse?: boolean;
}

export interface DatabaseUse {
  /** Bytes in pages that hold something. */
  readonly used: number;
  /** Where the last page that was ever in use ends: up to there the file has been written. */
  readonly end: number;
  readonly tables: Readonly<
    Record<TableName, { readonly entries: number; readonly bytes: number }>
  >;
}

export interface DatabaseOptions {
  /** Bytes that the file may come to have. */
  readonly fileBytes: number;
  readonly readOnly: boolean;
}

/** What reads need. All throw StoreError: BAD_FILE where a page is damaged, else FAILED. */
export interface Reads {
  get(table: TableName, key: Uint8Array): Uint8Array | undefined;
  /** Entries in the order of their keys. */
  page(table: TableName, query: PageQuery): Entry[];
  /** The same without the values, which are not touched. */
  keys(table: TableName, query: PageQuery): Uint8Array[];
}

type Binary = Lmdb<Uint8Array, Uint8Array>;

export class Database implements Reads {
  readonly #root: RootDatabase<Uint8Array, Uint8Array>;
  readonly #tables: ReadonlyMap<TableName, Binary>;
  /** Some commit has failed: the next looks first whether LMDB still takes any. */
  #suspect = false;

  /** Use `openDatabase`. */
  constructor(root: RootDatabase<Uint8Array, Uint8Array>, tables: ReadonlyMap<TableName, Binary>) {
    this.#root = root;
    this.#tables = tables;
  }

  get(table: TableName, key: Uint8Array): Uint8Array | undefined {
    return this.#read(table, (one) => one.get(key));
  }

  page(table: TableName, query: PageQuery): Entry[] {
    return this.#read(table, (one) => listOf(one.getRange(rangeOf(query)))) ?? [];
  }

  keys(table: TableName, query: PageQuery): Uint8Array[] {
    return this.#read(table, (one) => listOf(one.getKeys(rangeOf(query)))) ?? [];
  }

  /** Reads with a snapshot of its own. Of a table that is not there nothing is read. */
  #read<T>(name: TableName, work: (table: Binary) => T): T | undefined {
    const table = this.#tables.get(name);
    if (table === undefined) return undefined;
    this.#root.resetReadTxn();
    try {
      return work(table);
    } catch (cause) {
      const error = failure(`the table ${name} of the data file could not be read`, cause);
      throw error.code === 'BAD_FILE' || isExpected(cause) ? error : cause;
    } finally {
      this.#root.resetReadTxn();
    }
  }

  /**
   * All of the changes or none. Resolves when they are on the disk.
   *
   * @throws StoreError FAILED when the disk did not take them, BAD_FILE where a page is damaged
   */
  async commit(changes: readonly Change[]): Promise<void> {
    // lmdb-js never settles a transaction that LMDB refuses to begin.
    if (this.#suspect && this.isBroken) {
      const text = 'the data file takes nothing until it is opened again: a write to it failed';
      throw new StoreError('FAILED', text);
    }
    const committed = this.#root.transaction(() => {
      for (const { table, key, value } of changes) {
        const target = this.#tables.get(table);
        if (value === undefined) void target?.remove(key);
        else void target?.put(key, value);
      }
    });
    await committed.catch(async (error: unknown) => {
      this.#suspect = true;
      throw failure('the data file could not be written', await causeOf(error));
    });
  }

  /**
   * Whether nothing can be read or written any more: when the last write of a commit failed, LMDB
   * refuses everything (MDB_PANIC) until the file is closed and opened again.
   */
  get isBroken(): boolean {
    try {
      this.#root.resetReadTxn();
      this.#root.getStats();
      return false;
    } catch {
      return true; // Whatever it says: there is no other way to ask.
    }
  }

  use(): DatabaseUse {
    this.#root.resetReadTxn();
    const tables = [...this.#tables].map(([name, table]) => {
      const stats = statsOf(table.getStats());
      return [name, { entries: stats.entries, bytes: stats.pages * PAGE_BYTES }] as const;
    });
    const lastPage = numberIn(this.#root.getStats(), 'lastPageNumber');
    const used = tables.reduce((sum, [, { bytes }]) => sum + bytes, 0);
    return {
      used,
      end: (lastPage + 1) * PAGE_BYTES,
      tables: Object.fromEntries(tables) as DatabaseUse['tables'], // One entry per name.
    };
  }

  /** Frees the snapshots of readers that were killed. */
  checkReaders(): void {
    this.#root.readerCheck();
  }

  async close(): Promise<void> {
    await this.#root.close();
  }
}

/**
 * Opens a file that inspect.ts and probe.ts found good, or makes one.
 *
 * @param path of the data file; its lock file is put beside it
 */
export function openDatabase(path: string, { fileBytes, readOnly }: DatabaseOptions): Database {
  const binary = { encoding: 'binary', keyEncoding: 'binary', cache: false } as const;
  const root = open<Uint8Array, Uint8Array>({
    ...binary,
    path,
    noSubdir: true,
    readOnly,
    // That of the disk's blocks; by itself it would follow the kernel's, 16 KiB on a Raspberry Pi 5.
    pageSize: PAGE_BYTES,
    maxDbs: TABLES_MAX,
    mapSize: Math.max(MAP_BYTES_MIN, 2 * fileBytes),
    overlappingSync: false,
    // Of what it gathers over a turn of the event loop it makes a promise that nobody holds: when the
    // commit fails, that ends the process.
    eventTurnBatching: false,
    ...UNTYPED,
    compression: false,
  });
  try {
    const tables = TABLES.flatMap((name) => {
      // A table that a read-only file lacks is undefined.
      const table: Binary | undefined = root.openDB<Uint8Array, Uint8Array>(name, binary);
      return table === undefined ? [] : [[name, table] as const];
    });
    return new Database(root, new Map(tables));
  } catch (error) {
    void root.close(); // Else its descriptors stay until the process ends.
    throw error;
  }
}

/**
 * Why a commit failed. lmdb-js gives an error that has a promise of the reason, which rejects in the
 * same turn, and which ends the process when nobody looks at it.
 */
async function causeOf(error: unknown): Promise<unknown> {
  const reason: unknown = Reflect.get(Object(error), 'commitError');
  if (!(reason instanceof Promise)) return error;
  const told = reason.catch((cause: unknown) => cause);
  return await Promise.race([told, Promise.resolve(error).then().then()]);
}

/** All that a walk gives. One that fails is not ended by itself, and would keep its transaction. */
function listOf<T>(range: Iterable<T>): T[] {
  const walk = range[Symbol.iterator]();
  const list: T[] = [];
  try {
    for (let one = walk.next(); !one.done; one = walk.next()) list.push(one.value);
  } finally {
    walk.return?.();
  }
  return list;
}

function failure(what: string, cause: unknown): StoreError {
  const text = cause instanceof Error ? cause.message : String(cause);
  return new StoreError(DAMAGE.test(text) ? 'BAD_FILE' : 'FAILED', `${what}: ${text}`, { cause });
}

function rangeOf({ start, end, limit, reverse = false }: PageQuery) {
  // lmdb-js walks a reversed range from its start down to its end, the start included.
  return reverse
    ? { start: end, end: start, limit, reverse, exclusiveStart: true, inclusiveEnd: true }
    : { start, end, limit };
}

function statsOf(stats: unknown): { entries: number; pages: number } {
  const pages = ['treeBranchPageCount', 'treeLeafPageCount', 'overflowPages'];
  return {
    entries: numberIn(stats, 'entryCount'),
    pages: pages.reduce((sum, name) => sum + numberIn(stats, name), 0),
  };
}

function numberIn(stats: unknown, name: string): number {
  return Number(Reflect.get(Object(stats), name));
}
