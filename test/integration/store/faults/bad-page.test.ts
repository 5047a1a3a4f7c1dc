/** A page of an open store's file goes bad: the medium has begun to forget. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Clock } from '#core/clock.ts';
import type { Log } from '../../../../src/io/log.ts';
import { nameKey } from '../../../../src/store/keys.ts';
import type { Change } from '../../../../src/store/lmdb.ts';
import { StoreReader } from '../../../../src/store/reading/reader.ts';
import { encodeRecord } from '../../../../src/store/record.ts';
import { Store } from '../../../../src/store/store.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { fastClock } from '../../../support/fast-clock.ts';
import { damageBranches } from '../../../support/faults/bad-page.ts';
import { secondOf } from '../../../support/recorded-store.ts';

const RECORDS = 400;
/** Of a store that is to open again: ten seconds pass in one. */
const SPEED = 10;
const WAIT = { timeout: 20_000 };

let directory = '';
let store: Store;
let errors: string[] = [];
let running = Promise.resolve();
let stop: AbortController;
const file = (): string => path.join(directory, 'data.mdb');

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'vigil-bad-page-'));
});

afterEach(async () => {
  stop.abort(new Error('stopped'));
  await running;
  rmSync(directory, { recursive: true });
});

/** A store whose table `audit` has a branch page, and no other. */
async function open(clock: Clock): Promise<void> {
  errors = [];
  stop = new AbortController();
  const ignore = (): void => {};
  const error: Log['error'] = (_, text) => void errors.push(text ?? '');
  store = new Store({
    ...{ directory, clock, quotaBytes: 2 ** 24, lowBytes: 0, pinned: () => [] },
    epoch: { id: 1, wallMs: 0, trust: 'none', bootId: 'boot', monotonicMs: 0 },
    log: { debug: ignore, info: ignore, warn: ignore, error },
  });
  running = store.run(stop.signal);
  await store.opened(stop.signal);
  await store.commit(Array.from({ length: RECORDS }, (_, n) => audit(n)));
}

function audit(n: number): Change {
  const key = nameKey(`entry ${String(n).padStart(5, '0')}`);
  return { table: 'audit', key, value: encodeRecord(key, 'x'.repeat(100)) };
}

test('whoever looks through all tables is told of it once, and has all of the others', async () => {
  await open(new FakeClock());
  expect(damageBranches(file())).toBe(1);
  const steps = [...new StoreReader(store.reads, undefined).verify()];
  expect(steps.flatMap(({ problems }) => problems)).toEqual([
    { table: 'audit', key: '', text: expect.stringContaining('MDB_PAGE_NOTFOUND') },
  ]);
  expect(steps.filter((step) => step.entries > 0).map(({ table }) => table)).toContain('epochs');
});

test('the scrub tells of it once, and the gateway goes on recording', async () => {
  const clock = new FakeClock();
  await open(clock);
  damageBranches(file());
  await vi.waitFor(async () => {
    await clock.advance(1_000);
    expect(store.health().details).toMatchObject({ scrubbed: 1, damaged: 1 });
  }, WAIT);
  expect(errors).toEqual([expect.stringMatching(/^audit: the table audit .* MDB_PAGE_NOTFOUND/)]);
  expect(store.health()).toMatchObject({
    status: 'ok',
    text: 'recording; 1 stored entries are damaged',
  });
  store.take(secondOf(1));
  await store.durable();
  expect(store.health().details).toMatchObject({ records: 1, failures: 0 });
  const rule: Change = { ...audit(0), table: 'rules' };
  await store.commit([rule]);
  expect(store.reads.get('rules', rule.key)).toEqual(rule.value);
  stop.abort(new Error('stopped'));
  await vi.waitFor(async () => {
    await clock.advance(1); // The last seal sleeps in between.
    expect(store.isOpen).toBe(false);
  }, WAIT);
});

test('a commit that needs the page has the file looked through, and set aside', async () => {
  await open(fastClock(SPEED, 0));
  store.take(secondOf(1));
  await store.durable();
  damageBranches(file());
  await expect(store.commit([audit(RECORDS)])).rejects.toMatchObject({ code: 'BAD_FILE' });
  expect(store.isOpen).toBe(false);
  expect(store.health().text).toContain('off: the data file is damaged');
  await vi.waitFor(() => expect(store.isOpen).toBe(true), WAIT);
  expect(existsSync(`${file()}.bad-1`)).toBe(true);
  expect(errors.at(-1)).toContain('was set aside');
  // What the journal had is in the new one.
  expect(new StoreReader(store.reads, undefined).streams()).toHaveLength(3);
  await store.commit([audit(RECORDS)]);
});
