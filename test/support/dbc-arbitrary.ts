import fc from 'fast-check';
import type { BitField } from './dbc-encode.ts';
import { placesOf } from './dbc-encode.ts';

/** Fields of every start, length and byte order that lie in a frame of so many bytes. */
export function bitFields(frameBytes: number, bitsMax = 64): fc.Arbitrary<BitField> {
  return fc
    .record({
      startBit: fc.nat(frameBytes * 8 - 1),
      bits: fc.integer({ min: 1, max: bitsMax }),
      byteOrder: fc.constantFrom('little' as const, 'big' as const),
    })
    .filter((field) => placesOf(field).every((place) => place < frameBytes * 8));
}

/** The line of a signal as editors write it. */
export function signalLine(name: string, field: BitField, rest: SignalRest = {}): string {
  const { startBit, bits, byteOrder } = field;
  const { signed = false, scale = '1,0', mark = '', unit = '', limits = '0|0' } = rest;
  const order = `${byteOrder === 'little' ? 1 : 0}${signed ? '-' : '+'}`;
  return ` SG_ ${name} ${mark}: ${startBit}|${bits}@${order} (${scale}) [${limits}] "${unit}" Vector__XXX`;
}

interface SignalRest {
  readonly signed?: boolean;
  /** Factor and offset. */
  readonly scale?: string;
  /** With a blank after it: `m3 `. */
  readonly mark?: string;
  readonly unit?: string;
  readonly limits?: string;
}
