import { CodedError } from '#core/errors.ts';

export type CanSendErrorCode =
  /** The bus was opened for listening only. */
  | 'LISTEN_ONLY'
  /** The frame is none that this gateway sends. */
  | 'NOT_PERMITTED'
  /** The bus has too many errors to be asked anything. */
  | 'BUS_BAD'
  /** The queue of the kernel or of the adapter is full: the bus takes nothing now. */
  | 'FULL';

/** A frame did not go out. The bus is as good as before. */
export class CanSendError extends CodedError<CanSendErrorCode> {
  override readonly name = 'CanSendError';
}
