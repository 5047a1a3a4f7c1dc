/**
 * How the simulated car's control units put numbers into the data bytes of a CAN frame. Places are
 * counted as a DBC file counts them: bit n is bit n % 8 of byte n / 8, where bit 0 is worth 1. A
 * little-endian signal begins with its lowest bit and goes up; a big-endian one begins with its highest
 * bit and goes down through the byte, then on from bit 7 of the next byte.
 */

export interface Layout {
  readonly start: number;
  /** 1 to 32. */
  readonly bits: number;
  readonly order: 'little' | 'big';
  readonly signed: boolean;
  /** The physical value is raw * factor + offset. */
  readonly factor: number;
  readonly offset: number;
}

/** What is sent for a physical value: the nearest raw one that fits. */
export function rawOf(value: number, { bits, signed, factor, offset }: Layout): number {
  const low = signed ? -(2 ** (bits - 1)) : 0;
  const high = 2 ** (signed ? bits - 1 : bits) - 1;
  return Math.min(Math.max(Math.round((value - offset) / factor), low), high);
}

/** Writes a raw value to its place, over whatever was there. */
export function putRaw(data: Uint8Array, raw: number, { start, bits, order }: Layout): void {
  let place = order === 'little' ? start : lowestPlace(start, bits);
  for (let i = 0; i < bits; i++) {
    const mask = 1 << (place & 7);
    const others = (data[place >> 3] ?? 0) & ~mask;
    data[place >> 3] = (raw >> i) & 1 ? others | mask : others;
    place = order === 'little' ? place + 1 : above(place);
  }
}

/** The place of the lowest bit of a big-endian signal. */
function lowestPlace(start: number, bits: number): number {
  let place = start;
  for (let i = 1; i < bits; i++) place = place % 8 === 0 ? place + 15 : place - 1;
  return place;
}

/** The next higher bit of a big-endian signal. */
function above(place: number): number {
  return place % 8 === 7 ? place - 15 : place + 1;
}
