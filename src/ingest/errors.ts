import { CodedError, isExpected } from '#core/errors.ts';

/**
 * - INVALID: it fits its shape, and still makes no sense
 * - NO_CLOCK: times on a clock that nobody has tied to ours
 * - OTHER_EPOCH: times of another start of the gateway
 * - BEFORE_SESSION, IN_FUTURE: times at which the session was not, or is not yet; the first also for
 *   what was before the gateway was started again. It is no use to send these again
 * - ENDED: the session takes nothing any more
 * - OLD_SEQ: nobody knows any more whether it was stored
 * - TOO_MANY: a limit is reached
 * - KEY_REUSED: something else came under the same idempotency key
 * - BUSY: the store cannot take it now; to be sent again
 */
export type IngestErrorCode =
  | 'INVALID'
  | 'NO_CLOCK'
  | 'OTHER_EPOCH'
  | 'BEFORE_SESSION'
  | 'IN_FUTURE'
  | 'ENDED'
  | 'OLD_SEQ'
  | 'TOO_MANY'
  | 'KEY_REUSED'
  | 'BUSY';

/** What a client has sent is not taken, and nothing of it was. The sentence is for a person. */
export class IngestError extends CodedError<IngestErrorCode> {
  override readonly name = 'IngestError';
  /** JSON pointer, RFC 6901, of what in the message is wrong; empty where that is the whole. */
  readonly pointer: string;

  constructor(code: IngestErrorCode, message: string, options: ErrorOptions & At = {}) {
    super(code, message, options);
    this.pointer = options.pointer ?? '';
  }
}

/** What the store says, to somebody who is to send again; the error itself where that is of no use. */
export function busyOf(error: unknown): unknown {
  if (error instanceof IngestError || !isExpected(error)) return error;
  return new IngestError('BUSY', error.message, { cause: error });
}

interface At {
  readonly pointer?: string;
}
