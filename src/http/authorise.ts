import type { Identity, Remote, Scope } from '#core/account.ts';
import { AccountError } from '../accounts/errors.ts';
import { PERMISSIONS, type Permission, scopeOf } from '../accounts/roles.ts';
import type { RequestHead } from './message.ts';
import { Problem } from './problem.ts';
import type { Access, Caller, OrLocal } from './route.ts';

/** What is asked of the accounts: `Accounts` of accounts/accounts.ts has it. */
export interface Guard {
  /** Whether somebody has made the gateway theirs. */
  isClaimed(): boolean;
  /** @throws AccountError BAD_TOKEN, OFF */
  authenticate(accessToken: string): Promise<Identity>;
}

/** What a gateway that is nobody's says to everything but its claim; pages tell it by the member. */
class Unclaimed extends Problem {
  override readonly members = { claimed: false };

  constructor() {
    super(403, 'Nobody has claimed this gateway yet: POST /api/v1/setup does.');
  }
}

/** RFC 6750 clause 3. */
const CHALLENGE = 'Bearer realm="vigil"';
const BEARER = /^Bearer +([\w.~+/-]+=*)$/i;

/**
 * Who asks, where they may.
 *
 * @throws Problem 401 where nobody is logged in who would have to be, 403 where they may not
 */
export async function authorise(
  guard: Guard,
  access: Access,
  request: RequestHead,
): Promise<Caller> {
  const { remote } = request;
  if (access === 'open') return await visitor(guard, request);
  if (!guard.isClaimed()) {
    throw new Unclaimed();
  }
  if (access === 'claimed') return await visitor(guard, request);
  const token = bearerOf(request);
  if (token === undefined) {
    if (isOrLocal(access) && remote.isLocal) return anonymous(remote);
    throw unauthenticated('This needs an access token.');
  }
  const identity = await identityOf(guard, token);
  return caller(identity, remote, scopeFor(identity, permissionOf(access)));
}

/** The permission that everybody needs who is not free to ask; `manage` of `manage or local`. */
export function permissionOf(access: Permission | OrLocal): Permission {
  const name = access.replace(/ or local$/, '');
  if (!isPermission(name)) throw new TypeError(`no permission is called ${name}`);
  return name;
}

function isPermission(name: string): name is Permission {
  return Object.hasOwn(PERMISSIONS, name);
}

function isOrLocal(access: Access): access is OrLocal {
  return access.endsWith(' or local');
}

/** @throws Problem 403 */
function scopeFor({ user }: Identity, permission: Permission): Scope {
  const scope = scopeOf(user.role, permission);
  if (scope !== 'none') return scope;
  throw new Problem(403, `The role ${user.role} may not do this.`);
}

/** The token of RFC 6750 clause 2.1; undefined where there is none. */
export function bearerOf({ headers }: RequestHead): string | undefined {
  const header = headers.get('authorization');
  if (header === undefined) return undefined;
  const token = BEARER.exec(header)?.[1];
  if (token === undefined) throw unauthenticated('The Authorization header has no bearer token.');
  return token;
}

/** Who is welcome without an account; one that they have is told of where its token is good. */
async function visitor(guard: Guard, request: RequestHead): Promise<Caller> {
  const { remote } = request;
  const token = BEARER.exec(request.headers.get('authorization') ?? '')?.[1];
  if (token === undefined || !guard.isClaimed()) return anonymous(remote);
  try {
    return caller(await guard.authenticate(token), remote, 'all');
  } catch (error) {
    // An old token must keep nobody from logging in.
    if (error instanceof AccountError) return anonymous(remote);
    throw error;
  }
}

function anonymous(remote: Remote): Caller {
  return { user: undefined, login: '', scope: 'all', remote };
}

function caller({ user, login }: Identity, remote: Remote, scope: Scope): Caller {
  return { user, login, scope, remote };
}

async function identityOf(guard: Guard, token: string): Promise<Identity> {
  try {
    return await guard.authenticate(token);
  } catch (error) {
    if (!(error instanceof AccountError)) throw error;
    if (error.code === 'OFF') {
      throw new Problem(503, 'The accounts are not there yet.', [], { 'retry-after': '1' });
    }
    throw unauthenticated('The access token is not valid, or no longer.', 'invalid_token');
  }
}

/** @param error of RFC 6750 clause 3.1, where a token was there */
export function unauthenticated(detail: string, error?: string): Problem {
  const challenge = error === undefined ? CHALLENGE : `${CHALLENGE}, error="${error}"`;
  return new Problem(401, detail, [], { 'www-authenticate': challenge });
}
