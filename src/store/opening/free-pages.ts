import { PAGE_BYTES } from '../lmdb.ts';
import { Damage, HEADER_BYTES, type Inspectable, kindOf, type Tree } from './pages.ts';
import { BIG_DATA, bigPage, type LeafEntry, TreePages, valueAt } from './tree-walk.ts';

/**
 * Looks at the tree of free pages, which whoever writes takes new pages from. LMDB believes every
 * length and number in it: a damaged one makes it read or write anywhere in memory, or write over pages
 * that are in use, and so it would at each start. Who reads only never looks there, so the probe cannot
 * find it.
 *
 * Its keys are transactions, of 8 bytes, ascending. A value is the list of the pages that a transaction
 * no longer needed, in words of 8 bytes: the count of the words that follow, then each a page; or, in
 * lmdb-js' own LMDB, 0 for nothing, or minus the length of a run, whose first page is the next word
 * (mdb_page_alloc, mdb_midl_insert). There may be room behind the last word.
 *
 * A value that is large is elsewhere: its entry has the flag F_BIGDATA and the number of a page, whose
 * header says at offset 20 (u32) how many pages it goes on over, without further headers.
 *
 * To know that nobody uses a free page, the trees of all tables are walked, but not their values, of
 * which no more is looked at than that they end before the file does. A
 * value that seems to be in free pages is looked at: where it is not there, its entry is damaged and not
 * the list, and that one value is lost, as with any damaged value.
 */

const HEADER = BigInt(HEADER_BYTES);
const WORD_BYTES = 8;
const KEY_BYTES = 8;
const OVERFLOW = 0x04;
/** Flag of an entry whose value is a tree: its fields are those of a meta page. */
const SUBTREE = 0x02;
const TREE_BYTES = 48;

/** Pages one behind the other that a value is in. */
interface Run {
  readonly first: bigint;
  readonly pages: bigint;
}

interface Look {
  readonly file: Inspectable;
  readonly trees: TreePages;
  /** Of the values of tables, by their first page. */
  readonly runs: readonly Run[];
}

/**
 * @param trees of the free pages and of the tables, with roots inside the file, or empty
 * @param lastPage in use, as the meta page says
 * @throws Damage
 */
export async function checkFreePages(
  file: Inspectable,
  [free, tables]: readonly [Tree, Tree],
  lastPage: bigint,
): Promise<void> {
  if (free.depth === 0) return;
  const trees = new TreePages(file, lastPage);
  const runs: Run[] = [];
  for await (const entry of trees.entries(tables)) {
    const table = tableOf(entry);
    for await (const value of table ? trees.entries(table) : []) {
      checkReach(file, value);
      const run = runOf(value);
      if (run && trees.isInside(run.first, run.pages)) runs.push(run);
    }
  }
  runs.sort((a, b) => Number(a.first - b.first));
  const look = { file, trees, runs };
  const lists: (readonly [DataView, string])[] = [];
  let before = 0n;
  for await (const entry of trees.entries(free)) {
    before = checkEntry(entry, before);
    lists.push([await listOf(look, entry), entry.where]);
  }
  for (const [list, where] of lists) await checkList(look, list, where);
}

/** The table that an entry of the tree of tables is; undefined for any other, of which we make none. */
function tableOf(entry: LeafEntry): Tree | undefined {
  const { page, flags, valueBytes, where } = entry;
  if (flags !== SUBTREE) return undefined;
  const value = valueAt(entry);
  if (valueBytes !== TREE_BYTES || value + TREE_BYTES > PAGE_BYTES) {
    throw new Damage(`${where}: expected a tree, found ${valueBytes} bytes`);
  }
  return {
    name: `the table of ${where}`,
    depth: page.getUint16(value + 6, true),
    entries: page.getBigUint64(value + 32, true),
    root: page.getBigUint64(value + 40, true),
  };
}

/**
 * Checks that a value ends before the file does. One that is damaged in any other way is found by its
 * CRC when it is read; this one ends whoever reads it, as a bus error.
 *
 * @throws Damage
 */
function checkReach(file: Inspectable, entry: LeafEntry): void {
  const { page, valueBytes, where } = entry;
  const elsewhere = runOf(entry)?.first;
  const own = page.getBigUint64(0, true) * BigInt(PAGE_BYTES) + BigInt(valueAt(entry));
  const begin = elsewhere === undefined ? own : elsewhere * BigInt(PAGE_BYTES) + HEADER;
  const end = begin + BigInt(valueBytes);
  if (end <= file.size) return;
  throw new Damage(`${where}: its value ends at ${end}, the file at ${file.size}`);
}

function runOf(entry: LeafEntry): Run | undefined {
  const first = (entry.flags & BIG_DATA) === 0 ? undefined : bigPage(entry);
  return first === undefined ? undefined : { first, pages: pagesOf(entry.valueBytes) };
}

function pagesOf(valueBytes: number): bigint {
  return BigInt(Math.ceil((HEADER_BYTES + valueBytes) / PAGE_BYTES));
}

/** @returns the entry's transaction */
function checkEntry(entry: LeafEntry, before: bigint): bigint {
  const { page, flags, keyBytes, valueBytes, where } = entry;
  const end = valueAt(entry) + (flags === BIG_DATA ? WORD_BYTES : valueBytes);
  if ((flags !== 0 && flags !== BIG_DATA) || keyBytes !== KEY_BYTES || end > PAGE_BYTES) {
    const found = `flags ${flags}, a key of ${keyBytes} and a value of ${valueBytes} bytes`;
    throw new Damage(`${where}: has ${found}`);
  }
  const transaction = page.getBigUint64(valueAt(entry) - KEY_BYTES, true);
  if (transaction > before) return transaction;
  throw new Damage(`${where}: transaction ${transaction} comes behind ${before}`);
}

async function listOf(look: Look, entry: LeafEntry): Promise<DataView> {
  const { page, valueBytes, where } = entry;
  const run = runOf(entry);
  if (!run) return new DataView(page.buffer, page.byteOffset + valueAt(entry), valueBytes);
  look.trees.checkNumbers(run.first, run.pages, where);
  const bytes = await look.file.read(Number(run.first) * PAGE_BYTES, HEADER_BYTES + valueBytes);
  if (!isRun(bytes, run) || bytes.length < HEADER_BYTES + valueBytes) {
    throw new Damage(`${where}: its value is not in the ${run.pages} pages from ${run.first}`);
  }
  return new DataView(bytes.buffer, bytes.byteOffset + HEADER_BYTES, valueBytes);
}

/** Whether the pages of a value, or their beginning, say that they are. */
function isRun(bytes: Uint8Array, { first, pages }: Run): boolean {
  if (bytes.length < HEADER_BYTES) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const count = BigInt(view.getUint32(20, true));
  return view.getBigUint64(0, true) === first && kindOf(view) === OVERFLOW && count === pages;
}

async function checkList(look: Look, list: DataView, where: string): Promise<void> {
  const words = list.byteLength / WORD_BYTES;
  const count = words >= 1 ? list.getBigUint64(0, true) : -1n;
  if (!Number.isInteger(words) || count < 0n || count >= words) {
    throw new Damage(`${where}: ${count} pages in ${list.byteLength} bytes`);
  }
  for (let i = 1; i <= count; i++) {
    const word = list.getBigInt64(i * WORD_BYTES, true);
    if (word === 0n) continue;
    const isLength = word < 0n;
    if (isLength && ++i > count) throw new Damage(`${where}: a run of ${-word} begins nowhere`);
    const first = list.getBigUint64(i * WORD_BYTES, true);
    await checkFree(look, { first, pages: isLength ? -word : 1n }, where);
  }
}

async function checkFree({ file, trees, runs }: Look, free: Run, where: string): Promise<void> {
  const { first, pages } = free;
  trees.checkNumbers(first, pages, where);
  if (trees.has(first, pages)) throw new Damage(`${where}: a tree uses what is free at ${first}`);
  const end = first + pages;
  for (let i = behind(runs, end) - 1; i >= 0; i--) {
    const run = runs[i];
    // Sound runs do not overlap, so the one before that ends too early is the end.
    if (run === undefined || run.first + run.pages <= first) return;
    const head = await file.read(Number(run.first) * PAGE_BYTES, HEADER_BYTES);
    if (isRun(head, run)) throw new Damage(`${where}: a value uses what is free at ${run.first}`);
  }
}

/** How many runs begin before a page. */
function behind(runs: readonly Run[], page: bigint): number {
  let low = 0;
  let high = runs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((runs[middle]?.first ?? page) < page) low = middle + 1;
    else high = middle;
  }
  return low;
}
