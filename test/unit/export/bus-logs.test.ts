/** Vector's logs, byte by byte; that they are read as they are written: test/integration/export. */
import { inflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import type { Trust } from '#core/clock.ts';
import type { Stretch } from '#core/session.ts';
import { EXTENDED_FLAG } from '#core/stream.ts';
import { FORMATS } from '../../../src/export/formats.ts';
import type { ExportSource } from '../../../src/export/source.ts';
import { BUS, BUS_2, exampleSource, RPM } from '../../support/example-export.ts';

/** 22 November 2025, 0:29:12.123 456 by the local time. */
const START_MS = new Date(2025, 10, 22, 0, 29, 12, 123).getTime() + 0.456;

function stretchOf(id: number, trust: Trust, at: number): Stretch {
  const epoch = { id, wallMs: START_MS + id * 1e9, trust, bootId: '', monotonicMs: 0 };
  return { epoch, from: 1_000_000, to: 9_000_000, at };
}

const source: ExportSource = {
  ...exampleSource(1, [RPM, BUS_2, BUS]),
  title: 'session 7\r\n',
  stretches: [stretchOf(0, 'none', 500), stretchOf(1, 'none', 1e7), stretchOf(2, 'ntp', 12e9)],
  *columns({ id }, { epoch }) {
    if (id === RPM.id || epoch.id === 1) return;
    const isFirst = id === BUS.id;
    yield {
      ...{ kind: 'frames', seq: 0, t: Float64Array.of(isFirst ? 1_000_001 : 8_999_999) },
      id: Uint32Array.of(isFirst ? 0x1a : EXTENDED_FLAG + 0x18da_f110),
      length: Uint8Array.of(isFirst ? 3 : 0),
      data: Uint8Array.of(0, 0xab, 0x10, 0, 0, 0, 0, 0),
    };
  },
};

test('asc', () => {
  const text = Buffer.concat([...FORMATS.asc.export(source)]).toString();
  const minutes = -new Date(START_MS).getTimezoneOffset();
  const zone = new Date(Math.abs(minutes) * 60_000).toISOString().slice(11, 16);
  expect(text.split('\n')).toEqual([
    'date Sat Nov 22 12:29:13.123 am 2025',
    'base hex  timestamps absolute',
    'internal events logged',
    `// session 7  , recorded by Vigil; the date is local time, UTC${minutes < 0 ? '-' : '+'}${zone}`,
    '// channel 1 is body',
    '// channel 2 is can0',
    '// from 0.000456 s on, the trust in the wall clock is: none',
    '// from 11999.999956 s on, the trust in the wall clock is: ntp',
    'Begin Triggerblock Sat Nov 22 12:29:13.123 am 2025',
    '   0.000000 Start of measurement',
    '   0.000457 2  1A              Rx   d 3 00 AB 10',
    '   8.000455 1  18DAF110x       Rx   d 0',
    '11999.999957 2  1A              Rx   d 3 00 AB 10',
    '12007.999955 1  18DAF110x       Rx   d 0',
    'End TriggerBlock',
    '',
  ]);
});

test('asc after noon', () => {
  const [first] = source.stretches;
  const epoch = {
    id: 0,
    wallMs: START_MS + 45_000_000,
    trust: 'gps',
    bootId: '',
    monotonicMs: 0,
  } as const;
  const text = Buffer.concat([
    ...FORMATS.asc.export({ ...source, stretches: first ? [{ ...first, epoch }] : [] }),
  ]).toString();
  expect(text).toMatch(/^date Sat Nov 22 12:59:13\.123 pm 2025\n/);
});

test('the header of a BLF file says what is in it', () => {
  const bytes = Buffer.concat([...FORMATS.blf.export(source)]);
  expect(bytes.toString('latin1', 0, 4)).toBe('LOGG');
  expect(bytes.readUInt32LE(4)).toBe(144);
  expect(bytes.readBigUInt64LE(16)).toBe(BigInt(bytes.length));
  const systemTime = (at: number): number[] =>
    Array.from({ length: 8 }, (_, i) => bytes.readUInt16LE(at + i * 2));
  expect(systemTime(40)).toEqual([2025, 11, 6, 22, 0, 29, 13, 123]);
  expect(systemTime(56)).toEqual([2025, 11, 6, 22, 3, 49, 21, 123]);

  const container = bytes.subarray(144);
  expect(container.toString('latin1', 0, 4)).toBe('LOBJ');
  expect(container.readUInt32LE(12)).toBe(10);
  const size = container.readUInt32LE(8);
  const content = inflateSync(container.subarray(32, size));
  expect(container.readUInt32LE(24)).toBe(content.length);
  expect(container.length).toBe(size + (size % 4));
  expect(bytes.readBigUInt64LE(24)).toBe(BigInt(144 + 32 + content.length));
  expect(bytes.readUInt32LE(32)).toBe(5);

  const frames = content.subarray(content.length - 4 * 48);
  expect(frames.subarray(0, 48).toString('hex')).toBe(
    '4c4f424a200001003000000001000000' + // LOBJ, 32 bytes, version 1, 48 bytes, CAN_MESSAGE
      `0200000000000000${'28f9060000000000'}` + // in ns: 457,000
      `020000031a00000000ab100000000000`,
  );
  expect(frames.readUInt32LE(48 + 36)).toBe(0x98da_f110);
  expect(frames.readBigUInt64LE(3 * 48 + 24)).toBe(12_007_999_955_000n);
  const text = content.subarray(0, content.length - 4 * 48);
  expect(text.readUInt32LE(12)).toBe(65);
  expect(text.toString('utf8', 48, 48 + text.readUInt32LE(40))).toMatch(
    /^session 7 {2}, recorded by Vigil.*\r\nchannel 1 is body\r\nchannel 2 is can0\r\n/,
  );
});

test('a long BLF file: its containers are whole objects, and its header counts them all', () => {
  const example = exampleSource(2, [BUS]);
  const long: ExportSource = {
    ...example,
    *columns(...args) {
      for (let i = 0; i < 200; i++) yield* example.columns(...args);
    },
  };
  const pieces = [...FORMATS.blf.export(long)].filter(({ length }) => length > 0);
  const bytes = Buffer.concat(pieces);
  let objects = 0;
  let uncompressed = 144;
  for (const piece of pieces.slice(1)) {
    const size = Buffer.from(piece).readUInt32LE(8);
    const content = inflateSync(piece.subarray(32, size));
    expect(content.length).toBeLessThanOrEqual(0x20000);
    expect(content.toString('latin1', 0, 4)).toBe('LOBJ');
    uncompressed += 32 + content.length;
    objects += content.toString('latin1').split('LOBJ').length - 1;
  }
  expect(pieces.length).toBeGreaterThan(5);
  expect(bytes.readBigUInt64LE(16)).toBe(BigInt(bytes.length));
  expect(bytes.readBigUInt64LE(24)).toBe(BigInt(uncompressed));
  expect(bytes.readUInt32LE(32)).toBe(objects);
});

test('names that would fill a file on their own are cut off', () => {
  const streams = Array.from({ length: 2_000 }, (_, i) => ({
    ...BUS,
    id: `can.${'x'.repeat(20)}${i}`,
  }));
  const many = { ...source, streams, *columns() {} };
  expect(Buffer.concat([...FORMATS.blf.export(many)]).length).toBeLessThan(16_384);
  expect(Buffer.concat([...FORMATS.asc.export(many)]).length).toBeLessThan(25_000);
});
