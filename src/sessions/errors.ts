import { CodedError, isExpected } from '#core/errors.ts';

export type SessionErrorCode =
  /** No session has this id. */
  | 'NOT_FOUND'
  /** It would have to be ended first. */
  | 'STILL_OPEN'
  /** It has ended already. */
  | 'ENDED'
  /** A limit is reached. */
  | 'TOO_MANY'
  /** A text or list is longer than there is room for. */
  | 'INVALID';

/** What was asked of a session cannot be done. The sentence is for a person. */
export class SessionError extends CodedError<SessionErrorCode> {
  override readonly name = 'SessionError';
}

/** An expected failure as it is. Everything else is a bug and is thrown on. */
export function expected(error: unknown): Error {
  if (isExpected(error)) return error;
  throw error;
}
