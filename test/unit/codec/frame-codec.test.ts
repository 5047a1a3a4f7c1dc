import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EXTENDED_FLAG } from '#core/stream.ts';
import type { Frames } from '../../../src/codec/columns.ts';
import { readFrames, writeFrames } from '../../../src/codec/frame-codec.ts';
import { ByteReader, ByteWriter } from '../../../src/codec/varint.ts';
import { frames, framesOf } from './columns-arbitrary.ts';

function bytesOf(columns: Frames): Uint8Array {
  const writer = new ByteWriter();
  const t0 = Math.min(...columns.t);
  writeFrames(
    writer,
    columns,
    columns.t.map((t) => t - t0),
  );
  return writer.written().slice();
}

function roundTrip(columns: Frames): Frames {
  const t0 = Math.min(...columns.t);
  const reader = new ByteReader(bytesOf(columns));
  const read = readFrames(reader, columns.t.length);
  reader.end();
  return { kind: 'frames', seq: columns.seq, ...read, t: read.t.map((t) => t + t0) };
}

test('any frames come back in the order in which they came', () => {
  fc.assert(
    fc.property(frames, (columns) => {
      expect(roundTrip(columns)).toEqual(columns);
    }),
    { numRuns: 1000 },
  );
});

test('frames of one time keep their order, and it costs nothing where it is the usual one', () => {
  const row = (t: number, id: number) => ({ t, id, data: [id] });
  const usual = framesOf([row(0, 7), row(0, 5), row(9, 7), row(9, 5)]);
  const other = framesOf([row(0, 7), row(0, 5), row(9, 5), row(9, 7)]);
  expect(roundTrip(usual)).toEqual(usual);
  expect(roundTrip(other)).toEqual(other);
  expect(bytesOf(other).length - bytesOf(usual).length).toBe(4);
});

test('11-bit and 29-bit identifiers of the same number are two', () => {
  const columns = framesOf([
    { t: 0, id: 0x123, data: [1, 2] },
    { t: 1, id: EXTENDED_FLAG + 0x123, data: [3] },
    { t: 2, id: 0x123, data: [] },
  ]);
  expect(roundTrip(columns)).toEqual(columns);
});

test('bytes behind the length of a frame are not stored', () => {
  const columns = framesOf([{ t: 0, id: 1, data: [1, 2] }]);
  const dirty = { ...columns, data: columns.data.map((byte, i) => (i < 2 ? byte : 0xee)) };
  expect(roundTrip(dirty)).toEqual(columns);
});

test('a frame of more than 8 bytes is refused', () => {
  const columns = { ...framesOf([{ t: 0, id: 1, data: [] }]), length: Uint8Array.of(9) };
  expect(() => bytesOf(columns)).toThrow('a frame of 9 bytes: 8 at most');
});

test('damage is told apart from frames', () => {
  const read = (bytes: readonly number[], n: number) => () =>
    readFrames(new ByteReader(Uint8Array.from(bytes)), n);
  expect(read([3], 2)).toThrow('3 ids in 2 frames');
  expect(read([1, 2, 0, 0], 2)).toThrow('0 frames of id 1');
  expect(read([1, 2, 1, 0], 2)).toThrow('1 frames, not 2');
  expect(read([1, 2, 2, 10], 2)).toThrow('a frame of 10 bytes');
  expect(read([1, 2, 2, 0, 2], 2)).toThrow('an order of 2');
  expect(read([1, 2, 2, 0, 1, 0, 1], 2)).toThrow('frame 1 at place 0');
  expect(read([1, 0xff, 0xff, 0xff, 0xff, 0x7f, 1, 0], 1)).toThrow('an identifier of');
  expect(read([1, 2, 1, 9, 0, 0, 9], 1)).toThrow('a frame of 9 bytes');
});
