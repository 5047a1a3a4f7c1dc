/**
 * Service 06 on CAN: results of on-board monitor tests (SAE J1979, ISO 15765-4 layout).
 *
 *   46, then for each test 9 bytes: monitor, test, unit and scaling, value (2), minimum (2),
 *   maximum (2). A test that has not run since clearing reports zeros.
 */
import type { Snapshot } from './pid-encoders.ts';
import { isBitmap, supportBitmap } from './support.ts';

interface MonitorTest {
  readonly monitor: number;
  readonly test: number;
  /** Unit and scaling identifier: 0A 0.122 mV, 10 ms, 20 ratio of 1/256, 24 counts. */
  readonly unit: number;
  readonly doneAfterS: number;
  readonly value: (snapshot: Snapshot) => number;
  readonly min: number;
  readonly max: number;
}

const MILLIVOLT = 1000 / 122;
const has = ({ car, troubles }: Snapshot, code: string): boolean =>
  car.ignition && troubles.pending.includes(code);

// biome-ignore format: one test a line, in columns
const TESTS: readonly MonitorTest[] = [
  { monitor: 0x01, test: 0x01, unit: 0x0a, doneAfterS: 150, value: () => 450 * MILLIVOLT, min: 0,  max: 65_535 },
  { monitor: 0x02, test: 0x05, unit: 0x10, doneAfterS: 150, value: () => 62,              min: 0,  max: 120 },
  { monitor: 0x21, test: 0x81, unit: 0x20, doneAfterS: 30,  value: (s) => has(s, 'P0420') ? 214 : 38, min: 0, max: 180 },
  { monitor: 0xa2, test: 0x0b, unit: 0x24, doneAfterS: 10,  value: (s) => has(s, 'P0301') ? 61 : 0, min: 0, max: 40 },
  { monitor: 0xa2, test: 0x0c, unit: 0x24, doneAfterS: 10,  value: (s) => has(s, 'P0301') ? 74 : 1, min: 0, max: 40 },
  { monitor: 0xa3, test: 0x0b, unit: 0x24, doneAfterS: 10,  value: () => 0,               min: 0,  max: 40 },
  { monitor: 0xa4, test: 0x0b, unit: 0x24, doneAfterS: 10,  value: () => 0,               min: 0,  max: 40 },
  { monitor: 0xa5, test: 0x0b, unit: 0x24, doneAfterS: 10,  value: () => 1,               min: 0,  max: 40 },
];

/** The answer to one service 06 request for a single monitor or bitmap. */
export function monitorTest([monitor, ...more]: readonly number[], now: Snapshot): number[][] {
  if (monitor === undefined || more.length > 0) return [];
  if (isBitmap(monitor)) {
    const bitmap = supportBitmap(
      monitor,
      TESTS.map((row) => row.monitor),
    );
    return bitmap ? [[0x46, monitor, ...bitmap]] : [];
  }
  const rows = TESTS.filter((row) => row.monitor === monitor);
  return rows.length > 0 ? [[0x46, ...rows.flatMap((row) => result(row, now))]] : [];
}

function result(row: MonitorTest, now: Snapshot): number[] {
  const done = now.troubles.sinceCleared.monitoredS >= row.doneAfterS;
  const words = done ? [row.value(now), row.min, row.max] : [0, 0, 0];
  return [row.monitor, row.test, row.unit, ...words.flatMap(wordBytes)];
}

function wordBytes(value: number): number[] {
  const word = Math.round(value);
  return [word >> 8, word & 0xff];
}
