/**
 * What recording costs the device: bytes that reach it per sample, as the kernel counts them, for our
 * store, for a row a sample in SQLite, and for the least that there is with a sync a second. Time is
 * simulated, but every second of it is written and synced.
 */
import type { Reading } from '#core/stream.ts';
import type { Bench, Figure } from './bench.ts';
import { significant } from './stats.ts';
import { LoopDisk, NoDiskError } from './store-disk.ts';
import { canLoad, eegLoad, type Load, obdLoad, samplesIn, times, together } from './store-load.ts';
import { RawRecording, type Recording, rawBytes, SqliteRecording } from './store-peers.ts';
import { VigilRecording } from './store-vigil.ts';

/** Three slots of the store. */
const RECORDED_S = 900;
/** For all sides, above all for the frames in SQLite. */
const DISK_BYTES = 640 * 2 ** 20;

interface Wear {
  readonly samples: number;
  readonly bytes: number;
  /** Times that the device had to make everything durable. */
  readonly flushes: number;
  /** Commits of the database. */
  readonly commits: number;
}

type Open = (directory: string, rawSize: number) => Promise<Recording> | Recording;

const SIDES = {
  vigil: (directory: string) => VigilRecording.open(directory),
  raw: (directory: string, rawSize: number) => RawRecording.open(directory, rawSize),
  sqlite: (directory: string) => new SqliteRecording(directory),
} as const satisfies Record<string, Open>;

export const storeWear: Bench = {
  name: 'store-wear',
  async *run({ scales }) {
    try {
      const loads = [obdLoad(), eegLoad(), canLoad()];
      for (const load of loads) yield* against(load, 1);
      const all = together('all', loads);
      const costs: (readonly [scale: number, cost: number])[] = [];
      for (const scale of scales) {
        costs.push([scale, yield* against(times(all, scale), scale)]);
      }
      yield* growthOf(costs);
    } catch (error) {
      if (!(error instanceof NoDiskError)) throw error;
      console.error(`store-wear is left out: ${error.message}`);
    }
  },
};

/** Figures of one load. Returns our bytes a sample. */
async function* against(load: Load, scale: number): AsyncGenerator<Figure, number> {
  const ours = await wearOf(load, scale, SIDES.vigil);
  const raw = await wearOf(load, scale, SIDES.raw);
  const sqlite = await wearOf(load, scale, SIDES.sqlite);
  const name = scale === 1 ? load.name : `${load.name} x${scale}`;
  const value = perSample(ours);
  const unit = 'B/sample';
  const n = ours.samples;
  yield {
    ...{ metric: `${name}, to the device`, value, unit, n },
    peer: { name: 'raw append', value: perSample(raw) },
    goal: '<= 2.0x',
  };
  yield {
    ...{ metric: `${name}, to the device`, value, unit, n },
    peer: { name: 'SQLite', value: perSample(sqlite) },
    // A device alone is far from full load: then most of a page that is synced holds nothing.
    ...(load.streams.some(({ kind }) => kind === 'sample') && { goal: '<= 0.067x' }),
  };
  yield {
    metric: `${name}, flushes of the device`,
    value: perHour(ours.flushes),
    unit: '/h',
    peer: { name: 'SQLite', value: perHour(sqlite.flushes) },
    n: ours.flushes,
  };
  yield {
    metric: `${name}, commits of the database`,
    value: perHour(ours.commits),
    unit: '/h',
    peer: { name: 'SQLite', value: perHour(sqlite.commits) },
    n: ours.commits,
  };
  return value;
}

async function wearOf(load: Load, scale: number, open: Open): Promise<Wear> {
  await using disk = await LoopDisk.create(DISK_BYTES * scale);
  const rawSize = rawBytes(load.second(0)) * RECORDED_S * 1.1;
  const recording = await open(disk.directory, rawSize);
  const before = await disk.writes();
  let samples = 0;
  for (let n = 0; n < RECORDED_S; n++) {
    const readings: readonly Reading[] = load.second(n);
    samples += samplesIn(readings);
    await recording.second(n, readings);
  }
  await recording.close();
  const after = await disk.writes();
  return {
    samples,
    bytes: after.bytes - before.bytes,
    flushes: after.flushes - before.flushes,
    commits: recording instanceof VigilRecording ? recording.seals : RECORDED_S,
  };
}

function* growthOf(costs: readonly (readonly [scale: number, cost: number])[]): Generator<Figure> {
  const [first, ...rest] = costs;
  if (first === undefined) return;
  for (const [scale, cost] of rest) {
    yield {
      metric: `cost x${scale}`,
      value: cost,
      unit: 'B/sample',
      peer: { name: `cost x${first[0]}`, value: first[1] },
      n: 1,
      goal: '<= 1.2x',
    };
  }
}

function perSample({ bytes, samples }: Wear): number {
  return significant(bytes / samples);
}

function perHour(count: number): number {
  return significant((count * 3600) / RECORDED_S);
}
