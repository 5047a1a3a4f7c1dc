/** Who asks in tests that have no socket, and so no token. */
import type { Role, User } from '#core/account.ts';
import { scopeOf } from '../../../src/accounts/roles.ts';
import { permissionOf } from '../../../src/http/authorise.ts';
import type { Access, Caller } from '../../../src/http/route.ts';
import { LOCAL } from '../../support/accounts.ts';

export function userOf(role: Role): User {
  const createdAt = '2026-11-22T00:00:00.000Z';
  const id = `id-of-${role}`.padEnd(16, '-');
  return { id, username: role, role, grants: [], enabled: true, createdAt };
}

/** For `dispatch`: everybody who asks has this role, and may do what it may. */
export function as(role: Role) {
  return async (access: Access): Promise<Caller> => {
    const isFree = access === 'open' || access === 'claimed';
    const scope = isFree ? 'all' : scopeOf(role, permissionOf(access));
    return { user: userOf(role), login: 'login', scope, remote: LOCAL };
  };
}

export const asAdmin = as('admin');
