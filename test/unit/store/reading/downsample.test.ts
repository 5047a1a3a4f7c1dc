import fc from 'fast-check';
import { expect, test } from 'vitest';
import { countOf } from '../../../../src/codec/columns.ts';
import { cut, firstAt, waveTime } from '../../../../src/codec/cut.ts';
import type { Reads } from '../../../../src/store/lmdb.ts';
import { Damage } from '../../../../src/store/reading/damage.ts';
import { downsample } from '../../../../src/store/reading/downsample.ts';
import { Bins, emptyColumns } from '../../../../src/store/rollup/bins.ts';
import { columns, waves } from '../../codec/columns-arbitrary.ts';

const EMPTY: Reads = { get: () => undefined, page: () => [], keys: () => [] };

test('the first sample at or after a time is the first whose time says so', () => {
  fc.assert(
    fc.property(waves, fc.double({ min: -0.1, max: 1.1, noNaN: true }), (wave, share) => {
      const t = Math.round(wave.t0 + share * wave.span);
      const times = [...wave.v.keys()].map((i) => waveTime(wave, i));
      expect(firstAt(wave, t)).toBe(times.filter((one) => one < t).length);
    }),
  );
});

test('two cuts at one time have every sample once, with its seq', () => {
  const seqs = (piece: Parameters<typeof cut>[0]) =>
    Array.from({ length: countOf(piece) }, (_, i) => piece.seq + i);
  fc.assert(
    fc.property(columns, fc.double({ min: 0, max: 1, noNaN: true }), (piece, share) => {
      const [start, span] =
        piece.kind === 'waves'
          ? [piece.t0, piece.span]
          : [Math.min(...piece.t), Math.max(...piece.t) - Math.min(...piece.t)];
      const at = Math.round(start + share * span);
      const before = [...cut(piece, { from: 0, to: at })];
      const after = [...cut(piece, { from: at, to: Number.MAX_SAFE_INTEGER })];
      const found = [...before, ...after].flatMap(seqs).sort((a, b) => a - b);
      expect(found).toEqual(seqs(piece));
      for (const run of before)
        if (run.kind !== 'waves') expect(Math.max(...run.t)).toBeLessThan(at);
    }),
  );
});

test('bins have what falls into them, and nothing that is outside their window', () => {
  // Added to a zero, which makes one of the two zeros: nobody is told which of them it was.
  const value = fc.double({ min: -1e9, max: 1e9, noNaN: true }).map((v) => v + 0);
  const row = fc.tuple(fc.nat(100), value);
  fc.assert(
    fc.property(fc.array(row, { minLength: 1 }), fc.integer({ min: 1, max: 30 }), (rows, width) => {
      const window = { from: 10, to: 90 };
      const bins = new Bins(10, width, emptyColumns(Math.ceil(80 / width)));
      const [t, v] = [rows.map(([t]) => t), rows.map(([, v]) => v)];
      const piece = {
        kind: 'scalars',
        seq: 0,
        t: Float64Array.from(t),
        v: Float64Array.from(v),
      } as const;
      const counted = bins.add(piece, window, 1);
      expect(counted).toBe(rows.filter(([t]) => t >= 10 && t < 90).length);
      for (const [bin, n] of bins.columns.n.entries()) {
        const [begin, end] = [10 + bin * width, Math.min(90, 10 + (bin + 1) * width)];
        const inside = rows.filter(([t]) => t >= begin && t < end).map(([, v]) => v);
        expect(n).toBe(inside.length);
        expect(bins.columns.min[bin]).toBe(Math.min(...inside));
        expect(bins.columns.max[bin]).toBe(Math.max(...inside));
      }
    }),
  );
});

test('nothing stored is no points, and a number of points that makes no sense is refused', () => {
  const ground = { reads: EMPTY, tail: undefined, damage: new Damage() };
  const range = { epoch: 1, from: 0, to: 1e9 };
  const question = { stored: undefined, range, points: 10 };
  expect(downsample(ground, question).t).toEqual(new Float64Array());
  for (const points of [0, 1.5, 10_001, Number.NaN]) {
    expect(() => downsample(ground, { ...question, points })).toThrow(RangeError);
  }
});
