import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pack, unpack } from '../../../src/codec/body.ts';

const BODY = new Uint8Array(5000).map((_, i) => i % 10);

test('what is packed comes back, and is shorter', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.nat(50), (bytes, times) => {
      const body = Uint8Array.from(Array.from({ length: times + 1 }, () => [...bytes]).flat());
      const packed = pack(body);
      if (!packed) return;
      expect(packed.length).toBeLessThan(body.length);
      expect(Uint8Array.from(unpack(packed))).toEqual(body);
    }),
  );
  expect(pack(BODY)?.length).toBeLessThan(100);
});

test('what would not be shorter stays as it is', () => {
  expect(pack(Uint8Array.of(1, 2, 3))).toBeUndefined();
});

test('a length that is not true makes no more than it says', () => {
  const packed = pack(BODY) ?? new Uint8Array();
  const told = (length: number) => {
    const changed = packed.slice();
    new DataView(changed.buffer).setUint32(0, length, true);
    return () => unpack(changed);
  };
  const bad = expect.objectContaining({ code: 'BAD_PAYLOAD' });
  expect(told(4999)).toThrow(bad);
  expect(told(5001)).toThrow('5000 bytes, 5001 were packed');
  expect(told(0)).toThrow(bad);
  expect(told(32 * 2 ** 20 + 1)).toThrow(bad);
  expect(told(1)).toThrow(bad);
  for (let length = 0; length < packed.length; length++) {
    expect(() => unpack(packed.subarray(0, length))).toThrow(bad);
  }
  expect(() => unpack(packed.with(4, 0))).toThrow('not what zstd wrote');
});
