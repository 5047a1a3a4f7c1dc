import { CodedError } from '#core/errors.ts';

export type BackupErrorCode =
  /** It cannot be one: too short, too long, or of characters that a header cannot carry. */
  | 'BAD_PASSPHRASE'
  /** Another passphrase than the one it was made with, or a byte of it is not as it was. */
  | 'LOCKED'
  /** No backup of a gateway. */
  | 'UNKNOWN'
  /** Of a version that this one does not know. */
  | 'OTHER_VERSION'
  /** What is in it cannot be used; nothing was changed. */
  | 'UNUSABLE'
  /** More belongs into it than can be restored. */
  | 'TOO_LARGE'
  /** One is being made or restored. */
  | 'BUSY'
  /** What belongs into it is not known yet. */
  | 'OFF';

/** A backup that cannot be made or restored. The sentence is for a person. */
export class BackupError extends CodedError<BackupErrorCode> {
  override readonly name = 'BackupError';
}
