import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'lmdb';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { numberKey, parseNumberKey } from '../../../src/store/keys.ts';
import { type Database, openDatabase } from '../../../src/store/lmdb.ts';
import { damageBranches } from '../../support/faults/bad-page.ts';
import { openFiles } from '../../support/open-files.ts';

let directory = '';
let database: Database;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'vigil-lmdb-'));
  database = openDatabase(join(directory, 'data.mdb'), { fileBytes: 2 ** 20, readOnly: false });
});

afterEach(async () => {
  await database.close();
  rmSync(directory, { recursive: true });
});

const put = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => ({
    table: 'samples' as const,
    key: numberKey(from + i),
    value: Buffer.from(`v${from + i}`),
  }));

test('only we may read and write what it makes, the lock included', () => {
  const files = readdirSync(directory);
  expect(files).toEqual(expect.arrayContaining(['data.mdb', 'data.mdb-lock']));
  for (const file of files) expect(statSync(join(directory, file)).mode & 0o777).toBe(0o600);
});

test('a page is in the order of the keys, from its start to before its end', async () => {
  await database.commit(put(0, 300));
  const query = { start: numberKey(250), end: numberKey(260), limit: 5 };
  const forth = database.page('samples', query);
  expect(forth.map(({ key }) => parseNumberKey(key))).toEqual([250, 251, 252, 253, 254]);
  expect(forth.map(({ value }) => Buffer.from(value).toString())).toContain('v253');
  expect(database.keys('samples', { ...query, limit: 99 }).map(parseNumberKey)).toEqual(
    Array.from({ length: 10 }, (_, i) => 250 + i),
  );
});

test('a reversed page goes from before its end down to its start', async () => {
  await database.commit(put(0, 300));
  const query = { start: numberKey(250), end: numberKey(260), limit: 99, reverse: true };
  expect(database.keys('samples', query).map(parseNumberKey)).toEqual(
    Array.from({ length: 10 }, (_, i) => 259 - i),
  );
  expect(database.keys('samples', { ...query, limit: 2 }).map(parseNumberKey)).toEqual([259, 258]);
});

test('removals and puts are one commit, and use tells the pages', async () => {
  const before = database.use();
  await database.commit(put(0, 1000));
  await database.commit([
    { table: 'samples', key: numberKey(7), value: undefined },
    { table: 'rules', key: numberKey(1), value: Buffer.alloc(100_000) },
  ]);
  expect(database.get('samples', numberKey(7))).toBeUndefined();
  expect(database.get('rules', numberKey(1))?.length).toBe(100_000);
  const { used, end, tables } = database.use();
  expect(tables.samples.entries).toBe(999);
  expect(tables.rules.bytes).toBeGreaterThanOrEqual(100_000);
  expect(used).toBeGreaterThan(before.used + 100_000);
  expect(end).toBeGreaterThanOrEqual(used);
});

test('a file whose tables cannot be opened is not left open', async () => {
  const file = join(directory, 'other.mdb');
  const binary = { encoding: 'binary', keyEncoding: 'binary' } as const;
  const other = open({ ...binary, path: file, noSubdir: true, maxDbs: 1, pageSize: 4096 });
  // Where a table should be there is a value.
  for (const name of ['samples', 'samples\0']) await other.put(Buffer.from(name), Buffer.of(1));
  await other.close();
  const opened = () => openDatabase(file, { fileBytes: 2 ** 20, readOnly: false });
  expect(opened).toThrow('MDB_INCOMPATIBLE');
  await vi.waitFor(() => expect(openFiles()).not.toContain(file));
  expect(openFiles()).toContain(join(directory, 'data.mdb'));
});

test('a damaged page is told by every read that meets it, and by no other', async () => {
  await database.commit(put(0, 5000));
  await database.commit([{ table: 'rules', key: numberKey(1), value: Buffer.of(7) }]);
  expect(damageBranches(join(directory, 'data.mdb'))).toBe(1);
  const all = { start: numberKey(0), end: numberKey(9999), limit: 9999 };
  const damage = expect.objectContaining({
    code: 'BAD_FILE',
    message: expect.stringMatching(
      /^the table samples .* could not be read: MDB_(PAGE_NOTFOUND|BAD_TXN)/,
    ),
  });
  const reads: Record<string, () => unknown> = {
    get: () => database.get('samples', numberKey(4999)),
    page: () => database.page('samples', all),
    'page back': () => database.page('samples', { ...all, reverse: true }),
    keys: () => database.keys('samples', all),
  };
  for (const [name, read] of Object.entries(reads)) {
    expect(read, name).toThrow(damage);
    expect(database.get('rules', numberKey(1)), name).toEqual(Buffer.of(7));
    expect(database.get('samples', numberKey(1)), name).toEqual(Buffer.from('v1'));
    expect(database.page('rules', all), name).toHaveLength(1);
    expect(database.keys('samples', { ...all, limit: 9 }), name).toHaveLength(9);
    expect(database.use().tables.samples.entries, name).toBe(5000);
    expect(database.isBroken, name).toBe(false);
  }
});

test('a commit that meets a damaged page changes nothing, and the next one is taken', async () => {
  await database.commit(put(0, 5000));
  damageBranches(join(directory, 'data.mdb'));
  const rule = { table: 'rules' as const, key: numberKey(1), value: Buffer.of(7) };
  await expect(database.commit([rule, ...put(4999, 5000)])).rejects.toMatchObject({
    code: 'BAD_FILE',
    message: expect.stringContaining('could not be written: MDB_'),
  });
  expect(database.get('rules', numberKey(1))).toBeUndefined();
  await database.commit([rule]);
  expect(database.get('rules', numberKey(1))).toEqual(Buffer.of(7));
});
