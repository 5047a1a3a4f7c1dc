import { type Columns, countOf, type Frames, type Scalars, type Waves } from './columns.ts';
import { slice, waveTime } from './cut.ts';
import { EvenLine } from './even.ts';
import { SLOT_US, slotOf } from './slot.ts';

/**
 * Makes of the pieces of a stream, one a second, what becomes its blocks: as long as may be, each
 * within one slot and without a hole in its seq. A sample that came late, for the slot before, is a
 * block of its own.
 */

/** @param pieces of one stream, in the order of seq; none is empty */
export function joinPieces(pieces: readonly Columns[]): Columns[] {
  const groups: Group[] = [];
  for (const piece of pieces.flatMap((piece) => [...bySlot(piece)])) {
    if (!groups.at(-1)?.take(piece)) groups.push(new Group(piece));
  }
  return groups.map((group) => group.join());
}

/** Pieces that become one block. */
class Group {
  readonly #first: Columns;
  readonly #pieces: Columns[];
  readonly #slot: number;
  readonly #line: EvenLine | undefined;
  #n: number;

  constructor(first: Columns) {
    this.#first = first;
    this.#pieces = [first];
    this.#slot = slotOf(startOf(first));
    this.#n = countOf(first);
    if (first.kind !== 'waves') return;
    this.#line = new EvenLine(first.t0);
    if (this.#n > 1) this.#line.take(this.#n - 1, first.t0 + first.span);
  }

  /** Takes a piece, if it follows; else nothing changes. */
  take(piece: Columns): boolean {
    if (piece.seq !== this.#first.seq + this.#n) return false;
    if (slotOf(startOf(piece)) !== this.#slot) return false;
    if (piece.kind === 'waves' && !this.#isEven(piece)) return false;
    this.#pieces.push(piece);
    this.#n += countOf(piece);
    return true;
  }

  join(): Columns {
    const whole = concat(this.#first, this.#pieces, this.#n);
    if (whole.kind !== 'waves' || this.#line === undefined || this.#n < 2) return whole;
    const room = (this.#slot + 1) * SLOT_US - 1 - whole.t0;
    return { ...whole, span: Math.min(room, this.#line.span(this.#n - 1, whole.span)) };
  }

  #isEven({ t0, span, v }: Waves): boolean {
    const line = this.#line;
    if (line === undefined || t0 + span - startOf(this.#first) >= SLOT_US) return false;
    // A piece of which only the beginning fits narrows the line for nothing: its group ends here.
    return (
      line.take(this.#n, t0) && (v.length === 1 || line.take(this.#n + v.length - 1, t0 + span))
    );
  }
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
export function* bySlot(piece: Columns): Generator<Columns> {
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
  return piece.kind === 'waves' ? waveTime(piece, i) : (piece.t[i] ?? 0);
}

function concat(first: Columns, group: readonly Columns[], n: number): Columns {
  if (group.length === 1) return first;
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
