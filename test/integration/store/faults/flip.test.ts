/**
 * One byte of a store's files is flipped, VIGIL_FAULT_FLIPS times in different places: the store is
 * up again within 5 s, and what it gives is what was stored, or said to be damaged or gone. Where LMDB
 * ends the process, which happens in some of 1,000 flips, the third start does without the file.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { scanSegment } from '../../../../src/store/journal/journal-record.ts';
import { openStore } from '../../../../src/store/opening/opening.ts';
import { StoreReader } from '../../../../src/store/reading/reader.ts';
import { StoreProcess, WRITER_DEFAULTS } from '../../../support/faults/store-process.ts';
import { StoreLoad, seededRandom } from '../../../support/store-load.ts';

const FLIPS = Number(process.env['VIGIL_FAULT_FLIPS'] ?? 40);
const SEED = Number(process.env['VIGIL_FAULT_SEED'] ?? Math.floor(Math.random() * 1e6));
const UP_MS_MAX = 5_000;
/** Of LMDB, in a commit into a damaged page, before the file is set aside. */
const ENDS_MAX = 2;
const START = 250e6;
const FILES = ['data.mdb', 'j0', 'j1'] as const;
type FileName = (typeof FILES)[number];

let top = '';
let good = '';
let writer: StoreProcess;
/** Where the last record of all begins; nowhere in the other files. */
const lastRecord = { 'data.mdb': Infinity, j0: Infinity, j1: Infinity };

beforeAll(async () => {
  top = mkdtempSync(path.join(tmpdir(), 'vigil-flip-'));
  good = path.join(top, 'good');
  cpSync(mkdtempSync(path.join(top, 'empty-')), good, { recursive: true });
  writer = new StoreProcess({ directory: good, start: START });
  await writer.until(
    'there is something',
    () => writer.durable > 330e6 && writer.detail('seals') > 0,
  );
  await writer.stop('SIGKILL');
  const [j0, j1] = (['j0', 'j1'] as const).map((name) => {
    return { name, last: scanSegment(readFileSync(path.join(good, name))).records.at(-1) };
  });
  const newest = (j0?.last?.seq ?? 0) > (j1?.last?.seq ?? 0) ? j0 : j1;
  if (newest?.last) lastRecord[newest.name] = newest.last.offset;
});

afterAll(() => {
  rmSync(top, { recursive: true });
});

/** Where the bytes of a file end that are not the zeros it was made of. */
function usedBytes(bytes: Uint8Array): number {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return end;
}

/** What came of one flip. */
async function outcome(directory: string, name: FileName, flipped: number): Promise<string> {
  const epoch = { id: 9, wallMs: 0, trust: 'none', bootId: '', monotonicMs: 0 } as const;
  const { quotaBytes } = WRITER_DEFAULTS;
  const opened = await openStore({ directory, quotaBytes, lowBytes: 0, epoch });
  try {
    const reader = new StoreReader(opened.database, undefined);
    const load = new StoreLoad({ seed: 1, framePeriod: WRITER_DEFAULTS.framePeriod }, START);
    const found = load.compare(reader, 1, writer.taken);
    for (const { id, wrong, twice } of found)
      expect({ id, wrong, twice }).toMatchObject({ wrong: 0, twice: 0 });
    const whole = found.every(({ firstMissing }) => firstMissing >= writer.durable);
    const damages = [...reader.verify(opened.database.use())].flatMap(({ problems }) => problems);
    if (opened.problems.some((text) => text.includes('set aside'))) return 'set aside';
    const told = opened.problems.length + damages.length + reader.damaged.count > 0;
    if (whole) return told ? 'whole, and told' : 'whole';
    // The last record of all is then as one that a power cut tore: see journal.ts.
    if (!told && flipped >= lastRecord[name]) return 'cut off at the end of the journal';
    return told ? 'told' : 'SILENT';
  } finally {
    await opened.close();
  }
}

function startOn(directory: string): StoreProcess {
  return new StoreProcess({ directory, epoch: 2, load: false, record: -1 });
}

async function settledOrEnded(one: StoreProcess, place: string): Promise<'settled' | 'ended'> {
  await one
    .until(place, () => one.settled !== '', UP_MS_MAX)
    .catch((error: unknown) => {
      if (one.end?.startsWith('SIG') !== true) throw error;
    });
  return one.settled === '' ? 'ended' : 'settled';
}

/** Starts until one is up. Tells how long that one took, and how many ended before it. */
async function up(directory: string, place: string) {
  for (let ends = 0; ; ends++) {
    const begin = performance.now();
    const one = startOn(directory);
    const is = await settledOrEnded(one, place);
    if (is === 'settled' || ends === ENDS_MAX) return { one, ends, ms: performance.now() - begin };
  }
}

test(`${FLIPS} flips are survived and found`, { timeout: 60_000 + FLIPS * 5_000 }, async () => {
  const random = seededRandom(SEED);
  const counts = new Map<string, number>();
  let slowest = 0;
  for (let n = 0; n < FLIPS; n++) {
    const name = FILES[Math.floor(random() * 3)] ?? 'data.mdb';
    const bytes = readFileSync(path.join(good, name));
    const at = Math.floor(random() * usedBytes(bytes));
    const bit = 1 << Math.floor(random() * 8);
    bytes[at] = (bytes[at] ?? 0) ^ bit;
    const place = `flip ${n} of seed ${SEED}: bit ${bit} of ${name} at ${at}`;
    const copies = ['child', 'parent'].map((which) => path.join(top, which));
    for (const copy of copies) {
      cpSync(good, copy, { recursive: true });
      writeFileSync(path.join(copy, name), bytes);
    }
    const [child = '', parent = ''] = copies;
    const { one, ends, ms } = await up(child, place);
    slowest = Math.max(slowest, ms);
    expect(one.settled, place).toContain('ok');
    expect(await one.stop('SIGTERM'), place).toBe('0');
    // The journal is ours, and ends nobody. What ends a process would end this one.
    expect(ends === 0 || name === 'data.mdb', place).toBe(true);
    const result =
      ends > 0
        ? `up after it ended the process: ${ends}`
        : await outcome(parent, name, at).catch((error: unknown) => {
            throw new Error(place, { cause: error });
          });
    if (result === 'SILENT') process.stdout.write(`${place}: SILENT\n`);
    const row = `${name} ${result}`;
    counts.set(row, (counts.get(row) ?? 0) + 1);
    for (const copy of copies) rmSync(copy, { recursive: true });
  }
  const table = [...counts].sort().map(([row, count]) => `${row}: ${count}`);
  process.stdout.write(
    `flips of seed ${SEED}, slowest ${Math.round(slowest)} ms\n${table.join('\n')}\n`,
  );
  expect(table.filter((row) => row.includes('SILENT'))).toEqual([]);
});
