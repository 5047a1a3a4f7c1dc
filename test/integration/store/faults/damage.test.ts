/** Files that are short, empty or missing, records that are damaged, and a store of a later version. */
import { mkdtempSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nameKey, numberKey } from '../../../../src/store/keys.ts';
import { type Change, openDatabase } from '../../../../src/store/lmdb.ts';
import { type Opened, openStore } from '../../../../src/store/opening/opening.ts';
import { StoreReader } from '../../../../src/store/reading/reader.ts';
import { recordsOf } from '../../../../src/store/reading/walk.ts';
import { encodeRecord } from '../../../../src/store/record.ts';
import { StoreProcess, WRITER_DEFAULTS } from '../../../support/faults/store-process.ts';
import { StoreLoad } from '../../../support/store-load.ts';
import { expectQueueWhole } from '../../../support/store-queue.ts';

const START = 250e6;

let directory = '';
let writer: StoreProcess;
const file = (name: string) => path.join(directory, name);

/** A store with a sealed slot, and a journal with what came after it. */
beforeEach(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'vigil-damage-'));
  writer = new StoreProcess({ directory, start: START, record: -1 });
  await writer.until(
    'there is something',
    () => writer.detail('seals') > 0 && writer.durable > 330e6,
  );
  await writer.stop('SIGKILL');
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

async function reopen(work: (opened: Opened) => void): Promise<void> {
  const epoch = { id: 9, wallMs: 0, trust: 'none', bootId: '', monotonicMs: 0 } as const;
  const { quotaBytes } = WRITER_DEFAULTS;
  const opened = await openStore({ directory, quotaBytes, lowBytes: 0, epoch });
  try {
    work(opened);
  } finally {
    await opened.close();
  }
}

async function put(...changes: readonly Change[]): Promise<void> {
  const database = openDatabase(file('data.mdb'), { fileBytes: 2 ** 25, readOnly: false });
  await database.commit(changes);
  await database.close();
}

/** All that is stored is right, and once; and it is all there, or only a part. */
function expectLoad({ database }: Opened, all: boolean): void {
  const reader = new StoreReader(database, undefined);
  const load = new StoreLoad({ seed: 1, framePeriod: WRITER_DEFAULTS.framePeriod }, START);
  const found = load.compare(reader, 1, writer.taken);
  for (const one of found) expect(one).toMatchObject({ wrong: 0, twice: 0 });
  if (all) for (const one of found) expect(one.firstMissing).toBeGreaterThanOrEqual(writer.durable);
}

test.each(['sealed', 'rolled'])(
  'without a record %s nothing is lost or there twice',
  async (name) => {
    const key = nameKey(name);
    await put({ table: 'meta', key, value: Buffer.from('damaged') });
    await reopen((opened) => {
      expect(opened.problems).toEqual([expect.stringContaining('up to where')]);
      expectLoad(opened, true);
    });
    // It is mended with that.
    await reopen(({ problems }) => expect(problems).toEqual([]));
  },
);

test('a damaged stream is told, and the others are there', async () => {
  await put({ table: 'streams', key: numberKey(1), value: Buffer.from('damaged') });
  await reopen((opened) => {
    expect(opened.problems[0]).toContain('stream 1');
    expectLoad(opened, false);
  });
});

test('a damaged seal is found, and the queue gives what was in it', async () => {
  const database = openDatabase(file('data.mdb'), { fileBytes: 2 ** 25, readOnly: true });
  const seals = [...recordsOf(database, 'seals')].map(({ key, value }) => {
    return { key: Uint8Array.from(key), value: Uint8Array.from(value) };
  });
  await database.close();
  expect(seals.length).toBeGreaterThan(0);
  for (const { key, value } of seals) {
    value[value.length - 1] = (value.at(-1) ?? 0) ^ 1;
    await put({ table: 'seals', key, value });
  }
  await reopen((opened) => {
    const reader = new StoreReader(opened.database, undefined);
    const problems = [...reader.verify()].flatMap((step) => step.problems);
    expect(problems.map(({ table, text }) => ({ table, text }))).toEqual(
      seals.map(() => ({
        table: 'seals',
        text: expect.stringMatching(/its \d+ bytes are damaged/),
      })),
    );
    expectLoad(opened, true);
    expectQueueWhole(opened);
  });
});

test.each(['j0', 'j1'])('%s may be empty, and what is sealed stays', async (name) => {
  truncateSync(file(name), 0);
  await reopen((opened) => expectLoad(opened, false));
});

/** Where the last page ends that is in use. */
async function usedBytes(): Promise<number> {
  const database = openDatabase(file('data.mdb'), { fileBytes: 2 ** 25, readOnly: true });
  const { end } = database.use();
  await database.close();
  return end;
}

test.each([
  ['at its beginning', () => 0],
  ['behind its first byte', () => 1],
  ['between its meta pages', () => 4096],
  ['early', () => 20_000],
  ['in its last page', (used: number) => used - 1],
] as const)('data.mdb may end %s', async (_, end) => {
  truncateSync(file('data.mdb'), end(await usedBytes()));
  await reopen((opened) => {
    expect(opened.problems.join()).toContain('set aside');
    expectLoad(opened, false);
  });
});

test('without data.mdb the journal alone is stored', async () => {
  rmSync(file('data.mdb'));
  await reopen((opened) => {
    expect(opened.recovered).toBeGreaterThan(0);
    expectLoad(opened, false);
  });
});

test('a store of a later version is refused, and left as it is', async () => {
  const key = nameKey('schema');
  await put({ table: 'meta', key, value: encodeRecord(key, { major: 2, minor: 0 }) });
  const names = ['data.mdb', 'j0', 'j1'];
  const before = names.map((name) => readFileSync(file(name)));
  await expect(reopen(() => {})).rejects.toMatchObject({ code: 'NEWER' });
  for (const [i, name] of names.entries()) {
    expect(before[i]?.equals(readFileSync(file(name))), name).toBe(true);
  }
});
