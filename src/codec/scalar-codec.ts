import type { Step } from '#core/stream.ts';
import type { ByteReader, ByteWriter } from './varint.ts';

/**
 * Values of a sample stream, whichever way is the shortest that gives every one of them back to the
 * last bit, in this order:
 *
 *   COUNTS   number  mul, div, add of the step
 *            signed  for each: its count less the one before it, the first less 0
 *            The step is the stream's own where all values are counts of it, else 1/1, 1/10, 1/100,
 *            1/1000 or 1/10000, the largest that does.
 *   FLOATS   4 n bytes of IEEE 754: the low byte of all, then the next of all ...
 *   DOUBLES  8 n bytes in the same way
 *
 * A NaN, an infinity or a -0 is no count, and makes floats or doubles of its whole block.
 */
export const COUNTS = 1;
export const FLOATS = 2;
export const DOUBLES = 3;

/** A larger count is none: the difference of two would not be exact as a zigzag. */
const COUNT_MAX = 2 ** 50;
const DIV_MAX = 10_000;

/** A way to write values; `step` only for COUNTS. */
export type ScalarForm =
  | { readonly codec: typeof COUNTS; readonly step: Step }
  | { readonly codec: typeof FLOATS | typeof DOUBLES };

/** The shortest form in which all of `values` survive. `step` is the stream's own, if it has one. */
export function scalarForm(values: Float64Array, step: Step | undefined): ScalarForm {
  if (step && values.every((value) => hasCount(step, value))) return { codec: COUNTS, step };
  const decimal = decimalStep(values);
  if (decimal) return { codec: COUNTS, step: decimal };
  const single = values.every((value) => Object.is(Math.fround(value), value));
  return { codec: single ? FLOATS : DOUBLES };
}

export function writeScalars(writer: ByteWriter, values: Float64Array, form: ScalarForm): void {
  if (form.codec === COUNTS) writeSteps(writer, values, form.step);
  else if (form.codec === FLOATS) writePlanes(writer, Float32Array.from(values));
  else writePlanes(writer, values);
}

/** Fills `values`, whose length tells how many there are. */
export function readScalars(reader: ByteReader, values: Float64Array, codec: number): void {
  if (codec === COUNTS) readSteps(reader, values);
  else if (codec === FLOATS) values.set(readPlanes(reader, new Float32Array(values.length)));
  else readPlanes(reader, values);
}

/** The count nearest to `value`; whether it gives the value back is another question. */
function toCount({ mul, div, add }: Step, value: number): number {
  // Math.round gives -0 for what is just below 0; there is no such count.
  return Math.round(((value - add) * div) / mul) + 0;
}

function hasCount(step: Step, value: number): boolean {
  const count = toCount(step, value);
  const back = (count * step.mul) / step.div + step.add;
  return Math.abs(count) <= COUNT_MAX && Object.is(back, value);
}

/**
 * The largest decimal step that all values are counts of. One pass: c / 10 and 10 c / 100 are the
 * same double, so what fitted the larger step fits the smaller one.
 */
function decimalStep(values: Float64Array): Step | undefined {
  let step: Step = { mul: 1, div: 1, add: 0 };
  let largest = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    while (!hasCount(step, value)) {
      if (step.div === DIV_MAX) return undefined;
      step = { ...step, div: step.div * 10 };
    }
    largest = Math.max(largest, Math.abs(value));
  }
  return largest * step.div <= COUNT_MAX ? step : undefined;
}

function writeSteps(writer: ByteWriter, values: Float64Array, step: Step): void {
  writer.number(step.mul);
  writer.number(step.div);
  writer.number(step.add);
  let previous = 0;
  for (let i = 0; i < values.length; i++) {
    const count = toCount(step, values[i] ?? 0);
    writer.signed(count - previous);
    previous = count;
  }
}

function readSteps(reader: ByteReader, values: Float64Array): void {
  const mul = reader.number();
  const div = reader.number();
  const add = reader.number();
  let count = 0;
  for (let i = 0; i < values.length; i++) {
    count += reader.signed();
    values[i] = (count * mul) / div + add;
  }
}

function writePlanes(writer: ByteWriter, values: Float32Array | Float64Array): void {
  const from = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const size = values.BYTES_PER_ELEMENT;
  const bytes = writer.reserve(from.length);
  let at = writer.length;
  for (let plane = 0; plane < size; plane++) {
    for (let i = plane; i < from.length; i += size) bytes[at++] = from[i] ?? 0;
  }
  writer.length = at;
}

function readPlanes<T extends Float32Array | Float64Array>(reader: ByteReader, values: T): T {
  const to = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const from = reader.take(to.length);
  const size = values.BYTES_PER_ELEMENT;
  let at = 0;
  for (let plane = 0; plane < size; plane++) {
    for (let i = plane; i < to.length; i += size) to[i] = from[at++] ?? 0;
  }
  return values;
}
