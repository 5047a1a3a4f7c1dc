import fc from 'fast-check';
import type { Stream } from '#core/stream.ts';
import type { Columns, Frames, Scalars, Waves } from '../../../src/codec/columns.ts';

/** Columns as fast-check makes them: any values, any times that a block can span, in any order. */

/** Half of what a block may span, so that any two times fit into one. */
const SPAN_US = 2 ** 31 - 1;
const ROWS_MAX = 60;

export function streamOf(kind: Stream['kind'], more: Partial<Stream> = {}): Stream {
  return { id: 'test.one', name: 'One', unit: '1', range: [0, 1], hz: 1, kind, ...more };
}

const start = fc.maxSafeNat().map((t) => Math.floor(t / 4));
const seq = fc.oneof(fc.nat(1000), fc.maxSafeNat());

/** Values of every kind that there is, and mixtures that change from one form to the next. */
const value = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.integer().map((count) => count / 100),
  fc.integer({ min: 0, max: 255 }).map((count) => (count * 100) / 255),
  fc.float(),
  fc.constantFrom(
    0,
    -0,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    2 ** 53,
    2 ** 50,
    2 ** 50 + 2,
    1e300,
  ),
);

export const scalars: fc.Arbitrary<Scalars> = fc
  .tuple(
    seq,
    start,
    fc.array(fc.tuple(fc.nat(Math.floor(SPAN_US / 1000)), value), {
      minLength: 1,
      maxLength: ROWS_MAX,
    }),
  )
  .map(([seq, t0, rows]) => ({
    kind: 'scalars',
    seq,
    t: Float64Array.from(rows, ([ms]) => (Math.floor(t0 / 1000) + ms) * 1000),
    v: Float64Array.from(rows, ([, v]) => v),
  }));

export const waves: fc.Arbitrary<Waves> = fc
  .tuple(
    seq,
    start,
    fc.nat(0xffff_ffff),
    fc.oneof(
      fc.array(fc.integer(), { minLength: 1, maxLength: ROWS_MAX }),
      fc.array(fc.integer({ min: -0x8000, max: 0x7fff }), { minLength: 1, maxLength: ROWS_MAX }),
    ),
  )
  .map(([seq, t0, span, v]) => ({ kind: 'waves', seq, t0, span, v: Int32Array.from(v) }));

const frame = fc.record({
  // Few times and few ids, so that both are often equal; and now and then any.
  t: fc.oneof(fc.nat(5), fc.nat(SPAN_US)),
  id: fc.oneof(fc.nat(3), fc.nat(0x7ff), fc.nat(0xffff_ffff)),
  data: fc.uint8Array({ maxLength: 8 }),
});

export const frames: fc.Arbitrary<Frames> = fc
  .tuple(seq, start, fc.array(frame, { minLength: 1, maxLength: ROWS_MAX }))
  .map(([seq, t0, rows]) =>
    framesOf(
      rows.map((row) => ({ ...row, t: t0 + row.t })),
      seq,
    ),
  );

export const columns: fc.Arbitrary<Columns> = fc.oneof(scalars, waves, frames);

export function framesOf(
  rows: readonly { readonly t: number; readonly id: number; readonly data: Iterable<number> }[],
  seq = 0,
): Frames {
  const bytes = rows.map(({ data }) => [...data]);
  return {
    kind: 'frames',
    seq,
    t: Float64Array.from(rows, ({ t }) => t),
    id: Uint32Array.from(rows, ({ id }) => id),
    length: Uint8Array.from(bytes, (data) => data.length),
    data: Uint8Array.from(
      bytes.flatMap((data) => Array.from({ length: 8 }, (_, i) => data[i] ?? 0)),
    ),
  };
}

/** The stream that columns of that kind belong to. */
export function streamFor(columns: Columns): Stream {
  if (columns.kind === 'waves') return streamOf('wave', { lsb: 0.22 });
  if (columns.kind === 'frames') return streamOf('frame');
  return streamOf('sample', { step: { mul: 100, div: 255, add: 0 } });
}
