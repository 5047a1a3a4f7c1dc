/**
 * Service 09 of the simulated control units (SAE J1979).
 *
 * On CAN an answer is `49 infotype count data`. On the older buses the data travels in lines of four
 * bytes, `49 infotype line-number data`, filled with 00 on the left, and the odd infotype before each
 * tells the number of lines.
 */
import type { Traits } from './car.ts';
import type { Bus } from './ecu.ts';
import { isBitmap, supportBitmap } from './support.ts';

/** One block of information. */
export interface InfoType {
  readonly number: number;
  /** Data items in the answer, the byte before the data on CAN. */
  readonly count: number;
  readonly data: (traits: Traits) => readonly number[];
}

const LEGACY_LINE_BYTES = 4;
/** In-use counters: how often each monitor ran and could have run, 16 words. */
const IN_USE: readonly number[] = [
  412, 690, 318, 401, 0, 0, 297, 388, 0, 0, 351, 404, 0, 0, 122, 240,
];

export const ENGINE_INFO: readonly InfoType[] = [
  { number: 0x02, count: 1, data: ({ vin }) => ascii(vin, 17) },
  { number: 0x04, count: 1, data: () => ascii('VGLSIM20L4MT6A01', 16) },
  { number: 0x06, count: 1, data: () => [0x1c, 0x9a, 0x52, 0xe7] },
  {
    number: 0x08,
    count: IN_USE.length,
    data: () => IN_USE.flatMap((count) => [count >> 8, count & 0xff]),
  },
  { number: 0x0a, count: 1, data: () => ascii('ECM\0-EngineControl', 20) },
];

export const TRANSMISSION_INFO: readonly InfoType[] = [
  { number: 0x04, count: 1, data: () => ascii('VGLSIMGEAR6A0003', 16) },
  { number: 0x0a, count: 1, data: () => ascii('TCM\0-TransmisCtrl', 20) },
];

/** The answers to one service 09 request: one message on CAN, one a line elsewhere. */
export function vehicleInfo(
  table: readonly InfoType[],
  [infoType, ...more]: readonly number[],
  { traits, bus }: { readonly traits: Traits; readonly bus: Bus },
): number[][] {
  if (infoType === undefined || more.length > 0) return [];
  const legacy = bus === 'legacy';
  if (isBitmap(infoType)) {
    const numbers = table.flatMap(({ number }) => (legacy ? [number - 1, number] : [number]));
    const bitmap = supportBitmap(infoType, numbers);
    return bitmap ? [[0x49, infoType, ...(legacy ? [1] : []), ...bitmap]] : [];
  }
  const row = table.find(({ number }) => number === infoType);
  if (row && !legacy) return [[0x49, infoType, row.count, ...row.data(traits)]];
  if (row) return lines(row.data(traits)).map((line, i) => [0x49, infoType, i + 1, ...line]);
  const counted = legacy ? table.find(({ number }) => number === infoType + 1) : undefined;
  return counted ? [[0x49, infoType, lines(counted.data(traits)).length]] : [];
}

function lines(data: readonly number[]): number[][] {
  const count = Math.ceil(data.length / LEGACY_LINE_BYTES);
  const fill = new Array<number>(count * LEGACY_LINE_BYTES - data.length).fill(0);
  const filled = [...fill, ...data];
  return Array.from({ length: count }, (_, i) =>
    filled.slice(i * LEGACY_LINE_BYTES, (i + 1) * LEGACY_LINE_BYTES),
  );
}

function ascii(text: string, length: number): number[] {
  return [...Buffer.from(text.padEnd(length, '\0'), 'latin1')];
}
