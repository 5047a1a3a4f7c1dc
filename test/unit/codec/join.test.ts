import fc from 'fast-check';
import { expect, test } from 'vitest';
import { countOf, type Scalars, type Waves } from '../../../src/codec/columns.ts';
import { waveTime } from '../../../src/codec/cut.ts';
import { bySlot, endOf, joinPieces, startOf } from '../../../src/codec/join.ts';
import { SLOT_US, slotOf } from '../../../src/codec/slot.ts';

/** Pieces of a stream with late samples and holes in its seq. */
const pieces = fc
  .array(
    fc.record({
      hole: fc.oneof(fc.constant(0), fc.nat(5)),
      times: fc.array(fc.nat(3 * 300_000), { minLength: 1, maxLength: 20 }),
    }),
    { maxLength: 8 },
  )
  .map((rows) => {
    let seq = 0;
    return rows.map(({ hole, times }): Scalars => {
      const piece: Scalars = {
        kind: 'scalars',
        seq: seq + hole,
        t: Float64Array.from(times, (ms) => ms * 1000),
        v: Float64Array.from(times, (_, i) => seq + hole + i),
      };
      seq += hole + times.length;
      return piece;
    });
  });

const rowsOf = (all: readonly Scalars[]) =>
  all.flatMap(({ seq, t, v }) => [...t].map((at, i) => [seq + i, at, v[i]]));

test('joined pieces hold the same, each within a slot and without a hole', () => {
  fc.assert(
    fc.property(pieces, (all) => {
      const joined = joinPieces(all).filter((piece) => piece.kind === 'scalars');
      expect(rowsOf(joined)).toEqual(rowsOf(all));
      for (const piece of joined) expect(slotOf(startOf(piece))).toBe(slotOf(endOf(piece)));
      for (const [k, piece] of joined.entries()) {
        const before = joined[k - 1];
        if (before === undefined || before.seq + countOf(before) !== piece.seq) continue;
        expect(slotOf(startOf(before))).not.toBe(slotOf(startOf(piece)));
      }
    }),
  );
});

test('even waves become one block, a drift or a hole another, and a slot cuts', () => {
  const second = (k: number, more: { t0?: number; seq?: number } = {}) => ({
    kind: 'waves' as const,
    seq: k * 512,
    t0: SLOT_US - 2e6 + k * 1e6,
    span: Math.round((511 / 512) * 1e6),
    v: new Int32Array(512).fill(k),
    ...more,
  });
  const counts = (all: ReturnType<typeof second>[]) => joinPieces(all).map(countOf);
  expect(counts([second(0), second(1)])).toEqual([1024]);
  expect(counts([second(0), second(1, { seq: 600 })])).toEqual([512, 512]);
  expect(counts([second(-1), second(0, { t0: SLOT_US - 2e6 + 50_000 })])).toEqual([512, 512]);
  expect(counts([second(0), second(1), second(2), second(3)])).toEqual([1024, 1024]);
});

test('a wave is cut where its slot changes, and its samples keep the times they had', () => {
  const nearEnd = fc.integer({ min: SLOT_US - 10_000, max: SLOT_US + 10_000 });
  fc.assert(
    fc.property(nearEnd, fc.nat(10_000), fc.integer({ min: 1, max: 60 }), (t0, span, n) => {
      const whole: Waves = { kind: 'waves', seq: 7, t0, span, v: new Int32Array(n) };
      let count = 0;
      for (const piece of bySlot(whole)) {
        expect(piece.seq).toBe(whole.seq + count);
        expect(slotOf(startOf(piece))).toBe(slotOf(endOf(piece)));
        expect(startOf(piece)).toBe(waveTime(whole, count));
        count += countOf(piece);
        if (countOf(piece) < n) expect(endOf(piece)).toBe(waveTime(whole, count - 1));
      }
      expect(count).toBe(n);
    }),
    { numRuns: 1000 },
  );
});
