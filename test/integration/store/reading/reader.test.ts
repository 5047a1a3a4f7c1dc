import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SYS_SESSION } from '#core/sys-streams.ts';
import type { Columns, Range } from '../../../../src/codec/columns.ts';
import { countOf } from '../../../../src/codec/columns.ts';
import { SLOT_US } from '../../../../src/codec/slot.ts';
import { nameKey, numberKey, rollupKey } from '../../../../src/store/keys.ts';
import type { Entry, PageQuery, Reads, TableName } from '../../../../src/store/lmdb.ts';
import { exportSource } from '../../../../src/store/reading/export-source.ts';
import { StoreReader } from '../../../../src/store/reading/reader.ts';
import { encodeRecord } from '../../../../src/store/record.ts';
import type { Tail } from '../../../../src/store/tail.ts';
import { EPOCH, StoreFixture, scalars, stored, wave } from '../../../support/store-fixture.ts';

const RPM = stored(2, { id: 'obd.rpm', kind: 'sample', unit: '/min', hz: 20 });
const TEMP = stored(3, { id: 'obd.temp', kind: 'sample', unit: 'Cel', hz: 1 });
const EEG = stored(1, { id: 'eeg.raw', kind: 'wave', unit: 'uV', hz: 256, lsb: 0.25 });
const MARKS = stored(7, { id: 'marks', kind: 'event' });
const FACE = stored(8, { id: 'face', kind: 'event' });
const ALWAYS: Range = { epoch: EPOCH, from: 0, to: 1e15 };

let fixture: StoreFixture;

beforeEach(async () => {
  fixture = new StoreFixture();
  await fixture.declare(EEG, RPM, TEMP, MARKS, FACE);
});

afterEach(async () => {
  await fixture.close();
});

const reader = (tail?: Tail) => new StoreReader(fixture.database, tail);
const range = (from: number, to: number): Range => ({ epoch: EPOCH, from, to });
const count = (pieces: Iterable<Columns>) =>
  [...pieces].reduce((sum, piece) => sum + countOf(piece), 0);
const values = (pieces: Iterable<Columns>) =>
  [...pieces].flatMap((piece) => (piece.kind === 'frames' ? [] : [...piece.v]));

async function damage(table: TableName, key: Uint8Array): Promise<void> {
  const value = Uint8Array.from(fixture.database.get(table, key) ?? []);
  value[value.length - 1] = (value.at(-1) ?? 0) ^ 1;
  await fixture.database.commit([{ table, key, value }]);
}

/** Counts what is asked of the database. */
function counted(): Reads & { asked: number } {
  const { database } = fixture;
  return {
    asked: 0,
    get(table, key) {
      this.asked++;
      return database.get(table, key);
    },
    page(table: TableName, query: PageQuery): Entry[] {
      this.asked++;
      return database.page(table, query);
    },
    keys(table: TableName, query: PageQuery): Uint8Array[] {
      this.asked++;
      return database.keys(table, query);
    },
  };
}

describe('columns', () => {
  test('are cut exactly, over slots, and go on in the tail', async () => {
    const whole = scalars(0, 20_000, 50_000);
    await fixture.seal(RPM, [whole]);
    const rest = scalars(1000e6, 100, 50_000, 20_000);
    const tail = fixture.tail([[2, [rest]]]);
    expect(values(reader(tail).columns(2, ALWAYS))).toEqual([...whole.v, ...rest.v]);
    const part = values(reader(tail).columns(2, range(299_950_000, 300_050_001)));
    expect(part).toEqual([...whole.v.subarray(5999, 6002)]);
    expect(count(reader(tail).columns(2, { ...ALWAYS, epoch: EPOCH + 1 }))).toBe(0);
    expect(count(reader(tail).columns(99, ALWAYS))).toBe(0);
  });

  test('that a seal has moved from the tail are there once', async () => {
    const pieces = Array.from({ length: 400 }, (_, i) => wave(i * 1e6, 256, 256, i * 256));
    const tail = fixture.tail([[1, pieces.slice(100)]]);
    await fixture.seal(EEG, pieces.slice(0, 320));
    const found = [...reader(tail).columns(1, ALWAYS)];
    expect(values(found)).toEqual(pieces.flatMap(({ v }) => [...v]));
    expect(count(reader(tail).columns(1, range(310e6, 330e6)))).toBe(20 * 256);
  });

  test('come slot by slot, where a seal ends in the middle of the reading', async () => {
    // The end of the first slot came after that was sealed: it is sealed with the second slot.
    const begin = wave(0, 76_000, 256);
    const late = wave(296.875e6, 800, 256, 76_000);
    const next = wave(300e6, 25_600, 256, 76_800);
    await fixture.seal(EEG, [begin, next]);
    const one = reader(fixture.tail([[1, [late, next]]]));
    expect([...one.columns(1, ALWAYS)].map(({ seq }) => seq)).toEqual([0, 76_000, 76_800]);
    const [summary] = one.summary(ALWAYS);
    expect(summary).toMatchObject({ n: 102_400, lost: 0 });
  });

  test('of a late sample that is not sealed come in its slot', async () => {
    await fixture.seal(RPM, [scalars(0, 10, 50_000), scalars(300e6, 10, 50_000, 10)]);
    const tail = fixture.tail([[2, [scalars(310e6, 1, 1, 20), scalars(200e6, 1, 1, 21)]]]);
    const found = [...reader(tail).columns(2, ALWAYS)];
    expect(found.map(({ seq }) => seq)).toEqual([0, 21, 10, 20]);
  });

  test('of a late sample come in its slot, where its block begins', async () => {
    const t = Float64Array.of(299e6, 301e6, 298e6, 302e6);
    const v = Float64Array.of(1, 2, 3, 4);
    await fixture.seal(RPM, [{ kind: 'scalars', seq: 0, t, v }]);
    expect(values(reader().columns(2, ALWAYS))).toEqual([3, 1, 2, 4]);
    expect(values(reader().columns(2, range(298.5e6, 301.5e6)))).toEqual([1, 2]);
  });

  test('of a damaged block are left out, counted and named', async () => {
    const keys = await fixture.seal(RPM, [scalars(0, 18_000, 50_000)]);
    await damage('samples', keys[1] ?? new Uint8Array());
    const one = reader();
    expect(count(one.columns(2, ALWAYS))).toBe(12_000);
    expect(one.damaged.count).toBe(1);
    expect(one.damaged.first[0]).toMatch(/^samples 00000003000100020000: its check says/);
  });

  test('far apart are found without asking for every slot between', async () => {
    await fixture.seal(RPM, [scalars(0, 10, 50_000), scalars(60_000 * SLOT_US, 10, 50_000, 10)]);
    await fixture.seal(TEMP, [scalars(30_000 * SLOT_US, 10, 1e6)]);
    await fixture.seal(stored(1, { id: 'x', kind: 'sample' }), [scalars(40_000 * SLOT_US, 9, 1e6)]);
    const reads = counted();
    expect(count(new StoreReader(reads, undefined).columns(2, ALWAYS))).toBe(20);
    expect(reads.asked).toBeLessThan(12);
  });
});

/** Every sample is in one point: counts, bounds and means of the points fit the samples. */
function expectWhole(one: StoreReader, number: number, at: Range, points: number): void {
  const found = one.downsample(number, at, points);
  const lsb = number === 1 ? 0.25 : 1;
  const raw = values(one.columns(number, at)).map((v) => v * lsb);
  const sum = (column: Iterable<number>) => [...column].reduce((a, b) => a + b, 0);
  const bound = (pick: (a: number, b: number) => number, all: Iterable<number>) =>
    [...all].reduce((a, b) => pick(a, b));
  expect(found.t.length).toBeLessThanOrEqual(points);
  expect(sum(found.n)).toBe(raw.length);
  expect(bound(Math.min, found.min)).toBe(bound(Math.min, raw));
  expect(bound(Math.max, found.max)).toBe(bound(Math.max, raw));
  expect(sum(found.mean.map((mean, i) => mean * (found.n[i] ?? 0)))).toBeCloseTo(sum(raw), 3);
  for (const [i, t] of found.t.entries()) {
    expect(found.min[i]).toBeLessThanOrEqual(found.mean[i] ?? Number.NaN);
    expect(found.max[i]).toBeGreaterThanOrEqual(found.mean[i] ?? Number.NaN);
    expect(t).toBeGreaterThan(found.t[i - 1] ?? -1);
  }
}

/** Two hours and a half of both, the last minutes of it in the tail; the first hour is closed. */
async function record(): Promise<Tail> {
  const eeg = Array.from({ length: 9000 }, (_, i) => wave(i * 1e6 + 70, 64, 64, i * 64));
  const rpm = Array.from({ length: 9000 }, (_, i) => scalars(i * 1e6, 50, 20_000, i * 50));
  await fixture.seal(EEG, eeg.slice(0, 8800));
  await fixture.seal(RPM, rpm.slice(0, 8800));
  await fixture.closeHours(2);
  return fixture.tail([
    [1, eeg.slice(8800)],
    [2, rpm.slice(8800)],
  ]);
}

describe('downsample', () => {
  test('has every sample once, from rollups and raw, closed and open', async () => {
    const tail = await record();
    const ranges = [ALWAYS, range(0, 9000e6), range(1_234_567, 8_999_123_456), range(7190e6, 9e9)];
    for (const at of ranges) {
      const whole = { ...at, to: Math.min(at.to, 9100e6) };
      for (const points of [1, 7, 1000]) {
        expectWhole(reader(tail), 1, whole, points);
        expectWhole(reader(tail), 2, whole, points);
      }
    }
  });

  test('does not read the blocks of closed hours', async () => {
    await record();
    const reads = counted();
    const found = new StoreReader(reads, undefined).downsample(1, range(0, 7200e6), 1000);
    expect(found.n.reduce((a, b) => a + b)).toBe(7200 * 64);
    expect(reads.asked).toBeLessThan(30);
  });

  test('takes the samples where a rollup is missing or damaged', async () => {
    const tail = await record();
    const at = range(0, 9000e6);
    const name = (hour: number) => rollupKey({ level: 0, epoch: EPOCH, hour, stream: 1 });
    await damage('rollups', name(0));
    await fixture.database.commit([{ table: 'rollups', key: name(1), value: undefined }]);
    const one = reader(tail);
    expectWhole(one, 1, at, 500);
    expect(one.damaged.first[0]).toContain('rollups 000000000300000001');
  });

  test('counts late samples of a closed hour, sealed or not', async () => {
    const tail = await record();
    const late = scalars(100e6, 50, 50_000, 1_000_000);
    const withLate = { ...tail, pieces: new Map([...tail.pieces, [2, [late]] as const]) };
    const total = (t: Tail) =>
      reader(t)
        .downsample(2, range(0, 7200e6), 200)
        .n.reduce((a, b) => a + b);
    const before = total(tail);
    expect(total(withLate)).toBe(before + 50);
    const stale = withLate;
    await fixture.seal(RPM, [scalars(100e6 + 7000, 50, 50_000, 1_000_000)]);
    expect(total(stale)).toBe(before + 50);
    expect(total(fixture.tail([]))).toBe(before + 50);
    await fixture.closeHours(9);
    expect(total(stale)).toBe(before + 50);
    expect(total(fixture.tail([]))).toBe(before + 50);
  });
});

describe('summary', () => {
  test('has what was lost and for how long there was data', async () => {
    await fixture.seal(EEG, [wave(0, 2560, 256), wave(12e6, 2560, 256, 3000)]);
    await fixture.seal(TEMP, [scalars(0, 10, 1e6), scalars(20e6, 10, 1e6, 10)]);
    await fixture.sealEvents([{ stream: 7, t: 5e6, seq: 0, ordinal: 0, data: {} }]);
    const tail = fixture.tail([], {
      events: [{ stream: 7, t: 6e6, seq: 1, ordinal: 1, data: {} }],
    });
    const found = [...reader(tail).summary(range(0, 100e6))];
    const rows = found.map(({ number, n, lost, coveredUs }) => [
      number,
      n,
      lost,
      Math.round(coveredUs / 1e3),
    ]);
    expect(rows).toEqual([
      [1, 5120, 440, 20e3],
      [3, 20, 0, 18e3],
      [7, 2, 0, 0],
    ]);
    const [half] = reader(tail).summary(range(5e6, 10e6));
    expect(half).toMatchObject({ number: 1, n: 1280, lost: 0 });
  });
});

test('the newest value is found in the tail, in blocks and before a moment', async () => {
  await fixture.seal(RPM, [scalars(0, 18_000, 50_000)]);
  await fixture.seal(TEMP, [scalars(0, 10, 1e6)]);
  const last = { epoch: EPOCH, t: 899_950_000 };
  expect(reader().newest(2)).toMatchObject(last);
  expect(reader().newest(2, { epoch: EPOCH, t: 300e6 })).toMatchObject({ t: 299_950_000 });
  expect(reader().newest(2, { epoch: EPOCH, t: 0 })).toBeUndefined();
  expect(reader().newest(3, { epoch: EPOCH + 1, t: 0 })).toMatchObject({ t: 9e6 });
  expect(reader().newest(1)).toBeUndefined();
  const tail = fixture.tail([[2, [scalars(900e6, 3, 50_000, 18_000)]]]);
  expect(reader(tail).newest(2)).toMatchObject({ t: 900_100_000 });
  expect([...reader(tail).latest()].map(([number, { t }]) => [number, t])).toEqual([
    [2, 900_100_000],
    [3, 9e6],
  ]);
  expect(reader(tail).lastTime(EPOCH)).toBe(900_100_000);
  expect(reader().lastTime(EPOCH)).toBe(899_950_000);
  expect(reader().lastTime(EPOCH + 1)).toBeUndefined();
});

test('what the gateway notes of itself is not the last thing of an epoch', async () => {
  const SYS = stored(9, SYS_SESSION);
  await fixture.declare(SYS);
  const event = (stream: number, t: number) => ({ stream, t, seq: 0, ordinal: 0, data: {} });
  const notes = Array.from({ length: 40 }, (_, i) => event(9, 950e6 + i));
  await fixture.sealEvents(notes);
  expect(reader().lastTime(EPOCH)).toBeUndefined();
  await fixture.sealEvents([event(7, 940e6)]);
  expect(reader().lastTime(EPOCH)).toBe(940e6);
  await fixture.seal(TEMP, [scalars(0, 943, 1e6)]);
  expect(reader().lastTime(EPOCH)).toBe(942e6);
  const tail = fixture.tail([], { events: [event(9, 990e6)] });
  expect(reader(tail).lastTime(EPOCH)).toBe(942e6);
  const more = fixture.tail([], { events: [event(7, 980e6), event(9, 990e6)] });
  expect(reader(more).lastTime(EPOCH)).toBe(980e6);
});

test('events come page by page, of all streams or some, and once', async () => {
  const all = Array.from({ length: 50 }, (_, i) => ({
    stream: i % 3 === 0 ? 7 : 8,
    t: 1000 * Math.floor(i / 2),
    seq: i,
    ordinal: i,
    data: { i },
  }));
  await fixture.sealEvents(all.slice(0, 40));
  const tail = fixture.tail([], { events: all.slice(30) });
  const read = (streams?: readonly number[]) => {
    const found: unknown[] = [];
    let page = reader(tail).events(ALWAYS, { limit: 7, ...(streams && { streams }) });
    while (page.length > 0) {
      found.push(...page.map(({ row }) => row.data['i']));
      const after = page.at(-1)?.key;
      page = reader(tail).events(ALWAYS, {
        limit: 7,
        ...(streams && { streams }),
        ...(after && { after }),
      });
    }
    return found;
  };
  const ids = all.map(({ seq }) => seq);
  expect(read()).toEqual(ids);
  expect(read([7])).toEqual(ids.filter((i) => i % 3 === 0));
  expect(read([8, 7])).toEqual(ids);
  expect(
    reader(tail)
      .events(range(5000, 6000), { limit: 9 })
      .map(({ key }) => key.seq),
  ).toEqual([10, 11]);
});

test('streams and epochs are told; damaged ones are counted', async () => {
  const epoch = { id: EPOCH, wallMs: 5, trust: 'ntp', bootId: 'b', monotonicMs: 1 };
  const [good, bad] = [numberKey(EPOCH), numberKey(4)];
  await fixture.database.commit([
    { table: 'epochs', key: good, value: encodeRecord(good, epoch) },
    { table: 'epochs', key: bad, value: encodeRecord(good, epoch) },
  ]);
  const one = reader();
  expect([...one.epochs()]).toEqual([[EPOCH, epoch]]);
  expect(one.damaged.count).toBe(1);
  expect(one.streams().map(({ number }) => number)).toEqual([1, 2, 3, 7, 8]);
  const again = stored(9, { id: 'obd.temp', kind: 'sample', unit: '[degF]' });
  const tail = fixture.tail([], { streams: [again] });
  expect(reader(tail).numbersOf('obd.temp')).toEqual([3, 9]);
});

test('verify goes through everything and names what is wrong', async () => {
  const keys = await fixture.seal(RPM, [scalars(0, 18_000, 50_000)]);
  await fixture.sealEvents([{ stream: 7, t: 5, seq: 0, ordinal: 0, data: {} }]);
  await fixture.closeHours(9);
  const steps = () => [...reader().verify(fixture.database.use())];
  expect(steps().flatMap(({ problems }) => problems)).toEqual([]);
  expect(steps().reduce((sum, { entries }) => sum + entries, 0)).toBe(5 + 3 + 2 + 2 + 1);
  await damage('samples', keys[2] ?? new Uint8Array());
  await damage('rollups', rollupKey({ level: 1, epoch: EPOCH, hour: 0, stream: 2 }));
  await fixture.database.commit([
    { table: 'events', key: nameKey('x'), value: encodeRecord(nameKey('x'), {}) },
  ]);
  const problems = steps().flatMap((step) => step.problems.map(({ table }) => table));
  expect(problems).toEqual(['samples', 'rollups', 'events']);
  const told = fixture.database.use();
  const wrong = { ...told, tables: { ...told.tables, users: { entries: 3, bytes: 0 } } };
  expect([...reader().verify(wrong)].at(-1)?.problems[0]?.text).toContain('the table says 3');
});

test('an export has all numbers of an id that mean the same, and the others by themselves', async () => {
  const slower = stored(10, { id: 'obd.rpm', kind: 'sample', unit: '/min', hz: 1 });
  const other = stored(11, { id: 'obd.rpm', kind: 'sample', unit: '/s', hz: 1 });
  const newest = stored(12, { id: 'obd.rpm', kind: 'sample', unit: '/min', hz: 5 });
  await fixture.declare(slower, other, newest);
  await fixture.seal(RPM, [scalars(0, 3, 1e6)]);
  await fixture.seal(slower, [scalars(10e6, 4, 1e6)]);
  await fixture.seal(other, [scalars(20e6, 5, 1e6)]);
  await fixture.sealEvents([
    { stream: 7, t: 5, seq: 0, ordinal: 0, data: { a: 1 } },
    { stream: 8, t: 6, seq: 0, ordinal: 0, data: {} },
  ]);
  const epoch = { id: EPOCH, wallMs: 0, trust: 'none', bootId: '', monotonicMs: 0 } as const;
  const stretch = { epoch, from: 0, to: 100e6, at: 0 };
  const options = { title: 'session 1', reader: reader(), stretches: [stretch] };
  const source = exportSource({ ...options, streams: ['marks', 'obd.rpm'] });
  const counts = source.streams.map((stream) => [
    stream.id,
    stream.unit,
    count(source.columns(stream, stretch)),
  ]);
  expect(counts).toEqual([
    ['marks', '1', 0],
    ['obd.rpm', '/min', 7],
    ['obd.rpm.11', '/s', 5],
  ]);
  expect([...source.events(stretch)]).toEqual([{ stream: MARKS.stream, t: 5, data: { a: 1 } }]);
  expect(() => exportSource({ ...options, streams: ['nope'] })).toThrow('stream nope');
});
