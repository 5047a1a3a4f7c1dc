import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteReader, ByteWriter } from '../../../src/codec/varint.ts';

function written(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter();
  write(writer);
  return writer.written().slice();
}

test('an integer has as many bytes as it needs', () => {
  const bytes = (value: number) => [...written((writer) => writer.varint(value))];
  expect(bytes(0)).toEqual([0]);
  expect(bytes(127)).toEqual([0x7f]);
  expect(bytes(128)).toEqual([0x80, 0x01]);
  expect(bytes(300)).toEqual([0xac, 0x02]);
  expect(bytes(2 ** 31)).toEqual([0x80, 0x80, 0x80, 0x80, 0x08]);
  expect(bytes(Number.MAX_SAFE_INTEGER)).toHaveLength(8);
});

test('zigzag keeps both signs small', () => {
  const bytes = [0, -1, 1, -64, 63, 64].map((value) => written((w) => w.signed(value)).length);
  expect(bytes).toEqual([1, 1, 1, 1, 1, 2]);
});

test('every kind of number comes back', () => {
  const entry = fc.oneof(
    fc.record({ kind: fc.constant('varint' as const), value: fc.maxSafeNat() }),
    fc.record({
      kind: fc.constant('signed' as const),
      value: fc.integer({ min: -(2 ** 52), max: 2 ** 52 - 1 }),
    }),
    fc.record({
      kind: fc.constant('number' as const),
      value: fc.oneof(fc.double(), fc.maxSafeInteger(), fc.constantFrom(2 ** 50, -(2 ** 50), -0)),
    }),
  );
  fc.assert(
    fc.property(fc.array(entry), (entries) => {
      const bytes = written((writer) => {
        for (const { kind, value } of entries) writer[kind](value);
      });
      const reader = new ByteReader(bytes);
      for (const { kind, value } of entries) expect(reader[kind]()).toBe(value);
      reader.end();
    }),
  );
});

test('a writer grows, and can be used again', () => {
  const writer = new ByteWriter();
  for (const count of [10_000, 3_000_000, 5]) {
    writer.clear();
    for (let i = 0; i < count; i++) writer.byte(i);
    expect(writer.written().length).toBe(count);
    expect(writer.written()[count - 1]).toBe((count - 1) & 0xff);
  }
});

test('what runs out, is left over or is too large is damage', () => {
  const bad = { code: 'BAD_PAYLOAD' };
  expect(() => new ByteReader(Uint8Array.of(0x80)).varint()).toThrow(expect.objectContaining(bad));
  expect(() => new ByteReader(Uint8Array.of(1, 0, 0)).number()).toThrow('6 bytes are missing');
  expect(() => new ByteReader(Uint8Array.of(1)).end()).toThrow(
    '1 bytes are left over (byte 0 of 1)',
  );
  const large = new Uint8Array(20).fill(0xff);
  expect(() => new ByteReader(large).varint()).toThrow('above 2^53');
  const justTooLarge = Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10);
  expect(() => new ByteReader(justTooLarge).varint()).toThrow('above 2^53');
});
