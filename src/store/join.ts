import { type Columns, countOf, type Frames, type Scalars, type Waves } from './columns.ts';
import { SLOT_US, slotOf } from './keys.ts';

/**
 * Makes of the pieces of a stream, one a second, what becomes its blocks: as long as may be, each
 * within one slot and without a hole in its seq. A sample that came late, for the slot before, is a
 * block of its own.
 */

/** How far the times of a wave may be from even before a new block begins. */
const WAVE_ERROR_US = 2_000;
const US_PER_S = 1e6;

/** Samples, frames or a wave between two positions of a piece. */
export function slice(piece: Columns, from: number, to: number): Columns {
  switch (piece.kind) {
    case 'scalars':
      return {
        kind: 'scalars',
        seq: piece.seq + from,
        t: piece.t.slice(from, to),
        v: piece.v.slice(from, to),
      };
    case 'waves': {
      const period = piece.v.length > 1 ? piece.span / (piece.v.length - 1) : 0;
      return {
        kind: 'waves',
        seq: piece.seq + from,
        t0: Math.round(piece.t0 + from * period),
        span: Math.round(Math.max(0, to - from - 1) * period),
        v: piece.v.slice(from, to),
      };
    }
    case 'frames':
      return {
        kind: 'frames',
        seq: piece.seq + from,
        t: piece.t.slice(from, to),
        id: piece.id.slice(from, to),
        length: piece.length.slice(from, to),
        data: piece.data.slice(from * 8, to * 8),
      };
  }
}

/** @param pieces of one stream, in the order of seq; none is empty */
export function joinPieces(pieces: readonly Columns[]): Columns[] {
  const groups: Columns[][] = [];
  for (const piece of pieces.flatMap((piece) => [...bySlot(piece)])) {
    const group = groups.at(-1);
    const last = group?.at(-1);
    if (group && last && continues(group, last, piece)) group.push(piece);
    else groups.push([piece]);
  }
  return groups.flatMap((group) => {
    const [first] = group;
    return first === undefined ? [] : [concat(first, group)];
  });
}

/** The earliest time in it. */
export function startOf(piece: Columns): number {
  if (piece.kind === 'waves') return piece.t0;
  let start = Number.POSITIVE_INFINITY;
  for (const t of piece.t) if (t < start) start = t;
  return start;
}

/** The latest time in it. */
export function endOf(piece: Columns): number {
  if (piece.kind === 'waves') return piece.t0 + piece.span;
  let end = Number.NEGATIVE_INFINITY;
  for (const t of piece.t) if (t > end) end = t;
  return end;
}

/** Cuts a piece wherever the slot of its samples changes. */
function* bySlot(piece: Columns): Generator<Columns> {
  if (slotOf(startOf(piece)) === slotOf(endOf(piece))) return yield piece;
  const n = countOf(piece);
  let from = 0;
  for (let i = 1; i <= n; i++) {
    if (i < n && slotOf(timeAt(piece, i)) === slotOf(timeAt(piece, from))) continue;
    yield slice(piece, from, i);
    from = i;
  }
}

function timeAt(piece: Columns, i: number): number {
  if (piece.kind !== 'waves') return piece.t[i] ?? 0;
  return piece.v.length > 1 ? piece.t0 + (i * piece.span) / (piece.v.length - 1) : piece.t0;
}

function continues(group: readonly Columns[], last: Columns, next: Columns): boolean {
  if (next.seq !== last.seq + countOf(last)) return false;
  if (slotOf(startOf(next)) !== slotOf(startOf(last))) return false;
  if (next.kind !== 'waves' || last.kind !== 'waves') return true;
  const [first] = group;
  if (first?.kind !== 'waves') return false;
  return isEven(first, last, next);
}

/**
 * Whether a wave still runs as evenly as one block says. Only the beginning of the block and its
 * end will be known, so both the step from the last piece and the line from the first must fit.
 */
function isEven(first: Waves, last: Waves, next: Waves): boolean {
  const n = next.seq - first.seq + next.v.length;
  const end = next.t0 + next.span;
  if (n < 2 || end - first.t0 >= SLOT_US) return false;
  const period = (end - first.t0) / (n - 1);
  const onLine = (piece: Waves): boolean =>
    Math.abs(first.t0 + (piece.seq - first.seq) * period - piece.t0) <= WAVE_ERROR_US;
  // A stretch of less than a second tells its own rate badly: its end alone is no reason to part.
  const short = last.span < US_PER_S / 2;
  return onLine(next) && (short || onLine(last));
}

function concat(first: Columns, group: readonly Columns[]): Columns {
  if (group.length === 1) return first;
  const n = group.reduce((sum, piece) => sum + countOf(piece), 0);
  switch (first.kind) {
    case 'scalars':
      return concatScalars(first, group, n);
    case 'waves':
      return concatWaves(first, group, n);
    case 'frames':
      return concatFrames(first, group, n);
  }
}

function concatScalars({ seq }: Scalars, group: readonly Columns[], n: number): Scalars {
  const [t, v] = [new Float64Array(n), new Float64Array(n)];
  let at = 0;
  for (const piece of group) {
    if (piece.kind !== 'scalars') continue;
    t.set(piece.t, at);
    v.set(piece.v, at);
    at += piece.t.length;
  }
  return { kind: 'scalars', seq, t, v };
}

function concatWaves({ seq, t0 }: Waves, group: readonly Columns[], n: number): Waves {
  const v = new Int32Array(n);
  let at = 0;
  let end = t0;
  for (const piece of group) {
    if (piece.kind !== 'waves') continue;
    v.set(piece.v, at);
    at += piece.v.length;
    end = piece.t0 + piece.span;
  }
  return { kind: 'waves', seq, t0, span: end - t0, v };
}

function concatFrames({ seq }: Frames, group: readonly Columns[], n: number): Frames {
  const frames: Frames = {
    kind: 'frames',
    seq,
    t: new Float64Array(n),
    id: new Uint32Array(n),
    length: new Uint8Array(n),
    data: new Uint8Array(n * 8),
  };
  let at = 0;
  for (const piece of group) {
    if (piece.kind !== 'frames') continue;
    frames.t.set(piece.t, at);
    frames.id.set(piece.id, at);
    frames.length.set(piece.length, at);
    frames.data.set(piece.data, at * 8);
    at += piece.t.length;
  }
  return frames;
}
