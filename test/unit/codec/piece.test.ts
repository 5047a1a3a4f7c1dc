import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BlockError } from '../../../src/codec/block-error.ts';
import { countOf } from '../../../src/codec/columns.ts';
import { decodePiece, encodePiece } from '../../../src/codec/piece.ts';
import { columns, streamFor, streamOf } from './columns-arbitrary.ts';

/** Decodes; damage is expected, anything but a BlockError is not. */
function tryDecode(bytes: Uint8Array): void {
  try {
    expect(countOf(decodePiece(bytes))).toBeLessThanOrEqual(bytes.length);
  } catch (error) {
    if (!(error instanceof BlockError)) throw error;
  }
}

test('a piece gives back what went in', () => {
  fc.assert(
    fc.property(columns, (columns) => {
      expect(decodePiece(encodePiece(columns, streamFor(columns)))).toEqual(columns);
    }),
    { numRuns: 500 },
  );
});

test('one sample costs little more than itself', () => {
  const t = Float64Array.of(3_600_000_000);
  const stream = streamOf('sample', { step: { mul: 1, div: 4, add: 0 } });
  const piece = encodePiece({ kind: 'scalars', seq: 18_000, t, v: Float64Array.of(800) }, stream);
  expect(piece.length).toBeLessThanOrEqual(16);
});

test('a piece that is cut anywhere is damage', () => {
  fc.assert(
    fc.property(columns, fc.nat(), (columns, nat) => {
      const piece = encodePiece(columns, streamFor(columns));
      const cut = piece.subarray(0, nat % piece.length);
      expect(() => decodePiece(cut)).toThrow(BlockError);
    }),
  );
});

test('any bytes are columns of no more samples than bytes, or damage', () => {
  const codec = fc.integer({ min: 0, max: 7 });
  fc.assert(
    fc.property(codec, fc.uint8Array({ maxLength: 200 }), (codec, rest) => {
      tryDecode(Uint8Array.of(codec, ...rest));
    }),
    { numRuns: 3000 },
  );
});

test('a piece with any bytes changed is other columns or damage', () => {
  const change = fc.tuple(fc.nat(), fc.nat(255));
  fc.assert(
    fc.property(columns, fc.array(change, { minLength: 1, maxLength: 4 }), (columns, changes) => {
      const piece = encodePiece(columns, streamFor(columns));
      for (const [at, byte] of changes) piece[at % piece.length] = byte;
      tryDecode(piece);
    }),
    { numRuns: 3000 },
  );
});

test('a number in a piece makes no array by itself', () => {
  const huge = Uint8Array.of(4, 0xff, 0xff, 0xff, 0x01, 0, 0, 0, 1, 1);
  expect(() => decodePiece(huge)).toThrow('4194303 samples in 2 bytes');
  expect(() => decodePiece(Uint8Array.of(9, 1, 0, 0, 0))).toThrow(
    'value codec 9 is not known here',
  );
});
