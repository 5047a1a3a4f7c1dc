import { expect, test } from 'vitest';
import { ROLES } from '#core/account.ts';
import { AccountError } from '../../../src/accounts/errors.ts';
import { PERMISSIONS, type Permission } from '../../../src/accounts/roles.ts';
import { authorise, type Guard } from '../../../src/http/authorise.ts';
import { Problem } from '../../../src/http/problem.ts';
import type { Access } from '../../../src/http/route.ts';
import { testAccounts } from '../../support/accounts.ts';
import { request } from './fakes.ts';

const people = await testAccounts();
const UNCLAIMED: Guard = {
  isClaimed: () => false,
  authenticate: () => Promise.reject(new AccountError('BAD_TOKEN', 'there is none')),
};
const ALL = Object.keys(PERMISSIONS) as Permission[];

function ask(access: Access, authorization?: string, guard: Guard = people.accounts) {
  const headers = new Map(authorization === undefined ? [] : [['authorization', authorization]]);
  return authorise(guard, access, request('GET', '/api/streams', { headers }));
}

async function problemOf(asked: Promise<unknown>): Promise<Problem> {
  const error = await asked.then(
    () => 'it was allowed',
    (reason: unknown) => reason,
  );
  if (!(error instanceof Problem)) throw new Error(`expected a Problem, found ${error}`);
  return error;
}

test.each(ROLES)('%s may do what the table says, of what it says', async (role) => {
  const bearer = `Bearer ${await people.token(role)}`;
  for (const permission of ALL) {
    const scope = PERMISSIONS[permission][role];
    if (scope === 'none') {
      const { status, message } = await problemOf(ask(permission, bearer));
      expect([permission, status, message]).toEqual([
        permission,
        403,
        `The role ${role} may not do this.`,
      ]);
    } else {
      expect(await ask(permission, bearer)).toMatchObject({ user: people.user(role), scope });
    }
  }
});

test('who has no token is asked for one, as RFC 6750 has it', async () => {
  for (const permission of ALL) {
    expect(await problemOf(ask(permission))).toMatchObject({
      status: 401,
      headers: { 'www-authenticate': 'Bearer realm="vigil"' },
    });
  }
});

test.each(['Basic YWRtaW46YWRtaW4=', 'Bearer', 'Bearer ', 'Bearer a b', 'Bearer a,b', 'x'])(
  'a header that is no bearer token is refused: %j',
  async (header) => {
    expect((await problemOf(ask('see', header))).status).toBe(401);
  },
);

test('a token that is not good says so in the challenge, and no more', async () => {
  expect(await problemOf(ask('see', 'Bearer a.b.c'))).toMatchObject({
    status: 401,
    message: 'The access token is not valid, or no longer.',
    headers: { 'www-authenticate': 'Bearer realm="vigil", error="invalid_token"' },
  });
});

test('before it is claimed only what is open answers', async () => {
  expect(await ask('open', undefined, UNCLAIMED)).toMatchObject({ user: undefined });
  for (const access of ['claimed', ...ALL] as const) {
    expect(await problemOf(ask(access, 'Bearer a.b.c', UNCLAIMED))).toMatchObject({
      ...{ status: 403, members: { claimed: false } },
    });
  }
});

test('what is for everybody knows who asks, and lets nobody stumble over an old token', async () => {
  const bearer = `bearer ${await people.token('viewer')}`;
  for (const access of ['open', 'claimed'] as const) {
    expect(await ask(access)).toMatchObject({ user: undefined, login: '' });
    expect(await ask(access, bearer)).toMatchObject({ user: people.user('viewer'), scope: 'all' });
    expect(await ask(access, 'Bearer a.b.c')).toMatchObject({ user: undefined });
    expect(await ask(access, 'Basic x')).toMatchObject({ user: undefined });
  }
});

test('accounts that are not there yet are worth another try', async () => {
  const late: Guard = {
    isClaimed: () => true,
    authenticate: () => Promise.reject(new AccountError('OFF', 'not yet', 1)),
  };
  expect(await problemOf(ask('see', 'Bearer a.b.c', late))).toMatchObject({
    status: 503,
    headers: { 'retry-after': '1' },
  });
  const broken: Guard = { ...late, authenticate: () => Promise.reject(new TypeError('a bug')) };
  await expect(ask('see', 'Bearer a.b.c', broken)).rejects.toThrow(TypeError);
});
