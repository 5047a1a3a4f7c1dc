import type { Instant } from '#core/alert.ts';
import type { Session } from '#core/session.ts';
import type { SessionPage, SessionQuery } from '../sessions/listing.ts';
import { StoreError } from '../store/errors.ts';
import { Problem } from './problem.ts';
import type { Caller } from './route.ts';

/** What is somebody's own: a student sees that and nothing else. */

export type Owner = Pick<Caller, 'scope' | 'user'>;

/** Sessions that are asked for at a time. */
const LIST_SESSIONS = 1_000;

/** Whether somebody may see a session. One that is nobody's is not their own. */
export function isOwn({ scope, user }: Owner, session: Session): boolean {
  return scope === 'all' || (user !== undefined && session.owner === user.id);
}

/** @throws Problem 404, as for one that is not there: of what is another's nothing is told */
export function checkOwn(caller: Owner, session: Session): void {
  if (!isOwn(caller, session)) throw new Problem(404, `There is no session ${session.id}.`);
}

/** As `checkOwn`, of the session with an id. @throws SessionError NOT_FOUND, StoreError OFF */
export function checkOwnId(
  caller: Owner,
  reading: { sessions(): { get(id: number): Session } },
  id: number,
): void {
  if (caller.scope !== 'all') checkOwn(caller, reading.sessions().get(id));
}

/** Which sessions a list has for somebody: the id of the account whose own they are, if it matters. */
export function ownerWanted({ scope, user }: Owner): string | undefined {
  // No account has the empty id.
  return scope === 'all' ? undefined : (user?.id ?? '');
}

/** Those that are open at this moment, oldest first; none while the store is not. */
export function openSessions(reading: {
  sessions(): { current(): readonly Session[] };
}): readonly Session[] {
  try {
    return reading.sessions().current();
  } catch (error) {
    if (error instanceof StoreError && error.code === 'OFF') return [];
    throw error;
  }
}

/** Something that was for a time; null where it still is. */
export interface Lasting {
  readonly startedAt: Instant;
  readonly endedAt: Instant | null;
}

/**
 * Tells of what lasted during a session that is somebody's own.
 *
 * @throws StoreError OFF
 */
export function ownTimes(
  caller: Owner,
  reading: { sessions(): { list(query: SessionQuery): SessionPage } },
): (one: Lasting) => boolean {
  if (caller.scope === 'all') return () => true;
  const spans = sessionsOf(caller.user?.id ?? '', reading).flatMap((session) => session.spans);
  return ({ startedAt, endedAt }) =>
    spans.some(({ epoch, from, to }) => {
      const end = { epoch, t: to ?? Number.POSITIVE_INFINITY };
      const isBefore = endedAt !== null && order(endedAt, { epoch, t: from }) < 0;
      return order(startedAt, end) < 0 && !isBefore;
    });
}

/** All sessions of an account. @throws StoreError OFF */
export function sessionsOf(
  owner: string,
  reading: { sessions(): { list(query: SessionQuery): SessionPage } },
): Session[] {
  const found: Session[] = [];
  let before: number | undefined;
  do {
    const { items, next } = reading.sessions().list({ owner, limit: LIST_SESSIONS, before });
    found.push(...items);
    before = next ?? undefined;
  } while (before !== undefined);
  return found;
}

/** A later start of the gateway is later than all of an earlier one. */
function order(a: Instant, b: Instant): number {
  return a.epoch - b.epoch || a.t - b.t;
}
