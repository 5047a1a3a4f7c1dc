import { expect, test } from 'vitest';
import { badTime, jsonText, RowWriter, rowCountOf, tableOf } from '../../../src/cloud/rows.ts';
import { type BatchContent, batchOf } from '../../../src/wire/batch.ts';
import { framesOf, streamOf } from '../codec/columns-arbitrary.ts';

const ORIGIN = { dev: 'car-1', store: '0123456789abcdef', epoch: 1, session: null, number: 1 };
const DAY_US = 86_400_000_000;

function batch(content: BatchContent, kind: 'sample' | 'wave' | 'frame' | 'event' = 'sample') {
  return batchOf({ ...ORIGIN, stream: streamOf(kind) }, content);
}

test.each([
  ['eeg.head.raw', 'wave', 'eeg_data'],
  ['eeg.attention', 'sample', 'eeg_data'],
  ['obd.engine.rpm', 'sample', 'obd_data'],
  ['gateway.store', 'sample', 'obd_data'],
  ['imu.acceleration', 'wave', 'obd_data'],
  ['face.perclos60', 'sample', 'face_events'],
  ['face.blink', 'event', 'face_events'],
  ['game.reaction_ms', 'sample', 'game_events'],
  ['game.lane', 'event', 'game_events'],
  ['alert', 'event', 'alerts'],
  ['alert.change', 'event', 'alerts'],
  ['obd.dtc', 'event', 'events'],
  ['faces.many', 'event', 'events'],
  ['can.can0', 'frame', 'can_frames'],
] as const)('%s, a %s stream, goes to %s', (id, kind, table) => {
  expect(tableOf(streamOf(kind, { id }))).toBe(table);
});

test('rows are what COPY reads: a header, fields with their lengths, a trailer', () => {
  const writer = new RowWriter();
  const t = Float64Array.of(2_000_000);
  const one = batch({ kind: 'scalars', seq: 2 ** 33 + 1, t, v: Float64Array.of(1.5) });
  const rows = writer.add(one, { feed: 7, baseUs: 1_700_000_000_000_000 });
  expect(rows).toBe(1);
  const [table] = writer.tables();
  expect(table?.table).toBe('obd_data');
  const data = table?.data ?? Buffer.alloc(0);
  expect(data.subarray(0, 11).toString('latin1')).toBe('PGCOPY\n\xff\r\n\0');
  expect(data.readInt16BE(19)).toBe(5);
  expect(data.readInt32BE(25)).toBe(7);
  expect(data.readBigInt64BE(33)).toBe(1n);
  expect(data.readBigInt64BE(45)).toBe(2n ** 33n + 1n);
  expect(data.readBigInt64BE(57)).toBe(1_700_000_002_000_000n - 946_684_800_000_000n);
  expect(data.readDoubleBE(69)).toBe(1.5);
  expect(data.readInt16BE(77)).toBe(-1);
  expect(data.length).toBe(79);
});

test('rows grow beyond the first room', () => {
  const writer = new RowWriter();
  const v = Int32Array.from({ length: 5000 }, (_, i) => i);
  const wave = batch({ kind: 'waves', seq: 0, t0: 0, span: 9_998_000, v }, 'wave');
  expect(writer.add(wave, { feed: 1, baseUs: 0 })).toBe(5000);
  expect(rowCountOf(wave)).toBe(5000);
  const [table] = writer.tables();
  expect(table?.data.length).toBe(19 + 5000 * 58 + 2);
});

test('a gap has no rows', () => {
  const gap = batch({ kind: 'gap', seq: 0, n: 1e9, reason: 'evicted' });
  expect(rowCountOf(gap)).toBe(0);
  const writer = new RowWriter();
  expect(writer.add(gap, { feed: 1, baseUs: 0 })).toBe(0);
  expect([...writer.tables()]).toEqual([]);
});

test('times that no gateway measures are found, in columns of every kind', () => {
  const late = 800 * DAY_US;
  const events = (t: number) =>
    batch({ kind: 'events', seq: 0, events: [{ t, data: {} }] }, 'event');
  expect(badTime(events(5))).toBeUndefined();
  expect(badTime(events(-DAY_US))).toBeUndefined();
  expect(badTime(events(late))).toContain(`${late} us`);
  expect(badTime(events(-late))).toBeDefined();
  expect(
    badTime(batch({ kind: 'waves', seq: 0, t0: late, span: 1, v: Int32Array.of(1) })),
  ).toBeDefined();
  const frames = framesOf([
    { t: 1, id: 1, data: [] },
    { t: late, id: 1, data: [] },
  ]);
  expect(badTime(batch(frames, 'frame'))).toBeDefined();
});

test('text that the database does not take is mended, and nothing else is changed', () => {
  expect(jsonText({ a: 'x\0y', 'k\0': ['\ud800', { b: '\\u0000' }], n: null })).toBe(
    JSON.stringify({ a: 'x\ufffdy', 'k\ufffd': ['\ufffd', { b: '\\u0000' }], n: null }),
  );
  expect(jsonText({ a: '\u{1f697}\\ud800' })).toBe(JSON.stringify({ a: '\u{1f697}\\ud800' }));
});
