import { CodedError } from '#core/errors.ts';

/**
 * - BAD_FILE, BAD_RECORD: what is on the disk is damaged
 * - NEWER: made by a later version
 * - NO_ROOM: the disk is full
 * - OFF: the store could not be opened; the gateway goes on without it
 * - BUSY: more waits for the disk than there is room for
 * - FAILED: the disk did not take it, or did not give it
 * - UNKNOWN_STREAM: nothing was ever stored under an id that was asked for
 */
export type StoreErrorCode =
  | 'BAD_FILE'
  | 'BAD_RECORD'
  | 'NEWER'
  | 'NO_ROOM'
  | 'OFF'
  | 'BUSY'
  | 'FAILED'
  | 'UNKNOWN_STREAM';

/** The store could not do what was asked; its sentence says what was wrong, where, what was seen. */
export class StoreError extends CodedError<StoreErrorCode> {
  override readonly name = 'StoreError';
}
