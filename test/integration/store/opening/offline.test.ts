import { createHash } from 'node:crypto';
import {
  closeSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { countOf } from '../../../../src/codec/columns.ts';
import { monotonicClock } from '../../../../src/io/clock.ts';
import { scanSegment } from '../../../../src/store/journal/journal-record.ts';
import { nameKey } from '../../../../src/store/keys.ts';
import { openDatabase, PAGE_BYTES } from '../../../../src/store/lmdb.ts';
import { inspect } from '../../../../src/store/opening/inspect.ts';
import {
  type OfflineOptions,
  type OfflineStore,
  openOffline,
} from '../../../../src/store/opening/offline.ts';
import { encodeRecord } from '../../../../src/store/record.ts';
import { RECORD_S, recordInto, sessionOf } from '../../../support/recorded-store.ts';

const clock = monotonicClock();
let top = '';
/** As a power cut left it: an epoch that was sealed, and one in the journal. */
let original = '';
let directory = '';
let copies = 0;

beforeAll(async () => {
  top = mkdtempSync(path.join(tmpdir(), 'vigil-offline-'));
  const live = path.join(top, 'live');
  mkdirSync(live);
  const sessions = [sessionOf(1, 1, 0, 20e6), sessionOf(2, 2, 0, null)];
  const first = await recordInto(live, { epoch: 1, seconds: 30, sessions: sessions.slice(0, 1) });
  await first.close();
  const second = await recordInto(live, { epoch: 2, seconds: 40, sessions: sessions.slice(1) });
  original = path.join(top, 'original');
  cpSync(live, original, { recursive: true });
  await second.close();
});

beforeEach(() => {
  copies++;
  directory = path.join(top, `copy ${copies}`);
  cpSync(original, directory, { recursive: true });
});

afterAll(() => {
  rmSync(top, { recursive: true });
});

async function using<T>(work: (store: OfflineStore) => T, options?: OfflineOptions): Promise<T> {
  const store = await openOffline(directory, clock, options);
  try {
    return work(store);
  } finally {
    await store.close();
  }
}

/** What there is of an epoch, by stream id. */
function countsOf(store: OfflineStore, epoch: number): Record<string, number> {
  const reader = store.reader();
  const range = { epoch, from: 0, to: 1e12 };
  const counts = reader.streams().map(({ number, stream }) => {
    const pieces = [...reader.columns(number, range)];
    const n = pieces.reduce((sum, piece) => sum + countOf(piece), 0);
    const events = reader.events(range, { streams: [number], limit: 1000 });
    return [stream.id, n + events.length] as const;
  });
  return Object.fromEntries(counts);
}

const hashes = (): Record<string, string> =>
  Object.fromEntries(
    readdirSync(directory)
      .filter((name) => !name.endsWith('-lock'))
      .map((name) => {
        const bytes = readFileSync(path.join(directory, name));
        return [name, createHash('sha256').update(bytes).digest('hex')];
      }),
  );

const refusal = (): Promise<unknown> => openOffline(directory, clock).catch((error) => error);

test('what is sealed and what the journal has are there, and no file is changed', async () => {
  const before = hashes();
  await using((store) => {
    const all = (n: number) => ({ 'obd.vehicle.speed': n, 'eeg.raw': n * 100, marker: n });
    expect(countsOf(store, 1)).toEqual(all(30));
    expect(countsOf(store, 2)).toEqual(all(40));
    expect(store.journal).toMatchObject({ count: 40 * 102, problems: [] });
    expect([...store.epochs().keys()]).toEqual([1, 2]);
    expect(store.sessions().map(({ id, spans }) => [id, spans[0]?.to])).toEqual([
      [1, 20e6],
      [2, null],
    ]);
    expect(store.reader().lastTime(2)).toBe(39_990_000);
    const problems = [...store.reader().verify(store.use())].flatMap((step) => step.problems);
    expect(problems).toEqual([]);
  });
  expect(hashes()).toEqual(before);
});

test('the probe finds nothing in a good store', async () => {
  await using((store) => expect(store.inspection.state).toBe('good'), { probe: true });
});

test('the probe refuses a file that is damaged below what the inspection reads', async () => {
  const file = path.join(directory, 'data.mdb');
  const bytes = readFileSync(file);
  const roots = [0, 1].flatMap((meta) =>
    [88, 136].map((at) => bytes.readBigUInt64LE(meta * PAGE_BYTES + at)),
  );
  for (let page = 2; page < bytes.length / PAGE_BYTES; page++) {
    if (!roots.includes(BigInt(page))) bytes.fill(0, page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
  }
  writeFileSync(file, bytes);
  const read = async (at: number, n: number) => bytes.subarray(at, at + n);
  expect((await inspect({ size: bytes.length, read }, { writes: false })).state).toBe('good');
  const refused = openOffline(directory, clock, { probe: true });
  await expect(refused).rejects.toMatchObject({ code: 'BAD_FILE' });
});

test('a damaged record of the journal is told, and the others are there', async () => {
  const files = ['j0', 'j1'].map((name) => path.join(directory, name));
  const records = files.flatMap((file) =>
    scanSegment(readFileSync(file)).records.map((record) => ({ file, ...record })),
  );
  const ours = records.filter(({ epoch }) => epoch === 2);
  const { file = '', offset = 0 } = ours[1] ?? {};
  const descriptor = openSync(file, 'r+');
  // In its payload.
  writeSync(descriptor, Buffer.of(1, 2, 3, 4), 0, 4, offset + 40);
  closeSync(descriptor);
  await using((store) => {
    expect(store.journal.problems).toEqual([`${file}: damaged places with lost records: 1`]);
    expect(countsOf(store, 1)).toMatchObject({ marker: 30 });
    expect(countsOf(store, 2)).toMatchObject({ marker: 40 - RECORD_S });
  });
});

test('without the journal there is what LMDB has', async () => {
  rmSync(path.join(directory, 'j0'));
  rmSync(path.join(directory, 'j1'));
  await using((store) => {
    expect(store.journal).toEqual({ records: 0, count: 0, problems: [] });
    expect(countsOf(store, 1)).toMatchObject({ marker: 30 });
    expect(countsOf(store, 2)).toMatchObject({ marker: 0 });
  });
});

test('a lost segment is a problem', async () => {
  rmSync(path.join(directory, 'j1'));
  await using((store) =>
    expect(store.journal.problems).toEqual(['the journal lacks one of its two segments']),
  );
});

test('where there is no store, that is what is said', async () => {
  directory = path.join(top, 'nowhere');
  expect(await refusal()).toMatchObject({
    code: 'BAD_FILE',
    message: `${directory}: no store is there`,
  });
});

test('a damaged file is refused with what is wrong with it', async () => {
  const file = path.join(directory, 'data.mdb');
  writeFileSync(file, Buffer.alloc(100_000));
  expect(await refusal()).toMatchObject({
    code: 'BAD_FILE',
    message: `${file} is damaged: begins with zeros instead of its meta pages`,
  });
  truncateSync(file, 100);
  expect(await refusal()).toMatchObject({ code: 'BAD_FILE' });
});

test('a store of a later version is refused', async () => {
  const file = path.join(directory, 'data.mdb');
  const database = openDatabase(file, { fileBytes: 0, readOnly: false });
  const key = nameKey('schema');
  await database.commit([{ table: 'meta', key, value: encodeRecord(key, { major: 2, minor: 0 }) }]);
  await database.close();
  const message = `${directory}: its store was made by a later version of Vigil (schema 2, this one knows 1)`;
  expect(await refusal()).toMatchObject({ code: 'NEWER', message });
});
