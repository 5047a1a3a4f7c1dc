/**
 * kill -9 at any moment of a full load, again and again in one directory. VIGIL_FAULT_RUNS says how
 * often, VIGIL_FAULT_SEED which moments. The clock runs a hundred times as fast, in every fifth run
 * as it is, so that seals, evictions and the growth of the file lie within the second or so that a
 * process lives.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SLOT_US } from '../../../../src/codec/slot.ts';
import { numberKey } from '../../../../src/store/keys.ts';
import { openStore } from '../../../../src/store/opening/opening.ts';
import { StoreReader } from '../../../../src/store/reading/reader.ts';
import { decodeRecord } from '../../../../src/store/record.ts';
import { StoreProcess, WRITER_DEFAULTS } from '../../../support/faults/store-process.ts';
import {
  FULL_BUS_US,
  loadRecord,
  StoreLoad,
  seededRandom,
  tableOfRecord,
} from '../../../support/store-load.ts';
import { expectQueueWhole } from '../../../support/store-queue.ts';

const RUNS = Number(process.env['VIGIL_FAULT_RUNS'] ?? 20);
const SEED = Number(process.env['VIGIL_FAULT_SEED'] ?? Math.floor(Math.random() * 1e6));
/** Of real time. */
const LOST_MS_MAX = 1_000;
const OPEN_MS_MAX = 2_000;
const HOUR_SLOTS = 12;
const KILL_MS_MAX = 1_500;

let directory = '';

beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'vigil-kill-'));
});

afterAll(() => {
  rmSync(directory, { recursive: true });
});

const options = { quotaBytes: WRITER_DEFAULTS.quotaBytes, lowBytes: 0 };
const random = seededRandom(SEED);
/** Records of all runs. */
const acknowledged: number[] = [];
const opens: number[] = [];
const losses: number[] = [];

/** One life of a writer and what is there after it. Returns the next record to commit. */
async function round(run: number, record: number): Promise<number> {
  const real = run % 5 === 4;
  const speed = real ? 1 : 100;
  // Shortly before the end of a slot, of an hour in every third run.
  const slot = run % 3 === 0 ? HOUR_SLOTS : 1 + Math.floor(random() * 100);
  const start = Math.round(slot * SLOT_US - random() * 0.5e6 * speed);
  const load = { seed: SEED, framePeriod: real ? FULL_BUS_US : WRITER_DEFAULTS.framePeriod };
  const epoch = 2 * run + 1;
  const writer = new StoreProcess({ ...options, ...load, directory, epoch, speed, start, record });
  await writer.until('the store opens', () => writer.durable > 0);
  await sleep(random() * KILL_MS_MAX);
  expect(await writer.stop('SIGKILL')).toBe('SIGKILL');

  const before = performance.now();
  const anchor = { id: epoch + 1, wallMs: 0, trust: 'none', bootId: '', monotonicMs: 0 } as const;
  const opened = await openStore({ ...options, directory, epoch: anchor });
  opens.push(performance.now() - before);
  try {
    expect(opened.problems).toEqual([]);
    const reader = new StoreReader(opened.database, undefined);
    const damages = [...reader.verify(opened.database.use())].flatMap(({ problems }) => problems);
    expect(damages).toEqual([]);
    acknowledged.push(...writer.committed);
    for (const n of acknowledged) {
      const key = numberKey(n);
      const value = opened.database.get(tableOfRecord(n), key);
      expect(value && decodeRecord(key, value), `record ${n}`).toEqual(loadRecord(n));
    }
    let firstMissing = writer.taken;
    for (const found of new StoreLoad(load, start).compare(reader, epoch, writer.taken)) {
      expect(found).toMatchObject({ wrong: 0, twice: 0, breaks: 0 });
      expect(found.firstMissing, `${found.id}: acknowledged`).toBeGreaterThanOrEqual(
        writer.durable,
      );
      // Nothing is missing in between: a stream ends, later than which nothing is there.
      expect(found.lastRight, found.id).toBeLessThan(found.firstMissing);
      firstMissing = Math.min(firstMissing, found.firstMissing);
    }
    expectQueueWhole(opened);
    losses.push((writer.taken - firstMissing) / 1000 / speed);
  } finally {
    await opened.close();
  }
  return (writer.committed.at(-1) ?? record - 1) + 2;
}

test(`${RUNS} kills under full load lose nothing that was acknowledged`, {
  timeout: 60_000 + RUNS * 8_000,
}, async () => {
  let record = 0;
  for (let run = 0; run < RUNS; run++) {
    try {
      record = await round(run, record);
    } catch (error) {
      throw new Error(`run ${run} of seed ${SEED}`, { cause: error });
    }
  }
  const text = `kills ${RUNS}, seed ${SEED}: opened in ${quantiles(opens)} ms, lost ${quantiles(losses)} ms`;
  process.stdout.write(`${text}\n`);
  expect(Math.max(...losses)).toBeLessThanOrEqual(LOST_MS_MAX);
  expect(Math.max(...opens)).toBeLessThanOrEqual(OPEN_MS_MAX);
});

function quantiles(values: readonly number[]): string {
  const at = (share: number) => Math.round(quantile(values, share));
  return `${at(0.5)} (median), ${at(0.95)} (95 %), ${at(1)} (most)`;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;
}
