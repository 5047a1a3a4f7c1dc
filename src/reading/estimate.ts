import type { Session, Stretch } from '#core/session.ts';
import type { Stream, StreamKind } from '#core/stream.ts';
import type { ExportFormatName } from '../export/formats.ts';
import { type Window, within } from './stretches.ts';

/**
 * About how large a file will be, for somebody who decides how it is to be sent: from what is known
 * of a session without reading it. Within a factor of two for recordings of cars and heads.
 */

/** Bytes a value, frame or event, by kind and format; 0 where it cannot hold them. */
// biome-ignore format: a table
const ROW_BYTES: Readonly<Record<ExportFormatName, Readonly<Record<StreamKind, number>>>> = {
  'csv':          { sample: 75, wave: 70, frame: 75, event: 200 },
  'csv-wide':     { sample: 45, wave: 45, frame: 0,  event: 0 },
  'jsonl':        { sample: 95, wave: 8,  frame: 110, event: 200 },
  'parquet':      { sample: 12, wave: 6,  frame: 14, event: 80 },
  'parquet-wide': { sample: 10, wave: 6,  frame: 0,  event: 0 },
  'candump':      { sample: 0,  wave: 0,  frame: 45, event: 0 },
  'asc':          { sample: 0,  wave: 0,  frame: 65, event: 0 },
  'blf':          { sample: 0,  wave: 0,  frame: 11, event: 0 },
};
/** What is written whatever was recorded. */
const HEAD_BYTES = 1_000;
/** Of streams that report on change and of raw frames, where nothing tells how many there were. */
const UNKNOWN_HZ: Readonly<Record<StreamKind, number>> = {
  sample: 0.1,
  wave: 0,
  frame: 500,
  event: 0.05,
};

export interface Estimated extends Window {
  readonly format: ExportFormatName;
  /** Ids; all where left out. */
  readonly streams?: readonly string[] | undefined;
}

/**
 * @param stretches of the whole session
 * @param known streams that the gateway has at this moment
 */
export function estimateBytes(
  request: Estimated,
  session: Session,
  stretches: readonly Stretch[],
  known: readonly Stream[],
): number {
  const { format, streams, from, to } = request;
  const wholeUs = lengthOf(stretches);
  const share = wholeUs > 0 ? lengthOf(within(stretches, { from, to })) / wholeUs : 0;
  const kinds = new Map(known.map(({ id, kind }) => [id, kind]));
  const counts = session.stats
    ? Object.entries(session.stats.streams).map(([id, { n }]) => [id, n] as const)
    : known.map(({ id, hz, kind }) => [id, ((hz || UNKNOWN_HZ[kind]) * wholeUs) / 1e6] as const);
  const bytes = counts
    .filter(([id]) => streams?.includes(id) ?? true)
    // Of a stream that the gateway no longer has, nobody knows the kind.
    .map(([id, n]) => n * ROW_BYTES[format][kinds.get(id) ?? 'sample']);
  return HEAD_BYTES + share * bytes.reduce((sum, one) => sum + one, 0);
}

/** Microseconds, without the gaps between. */
function lengthOf(stretches: readonly Stretch[]): number {
  return stretches.reduce((sum, { from, to }) => sum + to - from, 0);
}
