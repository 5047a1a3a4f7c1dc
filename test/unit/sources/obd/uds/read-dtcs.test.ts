import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ALL_RECORDS,
  dtcCountRequest,
  dtcsByStatusRequest,
  extendedDataRequest,
  parseDtcCount,
  parseDtcsByStatus,
  parseExtendedData,
  parseSnapshots,
  snapshotsRequest,
} from '../../../../../src/sources/obd/uds/read-dtcs.ts';
import { bytes, inShort } from './bytes.ts';

test('requests are the bytes of the standard', () => {
  expect(dtcCountRequest(0x0a)).toBe('19010A');
  expect(dtcsByStatusRequest(0xff)).toBe('1902FF');
  expect(snapshotsRequest(0x030111)).toBe('1904030111FF');
  expect(extendedDataRequest(0x030111, 1)).toBe('190603011101');
  expect(extendedDataRequest(0x030111, ALL_RECORDS)).toBe('1906030111FF');
  expect(() => dtcsByStatusRequest(256)).toThrow(RangeError);
  expect(() => snapshotsRequest(0x1_000_000)).toThrow(RangeError);
});

test.each([
  ['59 01 FF 04 01 02', { available: 0xff, format: 4, count: 258 }],
  ['59 01 FF 04 01', 'CUT_SHORT'],
  ['59 01 FF 04 01 02 03', 'LEFT_OVER'],
  ['59 02 FF 04 01 02', 'OTHER_ANSWER'],
  ['7F 19 12', 'sub-function not supported'],
])('the number of codes in %s', (pdu, expected) => {
  expect(inShort(parseDtcCount(bytes(pdu)))).toEqual(expected);
});

describe('a list of codes', () => {
  const TWO = [
    { dtc: 0x030111, status: 0x09 },
    { dtc: 0xd01687, status: 0x08 },
  ];

  test.each([
    [
      '7F 03 01 11 09 D0 16 87 28',
      { available: 0x7f, dtcs: [TWO[0], { dtc: 0xd01687, status: 0x28 }] },
    ],
    // Bits that the ECU does not keep mean nothing.
    ['09 03 01 11 FF D0 16 87 28', { available: 0x09, dtcs: TWO }],
    ['FF', { available: 0xff, dtcs: [] }],
    ['', 'CUT_SHORT'],
    ['FF 03 01 11 09 D0 16', [{ available: 0xff, dtcs: [TWO[0]] }, 'CUT_SHORT']],
  ])('%s', (data, expected) => {
    expect(inShort(parseDtcsByStatus(bytes(`59 02 ${data}`)))).toEqual(expected);
    expect(inShort(parseDtcsByStatus(bytes(`59 0A ${data}`)))).toBe('OTHER_ANSWER');
  });
});

const DTC = 0x030111;

describe('snapshots', () => {
  const LENGTHS = new Map([
    [0xf40c, 2],
    [0xf405, 1],
  ]);
  const HEAD = { dtc: DTC, status: 0x2f };
  const read = (data: string) =>
    inShort(parseSnapshots(bytes(`59 04 03 01 11 2F ${data}`), DTC, LENGTHS));
  const one = (record: number, ...content: [number, string][]) => ({
    record,
    content: new Map(content.map(([did, value]) => [did, bytes(value)])),
  });
  const whole = (...records: ReturnType<typeof one>[]) => ({ ...HEAD, records, rest: bytes('') });

  test('hold values by identifier', () => {
    const first = one(1, [0xf40c, '0C80'], [0xf405, '5A']);
    expect(read('01 02 F4 0C 0C 80 F4 05 5A')).toEqual(whole(first));
    expect(read('01 02 F4 0C 0C 80 F4 05 5A 02 01 F4 05 5B')).toEqual(
      whole(first, one(2, [0xf405, '5B'])),
    );
    expect(read('03 00')).toEqual(whole(one(3)));
    expect(read('')).toEqual(whole());
  });

  test.each([
    ['01', 'CUT_SHORT'],
    ['01 01', 'CUT_SHORT'],
    ['01 01 F4', 'CUT_SHORT'],
    ['01 01 F4 0C 0C', 'CUT_SHORT'],
    ['01 02 AB CD 01 F4 05 01', 'UNKNOWN_LENGTH'],
    ['01 02 F4 05 5A AB CD 01', 'UNKNOWN_LENGTH'],
  ])('are told as far as they can be read: 02 01 F4 05 5B %s', (data, code) => {
    const records = [one(2, [0xf405, '5B'])];
    expect(read(`02 01 F4 05 5B ${data}`)).toEqual([{ ...HEAD, records, rest: bytes(data) }, code]);
  });

  test.each([
    ['half a code', '03 01 11', 'CUT_SHORT'],
    ['another code', '03 01 12 2F 03 00', 'OTHER_ANSWER'],
  ])('of %s are none', (_what, data, code) => {
    expect(inShort(parseSnapshots(bytes(`59 04 ${data}`), DTC, LENGTHS))).toBe(code);
  });
});

test.each([
  ['59 06 03 01 11 2F 02 AA BB', { dtc: DTC, status: 0x2f, data: bytes('02 AA BB') }],
  ['59 06 03 01 11 2F', { dtc: DTC, status: 0x2f, data: bytes('') }],
  ['59 06 03 01 11', 'CUT_SHORT'],
  ['59 04 03 01 11 2F', 'OTHER_ANSWER'],
  ['59 06 03 01 12 2F 02 AA BB', 'OTHER_ANSWER'],
  ['7F 19 31', 'request out of range'],
])('the extended data in %s', (pdu, expected) => {
  expect(inShort(parseExtendedData(bytes(pdu), DTC))).toEqual(expected);
});

test('garbage never throws, and always ends', () => {
  const lengths = new Map([
    [0, 0],
    [0x0101, 3],
  ]);
  const parsers = [
    parseDtcCount,
    parseDtcsByStatus,
    (pdu: Uint8Array) => parseSnapshots(pdu, DTC, lengths),
    (pdu: Uint8Array) => parseExtendedData(pdu, DTC),
  ];
  const tail = fc.array(fc.oneof(fc.nat(255), fc.constantFrom(0, 1)), { maxLength: 60 });
  const head = fc.constantFrom(
    ...[[0x59, 1], [0x59, 2], [0x59, 4], [0x59, 6], [0x7f, 0x19], []],
    ...[
      [0x59, 4, 3, 1, 0x11],
      [0x59, 6, 3, 1, 0x11],
    ],
  );
  fc.assert(
    fc.property(head, tail, (first, rest) => {
      const pdu = Uint8Array.from([...first, ...rest]);
      for (const parse of parsers)
        expect(['positive', 'negative', 'unreadable']).toContain(parse(pdu).kind);
    }),
  );
});
