import type { AccountError, AccountErrorCode } from '../../accounts/errors.ts';
import { unauthenticated } from '../authorise.ts';
import { Problem, sentence } from '../problem.ts';

/**
 * The statuses of what is refused about accounts, and what in the request it is about. A wrong password
 * is a 401 at every log-in, as clients of FastAPI's form expect it, where RFC 6749 clause 5.2 has 400.
 */
const ANSWERS: Readonly<Record<AccountErrorCode, readonly [status: number, pointer?: string]>> = {
  WRONG_LOGIN: [401],
  BAD_TOKEN: [401],
  NEEDS_TLS: [403],
  NOT_HERE: [403],
  CLOSED: [403, '/invite'],
  BAD_CODE: [403, '/code'],
  BAD_INVITE: [403, '/invite'],
  NOT_FOUND: [404],
  NAME_TAKEN: [409, '/username'],
  CLAIMED: [409],
  LAST_ADMIN: [409],
  TOO_MANY: [409],
  WRONG_PASSWORD: [422, '/before'],
  WEAK_PASSWORD: [422, '/password'],
  DAMAGED: [422],
  THROTTLED: [429],
  BUSY: [429],
  OFF: [503],
};

/** Where waiting helps, and nobody has said for how long. */
const RETRY_AFTER_S = 1;

export function accountProblem({ code, message, retryAfterS }: AccountError): Problem {
  const [status, pointer] = ANSWERS[code];
  const text = sentence(message);
  if (status === 401)
    return unauthenticated(text, code === 'BAD_TOKEN' ? 'invalid_token' : undefined);
  const faults = pointer === undefined ? [] : [{ pointer, message: text }];
  const waits = status === 429 || status === 503;
  const headers = waits ? { 'retry-after': String(retryAfterS || RETRY_AFTER_S) } : {};
  return new Problem(status, text, faults, headers);
}
