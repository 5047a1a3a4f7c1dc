import { CodedError } from '#core/errors.ts';

export type DbcErrorCode =
  /** There is no message in it that can be read. */
  | 'NOT_DBC'
  /** More than FILE_BYTES_MAX. */
  | 'TOO_LARGE';

/** A file of which nothing can be read. Whatever is wrong with a part of one is a DbcWarning. */
export class DbcError extends CodedError<DbcErrorCode> {
  override readonly name = 'DbcError';
}
