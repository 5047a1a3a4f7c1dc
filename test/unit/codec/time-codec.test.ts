import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readTicks, toTicks, writeTicks } from '../../../src/codec/time-codec.ts';
import { ByteReader, ByteWriter } from '../../../src/codec/varint.ts';

function bytesOf(ticks: readonly number[]): Uint8Array {
  const writer = new ByteWriter();
  writeTicks(writer, Float64Array.from(ticks));
  return writer.written().slice();
}

test('any times come back, also those that go back', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(0xffff_ffff), { minLength: 1 }), (ticks) => {
      const read = new Float64Array(ticks.length);
      const reader = new ByteReader(bytesOf(ticks));
      readTicks(reader, read);
      reader.end();
      expect([...read]).toEqual(ticks);
    }),
  );
});

test('what comes evenly, but for a little, has a byte each', () => {
  const ticks = Array.from({ length: 100 }, (_, i) => i * 200 + (i % 7));
  expect(bytesOf(ticks).length).toBeLessThanOrEqual(103);
});

test('ticks count from the earliest', () => {
  const t = Float64Array.of(7_000, 5_000, 9_000);
  expect(toTicks(t, 1000)).toEqual({ t0: 5_000, span: 4_000, ticks: Float64Array.of(2, 0, 4) });
});

test('times that are no ticks, or too far apart, are refused', () => {
  expect(() => toTicks(Float64Array.of(1_500), 1000)).toThrow('no multiple of 1000 us: 1500');
  expect(() => toTicks(Float64Array.of(1_000, 2_001), 1000)).toThrow('no multiple');
  expect(() => toTicks(Float64Array.of(1_000, Number.NaN), 1000)).toThrow(RangeError);
  expect(() => toTicks(Float64Array.of(Number.NaN), 1)).toThrow(RangeError);
  expect(() => toTicks(Float64Array.of(0, 2 ** 32), 1)).toThrow('4294967295 at most');
});

test('a time that no encoder writes is damage', () => {
  const early = new ByteWriter();
  early.varint(5);
  early.signed(-6);
  early.signed(0);
  const read = new Float64Array(2);
  expect(() => readTicks(new ByteReader(early.written()), read)).toThrow('a time of -1 ticks');
  const late = new ByteWriter();
  late.varint(2 ** 32);
  expect(() => readTicks(new ByteReader(late.written()), read.subarray(1))).toThrow('a time of');
});
