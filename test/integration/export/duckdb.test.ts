/** What DuckDB reads of the files must be what was recorded: every value and every time. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Stream } from '#core/stream.ts';
import { type ExportFormatName, FORMATS } from '../../../src/export/formats.ts';
import type { ExportSource } from '../../../src/export/source.ts';
import {
  ABOUT,
  ALL,
  EEG,
  exampleSource,
  expectedRows,
  expectedWideRows,
  FUEL,
  NUMERIC,
  RPM,
  sessionOf,
  textOf,
  wallOf,
} from '../../support/example-export.ts';

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];
/** More than one row group of 65,536 rows. */
const LONG_ROWS = 70_000;

let folder: string;
let duck: DuckDBConnection;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'vigil-export-'));
  duck = await (await DuckDBInstance.create(':memory:')).connect();
});

afterAll(() => {
  duck.closeSync();
  rmSync(folder, { recursive: true });
});

function write(source: ExportSource, format: ExportFormatName): string {
  const file = path.join(folder, `file${FORMATS[format].extension}`);
  writeFileSync(file, Buffer.concat([...FORMATS[format].export(source)]));
  return file;
}

async function query(sql: string): Promise<unknown[][]> {
  return (await duck.runAndReadAll(sql)).getRows();
}

const readCsv = (file: string): string =>
  `read_csv('${file}', header = true, all_varchar = true, delim = ',', quote = '"', escape = '"', parallel = false)`;
const readParquet = (file: string): string => `read_parquet('${file}')`;

const escaped = (text: string | null): string | null =>
  text !== null && /^[=+\-@\t\r\n]/.test(text) ? `'${text}` : text;

const LONG = 'epoch_us(time::timestamp), t_us::bigint, stream, value::double, text';
const INSTANT = 'epoch_us(time), t_us, stream, value, text';

function longRows(source: ExportSource): unknown[][] {
  return expectedRows(source).map((row) => [
    wallOf(row),
    BigInt(sessionOf(row)),
    row.stream.id,
    row.value,
    textOf(row),
  ]);
}

const wideColumns = (streams: readonly Stream[], name: (stream: Stream) => string): string =>
  streams.map((stream) => `"${name(stream)}"::double`).join(', ');

function wideRows(source: ExportSource): unknown[][] {
  return expectedWideRows(source).map(({ at, values }) => [
    wallOf(at),
    BigInt(sessionOf(at)),
    ...source.streams.map(({ id }) => values.get(id) ?? null),
  ]);
}

describe.each(SEEDS)('recording %i', (seed) => {
  test('csv', async () => {
    const source = exampleSource(seed, ALL);
    const file = write(source, 'csv');
    const rows = await query(`select ${LONG}, unit, clock from ${readCsv(file)}`);
    const units = expectedRows(source).map(({ stream, stretch }) => [
      stream.unit,
      stretch.epoch.trust,
    ]);
    expect(rows).toEqual(
      longRows(source).map((row, i) => [
        ...row.slice(0, 4),
        escaped(typeof row[4] === 'string' ? row[4] : null),
        ...(units[i] ?? []),
      ]),
    );
  });

  test('csv-wide', async () => {
    const source = exampleSource(seed, NUMERIC);
    const columns = wideColumns(NUMERIC, ({ id, unit }) => `${id} [${unit}]`);
    const rows = await query(
      `select epoch_us(time::timestamp), t_us::bigint, ${columns} from ${readCsv(write(source, 'csv-wide'))}`,
    );
    expect(rows).toEqual(wideRows(source));
  });

  test('parquet', async () => {
    const source = exampleSource(seed, ALL);
    const rows = await query(`select ${INSTANT} from ${readParquet(write(source, 'parquet'))}`);
    expect(rows).toEqual(longRows(source));
  });

  test('parquet-wide', async () => {
    const source = exampleSource(seed, NUMERIC);
    const columns = wideColumns(NUMERIC, ({ id }) => id);
    const file = readParquet(write(source, 'parquet-wide'));
    expect(await query(`select epoch_us(time), t_us, ${columns} from ${file}`)).toEqual(
      wideRows(source),
    );
  });
});

/** One long wave and a slow signal beside it. */
function longSource(streams: readonly Stream[]): ExportSource {
  const { title, stretches, events } = exampleSource(1, streams);
  return {
    ...{ title, streams, events },
    stretches: stretches.slice(0, 1),
    *columns(stream) {
      const v = Int32Array.from({ length: LONG_ROWS }, (_, i) => (i * 7919) % 4096);
      if (stream.kind === 'wave') yield { kind: 'waves', seq: 0, t0: 0, span: 137e6, v };
      else
        yield { kind: 'scalars', seq: 0, t: Float64Array.of(5, 136e6), v: Float64Array.of(1, 2) };
    },
  };
}

test('several row groups are one table', async () => {
  const source = longSource([EEG, RPM]);
  const long = write(source, 'parquet');
  expect(await query(`select ${INSTANT} from ${readParquet(long)}`)).toEqual(longRows(source));
  const groups = `select count(distinct row_group_id), max(row_group_num_rows) from parquet_metadata('${long}')`;
  expect(await query(groups)).toEqual([[2n, 65_536n]]);
  const wide = readParquet(write(source, 'parquet-wide'));
  const columns = wideColumns(source.streams, ({ id }) => id);
  expect(await query(`select epoch_us(time), t_us, ${columns} from ${wide}`)).toEqual(
    wideRows(source),
  );
});

test('csv is read by who guesses from its first rows, where the first comma in a text comes late', async () => {
  const source: ExportSource = {
    ...longSource([EEG, FUEL]),
    // Of the three that it may tell, one has a comma.
    *columns(stream, stretch) {
      if (stream === FUEL) {
        yield { kind: 'scalars', seq: 0, t: Float64Array.of(136e6), v: Float64Array.of(2) };
      } else yield* longSource([EEG]).columns(stream, stretch);
    },
  };
  const rows = await query(`select count(*), max(text) from '${write(source, 'csv')}'`);
  expect(rows).toEqual([[BigInt(LONG_ROWS + 1), `'=closed, "loop"`]]);
});

test('parquet tells types, units, and how far the clock can be believed', async () => {
  const file = write(exampleSource(1, ALL), 'parquet');
  const types = await query(`select column_name, column_type from (describe from '${file}')`);
  expect(types).toEqual([
    ['time', 'TIMESTAMP WITH TIME ZONE'],
    ['t_us', 'BIGINT'],
    ['stream', 'VARCHAR'],
    ['value', 'DOUBLE'],
    ['text', 'VARCHAR'],
  ]);
  const metadata = new Map(
    (
      await query(
        `select decode(key), decode(value) from parquet_kv_metadata('${file}') order by all`,
      )
    ).map(([key, value]) => [key, String(value)]),
  );
  expect(metadata.get('title')).toBe('session 1');
  const streams: unknown = JSON.parse(metadata.get('streams') ?? '');
  expect(streams).toContainEqual(expect.objectContaining({ id: 'eeg.raw', unit: 'uV', hz: 512 }));
  const stretches: unknown = JSON.parse(metadata.get('stretches') ?? '');
  expect(stretches).toMatchObject([{ clock: 'none' }, { clock: 'ntp' }, { clock: 'rtc' }]);
});

test('a file without rows can be read', async () => {
  const source: ExportSource = { ...exampleSource(1, NUMERIC), stretches: [] };
  for (const format of ['parquet', 'parquet-wide'] as const) {
    expect(await query(`select count(*) from '${write(source, format)}'`)).toEqual([[0n]]);
  }
  expect(await query(`select count(*) from ${readCsv(write(source, 'csv'))}`)).toEqual([[0n]]);
});

test.each(['parquet', 'parquet-wide'] as const)(
  '%s says in its metadata whose it is',
  async (name) => {
    const metadata = async (source: ExportSource): Promise<unknown[][]> =>
      await query(
        `select decode(value) from parquet_kv_metadata('${write(source, name)}') where decode(key) = 'about'`,
      );
    const source = exampleSource(1, [RPM]);
    const [row] = await metadata({ ...source, about: ABOUT });
    expect(JSON.parse(String(row?.[0]))).toEqual(ABOUT);
    expect(await metadata(source)).toEqual([]);
  },
);
