import { CodedError } from '#core/errors.ts';

export type ShelfErrorCode =
  /** There is no such bus, or no such file. */
  | 'NOT_FOUND'
  /** No name of a file. */
  | 'BAD_NAME'
  /** There is no message in it, or it is too large. */
  | 'UNREADABLE'
  /** The bus has as many files as it may have. */
  | 'TOO_MANY'
  /** A setting names the file, or the simulated bus brings it: it is changed where it is. */
  | 'FROM_SETTING'
  /** The disk does not take it. */
  | 'UNWRITABLE';

/** A DBC file cannot be taken, or is not there. The sentence is for a person. */
export class ShelfError extends CodedError<ShelfErrorCode> {
  override readonly name = 'ShelfError';
}
