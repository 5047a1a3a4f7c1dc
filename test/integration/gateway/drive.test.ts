/**
 * The whole way: a simulated drive goes through adapter, headset, bus, journal and blocks, and comes
 * out of the exports. What an independent reader finds in the files must be what was on the bus,
 * value for value. VIGIL_DRIVE_HOURS makes it longer than it is in CI.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Reading, Stream } from '#core/stream.ts';
import type { Parts } from '../../../src/gateway/gateway.ts';
import { monotonicClock } from '../../../src/io/clock.ts';
import { openOffline } from '../../../src/store/opening/offline.ts';
import { call } from '../../support/call.ts';
import { fastDrive, untilRecording } from '../../support/fast-drive.ts';
import { SILENT_LOG } from '../../support/silent-log.ts';

const HOURS = Number(process.env['VIGIL_DRIVE_HOURS'] ?? 0.25);
const SPEED = 100;
/** What a slow machine may take beyond the drive itself. */
const SPARE_MS = 600_000;
/** How far the time of a sample of a wave may be from that on the bus: 1 ms each in intake.ts and join.ts. */
const WAVE_ERROR_US = 2_010;
/** Values of a wave that are the same nowhere near. */
const RUN = 50;
/** Rows of a wave beside those that are surely in the session. */
const EDGE_ROWS_MAX = 8;

interface Tap {
  readonly stream: Stream;
  /** Microseconds of the epoch. */
  readonly t: number[];
  readonly v: (number | string)[];
}

let directory = '';
let duck: DuckDBConnection;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'vigil-drive-'));
  duck = await (await DuckDBInstance.create(':memory:')).connect();
});

afterEach(async () => {
  duck.closeSync();
  await rm(directory, { recursive: true });
});

/** Notes everything on the bus, as the exports are to say it. */
function note(taps: Map<string, Tap>, reading: Reading): void {
  const { stream } = reading;
  const tap = taps.get(stream.id) ?? { stream, t: [], v: [] };
  taps.set(stream.id, tap);
  switch (reading.kind) {
    case 'sample':
      // Samples are kept to the millisecond.
      tap.t.push(reading.t - (reading.t % 1000));
      tap.v.push(reading.v);
      break;
    case 'wave':
      for (const [i, count] of reading.v.entries()) {
        tap.t.push(reading.t + (i * 1e6) / reading.hz);
        tap.v.push(count * (stream.lsb ?? 1));
      }
      break;
    case 'event':
      tap.t.push(reading.t);
      tap.v.push(JSON.stringify(reading.data));
      break;
    case 'frame':
      throw new Error('the simulated car has no bus of its own');
  }
}

/** Where a session begins and ends on the clock of the bus. */
async function spanOf(id: number): Promise<{ from: number; to: number }> {
  const store = await openOffline(directory, monotonicClock());
  const session = store.sessions().find((one) => one.id === id);
  await store.close();
  const [span] = session?.spans ?? [];
  return { from: span?.from ?? 0, to: span?.to ?? 0 };
}

/** Checks one stream of a file against what was on the bus. Returns the rows compared. */
async function compare(table: string, tap: Tap, from: number, to: number): Promise<number> {
  const isEvent = tap.stream.kind === 'event';
  const rows = await duck.runAndReadAll(
    `select t_us::double, ${isEvent ? 'text' : 'value::double'} from ${table} where stream = '${tap.stream.id}'`,
  );
  const [times = [], values = []] = rows.getColumns();
  const slack = tap.stream.kind === 'wave' ? WAVE_ERROR_US : 0;
  const inside = tap.t.flatMap((t, i) => (t >= from + slack && t < to - slack ? [i] : []));
  const first = inside[0] ?? 0;
  // The edges of a wave may fall to either side. Where the file begins is found by a run of values: the
  // next one is nearer in time than what a time may be off.
  const run = tap.v.slice(first, first + RUN);
  const isFirst = (row: number): boolean => run.every((value, i) => values[row + i] === value);
  let offset = 0;
  while (offset < EDGE_ROWS_MAX && !isFirst(offset) && slack > 0) offset++;
  expect(values.length, tap.stream.id).toBeGreaterThanOrEqual(inside.length);
  expect(values.length - inside.length, tap.stream.id).toBeLessThanOrEqual(
    slack > 0 ? EDGE_ROWS_MAX : 0,
  );
  for (const [k, i] of inside.entries()) {
    const [t, value] = [Number(times[k + offset]) + from, values[k + offset]];
    if (value === tap.v[i] && Math.abs(t - (tap.t[i] ?? 0)) <= slack) continue;
    expect([t, value], `${tap.stream.id} row ${k}`).toEqual([tap.t[i], tap.v[i]]);
  }
  return inside.length;
}

test('a drive is stored, listed, plotted and exported, and every value is that of the bus', {
  timeout: (HOURS * 3_600_000) / SPEED + SPARE_MS,
}, async () => {
  const lines: string[] = [];
  const log = {
    ...SILENT_LOG,
    // A comparison in this process holds up the devices, whose time passes faster: theirs is no news.
    error: (fields: { readonly [name: string]: unknown }, text: string) => {
      if (fields['source'] === 'store') lines.push(text);
    },
  };
  const taps = new Map<string, Tap>();
  const prepare = ({ bus }: Parts) => bus.first((reading) => note(taps, reading));
  await fastDrive({ directory, speed: SPEED, log, prepare }, async (drive) => {
    const { api, clock } = drive;
    await clock.sleep(60_000);
    await untilRecording(drive);
    const body = { driver: 'A. Driver', vehicle: 'simulated', tags: ['test'] };
    const made = await (await call(`${api}/sessions`, 'POST', body)).json();
    await clock.sleep(HOURS * 3_600_000);
    await call(`${api}/sessions/${made.id}`, 'PATCH', { state: 'ended' });

    const { items } = await (await call(`${api}/sessions`, 'GET')).json();
    const listed = items.find(({ id }: { id: unknown }) => id === made.id);
    expect(listed).toMatchObject({ driver: 'A. Driver', state: 'ended', endedBy: 'manual' });
    const automatic = items.filter(({ id }: { id: unknown }) => id !== made.id);
    expect(automatic.length).toBeGreaterThan(0);

    const plot = `${api}/sessions/${made.id}/data?streams=obd.engine.rpm,eeg.raw&points=500`;
    const { streams } = await (await call(plot, 'GET')).json();
    expect(streams['obd.engine.rpm'].t.length).toBeGreaterThan(100);
    expect(Math.max(...streams['obd.engine.rpm'].max)).toBeGreaterThan(800);
    expect(streams['eeg.raw'].t.length).toBeGreaterThan(100);

    const { from, to } = await spanOf(made.id);
    expect(to - from).toBeGreaterThan(HOURS * 3_600e6 * 0.9);
    for (const format of ['csv', 'parquet']) {
      const reply = await call(`${api}/export`, 'POST', { session: made.id, format });
      const file = path.join(directory, `drive.${format}`);
      await writeFile(file, reply.body ?? '');
      const table = format === 'csv' ? `read_csv('${file}', header = true)` : `'${file}'`;
      await duck.run(`create table ${format} as select * from ${table}`);
      let compared = 0;
      for (const tap of taps.values()) compared += await compare(format, tap, from, to);
      const [[rows]] = (
        await duck.runAndReadAll(`select count(*)::int from ${format}`)
      ).getRows() as [[number]];
      expect(compared).toBeGreaterThan(HOURS * 3600 * 500);
      expect(Math.abs(rows - compared)).toBeLessThan(16);
      console.log(`${format}: ${compared} values of ${taps.size} streams compared`);
    }
    expect(lines).toEqual([]);
  });
});
