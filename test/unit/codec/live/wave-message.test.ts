import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Stream, Wave } from '#core/stream.ts';
import { encodeWaveBinary } from '../../../../src/codec/live/wave-message.ts';

const eeg: Stream = {
  ...{ id: 'eeg.raw', name: 'EEG', unit: 'uV', range: [-1000, 1000], hz: 512 },
  ...{ kind: 'wave', lsb: 0.2197 },
};

function wave(stream: Stream, seq: number, v: Wave['v']): Wave {
  return { kind: 'wave', stream, t: seq * 1000, hz: 512, v, seq, lost: 0 };
}

function decode(bytes: Uint8Array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [n, format] = [view.getUint16(16, true), view.getUint8(19)];
  const at = [0, 2, 3, 4][format] ?? 0;
  const read = [
    () => Number.NaN,
    (offset: number) => view.getInt16(offset, true),
    (offset: number) => view.getUint16(offset, true) | (view.getInt8(offset + 2) << 16),
    (offset: number) => view.getFloat32(offset, true),
  ][format];
  return {
    format,
    bytes: bytes.length,
    number: view.getUint16(2, true),
    seq: view.getUint32(4, true),
    t: Number(view.getBigInt64(8, true)),
    hz: view.getUint32(20, true) / 1000,
    v: Array.from({ length: n }, (_, i) => read?.(24 + i * at)),
  };
}

test('the header has every field at its place', () => {
  const block: Wave = {
    ...wave(eeg, 0x0a0b0c0d, Int16Array.of(-2, 3)),
    t: 0x1122334455,
    hz: 512.125,
  };
  expect(Buffer.from(encodeWaveBinary(block, 0x0102)).toString('hex')).toBe(
    [
      '01',
      '01',
      '0201',
      '0d0c0b0a',
      '5544332211000000',
      '0200',
      '01',
      '01',
      '7dd00700',
      'feff',
      '0300',
    ].join(''),
  );
});

test('counts come back as they went in, in the smallest format that holds them', () => {
  const blocks: fc.Arbitrary<[Int16Array | Int32Array, number]> = fc.oneof(
    fc.int16Array({ maxLength: 600 }).map((v): [Int16Array, number] => [v, 1]),
    fc
      .int32Array({ min: -0x80_0000, max: 0x7f_ffff, maxLength: 600 })
      .map((v): [Int32Array, number] => [v, 2]),
  );
  fc.assert(
    fc.property(blocks, fc.nat(0xffff), fc.nat(2 ** 40), ([v, format], number, seq) => {
      expect(decode(encodeWaveBinary(wave(eeg, seq, v), number))).toEqual({
        format,
        bytes: 24 + v.length * (format + 1),
        number,
        seq: seq % 2 ** 32,
        t: seq * 1000,
        hz: 512,
        v: [...v],
      });
    }),
  );
});

test('counts over 24 bits go out as float32', () => {
  const v = Int32Array.of(0x80_0000, -1);
  expect(decode(encodeWaveBinary(wave(eeg, 0, v), 0))).toMatchObject({ format: 3, v: [...v] });
});

test('a block longer than the count field is a bug of the source', () => {
  const v = new Int16Array(65_536);
  expect(() => encodeWaveBinary(wave(eeg, 0, v), 0)).toThrow(RangeError);
});
