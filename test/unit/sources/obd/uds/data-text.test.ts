import { expect, test } from 'vitest';
import { dataName, dataText, KNOWN_LENGTHS } from '../../../../../src/sources/obd/uds/data-text.ts';
import { bytes } from './bytes.ts';

const text = (chars: string): Uint8Array => Buffer.from(chars, 'latin1');

test.each([
  [0xf190, text('VGLZZZ1KZ00000017'), 'VGLZZZ1KZ00000017'],
  [0xf190, bytes('FF'.repeat(17)), ''],
  [0xf18c, text('\0\0 A12 B \0'), 'A12 B'],
  [0xf195, bytes('01 02 A0'), '0102A0'],
  [0xf199, bytes('20 26 11 22'), '20261122'],
  [0xf18b, text('2026'), '32303236'],
  [0x0100, text('maker'), 'maker'],
  [0x0100, bytes('00 80'), '0080'],
  [0xf187, new Uint8Array(0), ''],
  // Parameters of service 01, which are measured.
  [0xf40c, bytes('1A F8'), '1726 /min'],
  [0xf405, bytes('7B'), '83 Cel'],
  [0xf411, bytes('80'), '50.1961 %'],
  [0xf444, bytes('80 00'), '1'],
  // Two trims in one; bits, a list, one of a wrong length, and one that nobody has named.
  [0xf455, bytes('80 C0'), '0 %, 50 %'],
  [0xf401, bytes('41 42 43 44'), '41424344'],
  [0xf400, bytes('41 42 43 44'), '41424344'],
  [0xf40c, bytes('41'), '41'],
  [0xf4ff, text('AB'), 'AB'],
])('%i is shown as people read it (%#)', (id, data, shown) => {
  expect(dataText(id, data)).toBe(shown);
});

test('a value has the name of the standard, or none', () => {
  expect(dataName(0xf190)).toBe('Vehicle identification number');
  expect(dataName(0xf40c)).toBe('Engine speed');
  expect(dataName(0x0100)).toBeUndefined();
  expect(dataName(0xf500)).toBeUndefined();
});

test('a length is known where a standard fixes it', () => {
  expect([0xf190, 0xf40c, 0xf405].map((id) => KNOWN_LENGTHS.get(id))).toEqual([17, 2, 1]);
  expect([0xf18c, 0x0100, 0xf500].map((id) => KNOWN_LENGTHS.get(id))).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});
