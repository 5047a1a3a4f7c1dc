import { CodedError } from '#core/errors.ts';

/**
 * - SHORT_BATCH: too few bytes, or fewer than its head says
 * - BAD_MAGIC: no batch at all
 * - NEWER_VERSION: of a later release
 * - BAD_CRC: damaged on its way
 * - BAD_HEAD: the head says what no gateway writes
 * - BAD_BODY: the body is not what the head says
 * - TOO_LARGE: more bytes than a batch may have, packed or not
 */
export type BatchErrorCode =
  | 'SHORT_BATCH'
  | 'BAD_MAGIC'
  | 'NEWER_VERSION'
  | 'BAD_CRC'
  | 'BAD_HEAD'
  | 'BAD_BODY'
  | 'TOO_LARGE';

/** What came is no batch that can be read. It is put aside and counted; the others are not affected. */
export class BatchError extends CodedError<BatchErrorCode> {
  override readonly name = 'BatchError';
}
