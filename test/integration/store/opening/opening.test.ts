/** Starts that were not ended by a stop, and what the store makes of them. */
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nameKey } from '../../../../src/store/keys.ts';
import { type Database, openDatabase, PAGE_BYTES } from '../../../../src/store/lmdb.ts';
import { openStore } from '../../../../src/store/opening/opening.ts';
import { decodeRecord, encodeRecord } from '../../../../src/store/record.ts';

const RUNNING = nameKey('running');
const LEAF = 0x02;
const BIG_VALUE = 0x01;
const SLOW = { timeout: 120_000 };
const QUOTA_BYTES = 2 ** 24;
const LONG_FILE_BYTES = 2 ** 31;
const TOO_LONG_BYTES = 0x7000_0000;

let directory = '';
const file = (): string => path.join(directory, 'data.mdb');

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'vigil-opening-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

/** Opens the store and closes it. Returns its problems, and the starts that it counts meanwhile. */
async function start(bootId = 'boot'): Promise<{ problems: readonly string[]; starts: number }> {
  const epoch = { id: 2, wallMs: 0, trust: 'none', bootId, monotonicMs: 0 } as const;
  const opened = await openStore({ directory, quotaBytes: QUOTA_BYTES, lowBytes: 0, epoch });
  try {
    return { problems: opened.problems, starts: startsOf(opened.database) };
  } finally {
    await opened.close();
  }
}

function startsOf(database: Database): number {
  const record = database.get('meta', RUNNING);
  return record === undefined ? 0 : Object(decodeRecord(RUNNING, record)).starts;
}

/** As so many crashes leave the store, with a value that has pages of its own. */
async function crash(starts: number): Promise<void> {
  const database = openDatabase(file(), { fileBytes: QUOTA_BYTES, readOnly: false });
  const running = encodeRecord(RUNNING, { bootId: 'boot', starts });
  const large = nameKey('large');
  await database.commit([
    { table: 'meta', key: RUNNING, value: running },
    { table: 'retained', key: large, value: encodeRecord(large, 'x'.repeat(20_000)) },
  ]);
  await database.close();
}

/**
 * Makes every large value end in the file but beyond what is mapped of it, as the file is from a time with
 * a larger quota: no look at keys meets that.
 */
function damageValues(): number {
  const bytes = readFileSync(file());
  let damaged = 0;
  for (let page = 2 * PAGE_BYTES; page < bytes.length; page += PAGE_BYTES) {
    const isPage = bytes.readUInt32LE(page) * PAGE_BYTES === page;
    if (!isPage || bytes.readUInt16LE(page + 18) !== LEAF) continue;
    for (let at = 0; at < bytes.readUInt16LE(page + 20); at += 2) {
      const entry = page + 24 + bytes.readUInt16LE(page + 24 + at);
      if (bytes.readUInt16LE(entry + 4) !== BIG_VALUE) continue;
      bytes.writeUInt32LE(TOO_LONG_BYTES, entry);
      damaged++;
    }
  }
  writeFileSync(file(), bytes);
  truncateSync(file(), LONG_FILE_BYTES);
  return damaged;
}

test('a start counts until a stop, within its boot', async () => {
  expect(await start()).toEqual({ problems: [], starts: 1 });
  expect(await start()).toEqual({ problems: [], starts: 1 });
  await crash(1);
  expect(await start()).toEqual({ problems: [], starts: 2 });
  await crash(2);
  expect(await start('another')).toEqual({ problems: [], starts: 1 });
});

test('after three crashes a good file stays, and the count begins anew', async () => {
  await start();
  await crash(3);
  expect(await start()).toEqual({ problems: [], starts: 1 });
  expect(existsSync(`${file()}.bad-1`)).toBe(false);
});

test(
  'after three crashes, not two, a file whose values cannot be read is set aside',
  SLOW,
  async () => {
    await start();
    await crash(2);
    expect(damageValues()).toBeGreaterThan(0);
    expect(await start()).toEqual({ problems: [], starts: 3 });
    rmSync(file());
    await start();
    await crash(3);
    expect(damageValues()).toBeGreaterThan(0);
    const { problems, starts } = await start();
    expect(problems).toEqual([expect.stringContaining('it was set aside as')]);
    expect(starts).toBe(1);
    expect(existsSync(`${file()}.bad-1`)).toBe(true);
  },
);

test('what ended the process twice while it was opened is opened no third time', async () => {
  await start();
  const note = `${file()}.opening`;
  expect(existsSync(note)).toBe(false);
  // As an opening leaves it that a signal ends: one of another boot, by a power cut, counts for nothing.
  for (const [left, aside] of [
    ['boot 1', false],
    ['another-boot 7', false],
    ['boot x', false],
    ['boot 2', true],
  ] as const) {
    writeFileSync(note, left);
    const { problems } = await start();
    expect(problems.join('; ').includes('ended the process 2 times'), left).toBe(aside);
    expect(existsSync(`${file()}.bad-1`)).toBe(aside);
    expect(existsSync(note)).toBe(false);
  }
});
