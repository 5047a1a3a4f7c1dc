import { expect, test } from 'vitest';
import { inspect } from '../../../../src/store/opening/inspect.ts';

const PAGE = 4096;
const EMPTY = 0xffff_ffff_ffff_ffffn;
const TABLES = ['epochs', 'meta', 'samples'];

function page(number: number, flags: number, transaction = 0): Buffer {
  const bytes = Buffer.alloc(PAGE);
  bytes.writeBigUInt64LE(BigInt(number), 0);
  bytes.writeBigUInt64LE(BigInt(transaction), 8);
  bytes.writeUInt16LE(flags, 18);
  return bytes;
}

function metaPage(number: number, transaction: number, root: bigint, entries = 0): Buffer {
  const bytes = page(number, 8);
  bytes.writeUInt32LE(0xbeef_c0de, 24);
  bytes.writeUInt32LE(2, 28);
  bytes.writeUInt32LE(PAGE, 48);
  bytes.writeUInt16LE(0x4008, 52);
  bytes.writeBigUInt64LE(EMPTY, 88);
  bytes.writeUInt16LE(root === EMPTY ? 0 : 1, 102);
  bytes.writeBigUInt64LE(BigInt(entries), 128);
  bytes.writeBigUInt64LE(root, 136);
  bytes.writeBigUInt64LE(3n, 144);
  bytes.writeBigUInt64LE(BigInt(transaction), 152);
  return bytes;
}

function tablesPage(number: number, transaction: number, names = TABLES): Buffer {
  const bytes = page(number, 2, transaction);
  let upper = PAGE - 24;
  for (const [i, name] of names.entries()) {
    upper -= 8 + name.length + (name.length % 2) + 48;
    bytes.writeUInt16LE(upper, 24 + 2 * i);
    bytes.writeUInt32LE(48, 24 + upper);
    bytes.writeUInt16LE(2, 28 + upper);
    bytes.writeUInt16LE(name.length, 30 + upper);
    bytes.write(name, 32 + upper);
  }
  bytes.writeUInt16LE(2 * names.length, 20);
  bytes.writeUInt16LE(upper, 22);
  return bytes;
}

/** Transactions 6 and 7, whose tables are pages 2 and 3. */
const good = (names = TABLES): Buffer =>
  Buffer.concat([
    metaPage(0, 6, 2n, names.length),
    metaPage(1, 7, 3n, names.length),
    tablesPage(2, 6, names),
    tablesPage(3, 7, names),
  ]);

const look = (bytes: Buffer) =>
  inspect(
    { size: bytes.length, read: async (at, n) => bytes.subarray(at, at + n) },
    { writes: true },
  );

test('a file as LMDB leaves it', async () => {
  expect(await look(good())).toEqual({ state: 'good', text: 'transaction 7 with 4 pages' });
  const fresh = Buffer.concat([
    metaPage(0, 0, EMPTY),
    metaPage(1, 0, EMPTY),
    Buffer.alloc(2 * PAGE),
  ]);
  expect((await look(fresh)).state).toBe('good');
});

test('no file, and one that is too short', async () => {
  expect((await inspect(undefined, { writes: true })).state).toBe('missing');
  for (const length of [0, 1, 4095, 4096, 8191]) {
    expect(await look(good().subarray(0, length))).toEqual({
      state: 'bad',
      text: `has ${length} bytes, its meta pages alone 8192`,
    });
  }
});

test('an error of the disk is no damage of the file', async () => {
  const file = { size: 16_384, read: () => Promise.reject(new Error('EIO')) };
  await expect(inspect(file, { writes: true })).rejects.toThrow('EIO');
});

/** What is written where, and what is said about it. */
const DAMAGES: readonly (readonly [offset: number, byte: number, text: RegExp])[] = [
  [0, 1, /meta page 0: expected page number 0, found 1/],
  [18, 2, /meta page 0: expected flags 8, found 2/],
  [24, 0, /meta page 0: expected magic 3203383518/],
  [PAGE + 24, 0, /meta page 1: expected magic/],
  [28, 1, /data version 2, found 1/],
  [49, 0x40, /page size 4096, found 16384/],
  [52, 0, /flags of the free pages 8, found 0/],
  [53, 0x20, /flags of the free pages/],
  [100, 4, /flags of the tables 0, found 4/],
  [144, 4, /ends at 16384 bytes, before its last page 4/],
  [151, 1, /before its last page/],
  [PAGE + 144, 0, /last page is 0/],
  [152, 7, /transaction 7 belongs on the other one/],
  [152, 8, /meta page 0: is of transaction 8, its roots are of 6/],
  [PAGE + 152, 9, /meta page 1: is of transaction 9, its roots are of 7/],
  [PAGE + 152, 3, /transactions 6 and 3, which are not neighbours/],
  [88, 3, /tree of free pages has depth 0/],
  [102, 0, /tree of tables has depth 0/],
  [102, 33, /depth 33/],
  [102, 2, /expected flags 1 at depth 2, found 2/],
  [136, 1, /root of tables is page 1 of 4/],
  [136, 4, /root of tables is page 4 of 4/],
  [2 * PAGE, 9, /says that it is page 9/],
  [2 * PAGE + 20, 0, /free space is from 0/],
  [2 * PAGE + 20, 5, /free space is from 5/],
  [2 * PAGE + 20, 4, /2 entries, not 3/],
  [3 * PAGE + 23, 0xff, /free space is from 6 to/],
  [3 * PAGE + 27, 0x80, /entry 1 is outside/],
];

test.each(DAMAGES)('byte %i as %i', async (offset, byte, text) => {
  const bytes = good();
  bytes.writeUInt8(byte, offset);
  expect(await look(bytes)).toEqual({ state: 'bad', text: expect.stringMatching(text) });
});

test('a meta page that LMDB took back, since the disk did not take it', async () => {
  const bytes = good();
  // Transaction 8 failed: its root is a page of its own, behind the last one that 6 had.
  metaPage(0, 6, 4n, TABLES.length).copy(bytes, 0);
  const all = Buffer.concat([bytes, tablesPage(4, 8)]);
  expect(await look(all)).toEqual({
    state: 'good',
    text: 'transaction 7 with 4 pages',
    doubt: expect.stringMatching(/^ends in a commit that the disk refused, or in a damaged one/),
  });
  // Not where the root is of another transaction, or is no page of the file, or not that page.
  tablesPage(4, 9).copy(all, 4 * PAGE);
  expect((await look(all)).text).toMatch(/meta page 0: the root of tables is page 4 of 4/);
  expect((await look(bytes)).text).toMatch(/meta page 0: the root of tables is page 4 of 4/);
  tablesPage(5, 8).copy(all, 4 * PAGE);
  expect((await look(all)).text).toMatch(/meta page 0: the root of tables is page 4 of 4/);
});

test('a damaged number in the newest meta page is told, whatever it looks like', async () => {
  const bytes = good();
  bytes.writeUInt8(5, PAGE + 152);
  expect(await look(bytes)).toMatchObject({ state: 'good', doubt: expect.any(String) });
  // That commit took a page of its own, so nothing has taken it back.
  bytes.writeUInt8(4, PAGE + 144);
  const grown = Buffer.concat([bytes, Buffer.alloc(PAGE)]);
  expect((await look(grown)).text).toBe('meta page 1: is of transaction 5, its roots are of 7');
});

test('meta pages that are not of neighbouring transactions', async () => {
  const bytes = good();
  metaPage(0, 4, 2n, 3).copy(bytes, 0);
  tablesPage(2, 4).copy(bytes, 2 * PAGE);
  expect((await look(bytes)).text).toMatch(/transactions 4 and 7, which are not neighbours/);
});

test('a table with a damaged name would come out as a new one', async () => {
  expect((await look(good(['epochs', 'meta', 'samplgs']))).text).toMatch(
    /expected samples, found samplgs/,
  );
  expect((await look(good(['epochs', 'samples', 'meta']))).text).toMatch(/meta is out of order/);
  // Those of a later version are none of our business.
  expect((await look(good(['epochs', 'meta', 'samples', 'tyres']))).state).toBe('good');
});
