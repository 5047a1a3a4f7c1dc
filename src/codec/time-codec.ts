import type { Micros } from '#core/stream.ts';
import type { ByteReader, ByteWriter } from './varint.ts';

/**
 * Times of samples and frames: ticks since the earliest of the block.
 *
 *   varint  the first tick
 *   signed  the mean of the differences, where there are two or more
 *   signed  for each further one: its difference to the one before it, less the mean
 *
 * What a device is asked for, or sends, in turn comes evenly but for a little. Against the mean that
 * little is one byte, and less noise than delta of delta makes of it. A late reading may go back.
 */

/** The field in the header has 32 bits of microseconds: 71 minutes, and a block is sealed at 5. */
export const SPAN_US_MAX = 0xffff_ffff;

export interface Ticks {
  /** The earliest time. */
  readonly t0: Micros;
  /** From the earliest to the latest, in microseconds. */
  readonly span: number;
  /** Since `t0`, in the order of `t`. */
  readonly ticks: Float64Array;
}

/**
 * @param t whole microseconds and multiples of `tickUs`
 * @throws RangeError for any other, and for more than SPAN_US_MAX between two of them
 */
export function toTicks(t: Float64Array, tickUs: number): Ticks {
  let t0 = t[0] ?? 0;
  let last = t0;
  for (let i = 1; i < t.length; i++) {
    const time = t[i] ?? 0;
    if (time < t0) t0 = time;
    else if (time > last) last = time;
  }
  const span = last - t0;
  if (!Number.isSafeInteger(t0 / tickUs))
    throw new RangeError(`no multiple of ${tickUs} us: ${t0}`);
  if (!(span <= SPAN_US_MAX)) throw new RangeError(`a block of ${span} us: ${SPAN_US_MAX} at most`);
  const ticks = new Float64Array(t.length);
  for (let i = 0; i < t.length; i++) {
    const tick = ((t[i] ?? 0) - t0) / tickUs;
    if (Math.floor(tick) !== tick) throw new RangeError(`no multiple of ${tickUs} us: ${t[i]}`);
    ticks[i] = tick;
  }
  return { t0, span, ticks };
}

/** @param ticks at least one */
export function writeTicks(writer: ByteWriter, ticks: Float64Array): void {
  const first = ticks[0] ?? 0;
  writer.varint(first);
  if (ticks.length < 2) return;
  const mean = Math.round(((ticks.at(-1) ?? 0) - first) / (ticks.length - 1));
  writer.signed(mean);
  let previous = first;
  for (let i = 1; i < ticks.length; i++) {
    const tick = ticks[i] ?? 0;
    writer.signed(tick - previous - mean);
    previous = tick;
  }
}

/** Fills `ticks`, whose length tells how many there are. */
export function readTicks(reader: ByteReader, ticks: Float64Array): void {
  let tick = reader.varint();
  const mean = ticks.length < 2 ? 0 : reader.signed();
  for (let i = 0; ; tick += mean + reader.signed()) {
    if (!(tick >= 0 && tick <= SPAN_US_MAX)) throw reader.bad(`a time of ${tick} ticks`);
    ticks[i++] = tick;
    if (i >= ticks.length) return;
  }
}
