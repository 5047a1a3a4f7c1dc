import { CodedError } from '#core/errors.ts';

/**
 * - SHORT_BLOCK: fewer or more bytes than the header tells, or too few for a header
 * - BAD_MAGIC: no block at all
 * - NEWER_VERSION: of a later release, or of a codec that this one does not know
 * - BAD_CRC: damaged, or stored under another key than it was made for
 * - BAD_PAYLOAD: the codec met something that no encoder writes
 */
export type BlockErrorCode =
  | 'SHORT_BLOCK'
  | 'BAD_MAGIC'
  | 'NEWER_VERSION'
  | 'BAD_CRC'
  | 'BAD_PAYLOAD';

/** A stored block cannot be read: it is left out and counted, the others are not affected. */
export class BlockError extends CodedError<BlockErrorCode> {
  override readonly name = 'BlockError';
}
