/**
 * Reading back: 8 h of a wave and of a signal as 1,000 points, everything of a signal, and exports.
 * The files are read by the code that answers requests, but in this process and without HTTP.
 */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Stream } from '#core/stream.ts';
import { countOf } from '../../src/codec/columns.ts';
import { type ExportFormatName, FORMATS } from '../../src/export/formats.ts';
import { exportSource } from '../../src/store/reading/export-source.ts';
import { StoreReader } from '../../src/store/reading/reader.ts';
import { type Bench, type Figure, growth, interleave, Side, secondsOf } from './bench.ts';
import { temporary } from './directory.ts';
import { significant } from './stats.ts';
import { DuckRecording } from './store-duckdb.ts';
import { canLoad, eegLoad, type Load, obdLoad, signalLoad } from './store-load.ts';
import { SqliteRecording } from './store-peers.ts';
import { EPOCH, EVERYTHING, openRecorded, record } from './store-vigil.ts';

const HOUR_US = 3_600_000_000;
const HOURS = 8;
const POINTS = 1_000;
const SIGNAL_HZ = 20;
/** What the databases are filled with row by row; the rest is copies of it. */
const FILL_S = 900;
const ROUNDS = 3;
/** Answers of ours in a round, which take about a millisecond: as many as it takes to warm up. */
const ANSWERS = 100;
const EXPORT_S = 300;
const FRAME_LOGS = ['candump', 'asc', 'blf'] as const;
const FORMAT_NAMES = [
  'csv',
  'csv-wide',
  'jsonl',
  'parquet',
  'parquet-wide',
  ...FRAME_LOGS,
] as const;

const run = promisify(execFile);

export const query: Bench = {
  name: 'query',
  async *run({ scales }) {
    const hours = HOURS * Math.max(...scales);
    for (const load of [eegLoad(), signalLoad(SIGNAL_HZ)]) {
      await using directory = await temporary();
      await record([load], hours * 3600, directory.path);
      yield* points(load, directory.path);
      yield* everything(load, directory.path);
      yield* slower(load, scales, directory.path);
    }
    yield* exports();
  },
};

/** 8 h to 1,000 points: ours, warm and cold, and both databases. */
async function* points(load: Load, directory: string): AsyncGenerator<Figure> {
  const us = HOURS * HOUR_US;
  const database = openRecorded(directory);
  const ours = new Side(() => msOf(ANSWERS, () => answer(database, us)));
  const sqlite = filledSqlite(load, directory);
  const duckdb = await filledDuckdb(load, directory);
  const bySqlite = new Side(() => msOf(1, () => void sqlite.database.prepare(sqlFor(us)).all()));
  const byDuckdb = new Side(() => {
    return msOf(1, async () => void (await duckdb.connection.runAndReadAll(sqlFor(us))));
  });
  await interleave(ROUNDS, [ours, bySqlite, byDuckdb]);
  sqlite.close();
  duckdb.close();
  await database.close();
  const metric = `${HOURS} h of ${load.name} to ${POINTS} points`;
  const figure = { metric: `${metric}, warm`, value: significant(ours.median), unit: 'ms' };
  const goal = '<= 5 ms, <= 0.02x';
  const peer = { name: 'SQLite', value: significant(bySqlite.median) };
  yield { ...figure, peer, n: ROUNDS * ANSWERS, goal };
  const other = { name: 'DuckDB', value: significant(byDuckdb.median) };
  yield { ...figure, peer: other, n: ROUNDS * ANSWERS };
  const cold = new Side(() => coldAnswer(directory, us));
  await interleave(ROUNDS, [cold]);
  yield { metric: `${metric}, cold`, value: significant(cold.median), unit: 'ms', n: ROUNDS };
}

/** Every sample of the stream, decoded. */
async function* everything(load: Load, directory: string): AsyncGenerator<Figure> {
  const database = openRecorded(directory);
  const range = { ...EVERYTHING, to: HOURS * HOUR_US };
  let n = 0;
  const side = new Side(async () => {
    n = 0;
    const seconds = await secondsOf(() => {
      const reader = new StoreReader(database, undefined);
      for (const piece of reader.columns(onlyOf(reader), range)) n += countOf(piece);
    });
    return n / seconds;
  });
  await interleave(ROUNDS, [side]);
  await database.close();
  if (n === 0) throw new Error(`nothing of ${load.name} was read`);
  yield {
    metric: `${load.name}, all of ${HOURS} h`,
    value: Math.round(side.median),
    unit: 'samples/s',
    n,
  };
}

/** Longer recordings to as many points: the cost of an hour. */
async function* slower(
  load: Load,
  scales: readonly number[],
  directory: string,
): AsyncGenerator<Figure> {
  const database = openRecorded(directory);
  const sides = new Map(
    scales.map((scale) => {
      const us = scale * HOURS * HOUR_US;
      return [scale, new Side(() => msOf(ANSWERS, () => answer(database, us)))];
    }),
  );
  await interleave(ROUNDS, [...sides.values()]);
  await database.close();
  yield* growth(`ms/h, ${load.name}`, sides, (ms, scale) => ms / (scale * HOURS));
}

async function* exports(): AsyncGenerator<Figure> {
  await using directory = await temporary();
  const loads = [obdLoad(), eegLoad(), canLoad()];
  const counts = await record(loads, EXPORT_S, directory.path);
  const database = openRecorded(directory.path);
  const stretch = { epoch: EPOCH, from: 0, to: EXPORT_S * 1_000_000, at: 0 };
  for (const format of FORMAT_NAMES) {
    const isTried = exported(format);
    const streams = counts.filter(({ stream }) => isTried(stream));
    const ids = streams.map(({ stream }) => stream.id);
    const n = streams.reduce((sum, one) => sum + one.samples, 0);
    let bytes = 0;
    const side = new Side(async () => {
      bytes = 0;
      const reader = new StoreReader(database, undefined);
      const source = exportSource({ title: 'bench', reader, streams: ids, stretches: [stretch] });
      const seconds = await secondsOf(() => {
        for (const piece of FORMATS[format].export(source)) bytes += piece.length;
      });
      return n / seconds;
    });
    await interleave(1, [side]);
    yield { metric: `export ${format}`, value: Math.round(side.median), unit: 'samples/s', n };
    yield { metric: `export ${format}, size`, value: significant(bytes / n), unit: 'B/sample', n };
  }
  await database.close();
}

/** What a format is tried with: all values and waves of a car, or its frames. */
function exported(format: ExportFormatName): (stream: Stream) => boolean {
  const isFrameLog = FRAME_LOGS.some((log) => log === format);
  return ({ kind }) => isFrameLog === (kind === 'frame');
}

function answer(database: ReturnType<typeof openRecorded>, us: number): void {
  const reader = new StoreReader(database, undefined);
  const range = { ...EVERYTHING, to: us };
  const buckets = reader.downsample(onlyOf(reader), range, POINTS);
  if (buckets.t.length !== POINTS) throw new Error(`${buckets.t.length} points were found`);
}

/** The number of the only stream. */
function onlyOf(reader: StoreReader): number {
  return reader.streams()[0]?.number ?? -1;
}

/** The first answer of a file that the page cache has forgotten. */
async function coldAnswer(directory: string, us: number): Promise<number> {
  // Asks the kernel to drop what it has of this file, which takes no rights.
  const file = path.join(directory, 'data.mdb');
  await run('dd', [`if=${file}`, 'iflag=nocache', 'count=0', 'status=none']);
  const database = openRecorded(directory);
  const ms = await msOf(1, () => answer(database, us));
  await database.close();
  return ms;
}

/** The same for a database of rows. */
function sqlFor(us: number): string {
  const bucket = `CAST(t / ${us / POINTS} AS BIGINT)`;
  return `SELECT ${bucket} AS bucket, min(v), max(v), avg(v), count(*) FROM samples
    WHERE stream = 1 AND t >= 0 AND t < ${us} GROUP BY bucket ORDER BY bucket`;
}

const COPIES = (HOURS * 3600) / FILL_S;

function filledSqlite(load: Load, directory: string): SqliteRecording {
  const peer = new SqliteRecording(directory);
  for (let n = 0; n < FILL_S; n++) peer.second(n, load.second(n));
  const copy = peer.database.prepare(
    'INSERT INTO samples SELECT stream, t + ?, v FROM samples WHERE stream = 1 AND t < ?',
  );
  for (let i = 1; i < COPIES; i++) copy.run(i * FILL_S * 1e6, FILL_S * 1e6);
  peer.bytes(); // With everything in the file, and nothing in the log.
  return peer;
}

async function filledDuckdb(load: Load, directory: string): Promise<DuckRecording> {
  const peer = await DuckRecording.open(path.join(directory, 'peer.duckdb'));
  for (let n = 0; n < FILL_S; n++) peer.append(load.second(n));
  peer.flush();
  const waves = 'INSERT INTO samples SELECT stream, t, v FROM waves';
  await peer.connection.run(waves);
  await peer.connection.run(
    `INSERT INTO samples SELECT stream, t + i * ${FILL_S * 1e6}, v
     FROM samples, range(1, ${COPIES}) AS copies (i) ORDER BY t + i * ${FILL_S * 1e6}`,
  );
  await peer.connection.run('CHECKPOINT');
  return peer;
}

/** Milliseconds that it takes once. */
async function msOf(times: number, work: () => void | Promise<void>): Promise<number> {
  const seconds = await secondsOf(async () => {
    for (let i = 0; i < times; i++) await work();
  });
  return (seconds * 1000) / times;
}
