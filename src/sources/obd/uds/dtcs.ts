import { hexByte } from '../hex.ts';
import { decodeDtc, encodeDtc } from '../j1979/dtcs.ts';
import { FAILURE_TYPES } from './failure-types.ts';

/**
 * Trouble codes as UDS tells them: the two bytes of SAE J2012, and a third that says how it failed
 * (the failure type byte of SAE J2012-DA). `03 01 11` is P0301-11, a circuit short to ground.
 */

/** @param raw 000000 to FFFFFF */
export function decodeUdsDtc(raw: number): string {
  return `${decodeDtc(raw >> 8)}-${hexByte(raw & 0xff)}`;
}

/** The three bytes of a code written as `P0301-11`; undefined where it is none. */
export function encodeUdsDtc(code: string): number | undefined {
  const [, base = '', type = ''] = /^([^-]*)-([0-9A-F]{2})$/.exec(code) ?? [];
  const high = encodeDtc(base);
  return high === undefined ? undefined : high * 256 + Number.parseInt(type, 16);
}

/** How it failed, in English; undefined where the type has no name, or none is told (00). */
export function failureTypeText(raw: number): string | undefined {
  return FAILURE_TYPES[raw & 0xff];
}

/** The eight bits of a code's status, from bit 0 on (ISO 14229-1, annex D.2). */
export const DTC_STATUS_BITS = [
  'testFailed',
  'testFailedThisOperationCycle',
  'pendingDTC',
  'confirmedDTC',
  'testNotCompletedSinceLastClear',
  'testFailedSinceLastClear',
  'testNotCompletedThisOperationCycle',
  'warningIndicatorRequested',
] as const;
export type DtcStatusBit = (typeof DTC_STATUS_BITS)[number];

/** The names of the bits that are set. @param status 00 to FF */
export function statusBits(status: number): readonly DtcStatusBit[] {
  return DTC_STATUS_BITS.filter((_, bit) => status & (1 << bit));
}

/** A mask that asks for codes which have any of these bits set. */
export function statusMask(bits: readonly DtcStatusBit[]): number {
  return bits.reduce((mask, bit) => mask | (1 << DTC_STATUS_BITS.indexOf(bit)), 0);
}

/** What the three bytes of a code mean (ISO 14229-1, table D.2, DTCFormatIdentifier). */
const DTC_FORMATS: Readonly<Record<number, string>> = {
  0: 'SAE J2012-DA, two bytes and 00',
  1: 'ISO 14229-1, left to the maker',
  2: 'SAE J1939-73',
  3: 'ISO 11992-4',
  4: 'SAE J2012-DA, two bytes and a failure type',
};

export function dtcFormatText(format: number): string {
  return DTC_FORMATS[format] ?? `format ${hexByte(format)}`;
}
