import type { Event, StreamKind } from '#core/stream.ts';
import { type Columns, countOf } from '../../codec/columns.ts';
import type { Limits } from './outbox.ts';

/** How much of something goes into a stretch, and what that comes to. */

/** Bytes that a value takes when it is packed, measured on drives; events without their data. */
const BYTES_PER_VALUE: Readonly<Record<StreamKind, number>> = {
  sample: 1.5,
  wave: 1.2,
  frame: 3.5,
  event: 80,
};
const KIND_OF = { scalars: 'sample', waves: 'wave', frames: 'frame' } as const;
/** Of an event, beside its data. */
const EVENT_BYTES = 12;

export function bytesPerValue({ kind }: Columns): number {
  return BYTES_PER_VALUE[KIND_OF[kind]];
}

export function bytesOfEvent(data: Event['data']): number {
  return EVENT_BYTES + JSON.stringify(data).length;
}

/**
 * How many values of a piece a stretch takes, at least 1.
 *
 * @param each bytes of a value
 */
export function countWithin(piece: Columns, each: number, limits: Limits): number {
  const n = Math.min(countOf(piece), limits.values, Math.floor(limits.bytes / each));
  return Math.max(1, Math.min(n, limits.spanUs === undefined ? n : within(piece, limits.spanUs)));
}

/** Values from the first on until one is further from it in time than that. */
function within(piece: Columns, spanUs: number): number {
  const n = countOf(piece);
  if (piece.kind === 'waves') {
    return n < 2 || piece.span === 0 ? n : Math.floor((spanUs * (n - 1)) / piece.span) + 1;
  }
  const { t } = piece;
  const first = t[0] ?? 0;
  const end = t.findIndex((one) => Math.abs(one - first) > spanUs);
  return end < 0 ? n : end;
}
