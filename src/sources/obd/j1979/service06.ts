import { hexByte } from '../hex.ts';
import type { Parsed } from './answers.ts';
import { supportedPids } from './pids.ts';

/**
 * Service 06 of SAE J1979 on CAN: results of the on-board monitors, with their limits.
 *
 *   46 MID [TID UAS value(2) min(2) max(2)] [MID TID UAS ...]   nine bytes a test
 *   46 MID bitmap(4) [MID bitmap(4) ...]                        MID 00, 20, ... E0: what is supported
 *
 * UAS is the unit and scaling identifier: below 80 the three words are unsigned, from 80 on signed.
 * A test that has not run since codes were cleared has zeros for value and limits. The format of
 * the older buses is another one and is not read here.
 */
export interface MonitorTest {
  /** Monitor: which component was tested. */
  readonly mid: number;
  readonly monitor: string;
  /** Test: how. From 80 on each manufacturer has its own. */
  readonly tid: number;
  readonly test: string;
  readonly uas: number;
  /** UCUM; `1` together with raw numbers where the scaling is not known. */
  readonly unit: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly result: 'pass' | 'fail' | 'not-run';
}

export interface MonitorTests extends Parsed<MonitorTest> {
  /** MIDs that bitmaps in the answer name. */
  readonly supported: readonly number[];
}

const TEST_BYTES = 9;
const BITMAP_BYTES = 5;

/** Takes a service 06 answer apart; undefined when it is another kind of answer. */
export function parseMonitorTests(pdu: Uint8Array): MonitorTests | undefined {
  if (pdu[0] !== 0x46) return undefined;
  const items: MonitorTest[] = [];
  const supported: number[] = [];
  let at = 1;
  while (at < pdu.length) {
    const mid = pdu[at] ?? 0;
    const end = at + (isBitmap(mid) ? BITMAP_BYTES : TEST_BYTES);
    if (end > pdu.length) {
      return { items, supported, fault: `${pdu.length - at} bytes left over at the end` };
    }
    const record = pdu.subarray(at, end);
    if (isBitmap(mid)) supported.push(...supportedPids(mid, record.subarray(1)));
    else items.push(readTest(record));
    at = end;
  }
  return { items, supported, fault: at === 1 ? 'no monitor in the answer' : undefined };
}

function isBitmap(mid: number): boolean {
  return (mid & 0x1f) === 0;
}

function readTest(record: Uint8Array): MonitorTest {
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
  const [mid = 0, tid = 0, uas = 0] = record;
  const [value = 0, min = 0, max = 0] = [3, 5, 7].map((at) =>
    uas < 0x80 ? view.getUint16(at) : view.getInt16(at),
  );
  const { unit, mul, div, add } = UNIT_SCALES.get(uas) ?? RAW;
  const scaled = (raw: number): number => (raw * mul) / div + add;
  return {
    mid,
    monitor: monitorName(mid),
    tid,
    test: testName(tid),
    uas,
    unit,
    value: scaled(value),
    min: scaled(min),
    max: scaled(max),
    result: resultOf(value, min, max),
  };
}

/** All slopes are positive, so raw values compare like scaled ones. */
function resultOf(value: number, min: number, max: number): MonitorTest['result'] {
  if (value === 0 && min === 0 && max === 0) return 'not-run';
  return min <= value && value <= max ? 'pass' : 'fail';
}

interface UnitScale {
  readonly unit: string;
  readonly mul: number;
  readonly div: number;
  readonly add: number;
}

const RAW: UnitScale = { unit: '1', mul: 1, div: 1, add: 0 };

/**
 * SAE J1979 appendix E, as far as independent tables agree; the rest is shown raw. Where the
 * standard prints a rounded resolution (0.0000305 for 1/32768) the printed one counts.
 */
// biome-ignore format: one scaling a line; value = raw * mul / div + add
const UNIT_SCALES: ReadonlyMap<number, UnitScale> = new Map(([
  [0x01, '1',       1,      1],
  [0x02, '1',       1,      10],
  [0x03, '1',       1,      100],
  [0x04, '1',       1,      1000],
  [0x05, '1',       305,    10_000_000],
  [0x06, '1',       305,    1_000_000],
  [0x07, '/min',    1,      4],
  [0x08, 'km/h',    1,      100],
  [0x09, 'km/h',    1,      1],
  [0x0a, 'mV',      122,    1000],
  [0x0b, 'V',       1,      1000],
  [0x0c, 'V',       1,      100],
  [0x0d, 'mA',      1,      256],
  [0x0e, 'A',       1,      1000],
  [0x0f, 'A',       1,      100],
  [0x10, 'ms',      1,      1],
  [0x11, 'ms',      100,    1],
  [0x12, 's',       1,      1],
  [0x13, 'mOhm',    1,      1],
  [0x14, 'Ohm',     1,      1],
  [0x15, 'kOhm',    1,      1],
  [0x16, 'Cel',     1,      10,          -40],
  [0x17, 'kPa',     1,      100],
  [0x18, 'kPa',     117,    10_000],
  [0x19, 'kPa',     79,     1000],
  [0x1a, 'kPa',     1,      1],
  [0x1b, 'kPa',     10,     1],
  [0x1c, 'deg',     1,      100],
  [0x1d, 'deg',     1,      2],
  [0x1e, '1',       305,    10_000_000], // Equivalence ratio, lambda.
  [0x1f, '1',       1,      20],         // Air/fuel ratio.
  [0x20, '1',       1,      256],
  [0x21, 'mHz',     1,      1],
  [0x22, 'Hz',      1,      1],
  [0x23, 'kHz',     1,      1],
  [0x24, '1',       1,      1],
  [0x25, 'km',      1,      1],
  [0x26, 'mV/ms',   1,      10],
  [0x27, 'g/s',     1,      100],
  [0x28, 'g/s',     1,      1],
  [0x29, 'Pa/s',    1,      4],
  [0x2a, 'kg/h',    1,      1000],
  [0x2b, '1',       1,      1],          // Switches.
  [0x2c, 'g',       1,      100],        // Per cylinder.
  [0x2d, 'mg',      1,      100],        // Per stroke.
  [0x2e, '1',       1,      1],          // False or true.
  [0x2f, '%',       1,      100],
  [0x30, '%',       1526,   1_000_000],
  [0x31, 'L',       1,      1000],
  [0x32, '[in_i]',  305,    10_000_000],
  [0x33, '1',       24_414, 100_000_000], // Lambda.
  [0x34, 'min',     1,      1],
  [0x35, 'ms',      10,     1],
  [0x36, 'g',       1,      100],
  [0x37, 'g',       1,      10],
  [0x38, 'g',       1,      1],
  [0x39, '%',       1,      100,         -327.68],
  [0x3a, 'g',       1,      1000],
  [0x3b, 'g',       1,      10_000],
  [0x3c, 'us',      1,      10],
  [0x3d, 'mA',      1,      100],
  [0x3e, 'mm2',     1,      16_384],
  [0x3f, 'L',       1,      100],
  [0x40, '[ppm]',   1,      1],
  [0x41, 'uA',      1,      100],
  [0x81, '1',       1,      1],
  [0x82, '1',       1,      10],
  [0x83, '1',       1,      100],
  [0x84, '1',       1,      1000],
  [0x85, '1',       305,    10_000_000],
  [0x86, '1',       305,    1_000_000],
  [0x87, '[ppm]',   1,      1],
  [0x8a, 'mV',      122,    1000],
  [0x8b, 'V',       1,      1000],
  [0x8c, 'V',       1,      100],
  [0x8d, 'mA',      1,      256],
  [0x8e, 'A',       1,      1000],
  [0x90, 'ms',      1,      1],
  [0x96, 'Cel',     1,      10],
  [0x99, 'kPa',     1,      10],
  [0x9c, 'deg',     1,      100],
  [0x9d, 'deg',     1,      2],
  [0xa8, 'g/s',     1,      1],
  [0xa9, 'Pa/s',    1,      4],
  [0xad, 'mg',      1,      100],        // Per stroke.
  [0xae, 'mg',      1,      10],         // Per stroke.
  [0xaf, '%',       1,      100],
  [0xb0, '%',       3052,   1_000_000],
  [0xb1, 'mV/s',    2,      1],
  [0xfc, 'kPa',     1,      100],
  [0xfd, 'kPa',     1,      1000],
  [0xfe, 'Pa',      1,      4],
] as const).map(([uas, unit, mul, div, add = 0]) => [uas, { unit, mul, div, add }]));

/** First MID, last MID, name; `#` counts from 1 within the range, `@` is "bank b sensor s". */
// biome-ignore format: one range a line
const MONITORS: readonly (readonly [first: number, last: number, name: string])[] = [
  [0x01, 0x10, 'Oxygen sensor, @'],
  [0x21, 0x24, 'Catalyst, bank #'],
  [0x31, 0x34, 'Exhaust gas recirculation, bank #'],
  [0x35, 0x38, 'Variable valve timing, bank #'],
  [0x39, 0x39, 'Evaporative leak, cap off or 0.150 inch'],
  [0x3a, 0x3a, 'Evaporative leak, 0.090 inch'],
  [0x3b, 0x3b, 'Evaporative leak, 0.040 inch'],
  [0x3c, 0x3c, 'Evaporative leak, 0.020 inch'],
  [0x3d, 0x3d, 'Purge flow'],
  [0x41, 0x50, 'Oxygen sensor heater, @'],
  [0x61, 0x64, 'Heated catalyst, bank #'],
  [0x71, 0x74, 'Secondary air #'],
  [0x81, 0x84, 'Fuel system, bank #'],
  [0x85, 0x86, 'Boost pressure control, bank #'],
  [0x90, 0x91, 'NOx adsorber, bank #'],
  [0x98, 0x99, 'NOx or SCR catalyst, bank #'],
  [0xa1, 0xa1, 'Misfire, general'],
  [0xa2, 0xad, 'Misfire, cylinder #'],
  // AE to B3 moved between editions: cylinders 13-16 pushed the particulate filter from B0 to B2.
  [0xb2, 0xb3, 'Particulate filter, bank #'],
  [0xe1, 0xff, 'Manufacturer-defined monitor'],
];

const SENSORS_PER_BANK = 4;

function monitorName(mid: number): string {
  const range = MONITORS.find(([first, last]) => first <= mid && mid <= last);
  if (!range) return `Monitor ${hexByte(mid)}`;
  const index = mid - range[0];
  const bank = Math.floor(index / SENSORS_PER_BANK) + 1;
  const place = `bank ${bank} sensor ${(index % SENSORS_PER_BANK) + 1}`;
  return range[2].replace('#', String(index + 1)).replace('@', place);
}

/** SAE J1979 appendix C, the tests that are alike for all makes. */
const TESTS: Readonly<Record<number, string>> = {
  1: 'Rich to lean threshold voltage',
  2: 'Lean to rich threshold voltage',
  3: 'Low voltage for switch time',
  4: 'High voltage for switch time',
  5: 'Rich to lean switch time',
  6: 'Lean to rich switch time',
  7: 'Minimum voltage',
  8: 'Maximum voltage',
  9: 'Time between transitions',
  10: 'Sensor period',
  11: 'Misfires, average of the last ten drive cycles',
  12: 'Misfires, this or the last drive cycle',
};

function testName(tid: number): string {
  return TESTS[tid] ?? `Test ${hexByte(tid)}`;
}
