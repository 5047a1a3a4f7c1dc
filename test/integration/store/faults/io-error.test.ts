/**
 * A device that answers EIO: to everything for a while, to syncs only, and to each single call of a
 * writer's life in turn. The errors come from test/support/faults/failing-disk.c.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { numberKey } from '../../../../src/store/keys.ts';
import { openStore } from '../../../../src/store/opening/opening.ts';
import { StoreReader } from '../../../../src/store/reading/reader.ts';
import { decodeRecord } from '../../../../src/store/record.ts';
import { StoreProcess, WRITER_DEFAULTS } from '../../../support/faults/store-process.ts';
import { loadRecord, StoreLoad, tableOfRecord } from '../../../support/store-load.ts';

/** How many calls of a writer fail, one a run. */
const CALLS = Number(process.env['VIGIL_FAULT_CALLS'] ?? 12);
const TOLD_MS_MAX = 5_000;
/** Just before the end of a slot, so that seals fail as well. */
const START = 280e6;
const SPEED = 50;
const SHIM = path.resolve(import.meta.dirname, '../../../support/faults/failing-disk.c');

let tools = '';
let directory = '';
let env: Readonly<Record<string, string>>;
let fault = '';
let writer: StoreProcess | undefined;

beforeAll(() => {
  tools = mkdtempSync(path.join(tmpdir(), 'vigil-eio-'));
  const library = path.join(tools, 'failing-disk.so');
  execFileSync('gcc', ['-O1', '-shared', '-fPIC', '-o', library, SHIM]);
  fault = path.join(tools, 'fault');
  env = { LD_PRELOAD: library, VIGIL_FAIL_FILE: fault };
});

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'vigil-eio-'));
});

afterEach(async () => {
  await writer?.stop('SIGKILL');
  writer = undefined;
  rmSync(directory, { recursive: true });
  rmSync(fault, { force: true });
});

afterAll(() => {
  rmSync(tools, { recursive: true });
});

function start(more: Readonly<Record<string, string>> = {}): StoreProcess {
  const failing = { ...env, VIGIL_FAIL_DIRECTORY: directory, ...more };
  writer = new StoreProcess({ directory, speed: SPEED, start: START }, failing);
  return writer;
}

async function expectAcknowledged(one: StoreProcess): Promise<void> {
  const epoch = { id: 99, wallMs: 0, trust: 'none', bootId: '', monotonicMs: 0 } as const;
  const quota = { quotaBytes: WRITER_DEFAULTS.quotaBytes, lowBytes: 0 };
  const opened = await openStore({ ...quota, directory, epoch });
  try {
    const reader = new StoreReader(opened.database, undefined);
    const damages = [...reader.verify(opened.database.use())].flatMap(({ problems }) => problems);
    expect(damages).toEqual([]);
    for (const n of one.committed) {
      const key = numberKey(n);
      const value = opened.database.get(tableOfRecord(n), key);
      expect(value && decodeRecord(key, value), `record ${n}`).toEqual(loadRecord(n));
    }
    const load = new StoreLoad({ seed: 1, framePeriod: WRITER_DEFAULTS.framePeriod }, START);
    for (const found of load.compare(reader, 1, one.taken)) {
      expect(found).toMatchObject({ wrong: 0, twice: 0, breaks: 0 });
      expect(found.firstMissing, found.id).toBeGreaterThanOrEqual(one.durable);
    }
  } finally {
    await opened.close();
  }
}

test.each([
  ['everything', ''],
  ['syncs', 's'],
  // LMDB then takes nothing until it is closed and opened again (MDB_PANIC).
  ['the end of every commit', 'mm'],
])(
  '%s failing for a while is told, lived through and got over',
  { timeout: 120_000 },
  async (_, what) => {
    const one = start();
    await one.until('it records', () => one.durable > START + 10e6);
    const told = one.health.length;
    writeFileSync(fault, what);
    await one.until(
      'it is told',
      () => one.health.slice(told).some(({ text }) => text.startsWith('waiting')),
      TOLD_MS_MAX,
    );
    await sleep(1_500); // Seals are tried meanwhile: 75 s of the writer's clock.
    const { durable, taken } = one;
    const committed = one.committed.length;
    await sleep(500);
    expect(one.end).toBeUndefined();
    expect(one.durable).toBe(durable);
    expect(one.committed.length).toBe(committed);
    expect(one.taken).toBeGreaterThan(taken);
    rmSync(fault);
    const isWell = () => (one.health.at(-1)?.text ?? '').startsWith('ok ');
    await one.until('it works again', () => one.durable > taken && isWell(), 10_000);
    await one.until('records too', () => one.committed.length > committed + 3, 10_000);
    // A slot later everything is in LMDB, what waited meanwhile included.
    // Of a store that was opened again they count from 0, and while it was off there were none.
    const seals = one.detail('seals') || 0;
    await one.until('it seals', () => one.detail('seals') > seals + 1, 30_000);
    expect(one.health.at(-1)?.text).toMatch(/^ok /);
    const end = one.durable;
    expect(await one.stop('SIGKILL')).toBe('SIGKILL');
    expect(one.durable).toBeGreaterThanOrEqual(end);
    await expectAcknowledged(one);
  },
);

// LMDB writes what it can of the old page over the new one then, and takes nothing more (MDB_PANIC).
test('the end of one commit failing leaves a file to go on with', async () => {
  const one = start();
  await one.until('it records', () => one.committed.length > 3);
  writeFileSync(fault, 'mmm');
  await one.until('it is told', () => one.health.at(-1)?.text.startsWith('waiting') === true);
  const committed = one.committed.length;
  await one.until('it goes on', () => one.committed.length > committed + 3);
  expect(await one.stop('SIGKILL')).toBe('SIGKILL');
  await expectAcknowledged(one);
  // Neither by the writer, when it opened the file again, nor by us.
  expect(readdirSync(directory).filter((name) => name.includes('bad'))).toEqual([]);
});

test(`any one of ${CALLS} calls may fail`, { timeout: 60_000 + CALLS * 10_000 }, async () => {
  for (let run = 0; run < CALLS; run++) {
    // The first calls make the files, and are thousands; the later ones are what it does all day.
    const call = run < CALLS / 3 ? 1 + run * 3 : 40 + Math.floor((run * 997) % 800);
    const one = start({ VIGIL_FAIL_CALL: String(call) });
    const text = `call ${call}`;
    await one.until(`${text}: it records`, () => one.durable > START + 10e6);
    const mark = one.durable;
    await one.until(`${text}: it goes on`, () => one.durable > mark + 60e6);
    expect(await one.stop('SIGKILL')).toBe('SIGKILL');
    await expectAcknowledged(one).catch((error: unknown) => {
      throw new Error(text, { cause: error });
    });
    rmSync(directory, { recursive: true });
    directory = mkdtempSync(path.join(tmpdir(), 'vigil-eio-'));
  }
});
