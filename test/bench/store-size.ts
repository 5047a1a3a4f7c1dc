/** Bytes that a stored sample takes, in our store and in the files of two databases. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { type Database, TABLES, type TableName } from '../../src/store/lmdb.ts';
import type { Bench, Figure } from './bench.ts';
import { temporary } from './directory.ts';
import { significant } from './stats.ts';
import { DuckRecording } from './store-duckdb.ts';
import { canLoad, eegLoad, type Load, obdLoad, samplesIn, steps, times } from './store-load.ts';
import { SqliteRecording } from './store-peers.ts';
import { openRecorded, VigilRecording } from './store-vigil.ts';

interface Case {
  readonly load: () => Load;
  /** Whole hours give rollups that are full. */
  readonly seconds: number;
  readonly unit: string;
  readonly goal: string;
}

const CASES: readonly Case[] = [
  { load: obdLoad, seconds: 3600, unit: 'B/sample', goal: '<= 1.5' },
  { load: eegLoad, seconds: 3600, unit: 'B/sample', goal: '<= 1.0' },
  { load: canLoad, seconds: 300, unit: 'B/frame', goal: '<= 3.8' },
];
const BLOCKS: readonly TableName[] = ['samples', 'waves', 'frames'];
const WITH_ROLLUPS: readonly TableName[] = [...BLOCKS, 'rollups'];
const PAGE = 1_000;
const KEY_BYTES_MAX = 16;

export const storeSize: Bench = {
  name: 'store-size',
  async *run({ scales }) {
    for (const one of CASES) yield* sizes(one);
    if (scales.length > 1) yield* grown(CASES[0], scales);
  },
};

async function* sizes({ load: make, seconds, unit, goal }: Case): AsyncGenerator<Figure> {
  const load = make();
  await using directory = await temporary();
  const ours = await record(load, seconds, directory.path);
  const { samples: n, blocks, rolled, pages } = ours;
  const sqlite = fillSqlite(load, seconds, directory.path);
  const duckdb = await fillDuckdb(load, seconds, directory.path);
  const per = (bytes: number): number => significant(bytes / n);
  yield { metric: `${load.name}, blocks and keys`, value: per(blocks), unit, n };
  yield {
    ...{ metric: `${load.name}, with rollups`, value: per(rolled), unit, n, goal },
    peer: { name: 'SQLite', value: per(sqlite) },
  };
  yield {
    ...{ metric: `${load.name}, in whole pages`, value: per(pages), unit, n },
    peer: { name: 'DuckDB', value: per(duckdb) },
  };
}

async function* grown(one: Case | undefined, scales: readonly number[]): AsyncGenerator<Figure> {
  if (one === undefined) return;
  let first: { readonly name: string; readonly value: number } | undefined;
  for (const scale of scales) {
    await using directory = await temporary();
    const { samples, rolled } = await record(times(one.load(), scale), 300, directory.path);
    const value = significant(rolled / samples);
    const peer = first && { peer: first, goal: '<= 1.2x' };
    yield { metric: `cost x${scale}`, value, unit: one.unit, n: samples, ...peer };
    first ??= { name: `cost x${scale}`, value };
  }
}

async function record(load: Load, seconds: number, directory: string) {
  const recording = await VigilRecording.open(directory);
  let samples = 0;
  for (const { n, readings } of steps(load, seconds)) {
    samples += samplesIn(readings);
    await recording.second(n, readings);
  }
  await recording.close();
  const database = openRecorded(directory);
  const { tables } = database.use();
  const result = {
    samples,
    blocks: entryBytes(database, BLOCKS),
    rolled: entryBytes(database, WITH_ROLLUPS),
    pages: WITH_ROLLUPS.reduce((sum, name) => sum + tables[name].bytes, 0),
  };
  await database.close();
  return result;
}

/** Keys and values. */
function entryBytes(database: Database, names: readonly TableName[]): number {
  let bytes = 0;
  for (const table of TABLES.filter((name) => names.includes(name))) {
    let start = new Uint8Array(1);
    const end = new Uint8Array(KEY_BYTES_MAX).fill(0xff);
    for (;;) {
      const page = database.page(table, { start, end, limit: PAGE });
      for (const { key, value } of page) bytes += key.length + value.length;
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) break;
      start = Uint8Array.of(...last.key, 0);
    }
  }
  return bytes;
}

function fillSqlite(load: Load, seconds: number, directory: string): number {
  const peer = new SqliteRecording(directory);
  for (const { n, readings } of steps(load, seconds)) peer.second(n, readings);
  const bytes = peer.bytes();
  peer.close();
  return bytes;
}

async function fillDuckdb(load: Load, seconds: number, directory: string): Promise<number> {
  const file = path.join(directory, 'peer.duckdb');
  const peer = await DuckRecording.open(file);
  for (const { readings } of steps(load, seconds)) peer.append(readings);
  peer.close();
  return (await stat(file)).size;
}
