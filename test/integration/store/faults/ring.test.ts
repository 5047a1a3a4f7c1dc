/**
 * The ring goes round, VIGIL_FAULT_WRAPS times: the file does not grow, what is pinned stays to the
 * sample, and what was just recorded is all there.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SLOT_US } from '../../../../src/store/keys.ts';
import { openStore } from '../../../../src/store/opening.ts';
import { StoreReader } from '../../../../src/store/reader.ts';
import { StoreProcess } from '../../../support/faults/store-process.ts';
import { StoreLoad } from '../../../support/store-load.ts';

const WRAPS = Number(process.env['VIGIL_FAULT_WRAPS'] ?? 2);
/** The smallest whose file of 1.4 times as much is whole steps of 16 MB. */
const QUOTA_BYTES = 22 * 2 ** 20;
const FILE_BYTES_MAX = 32 * 2 ** 20;
const FRAME_PERIOD = 500;
const SPEED = 50;
/** What is kept of the beginning. */
const PINNED = { epoch: 1, from: 60e6, to: 90e6 };

let directory = '';

beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'vigil-ring-'));
});

afterAll(() => {
  rmSync(directory, { recursive: true });
});

test(`${WRAPS} wraps of the ring`, { timeout: 120_000 + WRAPS * 120_000 }, async () => {
  const options = { directory, quotaBytes: QUOTA_BYTES, framePeriod: FRAME_PERIOD, speed: SPEED };
  const writer = new StoreProcess({ ...options, pinned: [PINNED], record: -1 });
  await writer.until('it gives up its oldest', () => writer.detail('evicted') > 0, 100_000);
  const first = writer.detail('blocks');
  for (let wrap = 1; wrap <= WRAPS; wrap++) {
    await writer.until(`wrap ${wrap}`, () => writer.detail('evicted') >= wrap * first, 120_000);
    expect(statSync(path.join(directory, 'data.mdb')).size).toBeLessThanOrEqual(FILE_BYTES_MAX);
  }
  expect(writer.detail('lost')).toBe(0);
  const rss = Math.round(writer.detail('rss') / 2 ** 20);
  expect(await writer.stop('SIGTERM')).toBe('0');
  process.stdout.write(`${WRAPS} wraps: ${writer.detail('evicted')} evicted, RSS ${rss} MB\n`);

  const epoch = { id: 9, wallMs: 0, trust: 'none', bootId: '', monotonicMs: 0 } as const;
  const opened = await openStore({ ...options, lowBytes: 0, epoch });
  try {
    const reader = new StoreReader(opened.database, undefined);
    const damages = [...reader.verify(opened.database.use())].flatMap(({ problems }) => problems);
    expect(damages).toEqual([]);
    const load = new StoreLoad({ seed: 1, framePeriod: FRAME_PERIOD }, 0);
    for (const found of load.compare(reader, 1, writer.taken)) {
      expect(found).toMatchObject({ wrong: 0, twice: 0 });
    }
    const last = load.readings(writer.durable - SLOT_US, writer.durable);
    for (const { kind, id } of load.streams) {
      if (kind === 'event') continue;
      const count = (range: { epoch: number; from: number; to: number }) =>
        reader
          .numbersOf(id)
          .flatMap((number) => [...reader.columns(number, range)])
          .reduce((sum, one) => sum + (one.kind === 'waves' ? one.v.length : one.t.length), 0);
      const due = (readings: typeof last, { from, to }: { from: number; to: number }) =>
        readings
          .filter(({ stream, t }) => stream.id === id && t >= from && t < to)
          .reduce((sum, one) => sum + (one.kind === 'wave' ? one.v.length : 1), 0);
      const pinned = load.readings(0, PINNED.to + 10e6);
      if (kind !== 'wave') expect(count(PINNED), `${id} pinned`).toBe(due(pinned, PINNED));
      const newest = { epoch: 1, from: writer.durable - SLOT_US / 2, to: writer.durable - 10e6 };
      if (kind !== 'wave') expect(count(newest), `${id} newest`).toBe(due(last, newest));
      else expect(count(newest)).toBeGreaterThan(0);
    }
  } finally {
    await opened.close();
  }
});
