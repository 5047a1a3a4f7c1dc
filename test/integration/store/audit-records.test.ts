/** The audit log in a real database: its order, its ring, and what is damaged in it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AuditEntry, AuditFact } from '../../../src/accounts/audit.ts';
import { AuditLog } from '../../../src/accounts/audit-log.ts';
import { AuditTable } from '../../../src/store/audit-records.ts';
import { numberKey } from '../../../src/store/keys.ts';
import { type Database, openDatabase } from '../../../src/store/lmdb.ts';
import { encodeRecord } from '../../../src/store/record.ts';
import { AccountWorld } from '../../support/account-world.ts';

const AUDIT_ENTRIES_MAX = 50_000;
const AUDIT_MS_MAX = 90 * 86_400_000;

const FACT: AuditFact = {
  ...{ action: 'login', who: 'ada', from: '10.0.0.2', target: '', result: 'done' },
  details: { what: ['role'], n: null },
};

let directory = '';
let database: Database;
/** Of entries, by the start in which they were made. */
let ages: Readonly<Record<number, number>> = {};

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'vigil-audit-'));
  database = openIt();
  ages = {};
});

afterEach(async () => {
  await database.close();
  rmSync(directory, { recursive: true });
});

const openIt = () =>
  openDatabase(path.join(directory, 'data.mdb'), { fileBytes: 2 ** 26, readOnly: false });

function tableOf(): AuditTable {
  const commit = (changes: Parameters<Database['commit']>[0]) => database.commit(changes);
  return new AuditTable({ reads: database, commit }, { age: ({ epoch }) => ages[epoch] });
}

function startLog(): AuditLog {
  const log = new AuditLog({
    ...{ records: tableOf(), moments: new AccountWorld().moments },
    now: () => '2026-11-22T00:00:00.000Z',
    rest: async () => {},
    tell: () => {},
  });
  log.open();
  return log;
}

async function withEntries(count: number): Promise<AuditLog> {
  const log = startLog();
  for (let i = 0; i < count; i++) log.note(FACT);
  await log.flush();
  return log;
}

/** Puts a value in the place of an entry, with a right CRC unless it is bytes. */
async function tamper(n: number, value: Partial<AuditEntry> | Uint8Array | undefined) {
  const key = numberKey(n);
  const before = tableOf().page(n + 1, 1)[0];
  const bytes =
    value === undefined || value instanceof Uint8Array
      ? value
      : encodeRecord(key, { ...before, ...value } as AuditEntry);
  await database.commit([{ table: 'audit', key, value: bytes }]);
}

test('the log is whole after a restart, and goes on', async () => {
  await withEntries(300);
  await database.close();
  database = openIt();
  const log = startLog();
  log.note(FACT);
  await log.flush();
  expect(await log.check()).toEqual({
    ...{ whole: true, entries: 301, first: 1, last: 301, brokenAt: null },
  });
  expect((await log.list({ limit: 2 })).items.map(({ n }) => n)).toEqual([301, 300]);
});

test('an entry that is changed, damaged or taken out on the disk is found', async () => {
  const changes = [{ who: 'bob' }, { result: 'refused' as const }, undefined, Uint8Array.of(1, 2)];
  for (const n of [1, 15, 29]) {
    for (const change of changes) {
      const log = await withEntries(30);
      const offset = (await log.check()).last ?? 0;
      await tamper(offset - 30 + n, change);
      // The first that is left is where the chain begins.
      const isGone = change === undefined || change instanceof Uint8Array;
      const expected = n === 1 && isGone;
      expect((await log.check()).whole, `${n} ${JSON.stringify(change)}`).toBe(expected);
      await database.commit(
        tableOf()
          .page(undefined, 1_000)
          .map((entry) => ({ table: 'audit', key: numberKey(entry.n), value: undefined })),
      );
    }
  }
});

test('behind a newest entry that is damaged the numbers go on', async () => {
  await withEntries(5);
  await tamper(5, Uint8Array.of(1, 2, 3));
  const log = startLog();
  log.note(FACT);
  await log.flush();
  expect((await log.list({ limit: 10 })).items.map(({ n }) => n)).toEqual([6, 4, 3, 2, 1]);
  expect(await log.check()).toMatchObject({ whole: false, brokenAt: 6 });
});

test('a page of nothing but damaged entries is not the end', async () => {
  const log = await withEntries(10);
  for (let n = 4; n < 9; n++) await tamper(n, Uint8Array.of(0));
  expect(tableOf().page(9, 2)).toMatchObject([{ n: 3 }]);
  expect((await log.check()).entries).toBe(5);
});

test('entries go after ninety days, and the chain begins with the first that is left', async () => {
  const world = new AccountWorld();
  const table = tableOf();
  ages = { 1: AUDIT_MS_MAX + 1 };
  const log = await withEntries(12);
  // All are of one start, and over: of each new one four old ones go, itself never.
  expect(tableOf().page(undefined, 100).length).toBeLessThanOrEqual(2);
  expect(table.last()?.n).toBe(12);
  expect((await log.check()).whole).toBe(true);
  ages = { [world.epoch.id]: AUDIT_MS_MAX };
  log.note(FACT);
  log.note(FACT);
  await log.flush();
  expect(tableOf().page(undefined, 100).length).toBeGreaterThanOrEqual(3);
});

test('the ring keeps so many and no more', async () => {
  const table = tableOf();
  const [entry] = (await (await withEntries(1)).list({ limit: 1 })).items;
  if (entry === undefined) throw new Error('expected an entry');
  for (let n = 2; n <= 10; n++) await table.put({ ...entry, n });
  await table.put({ ...entry, n: AUDIT_ENTRIES_MAX + 2 });
  expect(table.page(undefined, 100).map(({ n }) => n)).toEqual([
    ...[AUDIT_ENTRIES_MAX + 2, 10, 9, 8, 7, 6, 5, 4, 3],
  ]);
});
