import { CodedError } from '#core/errors.ts';

export type ExportJobErrorCode =
  /** No export has this id. */
  | 'NOT_FOUND'
  /** One of the same account is under way. */
  | 'RUNNING'
  /** The disk, or what exports may keep of it, is full. */
  | 'NO_ROOM'
  /** There is no place for files. */
  | 'OFF'
  /** The key has been used for another export. */
  | 'KEY_REUSED'
  /** There is no file yet, or none will be. */
  | 'NOT_DONE';

/** What was asked of an export cannot be done. The sentence is for a person. */
export class ExportJobError extends CodedError<ExportJobErrorCode> {
  override readonly name = 'ExportJobError';
}
