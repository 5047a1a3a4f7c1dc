import { expect, test } from 'vitest';
import {
  DTC_STATUS_BITS,
  decodeUdsDtc,
  dtcFormatText,
  encodeUdsDtc,
  failureTypeText,
  statusBits,
  statusMask,
} from '../../../../../src/sources/obd/uds/dtcs.ts';

test.each([
  [0x030111, 'P0301-11', 'circuit short to ground'],
  [0xd01687, 'U1016-87', 'missing message'],
  [0x403500, 'C0035-00', undefined],
  [0xffffff, 'U3FFF-FF', undefined],
  [0x000000, 'P0000-00', undefined],
])('%i is %s', (raw, code, text) => {
  expect(decodeUdsDtc(raw)).toBe(code);
  expect(encodeUdsDtc(code)).toBe(raw);
  expect(failureTypeText(raw)).toBe(text);
});

test.each(['P0301', 'P0301-1', 'P0301-111', 'P4301-11', 'X0301-11', 'p0301-11', '-11', ''])(
  '%j is no code',
  (text) => {
    expect(encodeUdsDtc(text)).toBeUndefined();
  },
);

test('each bit of a status has the name of the standard', () => {
  expect(statusBits(0x00)).toEqual([]);
  expect(statusBits(0xff)).toEqual(DTC_STATUS_BITS);
  expect(statusBits(0x01)).toEqual(['testFailed']);
  expect(statusBits(0x0c)).toEqual(['pendingDTC', 'confirmedDTC']);
  expect(statusBits(0x80)).toEqual(['warningIndicatorRequested']);
});

test('masks and names of all 256 statuses are each other’s opposite', () => {
  for (let status = 0; status <= 0xff; status++)
    expect(statusMask(statusBits(status))).toBe(status);
});

test('what a code is made of', () => {
  expect(dtcFormatText(4)).toBe('SAE J2012-DA, two bytes and a failure type');
  expect(dtcFormatText(0x7a)).toBe('format 7A');
});
