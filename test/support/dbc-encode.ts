/**
 * Puts signals into frames, and reads them back, one bit at a time from the picture of the standard: a
 * table of bytes with bit 7 on the left and bit 0 on the right, bits numbered 8 * byte + bit. It shares
 * nothing with the decoder, which works with shifts and sums.
 */
export interface BitField {
  readonly startBit: number;
  readonly bits: number;
  readonly byteOrder: 'little' | 'big';
}

/** The places of a field's bits in the frame, from its least significant one up. */
export function placesOf({ startBit, bits, byteOrder }: BitField): number[] {
  const places = [startBit];
  while (places.length < bits) {
    const last = places.at(-1) ?? 0;
    if (byteOrder === 'little') places.push(last + 1);
    // To the right in the picture, and from its right edge to the left edge of the next row.
    else places.push(last % 8 === 0 ? last + 15 : last - 1);
  }
  return byteOrder === 'little' ? places : places.reverse();
}

/** Writes the low bits of `raw`, which may be negative, and leaves the others of the frame alone. */
export function encodeBits(field: BitField, raw: bigint, frame: Uint8Array): void {
  for (const [index, place] of placesOf(field).entries()) {
    const row = Math.floor(place / 8);
    const column = 1 << (place % 8);
    const isSet = ((raw >> BigInt(index)) & 1n) === 1n;
    frame[row] = isSet ? (frame[row] ?? 0) | column : (frame[row] ?? 0) & ~column;
  }
}

export function decodeBits(field: BitField, frame: Uint8Array, signed: boolean): bigint {
  let raw = 0n;
  for (const [index, place] of placesOf(field).entries()) {
    if ((frame[Math.floor(place / 8)] ?? 0) & (1 << (place % 8))) raw |= 1n << BigInt(index);
  }
  return signed ? BigInt.asIntN(field.bits, raw) : raw;
}
