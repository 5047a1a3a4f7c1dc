import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ExportError } from '../../../src/export/errors.ts';
import {
  type ExportFormatName,
  exportFileName,
  FORMATS,
  formatOf,
} from '../../../src/export/formats.ts';
import { ALL, BUS, EEG, exampleSource, MARKS, RPM } from '../../support/example-export.ts';

const NAMES: readonly ExportFormatName[] = [
  'csv',
  'csv-wide',
  'jsonl',
  'parquet',
  'parquet-wide',
  'candump',
  'asc',
  'blf',
];
const LOGS: readonly ExportFormatName[] = ['candump', 'asc', 'blf'];

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ExportError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'no error';
}

test.each(NAMES)('%s without streams is refused at once', (name) => {
  expect(formatOf(name)).toBe(name);
  const code = codeOf(() => FORMATS[name].export(exampleSource(1, [])));
  const frames = LOGS.includes(name);
  expect(code).toBe(
    frames
      ? 'NO_FRAMES: session 1 has no CAN frames'
      : 'NO_STREAMS: session 1: no stream to export',
  );
});

test('a format that is not there', () => {
  for (const name of ['xlsx', 'toString', '__proto__', '', 'x'.repeat(1000)]) {
    expect(codeOf(() => formatOf(name))).toMatch(
      /^UNKNOWN_FORMAT: no format ".{0,43}": one of csv,/,
    );
  }
});

test.each(['csv-wide', 'parquet-wide'] as const)('%s says which streams it cannot hold', (name) => {
  const source = exampleSource(1, [RPM, MARKS, BUS]);
  expect(codeOf(() => FORMATS[name].export(source))).toMatch(
    /^UNSUPPORTED: .* of marks, can.can0$/,
  );
});

test.each([
  ['candump', 'a candump log'],
  ['asc', 'an ASC log'],
  ['blf', 'a BLF log'],
] as const)('%s needs a bus', (name, what) => {
  const source = exampleSource(1, [RPM, EEG, MARKS]);
  expect(codeOf(() => FORMATS[name].export(source))).toBe(
    `NO_FRAMES: ${what} holds CAN frames, and obd.engine.rpm, eeg.raw, marks have none`,
  );
});

test('file names', () => {
  expect(exportFileName('session 12', 'csv')).toBe('vigil-session-12.csv');
  expect(exportFileName('../../etc/passwd', 'parquet-wide')).toBe('vigil-etc-passwd.wide.parquet');
  expect(exportFileName('Fahrt nach Zürich: "Tag 1"\r\n', 'jsonl')).toBe(
    'vigil-fahrt-nach-zurich-tag-1.jsonl',
  );
  expect(exportFileName('東京', 'candump')).toBe('vigil-export.log');
});

test('no title makes a file name that is not safe', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.constantFrom(...NAMES), (title, format) => {
      expect(exportFileName(title, format)).toMatch(/^vigil-[a-z0-9_-]{1,80}(\.[a-z]+)+$/);
    }),
  );
});

test.each(NAMES)('%s comes in pieces that stay as they are, and ends when it is left', (name) => {
  let open = 0;
  const streams = name.endsWith('wide') ? [RPM, EEG] : ALL;
  const example = exampleSource(3, streams);
  const source = {
    ...example,
    *columns(...args: Parameters<typeof example.columns>) {
      open++;
      try {
        for (let i = 0; i < 12; i++) yield* example.columns(...args);
      } finally {
        open--;
      }
    },
  };
  const pieces: Uint8Array[] = [];
  const copies: Uint8Array[] = [];
  for (const piece of FORMATS[name].export(source)) {
    expect(piece.length).toBeLessThan(100_000);
    expect(piece.buffer.byteLength).toBe(piece.length);
    pieces.push(piece);
    copies.push(piece.slice());
  }
  expect(pieces.length).toBeGreaterThan(1);
  expect(pieces.map((piece, i) => Buffer.compare(piece, copies[i] ?? piece))).toEqual(
    pieces.map(() => 0),
  );
  expect(open).toBe(0);
  const left = FORMATS[name].export(source);
  left.next();
  left.return(undefined);
  expect(open).toBe(0);
});
