import type { Stretch } from '#core/session.ts';
import type { Micros } from '#core/stream.ts';
import { createRows, eventWindows, type Rows, type WaveRows, windowsOf } from './rows.ts';
import type { ExportSource } from './source.ts';

/**
 * All streams of a stretch in the order of time.
 *
 * One cursor a stream, and one for all events, in a binary heap by the time of their next row; the
 * order of the streams decides between equal times. The first cursor gives rows until another one is
 * due: an EEG between slow signals costs a comparison a sample, not a walk through the heap.
 *
 * Rows of one stream never change places. One whose time goes back therefore follows the one before
 * it at once, and what comes out goes back there, too; nothing else is touched by it.
 */

/** Rows handed out at once: enough to make a block cheap, few enough for a processor's cache. */
const BLOCK_ROWS = 4_096;
/** The same where a row may be a block of a wave, of 8 KB. */
const BLOCK_ROWS_OF_BLOCKS = 64;

interface Cursor {
  readonly windows: Generator<Rows>;
  rows: Rows;
  /** The next row in `rows`. */
  i: number;
  readonly isFrames: boolean;
  /** Whether its rows are events or blocks of a wave. */
  readonly isObjects: boolean;
}

/**
 * Yields the same block with its next rows again and again, at least one row each: what is needed
 * of it must be taken before the next is asked for. Ends the source's iterators when it is left.
 */
export function* merge(
  source: ExportSource,
  stretch: Stretch,
  waves: WaveRows = 'samples',
): Generator<Rows> {
  const cursors: Cursor[] = [];
  try {
    const heap: Cursor[] = [];
    for (const cursor of openCursors(source, stretch, waves)) {
      cursors.push(cursor);
      if (refill(cursor)) heap.push(cursor);
    }
    for (let at = heap.length >> 1; at >= 0; at--) siftDown(heap, at);
    const block = createRows(waves === 'blocks' ? BLOCK_ROWS_OF_BLOCKS : BLOCK_ROWS);
    while (heap.length > 0) {
      fill(block, heap);
      yield block;
    }
  } finally {
    for (const { windows } of cursors) windows.return(undefined);
  }
}

function* openCursors(
  source: ExportSource,
  stretch: Stretch,
  waves: WaveRows,
): Generator<Cursor, void> {
  const eventPlaces = new Map<string, number>();
  for (const [index, stream] of source.streams.entries()) {
    if (stream.kind === 'event') {
      eventPlaces.set(stream.id, index);
      continue;
    }
    const pieces = source.columns(stream, stretch);
    const isObjects = stream.kind === 'wave' && waves === 'blocks';
    const isFrames = stream.kind === 'frame';
    yield cursorOf(windowsOf({ stream, index }, pieces, waves), isFrames, isObjects);
  }
  if (eventPlaces.size === 0) return;
  yield cursorOf(eventWindows(source.events(stretch), eventPlaces), false, true);
}

function cursorOf(windows: Generator<Rows>, isFrames: boolean, isObjects: boolean): Cursor {
  return { windows, rows: NO_ROWS, i: 0, isFrames, isObjects };
}

const NO_ROWS = createRows(0);

/** The next window. False when there is none. */
function refill(cursor: Cursor): boolean {
  const { value, done } = cursor.windows.next();
  if (done === true || value === undefined) return false;
  cursor.rows = value;
  cursor.i = 0;
  return true;
}

/** Takes rows until the block is full or the streams are through. */
function fill(block: Rows, heap: Cursor[]): void {
  block.n = 0;
  while (block.n < block.t.length) {
    const [first] = heap;
    if (!first) return;
    take(block, first, nextOf(heap));
    if (first.i === first.rows.n && !refill(first)) {
      const last = heap.pop();
      if (last && last !== first) heap[0] = last;
    }
    siftDown(heap, 0);
  }
}

/** Whose turn it is after the first: in a heap, one of the first's two children. */
function nextOf(heap: readonly Cursor[]): Cursor | undefined {
  const left = heap[1];
  const right = heap[2];
  return left && right && isBefore(right, left) ? right : left;
}

/** Takes rows of `cursor`, at least one, for as long as they come before the next row of `other`. */
function take(block: Rows, cursor: Cursor, other: Cursor | undefined): void {
  const { rows, i: from } = cursor;
  const { t, v, stream } = rows;
  const limit = other ? timeOf(other) : Number.POSITIVE_INFINITY;
  const ahead = other ? streamOf(cursor) < streamOf(other) : true;
  const stop = Math.min(rows.n, from + block.t.length - block.n);
  const shift = block.n - from;
  let i = from;
  do {
    block.t[i + shift] = t[i] ?? 0;
    block.v[i + shift] = v[i] ?? 0;
    block.stream[i + shift] = stream[i] ?? 0;
    i++;
  } while (i < stop && ((t[i] ?? 0) < limit || (ahead && t[i] === limit)));
  if (cursor.isFrames) {
    block.length.set(rows.length.subarray(from, i), block.n);
    block.data.set(rows.data.subarray(from * 8, i * 8), block.n * 8);
  }
  if (cursor.isObjects) {
    for (let k = from; k < i; k++) {
      block.event[k + shift] = rows.event[k];
      block.wave[k + shift] = rows.wave[k];
    }
  }
  block.n = i + shift;
  cursor.i = i;
}

function timeOf({ rows, i }: Cursor): Micros {
  return rows.t[i] ?? 0;
}

function streamOf({ rows, i }: Cursor): number {
  return rows.stream[i] ?? 0;
}

function isBefore(a: Cursor, b: Cursor): boolean {
  const difference = timeOf(a) - timeOf(b);
  return difference === 0 ? streamOf(a) < streamOf(b) : difference < 0;
}

/** Restores the heap when only the cursor `at` may be too early in it. */
function siftDown(heap: Cursor[], at: number): void {
  const moved = heap[at];
  if (!moved) return;
  let hole = at;
  for (;;) {
    const left = hole * 2 + 1;
    const a = heap[left];
    const b = heap[left + 1];
    const child = a && b && isBefore(b, a) ? left + 1 : left;
    const next = heap[child];
    if (!next || !isBefore(next, moved)) break;
    heap[hole] = next;
    hole = child;
  }
  heap[hole] = moved;
}
