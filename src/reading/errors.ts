import { CodedError } from '#core/errors.ts';
import type { ExportErrorCode } from '../export/errors.ts';
import type { StoreErrorCode } from '../store/errors.ts';

export type ReadingErrorCode =
  /** As many questions wait as may; the same one may be asked again later. */
  | 'BUSY'
  /** No answer for so long that the thread was given up. */
  | 'TOO_SLOW'
  /** Nobody took the next piece for so long that the rest is not made. */
  | 'STALLED'
  /** The thread ended by a bug or out of memory; the next question gets a new one. */
  | 'CRASHED'
  /** The gateway is stopping. */
  | 'CLOSED'
  /** More values than one answer may hold: `points` makes fewer of them. */
  | 'TOO_MANY_VALUES'
  /** A part of a session that ends before it begins. */
  | 'BAD_WINDOW'
  /** A cursor that no page has given out, or of another session. */
  | 'BAD_CURSOR'
  /** Nothing is being recorded into a session at this moment. */
  | 'NO_SESSION';

/**
 * A question that cannot be answered; the sentence is for the one who asked. What the store and the
 * exports raise in the reading thread arrives as this with their codes.
 */
export class ReadingError extends CodedError<ReadingErrorCode | StoreErrorCode | ExportErrorCode> {
  override readonly name = 'ReadingError';
}
