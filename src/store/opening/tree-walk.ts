import { PAGE_BYTES } from '../lmdb.ts';
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

/** Flag of an entry whose value is in pages of its own: F_BIGDATA. */
export const BIG_DATA = 0x01;
const NUMBER_BYTES = 8;

/** An entry of a leaf; its head is inside the page, its key and value may not be. */
export interface LeafEntry {
  readonly page: DataView;
  /** Where it begins in the page. */
  readonly at: number;
  readonly flags: number;
  readonly keyBytes: number;
  readonly valueBytes: number;
  /** `page 3, of the free pages, entry 2` */
  readonly where: string;
}

/** The pages of trees, each of which is in one place of one tree. */
export class TreePages {
  readonly #file: Inspectable;
  readonly #lastPage: bigint;
  readonly #seen: Uint8Array;

  /** @param lastPage in use, as the meta page says; inside the file */
  constructor(file: Inspectable, lastPage: bigint) {
    this.#file = file;
    this.#lastPage = lastPage;
    this.#seen = new Uint8Array(Number(lastPage) + 1);
  }

  /** Whether any of some pages, all inside the file, belongs to a tree that was walked. */
  has(first: bigint, pages: bigint): boolean {
    return this.#seen.subarray(Number(first), Number(first + pages)).includes(1);
  }

  /**
   * The entries of a tree's leaves, in the order of their keys and as many as the tree says.
   *
   * @throws Damage
   */
  async *entries({ name, depth, root, entries }: Tree): AsyncGenerator<LeafEntry> {
    if (depth === 0) return;
    let found = 0n;
    for await (const entry of this.#below(root, depth, name)) {
      found++;
      yield entry;
    }
    if (found !== entries) {
      throw new Damage(`the tree of ${name}: expected ${entries} entries, found ${found}`);
    }
  }

  async *#below(number: bigint, depth: number, name: string): AsyncGenerator<LeafEntry> {
    const where = `page ${number}, of ${name}`;
    this.checkNumbers(number, 1n, where);
    if (this.#seen[Number(number)] === 1) throw new Damage(`${where}: is in a second place, too`);
    this.#seen[Number(number)] = 1;
    const page = await viewAt(this.#file, Number(number));
    checkTreePage(page, number, depth, where);
    for (let i = 0; i < entriesOf(page); i++) {
      const at = entryAt(page, i);
      if (at === undefined) throw new Damage(`${where}: entry ${i} is outside`);
      // The head of an entry of a branch: u32 and u16, together the number of a page.
      const low = page.getUint32(at, true);
      const flags = page.getUint16(at + 4, true);
      const child = BigInt(low) | (BigInt(flags) << 32n);
      if (depth > 1) yield* this.#below(child, depth - 1, name);
      else {
        const keyBytes = page.getUint16(at + 6, true);
        yield { page, at, flags, keyBytes, valueBytes: low, where: `${where}, entry ${i}` };
      }
    }
  }

  /** Checks that pages are inside the file, behind the meta pages. */
  checkNumbers(first: bigint, pages: bigint, where: string): void {
    if (this.isInside(first, pages)) return;
    throw new Damage(`${where}: ${pages} pages from ${first}, of ${this.#lastPage + 1n}`);
  }

  isInside(first: bigint, pages: bigint): boolean {
    return first >= META_PAGES && first + pages - 1n <= this.#lastPage;
  }
}

/** Where in its page an entry has its value, or the number of the page that it is in. */
export function valueAt({ at, keyBytes }: LeafEntry): number {
  return at + ENTRY_BYTES + keyBytes;
}

/** The first page of a value that is in pages of its own; undefined where the entry is not whole. */
export function bigPage(entry: LeafEntry): bigint | undefined {
  const at = valueAt(entry);
  return at + NUMBER_BYTES > PAGE_BYTES ? undefined : entry.page.getBigUint64(at, true);
}
