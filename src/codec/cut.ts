import type { Micros } from '#core/stream.ts';
import { type Columns, countOf, type Range, type Waves } from './columns.ts';

/** Which samples of a piece lie in a range. All readers ask here, so that their counts agree. */

/** A part of the axis of one epoch; `to` is exclusive. Whole microseconds. */
export type Window = Pick<Range, 'from' | 'to'>;

/** When sample `i` was taken, to the nearest microsecond. */
export function waveTime(wave: Waves, i: number): Micros {
  return Math.round(wave.t0 + i * periodOf(wave));
}

/** Microseconds from one sample to the next; 0 where there is only one. */
function periodOf({ span, v }: Waves): number {
  return v.length > 1 ? span / (v.length - 1) : 0;
}

/** Index of the first sample at or after `t`; the number of samples where there is none. */
export function firstAt(wave: Waves, t: Micros): number {
  const { t0, v } = wave;
  const period = periodOf(wave);
  if (period === 0) return t0 >= t ? 0 : v.length;
  let i = Math.min(v.length, Math.max(0, Math.ceil((t - t0) / period)));
  while (i > 0 && waveTime(wave, i - 1) >= t) i--;
  while (i < v.length && waveTime(wave, i) < t) i++;
  return i;
}

/**
 * The samples of a piece in a window, in their order. Late samples may leave holes: each run without
 * one is a piece, so that its `seq` stays true.
 */
export function* cut(piece: Columns, { from, to }: Window): Generator<Columns> {
  if (piece.kind === 'waves') {
    const run = part(piece, firstAt(piece, from), firstAt(piece, to));
    if (run) yield run;
    return;
  }
  const { t } = piece;
  let begin = 0;
  for (let i = 0; i <= t.length; i++) {
    const at = t[i] ?? Number.NaN;
    if (at >= from && at < to) continue;
    const run = part(piece, begin, i);
    if (run) yield run;
    begin = i + 1;
  }
}

/** The samples from one position to before another, the piece itself where that is all of them. */
export function part(piece: Columns, from: number, to: number): Columns | undefined {
  if (from >= to) return undefined;
  return from === 0 && to === countOf(piece) ? piece : slice(piece, from, to);
}

/** A copy of the samples from one position to before another, at least one. */
export function slice(piece: Columns, from: number, to: number): Columns {
  const seq = piece.seq + from;
  switch (piece.kind) {
    case 'scalars':
      return { kind: 'scalars', seq, t: piece.t.slice(from, to), v: piece.v.slice(from, to) };
    case 'waves': {
      // Begins and ends at the times that its samples have in the whole.
      const t0 = waveTime(piece, from);
      const span = waveTime(piece, to - 1) - t0;
      return { kind: 'waves', seq, t0, span, v: piece.v.slice(from, to) };
    }
    case 'frames':
      return {
        kind: 'frames',
        seq,
        t: piece.t.slice(from, to),
        id: piece.id.slice(from, to),
        length: piece.length.slice(from, to),
        data: piece.data.slice(from * 8, to * 8),
      };
  }
}
