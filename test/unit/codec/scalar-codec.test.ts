import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Step } from '#core/stream.ts';
import {
  COUNTS,
  DOUBLES,
  FLOATS,
  readScalars,
  type ScalarForm,
  scalarForm,
  writeScalars,
} from '../../../src/codec/scalar-codec.ts';
import { ByteReader, ByteWriter } from '../../../src/codec/varint.ts';
import { PIDS } from '../../../src/sources/obd/j1979/pid-table.ts';
import { DEFAULT_SCALING, type Signal, toValue } from '../../../src/sources/obd/j1979/pids.ts';
import { scalars } from './columns-arbitrary.ts';

const RPM: Step = { mul: 1, div: 4, add: 0 };

function formOf(values: readonly number[], step?: Step): ScalarForm {
  return scalarForm(Float64Array.from(values), step);
}

function roundTrip(values: Float64Array, step: Step | undefined): Float64Array {
  const form = scalarForm(values, step);
  const writer = new ByteWriter();
  writeScalars(writer, values, form);
  const reader = new ByteReader(writer.written().slice());
  const read = new Float64Array(values.length);
  readScalars(reader, read, form.codec);
  reader.end();
  return read;
}

describe('the form', () => {
  test('is the step of the stream where all values are counts of it', () => {
    expect(formOf([800, 800.25, 0], RPM)).toEqual({ codec: COUNTS, step: RPM });
  });

  test('else the largest decimal step', () => {
    const decimal = (div: number) => ({ codec: COUNTS, step: { mul: 1, div, add: 0 } });
    expect(formOf([1, 2, -3])).toEqual(decimal(1));
    expect(formOf([12.6, 12], RPM)).toEqual(decimal(10));
    expect(formOf([1, 12.34, 0.1])).toEqual(decimal(100));
    expect(formOf([0.0001])).toEqual(decimal(10_000));
  });

  test('else floats, else doubles', () => {
    expect(formOf([Math.fround(0.1), Number.NaN, -0])).toEqual({ codec: FLOATS });
    expect(formOf([Math.PI, 1], RPM)).toEqual({ codec: DOUBLES });
    expect(formOf([-0], RPM)).toEqual({ codec: FLOATS });
  });

  test('has no count that is not exact', () => {
    expect(formOf([2 ** 50])).toMatchObject({ codec: COUNTS });
    expect(formOf([2 ** 51])).toEqual({ codec: FLOATS });
    expect(formOf([2 ** 49 + 1, 0.5])).toEqual({ codec: DOUBLES });
    expect(formOf([2 ** 53 - 1])).toEqual({ codec: DOUBLES });
  });
});

test('every value comes back to the last bit, whatever the step', () => {
  const number = fc.oneof(fc.integer(), fc.double(), fc.constantFrom(0, -0, Number.NaN));
  const step = fc.option(
    fc.oneof(
      fc.constantFrom(RPM, { mul: 100, div: 255, add: 0 }, { mul: 1, div: 256, add: -128 }),
      fc.record({ mul: number, div: number, add: number }),
    ),
    { nil: undefined },
  );
  fc.assert(
    fc.property(scalars, step, ({ v }, step) => {
      expect(roundTrip(v, step)).toEqual(v);
    }),
    { numRuns: 500 },
  );
});

test('counts of a step come back as counts, whatever they are', () => {
  const count = fc.integer({ min: -(2 ** 31), max: 2 ** 32 });
  fc.assert(
    fc.property(fc.array(count, { minLength: 1 }), (counts) => {
      const step = { mul: 100, div: 255, add: -40 };
      const values = Float64Array.from(counts, (n) => (n * step.mul) / step.div + step.add);
      expect(scalarForm(values, step)).toEqual({ codec: COUNTS, step });
      expect(roundTrip(values, step)).toEqual(values);
    }),
  );
});

describe('what a PID says comes back as the count it was', () => {
  const all = PIDS.flatMap(({ signals }) => signals);
  // A wide-range twin shares the stream of its sensor, whose step it need not have.
  const twins = all.filter((signal, i) => {
    return all.findIndex(({ stream }) => stream.id === signal.stream.id) < i;
  });
  const signals = all.filter((signal) => !twins.includes(signal));

  /** All values of up to 16 bits; of more, so many evenly spaced ones, and the largest. */
  function valuesOf(signal: Signal): number[] {
    const span = signal.mask === 0 ? 256 ** signal.width : signal.mask + 1;
    const lowest = signal.signed ? -span / 2 : 0;
    const stride = Math.max(1, span / 65_536);
    const counts = Array.from({ length: span / stride }, (_, i) => lowest + i * stride);
    return [...counts, lowest + span - 1].map((n) => toValue(signal, n, DEFAULT_SCALING));
  }

  test.each(signals.map((signal) => [signal.stream.id, signal] as const))('%s', (_, signal) => {
    const { mul, div, add, stream } = signal;
    expect(stream.step).toEqual({ mul, div, add });
    const values = valuesOf(signal);
    expect(formOf(values, stream.step)).toEqual({ codec: COUNTS, step: stream.step });
    const read = roundTrip(Float64Array.from(values), stream.step);
    expect(read).toEqual(Float64Array.from(values));
  });

  test('and that of a twin as the value it was', () => {
    expect(twins.length).toBeGreaterThan(0);
    for (const twin of twins) {
      const values = Float64Array.from(valuesOf(twin));
      expect(roundTrip(values, twin.stream.step)).toEqual(values);
    }
  });
});
