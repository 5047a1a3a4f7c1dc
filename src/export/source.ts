import type { Stretch } from '#core/session.ts';
import type { Stream } from '#core/stream.ts';
import type { Columns, EventRow } from '../codec/columns.ts';
import type { ExportAbout } from './about.ts';

/**
 * What an export reads. Everything is a plain iterable of modest pieces, so that an export holds one
 * piece of each stream at a time, whatever the length of the recording. A piece is decoded when it
 * is asked for; the consumer may pause between two for as long as it likes.
 */
export interface ExportSource {
  /** For file names and headers: `session 12`. */
  readonly title: string;
  /** For the formats that have a place for it: JSON Lines and Parquet. */
  readonly about?: ExportAbout | undefined;
  /** Those to export, in the order in which their columns appear. */
  readonly streams: readonly Stream[];
  /** What is exported: one after the other on the session's time axis. */
  readonly stretches: readonly Stretch[];
  /** Pieces of a sample, wave or frame stream, cut to the stretch, in the order of time. */
  columns(stream: Stream, stretch: Stretch): Iterable<Columns>;
  /** Events of the exported event streams, in the order of time. */
  events(stretch: Stretch): Iterable<EventRow>;
}
