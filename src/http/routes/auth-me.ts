import * as v from 'valibot';
import type { Identity, Remote, Scope, User } from '#core/account.ts';
import type { AuditFact } from '../../accounts/audit.ts';
import type { Actor } from '../../accounts/members.ts';
import { PERMISSIONS, scopeOf } from '../../accounts/roles.ts';
import { SessionError } from '../../sessions/errors.ts';
import type { SessionPage, SessionQuery } from '../../sessions/listing.ts';
import { noCookie } from '../cookie.ts';
import { sessionsOf } from '../own.ts';
import { Headed, route } from '../route.ts';
import { askingOf } from './asking.ts';
import { actorOf, signedIn } from './auth-shape.ts';
import type { ExportsDeps } from './exports.ts';
import { answering } from './problems.ts';
import { Password, UserShape } from './users-shape.ts';

/** What the routes of one's own account need. */
export interface MeDeps {
  readonly accounts: {
    changePassword(
      who: Identity,
      change: { readonly before: string; readonly password: string },
      remote: Remote,
    ): Promise<User>;
    readonly members: {
      checkRemoval(id: string): void;
      remove(id: string, actor: Actor): Promise<User>;
    };
  };
  readonly reading: {
    /** @throws StoreError OFF */
    sessions(): { list(query: SessionQuery): SessionPage; remove(id: number): Promise<void> };
    /** @throws ReadingError TOO_SLOW */
    inTime<T>(change: Promise<T>): Promise<T>;
  };
  readonly audit: { note(fact: AuditFact): void };
  /** Undefined where no files are kept. */
  readonly exports?: Pick<NonNullable<ExportsDeps['exports']>, 'removeAll'> | undefined;
}

export const readMe = route({
  method: 'GET',
  path: '/auth/me',
  summary:
    'One’s own account, and for each permission whether it is of all, of one’s own, or none.',
  access: 'self',
  query: undefined,
  body: undefined,
  reply: v.object({
    ...UserShape.entries,
    permissions: v.record(v.string(), v.picklist(['all', 'own', 'none'])),
  }),
  handle: (_: unknown, { caller }) => {
    const { user } = signedIn(caller);
    return { ...user, permissions: permissionsOf(user) };
  },
});

export const changeMe = route({
  method: 'PATCH',
  path: '/auth/me',
  summary: 'Changes one’s own password. `before` is the one so far; all other log-ins end.',
  access: 'self',
  query: undefined,
  body: v.strictObject({ before: Password, password: Password }),
  reply: UserShape,
  problems: [429],
  handle: ({ accounts }: MeDeps, { body, caller }) =>
    answering(() => accounts.changePassword(signedIn(caller), body, caller.remote)),
});

export const deleteMe = route({
  method: 'DELETE',
  path: '/auth/me',
  summary:
    'Deletes one’s own account and one’s own sessions, with what was recorded in these and in no other. All of them have to have ended. The audit log keeps the name for as long as it keeps anything.',
  access: 'self',
  query: undefined,
  body: undefined,
  reply: v.void(),
  tells: { 'Set-Cookie': [204] },
  problems: [409],
  handle: ({ accounts, reading, audit, exports }: MeDeps, { caller }) =>
    answering(async () => {
      const { user } = signedIn(caller);
      const actor = actorOf(caller);
      // What can be refused comes before what cannot be taken back.
      accounts.members.checkRemoval(user.id);
      const own = sessionsOf(user.id, reading);
      const open = own.find(({ endedBy }) => endedBy === null);
      if (open) {
        throw new SessionError('STILL_OPEN', `session ${open.id} has not ended yet: end it first`);
      }
      // The account goes last: who is stopped half-way can go on.
      for (const { id } of own) await reading.inTime(reading.sessions().remove(id));
      const ids = new Set(own.map(({ id }) => id));
      await exports?.removeAll((job) => job.owner === user.id || ids.has(job.session));
      await accounts.members.remove(user.id, actor);
      const fact = { action: 'user.erase', ...askingOf(caller) };
      const details = { sessions: own.length };
      audit.note({ ...fact, target: user.username, result: 'done', details });
      return new Headed(noCookie(caller.remote.isSecure), undefined);
    }),
});

function permissionsOf({ role }: User): Record<string, Scope> {
  const names = Object.keys(PERMISSIONS) as (keyof typeof PERMISSIONS)[];
  return Object.fromEntries(names.map((name) => [name, scopeOf(role, name)]));
}
