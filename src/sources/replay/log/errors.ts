import { CodedError } from '#core/errors.ts';

export type LogErrorCode =
  /** Its beginning is that of no format that is read. */
  | 'NOT_A_LOG'
  /** There is no frame in it that could be played. */
  | 'NO_FRAMES'
  /** It is not there, or cannot be read. */
  | 'UNREADABLE';

/** A log of a bus cannot be played. What is wrong further on in one is counted instead. */
export class LogError extends CodedError<LogErrorCode> {
  override readonly name = 'LogError';
}
