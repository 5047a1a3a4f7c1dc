import type { ByteReader, ByteWriter } from './varint.ts';

/**
 * Counts of an ADC: each as a zigzag varint of its difference to the one before it, the first to 0.
 * Differences are taken modulo 2^32, so that no pair of counts needs a 33rd bit.
 *
 * One block is one channel: a device of eight has eight streams. The time of a sample is in no
 * payload, `t0` and `span` of the header tell it.
 */
const COUNT_BYTES_MAX = 5;

export function writeCounts(writer: ByteWriter, counts: Int32Array): void {
  const bytes = writer.reserve(counts.length * COUNT_BYTES_MAX);
  let at = writer.length;
  let previous = 0;
  for (let i = 0; i < counts.length; i++) {
    const count = counts[i] ?? 0;
    const delta = (count - previous) | 0;
    previous = count;
    let rest = ((delta << 1) ^ (delta >> 31)) >>> 0;
    for (; rest > 0x7f; rest >>>= 7) bytes[at++] = (rest & 0x7f) | 0x80;
    bytes[at++] = rest;
  }
  writer.length = at;
}

/** Fills `counts`, whose length tells how many there are. */
export function readCounts(reader: ByteReader, counts: Int32Array): void {
  const { bytes } = reader;
  let at = reader.at;
  let count = 0;
  for (let i = 0; i < counts.length; i++) {
    // Behind the end there is 0, which ends every loop; that it was reached is seen below.
    let next = bytes[at++] ?? 0;
    let rest = next & 0x7f;
    for (let shift = 7; next > 0x7f; shift += 7) {
      next = bytes[at++] ?? 0;
      rest |= (next & 0x7f) << shift;
      if (shift > 28) throw reader.bad(`sample ${i} has more than 32 bits`);
    }
    count = (count + ((rest >>> 1) ^ -(rest & 1))) | 0;
    counts[i] = count;
  }
  if (at > bytes.length) throw reader.bad('it ends too early');
  reader.at = at;
}
