import { PAGE_BYTES } from '../lmdb.ts';

/** Pages of a data file as they are looked at before LMDB sees them; inspect.ts has their layout. */

/** What is looked at; undefined where there is no file. `DataFile` of io/data-file.ts is one. */
export interface Inspectable {
  /** Bytes. */
  readonly size: number;
  /** Fewer bytes where the file ends. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** A file that is not as LMDB left it; `inspect` catches it. */
export class Damage extends Error {}

export interface Tree {
  readonly name: string;
  readonly depth: number;
  readonly entries: bigint;
  readonly root: bigint;
}

export const HEADER_BYTES = 24;
/** Of an entry, before its key. */
export const ENTRY_BYTES = 8;
export const META_PAGES = 2;
const BRANCH = 0x01;
const LEAF = 0x02;
/** Of a page's flags those that say what it is; others are left over from how it was written. */
const KIND_MASK = 0x6f;

/** @throws Damage where the file ends before it does */
export async function viewAt(file: Inspectable, page: number): Promise<DataView> {
  const bytes = await file.read(page * PAGE_BYTES, PAGE_BYTES);
  if (bytes.length < PAGE_BYTES)
    throw new Damage(`was cut off within page ${page} while it was read`);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** What a page is, of the flags that say so. */
export function kindOf(page: DataView): number {
  return page.getUint16(18, true) & KIND_MASK;
}

/**
 * Checks the header of a page in a tree.
 *
 * @param depth of the tree from this page on: 1 for a leaf
 * @param where a part of a sentence: `page 3, the root of tables`
 * @throws Damage
 */
export function checkTreePage(page: DataView, number: bigint, depth: number, where: string): void {
  const found = page.getBigUint64(0, true);
  const lower = page.getUint16(20, true);
  const upper = page.getUint16(22, true);
  if (found !== number) throw new Damage(`${where}: says that it is page ${found}`);
  const expected = depth === 1 ? LEAF : BRANCH;
  if (kindOf(page) !== expected) {
    const seen = `expected flags ${expected} at depth ${depth}, found ${kindOf(page)}`;
    throw new Damage(`${where}: ${seen}`);
  }
  if (lower === 0 || lower % 2 !== 0 || lower > upper || upper > PAGE_BYTES - HEADER_BYTES) {
    throw new Damage(`${where}: its free space is from ${lower} to ${upper}`);
  }
}

/** Entries of a page that `checkTreePage` found good. */
export function entriesOf(page: DataView): number {
  return page.getUint16(20, true) / 2;
}

/**
 * Where an entry begins, counted from the begin of its page.
 *
 * @returns undefined where its head is not inside the page
 */
export function entryAt(page: DataView, entry: number): number | undefined {
  const at = HEADER_BYTES + page.getUint16(HEADER_BYTES + 2 * entry, true);
  const inside = at >= HEADER_BYTES + page.getUint16(22, true) && at + ENTRY_BYTES <= PAGE_BYTES;
  return inside ? at : undefined;
}
