/** The items of ledgers in real files, those that an earlier version made included. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { open } from 'lmdb';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { monotonicClock } from '../../../src/io/clock.ts';
import { nameKey } from '../../../src/store/keys.ts';
import { type Database, openDatabase } from '../../../src/store/lmdb.ts';
import { openOffline } from '../../../src/store/opening/offline.ts';
import { openStore } from '../../../src/store/opening/opening.ts';
import { SessionRecords } from '../../../src/store/session-records.ts';
import { TableRecords } from '../../../src/store/table-records.ts';
import { sessionOf } from '../../support/recorded-store.ts';

interface Item {
  readonly id: string;
  readonly text: string;
}

const OPTIONS = { fileBytes: 2 ** 22, readOnly: false };
/** Tables that the first version did not have. */
const NEW_TABLES = ['alerts', 'mail'] as const;
const ITEM = { id: 'a', text: 'one' };

let directory = '';
let file = '';

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'vigil-records-'));
  file = path.join(directory, 'data.mdb');
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

const storeOf = (database: Database) => ({
  reads: database,
  commit: (changes: Parameters<Database['commit']>[0]) => database.commit(changes),
});

const alertsIn = (database: Database) =>
  new TableRecords<string, Item>(storeOf(database), 'alerts', nameKey);

test('what was put last is there after a restart, in the order of the keys', async () => {
  const before = openDatabase(file, OPTIONS);
  const records = alertsIn(before);
  expect(records.list()).toEqual([]);
  for (const id of ['b', 'c', 'a']) await records.put({ id, text: 'one' });
  await records.put({ id: 'b', text: 'two' });
  await records.remove('c');
  await records.remove('never there');
  await before.close();
  const after = openDatabase(file, OPTIONS);
  expect(alertsIn(after).list()).toEqual([ITEM, { id: 'b', text: 'two' }]);
  await after.close();
});

test('more than a page of them are all listed', async () => {
  const database = openDatabase(file, OPTIONS);
  const records = alertsIn(database);
  const items = Array.from({ length: 600 }, (_, n) => ({ id: `${1000 + n}`, text: `${n}` }));
  await Promise.all(items.map((item) => records.put(item)));
  expect(records.list()).toEqual(items);
  await database.close();
});

test('a damaged one is left out', async () => {
  const database = openDatabase(file, OPTIONS);
  const records = alertsIn(database);
  await records.put(ITEM);
  await database.commit([{ table: 'alerts', key: nameKey('b'), value: Buffer.from('damaged') }]);
  expect(records.list()).toEqual([ITEM]);
  await database.close();
});

test('of sessions the largest id stays known when its session is removed', async () => {
  const database = openDatabase(file, OPTIONS);
  const records = new SessionRecords(storeOf(database));
  expect(records.lastId()).toBe(0);
  for (const id of [7, 3]) await records.put(sessionOf(id, 1, 0, 1));
  expect(records.list().map(({ id }) => id)).toEqual([3, 7]);
  await records.remove(7);
  expect([records.list().length, records.lastId()]).toEqual([1, 7]);
  await database.commit([{ table: 'meta', key: nameKey('lastSession'), value: Buffer.of(1) }]);
  expect(records.lastId()).toBe(0);
  await database.close();
});

test('a file without the tables of today is read as it is, and gets them when it is written', async () => {
  const epoch = { id: 1, wallMs: 0, trust: 'none', bootId: '', monotonicMs: 0 } as const;
  const options = { directory, quotaBytes: 2 ** 24, lowBytes: 0, epoch };
  await (await openStore(options)).close();
  await dropNewTables();

  const offline = await openOffline(directory, monotonicClock(), { probe: true });
  expect(offline.epochs().get(1)).toEqual(epoch);
  expect(Object.keys(offline.use().tables)).not.toContain('alerts');
  const problems = [...offline.reader().verify(offline.use())].flatMap((step) => step.problems);
  expect(problems).toEqual([]);
  await offline.close();
  const readOnly = openDatabase(file, { ...OPTIONS, readOnly: true });
  expect(alertsIn(readOnly).list()).toEqual([]);
  expect(readOnly.get('mail', nameKey('a'))).toBeUndefined();
  await readOnly.close();

  const opened = await openStore({ ...options, epoch: { ...epoch, id: 2 } });
  expect(opened.problems).toEqual([]);
  await alertsIn(opened.database).put(ITEM);
  expect(alertsIn(opened.database).list()).toEqual([ITEM]);
  await opened.close();
});

async function dropNewTables(): Promise<void> {
  const binary = { encoding: 'binary', keyEncoding: 'binary' } as const;
  const root = open({ ...binary, path: file, noSubdir: true, maxDbs: 32, pageSize: 4096 });
  for (const name of NEW_TABLES) await root.openDB(name, binary).drop();
  await root.close();
}
