/** The free pages of real files, good ones and damaged: see free-pages.ts. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Change, openDatabase, PAGE_BYTES } from '../../../../src/store/lmdb.ts';
import { inspect } from '../../../../src/store/opening/inspect.ts';
import { seededRandom } from '../../../support/store-load.ts';

const COMMITS = Number(process.env['VIGIL_FREE_COMMITS'] ?? 600);
const SEED = Number(process.env['VIGIL_FAULT_SEED'] ?? Math.floor(Math.random() * 1e6));
const LOOK_COMMITS = 20;
const REOPEN_COMMITS = 150;
const KEYS = 4_000;
const VALUE_BYTES_MAX = 40_000;

let directory = '';
let file = '';

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'vigil-free-'));
  file = path.join(directory, 'data.mdb');
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

const look = (bytes: Uint8Array) =>
  inspect(
    { size: bytes.length, read: async (at, n) => bytes.subarray(at, at + n) },
    { writes: true },
  );

/** Puts and removes of all sizes, as many as a commit of the store has, and now and then very many. */
function* commits(random: () => number): Generator<Change[]> {
  while (true) {
    const removes = random() < 0.1;
    const first = Math.floor(random() * KEYS);
    const count = Math.floor(random() * (removes ? KEYS / 2 : 12));
    yield Array.from({ length: count }, (_, i) => {
      const key = Buffer.alloc(4);
      key.writeUInt32BE(removes ? (first + i) % KEYS : Math.floor(random() * KEYS));
      const bytes = Math.floor(random() ** 3 * VALUE_BYTES_MAX);
      const value = removes || random() < 0.2 ? undefined : Buffer.alloc(bytes, 7);
      return { table: random() < 0.5 ? 'samples' : 'events', key, value };
    });
  }
}

test(`${COMMITS} commits leave free pages that are found good`, {
  timeout: 60_000 + COMMITS * 100,
}, async () => {
  process.stdout.write(`seed ${SEED}\n`);
  const work = commits(seededRandom(SEED));
  const options = { fileBytes: 64 * 2 ** 20, readOnly: false };
  let database = openDatabase(file, options);
  for (let n = 1; n <= COMMITS; n++) {
    await database.commit(work.next().value ?? []);
    if (n % LOOK_COMMITS === 0) {
      expect(await look(readFileSync(file)), `commit ${n} of seed ${SEED}`).toMatchObject({
        state: 'good',
      });
    }
    if (n % REOPEN_COMMITS !== 0) continue;
    await database.close();
    database = openDatabase(file, options);
  }
  await database.close();
});

function newestMeta(bytes: Buffer): Buffer {
  const transaction = (meta: number): bigint => bytes.readBigUInt64LE(meta * PAGE_BYTES + 152);
  return bytes.subarray(transaction(0) > transaction(1) ? 0 : PAGE_BYTES);
}

/** Where in a file the leaf of its free pages is, for a tree of one page. */
function freeLeaf(bytes: Buffer): number {
  const meta = newestMeta(bytes);
  expect(meta.readUInt16LE(54), 'depth').toBe(1);
  return Number(meta.readBigUInt64LE(88)) * PAGE_BYTES;
}

/** A file whose free pages are in lists of both kinds: in the leaf, and in pages of their own. */
async function withBothKinds(): Promise<Buffer> {
  const work = commits(seededRandom(5));
  const database = openDatabase(file, { fileBytes: 64 * 2 ** 20, readOnly: false });
  const kinds = new Set<number>();
  for (let n = 0; n < 500 && kinds.size < 2; n++) {
    await database.commit(work.next().value ?? []);
    const bytes = readFileSync(file);
    kinds.clear();
    for (const at of entries(bytes, freeLeaf(bytes))) kinds.add(bytes.readUInt16LE(at + 4));
  }
  await database.close();
  expect([...kinds].sort()).toEqual([0, 1]);
  return readFileSync(file);
}

test('a damaged length, count or number of a page is told, wherever its list is', async () => {
  const bytes = await withBothKinds();
  expect(await look(bytes)).toMatchObject({ state: 'good' });
  const leaf = freeLeaf(bytes);
  for (const at of entries(bytes, leaf)) {
    const isBig = bytes.readUInt16LE(at + 4) === 1;
    const list = isBig ? Number(bytes.readBigUInt64LE(at + 16)) * PAGE_BYTES + 24 : at + 16;
    const spots = [
      ...[1, 2, 3, 4, 5, 6, 7].map((i) => at + i),
      ...[1, 3, 7].flatMap((i) => [list + i, list + 8 + i]),
      ...(isBig ? [at + 16, at + 23, list - 24, list - 4] : []),
    ];
    for (const spot of spots) {
      const damaged = Buffer.from(bytes);
      damaged.writeUInt8(damaged.readUInt8(spot) ^ 0x80, spot);
      const { state, text } = await look(damaged);
      expect(state, `${spot - leaf} of an entry at ${at - leaf}`).toBe('bad');
      expect(text).toContain('free pages');
    }
  }
});

/** Where the entries of a leaf begin. */
function entries(bytes: Buffer, leaf: number): number[] {
  const count = bytes.readUInt16LE(leaf + 20) / 2;
  return Array.from({ length: count }, (_, i) => leaf + 24 + bytes.readUInt16LE(leaf + 24 + 2 * i));
}

/** The first page of each kind that a file has: 1 a branch, 2 a leaf, 4 a value. */
function pageOfKind(bytes: Buffer, kind: number): number {
  for (let page = 2; page < bytes.length / PAGE_BYTES; page++) {
    const at = page * PAGE_BYTES;
    const isWhole = Number(bytes.readBigUInt64LE(at)) === page;
    if (isWhole && (bytes.readUInt16LE(at + 18) & 0x6f) === kind) return page;
  }
  throw new Error(`no page of kind ${kind}`);
}

test('a page that is in use and said to be free is told, of a table and of a value', async () => {
  const database = openDatabase(file, { fileBytes: 2 ** 20, readOnly: false });
  const put = (key: number, bytes: number) =>
    database.commit([
      { table: 'samples', key: Buffer.from([key]), value: Buffer.alloc(bytes, key) },
    ]);
  for (let key = 1; key < 40; key++) await put(key, 9_000);
  await put(40, 10);
  await database.close();
  const bytes = readFileSync(file);
  expect(await look(bytes)).toMatchObject({ state: 'good' });
  const [at = 0] = entries(bytes, freeLeaf(bytes));
  const isList = bytes.readUInt16LE(at + 4) === 0 && bytes.readBigUInt64LE(at + 16) > 0n;
  expect(isList).toBe(true);
  const roots = [88, 136].map((of) => Number(newestMeta(bytes).readBigUInt64LE(of)));
  for (const page of [...roots, pageOfKind(bytes, 4), pageOfKind(bytes, 4) + 2]) {
    const damaged = Buffer.from(bytes);
    damaged.writeBigUInt64LE(BigInt(page), at + 24);
    expect(await look(damaged), `page ${page}`).toMatchObject({
      state: 'bad',
      text: expect.stringMatching(/of free pages.* uses what is free/),
    });
  }
});

/** Where the entries of the tables of a file begin that have a key of ours. @param flags 1 for a value elsewhere */
function values(bytes: Buffer, flags: number): number[] {
  const pages = Array.from({ length: bytes.length / PAGE_BYTES - 2 }, (_, i) => i + 2);
  const free = freeLeaf(bytes) / PAGE_BYTES;
  const leaves = pages.filter((page) => {
    const at = page * PAGE_BYTES;
    const isWhole = Number(bytes.readBigUInt64LE(at)) === page;
    return isWhole && page !== free && (bytes.readUInt16LE(at + 18) & 0x6f) === 2;
  });
  return leaves.flatMap((page) =>
    entries(bytes, page * PAGE_BYTES).filter(
      (at) => bytes.readUInt16LE(at + 4) === flags && bytes.readUInt16LE(at + 6) === 4,
    ),
  );
}

test('a value that goes on behind the end of the file is told', async () => {
  const bytes = await withBothKinds();
  const found = async (change: (damaged: Buffer) => void): Promise<string> => {
    const damaged = Buffer.from(bytes);
    change(damaged);
    const { state, text } = await look(damaged);
    return state === 'bad' ? text : state;
  };
  const told: string[] = [];
  for (const at of values(bytes, 1)) {
    const last = BigInt(bytes.length / PAGE_BYTES - 1);
    told.push(await found((damaged) => void damaged.writeBigUInt64LE(last, at + 12)));
  }
  for (const at of values(bytes, 0)) {
    told.push(await found((damaged) => void damaged.writeUInt32LE(bytes.length, at)));
  }
  // Leaves that are no longer in use are no damage.
  const bad = told.filter((text) => text !== 'good');
  expect(bad.length).toBeGreaterThan(20);
  for (const text of bad) expect(text).toMatch(/its value ends at \d+, the file at \d+/);
});

test('a value whose place is damaged is one value, and not the free pages', async () => {
  const bytes = await withBothKinds();
  const pages = Array.from({ length: bytes.length / PAGE_BYTES - 2 }, (_, i) => i + 2);
  const places = values(bytes, 1).map((at) => at + 8 + 4);
  expect(places.length).toBeGreaterThan(20);
  // Where none begins, and none ever did: an old one of the same length would look as if it were there.
  const noBegin = pages
    .slice(0, -VALUE_BYTES_MAX / PAGE_BYTES - 1)
    .filter((page) => Number(bytes.readBigUInt64LE(page * PAGE_BYTES)) !== page);
  expect(noBegin.length).toBeGreaterThan(20);
  for (const [i, place] of places.slice(0, 200).entries()) {
    const damaged = Buffer.from(bytes);
    damaged.writeBigUInt64LE(BigInt(noBegin[(i * 7) % noBegin.length] ?? 0), place);
    expect(await look(damaged), `${place}`).toMatchObject({ state: 'good' });
  }
});
