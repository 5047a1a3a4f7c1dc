/** The text formats, read by other means than they were written. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cellOf } from '../../../src/export/csv.ts';
import { type ExportFormatName, FORMATS } from '../../../src/export/formats.ts';
import type { ExportSource } from '../../../src/export/source.ts';
import {
  ABOUT,
  ALL,
  BUS,
  EEG,
  type ExpectedRow,
  exampleSource,
  expectedRows,
  MARKS,
  RPM,
  sessionOf,
  textOf,
  wallOf,
} from '../../support/example-export.ts';

function textIn(source: ExportSource, format: ExportFormatName): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
    Buffer.concat([...FORMATS[format].export(source)]),
  );
}

/** A reader of RFC 4180, after its grammar: nothing but CRLF ends a record. */
function parseCsv(text: string): string[][] {
  const records: string[][] = [];
  let record: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/y;
  while (field.lastIndex < text.length) {
    const at = field.lastIndex;
    const match = field.exec(text);
    if (!match) throw new Error(`no field at ${at}: ${JSON.stringify(text.slice(at, at + 40))}`);
    record.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] === ',') continue;
    records.push(record);
    record = [];
  }
  return records;
}

function timeOf(row: ExpectedRow): string {
  const us = wallOf(row);
  const ms = new Date(Number(us / 1000n)).toISOString().slice(0, -1);
  return `${ms}${String(us % 1000n).padStart(3, '0')}Z`;
}

const STATE_TEXT = '\'=closed, "loop"';

test.each([1, 2, 3])('csv of recording %i', (seed) => {
  const source = exampleSource(seed, ALL);
  const [names, ...records] = parseCsv(textIn(source, 'csv'));
  expect(names).toEqual(['time', 't_us', 'stream', 'value', 'unit', 'text', 'clock']);
  expect(records).toEqual(
    expectedRows(source).map((row) => [
      timeOf(row),
      String(sessionOf(row)),
      row.stream.id,
      row.value === null ? '' : String(row.value),
      row.stream.unit,
      textOf(row)?.replace(/^=.*/, STATE_TEXT) ?? '',
      row.stretch.epoch.trust,
    ]),
  );
});

test('a spreadsheet takes no text for a formula', () => {
  const table = [
    ["=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"],
    ['+1', "'+1"],
    ['-1', "'-1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['\t=1', "'\t=1"],
    ['\r=1', '"\'\r=1"'],
    ['\n=1', '"\'\n=1"'],
    ['=1,"2"', '"\'=1,""2"""'],
    ['a=1', 'a=1'],
    ['', ''],
  ];
  for (const [text, cell] of table) expect(cellOf(text ?? '')).toBe(cell);
  fc.assert(
    fc.property(fc.string(), (text) => {
      const [record] = parseCsv(`${cellOf(text)}\r\n`);
      const formula = /^[=+\-@\t\r\n]/.test(text);
      expect(record).toEqual([formula ? `'${text}` : text]);
    }),
  );
});

test('csv-wide gives a sample that comes twice or late a row of its own', () => {
  const t = Float64Array.of(1000, 2000, 2000, 1000);
  const source: ExportSource = {
    ...exampleSource(1, [RPM, EEG]),
    *columns(stream) {
      if (stream === RPM) yield { kind: 'scalars', seq: 0, t, v: Float64Array.of(1, 2, 3, 4) };
      else yield { kind: 'waves', seq: 0, t0: 1000, span: 1000, v: Int32Array.of(0, 4096) };
    },
  };
  const [first] = source.stretches;
  const text = textIn({ ...source, stretches: first ? [first] : [] }, 'csv-wide');
  expect(text.split('\r\n')).toEqual([
    'time,t_us,obd.engine.rpm [/min],eeg.raw [uV],clock',
    '2025-11-22T00:29:12.124456Z,1000,1,0,none',
    '2025-11-22T00:29:12.125456Z,2000,2,,none',
    '2025-11-22T00:29:12.125456Z,2000,3,,none',
    '2025-11-22T00:29:12.124456Z,1000,4,,none',
    '2025-11-22T00:29:12.125456Z,2000,,900,none',
    '',
  ]);
});

interface Line {
  readonly [key: string]: unknown;
}

function parseLines(text: string): Line[] {
  expect(text.endsWith('\n')).toBe(true);
  const lines: Line[] = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  return lines;
}

/** Lines of samples, so that they can be held against rows: a wave's values one by one. */
function linesOf(row: ExpectedRow): Line {
  const { stream, value, frame, event } = row;
  const base = { time: timeOf(row), t: sessionOf(row), stream: stream.id };
  if (frame) return { ...base, ...frame };
  if (event) return { ...base, data: event };
  const state = textOf(row);
  const v = Number.isFinite(value) ? value : null;
  return { ...base, v, ...(state === null ? {} : { state }) };
}

describe.each([1, 2, 3])('jsonl of recording %i', (seed) => {
  const source = exampleSource(seed, ALL);
  const [header, ...lines] = parseLines(textIn(source, 'jsonl'));
  const isWave = ({ stream }: ExpectedRow): boolean => stream.kind === 'wave';

  test('the header', () => {
    expect(header).toMatchObject({ title: `session ${seed}` });
    expect(header?.['streams']).toContainEqual(
      expect.objectContaining({ id: 'eeg.raw', unit: 'uV' }),
    );
    expect(header?.['stretches']).toMatchObject([
      { from: '2025-11-22T00:29:12.123Z', t: 0, clock: 'none' },
      { t: 3_600_000_000, clock: 'ntp' },
      { clock: 'rtc' },
    ]);
  });

  test('samples, frames and events', () => {
    const expected = expectedRows(source)
      .filter((row) => !isWave(row))
      .map(linesOf);
    expect(lines.filter((line) => !('values' in line))).toEqual(expected);
  });

  test('waves, in blocks of at most 1,024', () => {
    for (const id of ['eeg.raw', 'eeg.raw2']) {
      const blocks = lines.filter((line) => line['stream'] === id);
      const samples = blocks.flatMap(({ t, hz, values }) => {
        if (!Array.isArray(values)) throw new Error(`no values: ${values}`);
        expect(values.length).toBeLessThanOrEqual(1024);
        return values.map((v, i) => [Number(t) + (i * 1e6) / Number(hz), v]);
      });
      const expected = expectedRows(source).filter(({ stream }) => stream.id === id);
      expect(samples.map(([, v]) => v)).toEqual(expected.map(({ value }) => value));
      const off = expected.map((row, i) => Math.abs(sessionOf(row) - Number(samples[i]?.[0])));
      expect(Math.max(0, ...off)).toBeLessThanOrEqual(1);
    }
  });
});

test('what people said of a session is in the first line', () => {
  const source = exampleSource(1, [RPM]);
  const [header, ...lines] = parseLines(textIn({ ...source, about: ABOUT }, 'jsonl'));
  expect(header).toMatchObject({ title: 'session 1', about: ABOUT });
  const [plain, ...same] = parseLines(textIn(source, 'jsonl'));
  expect(plain).not.toHaveProperty('about');
  expect(lines).toEqual(same);
});

test.each(['csv', 'csv-wide', 'candump', 'asc', 'blf'] as const)(
  '%s has no place for it',
  (name) => {
    const source = exampleSource(1, name.startsWith('csv') ? [RPM] : [BUS]);
    const plain = Buffer.concat([...FORMATS[name].export(source)]);
    expect(Buffer.concat([...FORMATS[name].export({ ...source, about: ABOUT })])).toEqual(plain);
  },
);

test.each([1, 2, 3])('candump of recording %i', (seed) => {
  const source = exampleSource(seed, ALL);
  const lines = expectedRows(source).flatMap((row) => {
    if (!row.frame) return [];
    const us = wallOf(row);
    const seconds = `${us / 1_000_000n}`.padStart(10, '0');
    const fraction = `${us % 1_000_000n}`.padStart(6, '0');
    const bus = row.stream.id === 'can.can0' ? 'can0' : 'body';
    return [`(${seconds}.${fraction}) ${bus} ${textOf(row)}\n`];
  });
  expect(textIn(source, 'candump')).toBe(lines.join(''));
});

test('the line of the manual page', () => {
  const source: ExportSource = {
    ...exampleSource(1, [{ ...RPM, id: 'can.can0', kind: 'frame' }, MARKS]),
    stretches: [
      {
        epoch: { id: 1, wallMs: 1_436_509_052_000, trust: 'gps', bootId: '', monotonicMs: 0 },
        ...{ from: 0, to: 1e6, at: 0 },
      },
    ],
    *columns() {
      const data = Uint8Array.of(0xde, 0xad, 0xbe, 0xef, 0, 0, 0, 0);
      const t = Float64Array.of(249_713);
      const id = Uint32Array.of(0x123);
      yield { kind: 'frames', seq: 0, t, id, length: Uint8Array.of(4), data };
    },
  };
  expect(textIn(source, 'candump')).toBe('(1436509052.249713) can0 123#DEADBEEF\n');
});
