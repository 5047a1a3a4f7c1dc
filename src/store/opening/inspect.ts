import { PAGE_BYTES, TABLES } from '../lmdb.ts';
import { checkFreePages } from './free-pages.ts';
import {
  checkTreePage,
  Damage,
  ENTRY_BYTES,
  entriesOf,
  entryAt,
  type Inspectable,
  META_PAGES,
  type Tree,
  viewAt,
} from './pages.ts';

/**
 * Looks at a data file before LMDB sees it: lmdb-js 3.5.6 does not throw when LMDB refuses a file,
 * it crashes the process. What it refuses or cannot survive is looked for here, in what LMDB reads
 * first: 4 pages of the file, and the free pages (free-pages.ts). What lies deeper, the probe finds
 * (probe.ts).
 *
 * The layout is that of lmdb-js' own LMDB (data version 2, its structs MDB_page_header, MDB_meta and
 * MDB_db on a 64-bit machine), little-endian, in pages of 4096 bytes. Every page begins with
 *
 *    0 u64 its own number   8 u64 transaction that wrote it   16 u16 pad   18 u16 flags
 *   20 u16 lower and 22 u16 upper bound of its free space, counted from offset 24 on
 *
 * and of a page in a tree `0 < lower <= upper <= 4072`, with a u16 for each entry up to lower, which
 * says where the entry is, counted from 24 too. An entry of the tree of tables is 0 u32 length of its
 * value (48: a tree as below), 4 u16 flags, 6 u16 length of its name, 8 name, value.
 *
 * Pages 0 and 1 are meta pages. A commit writes that of its transaction's number modulo 2, from
 * offset 40 on, after everything that it leads to has been synced; so the other one still leads to
 * the state before, and a torn commit is no damage. The numbers of the two are one apart (both 0
 * in a new file), and a commit rewrites at least one of its two roots, while the pages of the state
 * before are not used again until the next: so a meta page whose number was damaged is found out by
 * its roots. LMDB would go back by a commit there, and say nothing.
 *
 * A meta page that the disk did not take is no damage: LMDB writes the last page and the transaction
 * that it had before over it, and leaves the rest (mdb_env_write_meta), so its roots are of the commit
 * that failed, the one behind the newer page's. It is not read again before it is written. A damaged
 * number in the newest page looks the same where that commit took no new page of the file: then a
 * commit is lost. So it is told, and the file is gone on with.
 *
 *   24 u32 magic        28 u32 data version        32 u64 address, 0        40 u64 size of the map
 *   48 tree of the free pages: 0 u32 page size (u32 pad in any other tree), 4 u16 flags, 6 u16 depth,
 *      8 u64 branch pages, 16 u64 leaf pages, 24 u64 overflow pages, 32 u64 entries, 40 u64 root
 *   96 tree of the tables, which are entries of it; the same fields
 *  144 u64 last page in use   152 u64 transaction   160 i64 boot id
 *
 * An empty tree has depth 0 and the root 2^64 - 1. LMDB itself checks flags, magic and version of
 * page 0 only, and takes the meta page with the higher transaction, whatever else is in it; the
 * readers then take the page of that number modulo 2. The boot id says nothing to us: it is asked for
 * with `overlappingSync` only, which is off.
 */
export interface Inspection {
  readonly state: 'missing' | 'good' | 'bad';
  /** What was found, where; a part of a sentence that the file's name begins. */
  readonly text: string;
  /** What a good file cannot tell of itself, in the same form. */
  readonly doubt?: string;
}

const MAGIC = 0xbeef_c0de;
const DATA_VERSION = 2;
const TREE_BYTES = 48;
/** Flags of an entry whose value is a tree. */
const SUBTREE = 0x02;
const META = 0x08;
/** The free tree has integer keys, one value each, and no encryption. Its other flags are the file's. */
const FREE_FLAGS_MASK = 0x20ff;
const FREE_FLAGS = 0x08;
/** LMDB's cursors go no deeper (CURSOR_STACK). */
const DEPTH_MAX = 32;
const EMPTY_ROOT = 0xffff_ffff_ffff_ffffn;

const TAKEN_BACK =
  'ends in a commit that the disk refused, or in a damaged one: what it had before is there';

interface Meta {
  readonly number: number;
  readonly transaction: bigint;
  readonly lastPage: bigint;
  /** Of the free pages, and of the tables. */
  readonly trees: readonly [Tree, Tree];
}

/**
 * Whether LMDB may open this file. Errors of the disk are thrown as they come, and so are those of the
 * rights to the file, which whoever opened it has met.
 *
 * @param use whether it is to be written to as well: then the free pages are looked at, too
 */
export async function inspect(
  file: Inspectable | undefined,
  { writes }: { readonly writes: boolean },
): Promise<Inspection> {
  if (file === undefined) return { state: 'missing', text: 'is not there yet' };
  try {
    const { meta, takenBack } = await newestMeta(file);
    if (writes) await checkFreePages(file, meta.trees, meta.lastPage);
    const text = `transaction ${meta.transaction} with ${meta.lastPage + 1n} pages`;
    return { state: 'good', text, ...(takenBack && { doubt: TAKEN_BACK }) };
  } catch (error) {
    if (!(error instanceof Damage)) throw error;
    return { state: 'bad', text: error.message };
  }
}

async function newestMeta(file: Inspectable): Promise<{ meta: Meta; takenBack: boolean }> {
  const bytes = META_PAGES * PAGE_BYTES;
  if (file.size < bytes) throw new Damage(`has ${file.size} bytes, its meta pages alone ${bytes}`);
  const pages = await Promise.all([viewAt(file, 0), viewAt(file, 1)]);
  if (pages.every(isZero)) throw new Damage('begins with zeros instead of its meta pages');
  const [first, second] = pages.map((page, number) => parseMeta(page, number));
  if (first === undefined || second === undefined) throw new Damage('has no meta pages');
  const [older, newer] = first.transaction > second.transaction ? [second, first] : [first, second];
  await checkMeta(file, newer);
  const takenBack = await isTakenBack(file, older, newer);
  if (!takenBack) await checkMeta(file, older);
  if (newer.transaction > 0n && newer.transaction !== older.transaction + 1n) {
    const found = `${first.transaction} and ${second.transaction}`;
    throw new Damage(`its meta pages are of transactions ${found}, which are not neighbours`);
  }
  return { meta: newer, takenBack };
}

function parseMeta(page: DataView, number: number): Meta {
  const expect = (what: string, seen: number | bigint, expected: number): void => {
    if (BigInt(seen) === BigInt(expected)) return;
    throw new Damage(`meta page ${number}: expected ${what} ${expected}, found ${seen}`);
  };
  expect('page number', page.getBigUint64(0, true), number);
  expect('flags', page.getUint16(18, true), META);
  expect('magic', page.getUint32(24, true), MAGIC);
  expect('data version', page.getUint32(28, true), DATA_VERSION);
  expect('address', page.getBigUint64(32, true), 0);
  expect('page size', page.getUint32(48, true), PAGE_BYTES);
  expect('flags of the free pages', page.getUint16(52, true) & FREE_FLAGS_MASK, FREE_FLAGS);
  // The tables are found by names of plain bytes, in the order of memcmp, one value each.
  expect('pad of the tables', page.getUint32(96, true), 0);
  expect('flags of the tables', page.getUint16(100, true), 0);
  const transaction = page.getBigUint64(152, true);
  if (transaction > 0n && Number(transaction % 2n) !== number) {
    throw new Damage(`meta page ${number}: transaction ${transaction} belongs on the other one`);
  }
  return {
    number,
    transaction,
    lastPage: page.getBigUint64(144, true),
    trees: [parseTree(page, 48, 'free pages'), parseTree(page, 96, 'tables')],
  };
}

function parseTree(page: DataView, at: number, name: string): Tree {
  return {
    name,
    depth: page.getUint16(at + 6, true),
    entries: page.getBigUint64(at + 32, true),
    root: page.getBigUint64(at + 40, true),
  };
}

async function checkMeta(file: Inspectable, meta: Meta): Promise<void> {
  const { number, lastPage, trees, transaction } = meta;
  const where = `meta page ${number}`;
  if (lastPage < META_PAGES - 1) throw new Damage(`${where}: its last page is ${lastPage}`);
  if ((lastPage + 1n) * BigInt(PAGE_BYTES) > file.size) {
    throw new Damage(`ends at ${file.size} bytes, before its last page ${lastPage}`);
  }
  const written: bigint[] = [];
  for (const tree of trees) {
    const page = await rootOf(file, tree, meta);
    if (page !== undefined) written.push(page.getBigUint64(8, true));
  }
  const committed = transaction === 0n || written.includes(transaction);
  if (!committed || written.some((each) => each > transaction)) {
    const roots = written.join(' and ') || 'none';
    throw new Damage(`${where}: is of transaction ${transaction}, its roots are of ${roots}`);
  }
}

/**
 * Whether a meta page has the roots of a commit that failed. They may lie behind its last page, which
 * is the one from before; that of a newer state would be no earlier than that of the state before it.
 */
async function isTakenBack(file: Inspectable, older: Meta, newer: Meta): Promise<boolean> {
  if (older.lastPage > newer.lastPage) return false;
  const pages = older.trees.flatMap(({ root }) => (root === EMPTY_ROOT ? [] : [root]));
  const inside = (page: bigint): boolean => (page + 1n) * BigInt(PAGE_BYTES) <= file.size;
  if (pages.some((page) => page < META_PAGES || !inside(page))) return false;
  const roots = await Promise.all(pages.map((page) => viewAt(file, Number(page))));
  const sound = roots.every((root, i) => root.getBigUint64(0, true) === pages[i]);
  const failed = newer.transaction + 1n;
  return sound && roots.some((root) => root.getBigUint64(8, true) === failed);
}

/** The root of a tree, checked; undefined where the tree is empty. */
async function rootOf(
  file: Inspectable,
  tree: Tree,
  { number, lastPage }: Meta,
): Promise<DataView | undefined> {
  const { name, depth, root } = tree;
  const where = `meta page ${number}`;
  const empty = root === EMPTY_ROOT;
  if (empty !== (depth === 0) || depth > DEPTH_MAX) {
    throw new Damage(`${where}: the tree of ${name} has depth ${depth} and its root is ${root}`);
  }
  if (empty) return undefined;
  if (root < META_PAGES || root > lastPage) {
    throw new Damage(`${where}: the root of ${name} is page ${root} of ${lastPage + 1n}`);
  }
  const page = await viewAt(file, Number(root));
  checkTreePage(page, root, depth, `page ${root}, the root of ${name}`);
  if (name === 'tables' && depth === 1) checkTables(page, tree);
  return page;
}

/**
 * The names of the tables. One that cannot be found is no error to LMDB: it makes a new table, and
 * what was in the old one is gone. They fit in one page, whatever is in them.
 */
function checkTables(page: DataView, { entries, root }: Tree): void {
  const count = entriesOf(page);
  const where = `page ${root}, the tables`;
  if (BigInt(count) !== entries) throw new Damage(`${where}: ${count} entries, not ${entries}`);
  const names = Array.from({ length: count }, (_, i) => nameAt(page, i, where));
  for (const [i, name] of names.entries()) {
    if (i > 0 && name <= (names[i - 1] ?? ''))
      throw new Damage(`${where}: ${name} is out of order`);
  }
  const missing = TABLES.filter((table) => !names.includes(table));
  for (const name of names.filter((each) => !TABLES.some((table) => table === each))) {
    const meant = missing.find((table) => differInOne(table, name));
    // Any other name is a table of a later version.
    if (meant !== undefined) throw new Damage(`${where}: expected ${meant}, found ${name}`);
  }
}

function nameAt(page: DataView, entry: number, where: string): string {
  const at = entryAt(page, entry) ?? PAGE_BYTES;
  const length = at < PAGE_BYTES ? page.getUint16(at + 6, true) : 0;
  const end = at + ENTRY_BYTES + length + TREE_BYTES;
  if (length === 0 || end > PAGE_BYTES) throw new Damage(`${where}: entry ${entry} is outside`);
  const bytes = page.getUint32(at, true);
  const flags = page.getUint16(at + 4, true);
  if (bytes !== TREE_BYTES || flags !== SUBTREE) {
    throw new Damage(`${where}: entry ${entry} has flags ${flags} and ${bytes} bytes`);
  }
  const name = new Uint8Array(page.buffer, page.byteOffset + at + ENTRY_BYTES, length);
  return Buffer.from(name).toString('latin1');
}

function differInOne(a: string, b: string): boolean {
  return a.length === b.length && [...a].filter((char, i) => char !== b[i]).length === 1;
}

function isZero(view: DataView): boolean {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength).every((byte) => byte === 0);
}
