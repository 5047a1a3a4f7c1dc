/** Bits of a data frame beside its data, with the 3 between it and the next: ISO 11898-1, frame formats. */
const STANDARD_BITS = 47;
const EXTENDED_BITS = 67;
/** Of those and of the data, the ones that are stuffed: from the start of the frame to its CRC. */
const STANDARD_STUFFED = 34;
const EXTENDED_STUFFED = 54;

const BITS = {
  standard: tableOf(STANDARD_BITS, STANDARD_STUFFED),
  extended: tableOf(EXTENDED_BITS, EXTENDED_STUFFED),
};

/**
 * How long a frame keeps the bus busy, in bits. How many are stuffed depends on every bit of it; here it
 * is half of the most there can be, which is right to 10 % for the data of cars.
 *
 * @param bytes of data, 0 to 8
 */
export function frameBits(extended: boolean, bytes: number): number {
  return (extended ? BITS.extended : BITS.standard)[bytes] ?? 0;
}

/** By bytes of data. After five equal bits comes one that differs, which may be the first of the next five. */
function tableOf(bits: number, stuffed: number): readonly number[] {
  return Array.from({ length: 9 }, (_, bytes) => {
    const most = Math.floor((stuffed + 8 * bytes - 1) / 4);
    return bits + 8 * bytes + most / 2;
  });
}
