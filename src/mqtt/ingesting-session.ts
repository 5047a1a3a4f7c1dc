import type { Scope, User } from '#core/account.ts';
import { CodedError } from '#core/errors.ts';
import type { Session } from '#core/session.ts';
import { scopeOf } from '../accounts/roles.ts';

/**
 * - NOT_ALLOWED: the role may not
 * - NO_SESSION: none of theirs is open
 * - WHICH_SESSION: several are, and it is not said which
 * - NOT_FOUND: there is none with this id, or it is another's, of which nothing is told
 */
export class SenderError extends CodedError<
  'NOT_ALLOWED' | 'NO_SESSION' | 'WHICH_SESSION' | 'NOT_FOUND'
> {
  override readonly name = 'SenderError';
}

/** Who sends something into a session. */
export interface Sender {
  /** Into which sessions; never `none`. */
  readonly scope: Scope;
  /** Id of the account. */
  readonly id: string;
}

/**
 * What somebody may send, as of now. A device by its certificate has no account whose session it could
 * be.
 *
 * @throws SenderError NOT_ALLOWED
 */
export function senderOf(who: User | 'device'): Sender {
  if (who === 'device') throw new SenderError('NOT_ALLOWED', 'a device has no session of its own');
  const scope = scopeOf(who.role, 'send');
  if (scope === 'none') throw new SenderError('NOT_ALLOWED', `the role ${who.role} may not send`);
  return { scope, id: who.id };
}

/**
 * The one open session that a sender means who names none: their own, and for who may send into all,
 * where they have none of their own, the only one there is.
 *
 * @param open those that are open
 * @throws SenderError NO_SESSION, WHICH_SESSION
 */
export function meantSession(open: readonly Session[], { scope, id }: Sender): Session {
  const own = open.filter(({ owner }) => owner === id);
  const candidates = own.length > 0 || scope !== 'all' ? own : open;
  const [session, ...others] = candidates;
  if (session === undefined) {
    const whose = scope === 'all' ? 'no session' : 'no session of yours';
    throw new SenderError('NO_SESSION', `${whose} is open`);
  }
  if (others.length === 0) return session;
  const ids = candidates.map((one) => one.id).join(', ');
  throw new SenderError('WHICH_SESSION', `sessions ${ids} are open: "session" has to say which`);
}

/** @throws SenderError NOT_FOUND for another's, as if it were not there */
export function checkTheirs(session: Session, { scope, id }: Sender): void {
  // As isOwn of http/own.ts: what is nobody's is nobody's own.
  if (scope === 'all' || session.owner === id) return;
  throw new SenderError('NOT_FOUND', `there is no session ${session.id}`);
}
