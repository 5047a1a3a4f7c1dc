import { CodedError } from '#core/errors.ts';

/** What may be refused about an account, and why. */
export type AccountErrorCode =
  /** No account has this name and password, or it may not log in. */
  | 'WRONG_LOGIN'
  /** The password so far that has to be told for another, and is another. */
  | 'WRONG_PASSWORD'
  /** Too many tries; `retryAfterS` says when the next may come. */
  | 'THROTTLED'
  /** As many passwords as may be are being checked. */
  | 'BUSY'
  /** A password that is too short, too long or too common. */
  | 'WEAK_PASSWORD'
  | 'NAME_TAKEN'
  | 'NOT_FOUND'
  /** It would leave nobody who can manage the gateway. */
  | 'LAST_ADMIN'
  /** Somebody has claimed the gateway already. */
  | 'CLAIMED'
  /** Not from there, or not any more: claiming. */
  | 'NOT_HERE'
  /** A password that opens more than looking, over a connection that others can read. */
  | 'NEEDS_TLS'
  /** Nobody may make an account for themselves here. */
  | 'CLOSED'
  /** The file of the accounts cannot be read. */
  | 'DAMAGED'
  /** A claim code that is not the one. */
  | 'BAD_CODE'
  /** An invite that is not, or no longer, one. */
  | 'BAD_INVITE'
  /** An access or refresh token that is not, or no longer, one. */
  | 'BAD_TOKEN'
  /** There are as many as there may be. */
  | 'TOO_MANY'
  /** It is not known yet, or cannot be kept at this moment. */
  | 'OFF';

/** An expected failure; the message is for people and never tells which of name and password was wrong. */
export class AccountError extends CodedError<AccountErrorCode> {
  override readonly name = 'AccountError';
  /** Seconds until another try makes sense; 0 where that does not depend on time. */
  readonly retryAfterS: number;

  constructor(code: AccountErrorCode, message: string, retryAfterS = 0, options?: ErrorOptions) {
    super(code, message, options);
    this.retryAfterS = retryAfterS;
  }
}
