import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Reading } from '#core/stream.ts';
import { readHeader } from '../../../../src/codec/block.ts';
import { countOf } from '../../../../src/codec/columns.ts';
import { rolledUpTo, sealedSeq } from '../../../../src/store/changes.ts';
import { StoreError } from '../../../../src/store/errors.ts';
import { Journal } from '../../../../src/store/journal/journal.ts';
import { HOUR_US, parseRollupKey } from '../../../../src/store/keys.ts';
import { type Change, type Database, openDatabase } from '../../../../src/store/lmdb.ts';
import { StoreReader } from '../../../../src/store/reading/reader.ts';
import { decodeRollup } from '../../../../src/store/rollup/rollup.ts';
import { RollupHours } from '../../../../src/store/rollup/rollup-hours.ts';
import { Intake } from '../../../../src/store/writing/intake.ts';
import { Recorder } from '../../../../src/store/writing/recorder.ts';
import { StreamRegistry } from '../../../../src/store/writing/registry.ts';
import { FaultyDisk } from '../../../support/disk.ts';
import { streamOf } from '../../codec/columns-arbitrary.ts';

const RPM = streamOf('sample', { id: 'obd.rpm', hz: 20 });
const EEG = streamOf('wave', { id: 'eeg.raw', hz: 512, lsb: 1 });
const BUS = streamOf('frame', { id: 'can.bus' });
const MARKS = streamOf('event', { id: 'marks' });
const STREAMS = [RPM, EEG, BUS, MARKS];
const ALL = { epoch: 1, from: 0, to: 1e12 };
const SEGMENT = 2 ** 20;
/** Readings of one second: 20 values, 512 samples of a wave, 50 frames and an event. */
const PER_SECOND = [20, 512, 50, 1];

function second(s: number): Reading[] {
  const at = s * 1_000_000;
  const v = Int16Array.from({ length: 512 }, (_, i) => i);
  return [
    ...Array.from({ length: 20 }, (_, i): Reading => {
      return { kind: 'sample', stream: RPM, t: at + i * 50_000, v: i };
    }),
    { kind: 'wave', stream: EEG, t: at, hz: 512, v, seq: s * 512, lost: 0 },
    ...Array.from({ length: 50 }, (_, i): Reading => {
      const data = Uint8Array.of(i, s & 255);
      return { kind: 'frame', stream: BUS, t: at + i * 20_000, id: i & 3, extended: false, data };
    }),
    { kind: 'event', stream: MARKS, t: at, data: { s } },
  ];
}

let directory = '';
let ground: Ground;

/** A recorder on a database of its own, whose journal is in memory. */
class Ground {
  readonly database: Database;
  readonly disk: FaultyDisk;
  readonly recorder: Recorder;
  seconds = 0;
  now = 0;
  /** What the next commits do, before or instead of what they are asked. */
  readonly commits: ((changes: readonly Change[]) => void)[] = [];
  /** Called whenever the recorder gives others a turn. */
  between: () => void = () => {};
  readonly #intake = new Intake();

  constructor(database: Database, journal: Journal, disk: FaultyDisk) {
    this.database = database;
    this.disk = disk;
    const commit = database.commit.bind(database);
    database.commit = async (changes) => {
      this.between();
      this.commits.shift()?.(changes);
      await commit(changes);
      this.between();
    };
    this.recorder = new Recorder(
      {
        database,
        journal,
        registry: new StreamRegistry(),
        hours: new RollupHours(),
        intake: this.#intake,
        epoch: { id: 1, wallMs: 0, trust: 'none', bootId: '', monotonicMs: 0 },
        clock: {
          now: () => this.now,
          sleep: async () => {
            this.between();
            await turn();
          },
        },
        limit: () => 2 ** 30,
        pinned: () => [],
      },
      0,
    );
  }

  /** So many seconds come in; only the intake has them yet. */
  record(seconds: number): void {
    for (let k = 0; k < seconds; k++) {
      for (const reading of second(this.seconds++)) this.#intake.add(reading);
    }
    this.now = this.seconds * 1_000_000;
  }

  /** What a reader counts of each stream, with the tail or in LMDB alone. */
  counted(withTail = true): number[] {
    const tail = withTail ? this.recorder.tail() : undefined;
    const reader = new StoreReader(this.database, tail);
    const counts = STREAMS.map(({ id, kind }) => {
      const [number] = reader.numbersOf(id);
      if (number === undefined) return 0;
      if (kind === 'event') return reader.events(ALL, { streams: [number], limit: 500 }).length;
      const pieces = [...reader.columns(number, ALL)];
      const places = pieces.flatMap((one) => {
        return Array.from({ length: countOf(one) }, (_, i) => one.seq + i);
      });
      expect(new Set(places).size).toBe(places.length);
      return places.length;
    });
    expect(reader.damaged.count).toBe(0);
    return counts;
  }
}

const due = (seconds: number): number[] => PER_SECOND.map((n) => n * seconds);
function refuse(): void {
  throw new StoreError('FAILED', 'the data file could not be written');
}

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'vigil-recorder-'));
  const file = join(directory, 'data.mdb');
  const database = openDatabase(file, { fileBytes: 2 ** 26, readOnly: false });
  const disk = new FaultyDisk();
  const files = [disk.open('j0', SEGMENT), disk.open('j1', SEGMENT)] as const;
  const { journal } = await Journal.open(files, 0);
  ground = new Ground(database, journal, disk);
});

afterEach(async () => {
  await ground.database.close();
  rmSync(directory, { recursive: true });
});

describe('a reader counts the same', () => {
  test('before, during and after a seal, whatever comes in meanwhile', async () => {
    const { recorder } = ground;
    ground.record(40);
    await recorder.flush();
    expect(ground.counted()).toEqual(due(40));
    expect(ground.counted(false)).toEqual([0, 0, 0, 0]);
    let looks = 0;
    ground.between = () => {
      looks++;
      expect(ground.counted()).toEqual(due(40));
    };
    await recorder.seal();
    expect(looks).toBeGreaterThan(4); // A turn a stream, and both sides of the commit.
    expect(ground.counted(false)).toEqual(due(40));
    ground.between = () => {};
    ground.record(5);
    await recorder.flush();
    expect(ground.counted()).toEqual(due(45));
    expect([...recorder.tail(new Set([2])).pieces.keys()]).toEqual([2]);
  });

  test('of the points of a curve, and its open hour is told once', async () => {
    const { recorder } = ground;
    const points = (): number => {
      const reader = new StoreReader(ground.database, recorder.tail());
      const buckets = reader.downsample(2, { ...ALL, to: 700e6 }, 70);
      return buckets.n.reduce((sum, n) => sum + n, 0);
    };
    // So many that the curve is drawn from rollups.
    for (let k = 0; k < 7; k++) {
      ground.record(100);
      await recorder.flush();
      const all = (k + 1) * 51_200;
      expect(points()).toBe(all);
      ground.between = () => expect(points()).toBe(all);
      await recorder.seal();
      ground.between = () => {};
      expect(points()).toBe(all);
    }
  });
});

describe('a journal that fails', () => {
  test('keeps what it was given for the next flush', async () => {
    const { recorder, disk } = ground;
    ground.record(3);
    disk.failNext('write', 'EIO');
    await expect(recorder.flush()).rejects.toThrow('EIO');
    expect(recorder.waiting).toBe(3 * 583);
    ground.record(1);
    await recorder.flush();
    expect([recorder.waiting, recorder.stats.records]).toEqual([0, 1]);
    expect(ground.counted()).toEqual(due(4));
  });

  test('is passed by: a seal takes everything to LMDB, whatever a flush says', async () => {
    const { recorder, disk } = ground;
    ground.record(3);
    for (const _ of [1, 2]) disk.failNext('sync', 'EIO');
    await expect(recorder.flush()).rejects.toThrow('EIO');
    await recorder.seal();
    expect([recorder.waiting, recorder.stats.seals]).toEqual([0, 1]);
    expect(ground.counted(false)).toEqual(due(3));
  });

  test('what LMDB has too does not come back from it', async () => {
    const { recorder, disk } = ground;
    ground.record(3);
    disk.failNext('sync', 'EIO');
    await recorder.seal();
    const files = [disk.open('j0', SEGMENT), disk.open('j1', SEGMENT)] as const;
    const { replay } = await Journal.open(files, sealedSeq(ground.database));
    expect(replay).toEqual([]);
  });
});

describe('a commit that fails', () => {
  test('is tried again with the same blocks, and nothing is there twice or missing', async () => {
    const { recorder } = ground;
    ground.record(10);
    const tried: (readonly Change[])[] = [];
    ground.commits.push(
      (changes) => {
        tried.push(changes);
        refuse();
      },
      (changes) => tried.push(changes),
    );
    await expect(recorder.seal()).rejects.toThrow('could not be written');
    expect([recorder.stats.seals, recorder.isDue]).toEqual([0, true]);
    expect(ground.counted()).toEqual(due(10));
    ground.record(2);
    await recorder.flush();
    expect(ground.counted()).toEqual(due(12));
    await recorder.seal();
    const [first, second] = tried.map((changes) => {
      return changes.map(({ table, key }) => `${table} ${Buffer.from(key).toString('hex')}`);
    });
    expect(second).toEqual(first);
    expect([recorder.stats.seals, recorder.isDue]).toEqual([1, false]);
    expect([ground.counted(false), ground.counted()]).toEqual([due(10), due(12)]);
    await recorder.seal();
    expect(ground.counted(false)).toEqual(due(12));
  });

  test('the journal keeps what was in it until then', async () => {
    const { recorder, disk } = ground;
    ground.record(10);
    ground.commits.push(refuse);
    await expect(recorder.seal()).rejects.toThrow('could not be written');
    ground.record(1);
    await recorder.flush();
    const crashed = disk.crash(() => 0);
    const files = [crashed.open('j0', SEGMENT), crashed.open('j1', SEGMENT)] as const;
    const { replay } = await Journal.open(files, sealedSeq(ground.database));
    expect(replay.map(({ seq }) => seq)).toEqual([1, 2]);
  });
});

describe('rollups', () => {
  const hours = (): number[] => {
    const query = { start: Buffer.of(0), end: Buffer.alloc(16, 0xff), limit: 100 };
    return ground.database.page('rollups', query).map(({ key, value }) => {
      const rollup = decodeRollup(parseRollupKey(key), value);
      return rollup.n.reduce((sum, n) => sum + n, 0);
    });
  };

  test('of the open hour are written at the end', async () => {
    ground.record(30);
    await ground.recorder.seal();
    expect(hours()).toEqual([]);
    ground.record(10);
    await ground.recorder.finish();
    // Two levels each of the values and of the wave.
    expect(hours()).toEqual([800, 40 * 512, 800, 40 * 512]);
    expect(rolledUpTo(ground.database)).toEqual({ epoch: 1, hour: 1 });
  });

  test('of an hour are written when it is over, and what comes late is added', async () => {
    ground.record(1);
    ground.now = HOUR_US + 1;
    await ground.recorder.seal();
    expect(hours()).toEqual([20, 512, 20, 512]);
    ground.record(1);
    ground.now = HOUR_US + 2;
    await ground.recorder.seal();
    expect(hours()).toEqual([40, 1024, 40, 1024]);
  });
});

test('what is erased is in no block, no tail and no rollup, and the rest goes on', async () => {
  const { recorder } = ground;
  ground.record(20);
  await recorder.flush();
  await recorder.erase([{ epoch: 1, from: 5_000_000, to: 15_000_000 }]);
  expect([ground.counted(), ground.counted(false)]).toEqual([due(10), due(10)]);
  ground.record(1);
  await recorder.finish();
  expect(ground.counted(false)).toEqual(due(11));
  const tables = ['samples', 'waves', 'frames'] as const;
  const query = { start: Buffer.of(0), end: Buffer.alloc(16, 0xff), limit: 100 };
  const blocks = tables.flatMap((table) => ground.database.page(table, query));
  expect(blocks.reduce((sum, { value }) => sum + readHeader(value).n, 0)).toBe(11 * 582);
  const rollups = ground.database.page('rollups', query).map(({ key, value }) => {
    return decodeRollup(parseRollupKey(key), value).n.reduce((sum, n) => sum + n, 0);
  });
  expect(rollups).toEqual([220, 11 * 512, 220, 11 * 512]);
});
