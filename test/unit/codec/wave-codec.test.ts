import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteReader, ByteWriter } from '../../../src/codec/varint.ts';
import { readCounts, writeCounts } from '../../../src/codec/wave-codec.ts';

function bytesOf(counts: Int32Array): Uint8Array {
  const writer = new ByteWriter();
  writeCounts(writer, counts);
  return writer.written().slice();
}

test('any counts come back', () => {
  const count = fc.oneof(fc.integer(), fc.constantFrom(-(2 ** 31), 2 ** 31 - 1));
  fc.assert(
    fc.property(fc.array(count), (values) => {
      const counts = Int32Array.from(values);
      const read = new Int32Array(counts.length);
      const reader = new ByteReader(bytesOf(counts));
      readCounts(reader, read);
      reader.end();
      expect(read).toEqual(counts);
    }),
  );
});

test('a small difference is one byte, whatever the level', () => {
  const counts = Int32Array.from({ length: 1000 }, (_, i) => 1_000_000 + ((i * 37) % 60));
  expect(bytesOf(counts).length).toBe(1000 + 2);
});

test('missing bytes and overlong ones are damage', () => {
  const bytes = bytesOf(Int32Array.of(1, 1000, 2));
  for (let length = 0; length < bytes.length; length++) {
    const reader = new ByteReader(bytes.subarray(0, length));
    expect(() => readCounts(reader, new Int32Array(3))).toThrow('it ends too early');
  }
  const overlong = new ByteReader(new Uint8Array(9).fill(0xff));
  expect(() => readCounts(overlong, new Int32Array(1))).toThrow('sample 0 has more than 32 bits');
});
