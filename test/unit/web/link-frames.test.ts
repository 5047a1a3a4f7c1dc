import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeFrame } from '../../../web/link.js';
import { encode } from './wave-frame.ts';

const counts = {
  int16: fc.integer({ min: -0x8000, max: 0x7fff }),
  int24: fc.integer({ min: -0x80_0000, max: 0x7f_ffff }),
  float32: fc.float({ noNaN: true }),
};

test.each(['int16', 'int24', 'float32'] as const)('any %s frame is read as written', (format) => {
  const frame = fc.record({
    number: fc.integer({ min: 0, max: 0xffff }),
    seq: fc.integer({ min: 0, max: 0xffff_ffff }),
    t: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
    mHz: fc.integer({ min: 1, max: 0xffff_ffff }),
    counts: fc.array(counts[format], { maxLength: 64 }),
  });
  fc.assert(
    fc.property(frame, ({ mHz, ...rest }) => {
      expect(decodeFrame(encode({ mHz, ...rest, format }))).toEqual({ ...rest, hz: mHz / 1000 });
    }),
  );
});

test('of several channels the first is read', () => {
  const data = encode({ number: 1, seq: 0, t: 0, mHz: 250_000, counts: [1, 2, 3, 4] });
  const view = new DataView(data);
  view.setUint16(16, 2, true);
  view.setUint8(18, 2);
  expect(decodeFrame(data).counts).toEqual([1, 3]);
});

test('a frame that the page was not written for is refused', () => {
  const good = encode({ number: 1, seq: 0, t: 0, mHz: 512_000, counts: [1, 2] });
  const broken = (byte: number, value: number): ArrayBuffer => {
    const copy = good.slice(0);
    new DataView(copy).setUint8(byte, value);
    return copy;
  };
  expect(() => decodeFrame(good.slice(0, 23))).toThrow('23 bytes');
  expect(() => decodeFrame(good.slice(0, 27))).toThrow('27 bytes');
  expect(() => decodeFrame(broken(0, 2))).toThrow('kind 2');
  expect(() => decodeFrame(broken(1, 2))).toThrow('version 2');
  expect(() => decodeFrame(broken(19, 9))).toThrow('format 9');
});
