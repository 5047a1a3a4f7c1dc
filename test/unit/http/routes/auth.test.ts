import * as v from 'valibot';
import { expect, test, vi } from 'vitest';
import { PERMISSIONS, scopeOf } from '../../../../src/accounts/roles.ts';
import { GrantedShape } from '../../../../src/http/routes/auth-shape.ts';
import { idOf, LAN, PASSWORD } from '../../../support/account-world.ts';
import { type Answer, startPeople } from './people.ts';

// Passwords take as long as they are to; more so where the computer has other things to do.
vi.setConfig({ testTimeout: 60_000 });

const FORM = `grant_type=password&username=admin&password=${PASSWORD.replaceAll(' ', '+')}&scope=&client_id=`;
const OWN_PAGE = { origin: 'https://vigil.local' };

const cookieOf = ({ headers }: Answer): string => headers['set-cookie']?.split(';')[0] ?? '';

test('whoever has the password gets tokens, by a form or JSON, under both names', async () => {
  const { ask } = await startPeople();
  const json = { username: 'ADMIN', password: PASSWORD };
  for (const path of ['/auth/token', '/auth/login', '/api/auth/token']) {
    for (const reply of [
      await ask('POST', path, json),
      await ask('POST', path, 0, { form: FORM }),
    ]) {
      expect(reply.status, path).toBe(200);
      expect(v.parse(GrantedShape, reply.body)).toEqual(reply.body);
      expect(reply.body).toMatchObject({ token_type: 'bearer', expires_in: 900 });
      expect(reply.body.user).toMatchObject({ id: idOf('admin'), role: 'admin', grants: [] });
      expect(reply.headers).not.toHaveProperty('set-cookie');
    }
  }
});

test('errors of the token route are those of OAuth and of problems alike', async () => {
  const { ask, world } = await startPeople();
  const errorOf = async (form: string) => {
    const { status, body, headers } = await ask('POST', '/auth/token', 0, { form });
    expect(headers['content-type']).toBe('application/problem+json');
    expect(body).toMatchObject({ status, detail: expect.stringMatching(/^[A-Z].*\.$/) });
    return [status, body.error];
  };
  expect(await errorOf('username=admin&password=wrong+as+it+is')).toEqual([401, 'invalid_grant']);
  expect(await errorOf('username=admin')).toEqual([400, 'invalid_request']);
  expect(await errorOf('username=admin&username=x&password=y')).toEqual([400, 'invalid_request']);
  expect(await errorOf(`${FORM}&colour=red`)).toEqual([400, 'invalid_request']);
  expect(await errorOf(FORM.replace('=password', '=magic'))).toEqual([
    ...[400, 'unsupported_grant_type'],
  ]);
  for (let i = 0; i < 4; i++) await errorOf('username=admin&password=wrong+as+it+is');
  expect(await errorOf(FORM)).toEqual([429, 'temporarily_unavailable']);
  await world.clock.advance(60_000);
  expect((await ask('POST', '/auth/token', 0, { form: FORM })).status).toBe(200);
});

test('a wrong login is one answer, whatever was wrong', async () => {
  const { ask, accounts } = await startPeople();
  await accounts.members.change(idOf('viewer'), { enabled: false }, { who: '', remote: LAN });
  const tries = [
    { username: 'nobody', password: PASSWORD },
    { username: 'admin', password: `${PASSWORD}!` },
    { username: 'viewer', password: PASSWORD },
  ];
  for (const body of tries) {
    const reply = await ask('POST', '/auth/login', body);
    expect(reply.status).toBe(401);
    expect(reply.headers['www-authenticate']).toBe('Bearer realm="vigil"');
    expect(reply.body.detail).toBe('No account has this name and this password.');
  }
});

test('tries that come too fast are told when the next may come', async () => {
  const { ask } = await startPeople({ quick: true });
  const wrong = { username: 'admin', password: 'wrong as it is' };
  for (let i = 0; i < 5; i++) expect((await ask('POST', '/auth/login', wrong)).status).toBe(401);
  const reply = await ask('POST', '/auth/login', wrong);
  expect(reply).toMatchObject({ status: 429, headers: { 'retry-after': '12' } });
  expect(reply.body.detail).toBe('Too many tries: come again in 12 s.');
});

test('who may do more than look logs in over TLS', async () => {
  const { ask } = await startPeople();
  const body = (username: string) => ({ username, password: PASSWORD });
  const { status, body: problem } = await ask('POST', '/auth/login', body('admin'), { from: LAN });
  expect([status, problem.detail]).toEqual([
    403,
    'An account with the role admin logs in over https, or on the gateway itself.',
  ]);
  expect((await ask('POST', '/auth/login', body('viewer'), { from: LAN })).status).toBe(200);
});

test('a refresh token gives the next one, and is of no use after that', async () => {
  const { ask, logIn, world } = await startPeople();
  const { refresh_token: first } = (await logIn('viewer')).body;
  const next = await ask('POST', '/auth/refresh', 0, {
    form: `grant_type=refresh_token&refresh_token=${first}`,
  });
  expect(next.status).toBe(200);
  const { refresh_token: second, access_token: token } = next.body;
  expect(second).not.toBe(first);
  await world.clock.advance(11_000);
  const reused = await ask('POST', '/auth/refresh', { refresh_token: first });
  expect(reused.status).toBe(401);
  expect(reused.body.error).toBe('invalid_grant');
  // It is stolen, by whoever: nobody has it any more.
  expect((await ask('POST', '/auth/refresh', { refresh_token: second })).status).toBe(401);
  expect((await ask('GET', '/auth/me', undefined, { token })).status).toBe(401);
  expect(world.facts.map(({ action }) => action)).toContain('token.reuse');
});

test('a refresh token in a cookie is not in the body, nor in the reach of a page', async () => {
  const { ask, logIn } = await startPeople();
  const reply = await logIn('admin', { refresh: 'cookie' });
  expect(reply.body).not.toHaveProperty('refresh_token');
  expect(reply.headers['set-cookie']).toMatch(
    /^vigil_refresh=[\w.-]{60}; Path=\/api; Max-Age=2592000; HttpOnly; SameSite=Strict; Secure$/,
  );
  const cookie = cookieOf(reply);
  const next = await ask('POST', '/auth/refresh', undefined, { headers: { ...OWN_PAGE, cookie } });
  expect(next.status).toBe(200);
  expect(next.body).not.toHaveProperty('refresh_token');
  expect(cookieOf(next)).not.toBe(cookie);
  const plain = await ask(
    'POST',
    '/auth/login',
    { username: 'viewer', password: PASSWORD, refresh: 'cookie' },
    { from: LAN },
  );
  expect(plain.headers['set-cookie']).not.toContain('Secure');
});

test('a cookie counts with a request of a page of our own only', async () => {
  const { ask, logIn } = await startPeople();
  const cookie = `a=b; ${cookieOf(await logIn('viewer', { refresh: 'cookie' }))}; c=d`;
  const refused = [
    {},
    { origin: 'https://evil.example' },
    { origin: 'https://vigil.local:8443' },
    { origin: 'null' },
    { origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'same-site' },
  ];
  for (const headers of refused) {
    const reply = await ask('POST', '/auth/refresh', undefined, {
      headers: { cookie, ...headers },
    });
    expect(reply.status, JSON.stringify(headers)).toBe(401);
  }
  const headers = { cookie, 'sec-fetch-site': 'same-origin' };
  expect((await ask('POST', '/auth/refresh', undefined, { headers })).status).toBe(200);
});

test('logging out ends the log-in of the cookie, of the body, or of the access token', async () => {
  const { ask, logIn } = await startPeople();
  const ways = [
    async (reply: Answer) => ({ headers: { ...OWN_PAGE, cookie: cookieOf(reply) } }),
    async (reply: Answer) => ({ token: reply.body.access_token }),
  ];
  for (const way of ways) {
    const reply = await logIn('admin', { refresh: 'cookie' });
    const out = await ask('POST', '/auth/logout', undefined, await way(reply));
    expect(out.status).toBe(204);
    expect(out.headers['set-cookie']).toContain('vigil_refresh=; Path=/api; Max-Age=0');
    const token = reply.body.access_token;
    expect((await ask('GET', '/auth/me', undefined, { token })).status).toBe(401);
  }
  const { body } = await logIn('viewer');
  const { refresh_token, access_token: token } = body;
  expect((await ask('POST', '/auth/logout', { refresh_token })).status).toBe(204);
  expect((await ask('GET', '/auth/me', undefined, { token })).status).toBe(401);
  expect((await ask('POST', '/auth/logout', { refresh_token })).status).toBe(204);
  expect((await ask('POST', '/auth/logout')).status).toBe(401);
});

test('whoever knows the name of a log-in does not end it without its token', async () => {
  const { ask, logIn } = await startPeople();
  const { refresh_token: good, access_token: token } = (await logIn('viewer')).body;
  const forged = `${good.split('.')[0]}.${'x'.repeat(43)}`;
  expect((await ask('POST', '/auth/logout', { refresh_token: forged })).status).toBe(204);
  expect((await ask('GET', '/auth/me', undefined, { token })).status).toBe(200);
});

test('everybody sees who they are and what they may', async () => {
  const { ask, tokenOf } = await startPeople();
  const token = await tokenOf('student');
  const { status, body } = await ask('GET', '/auth/me', undefined, { token });
  expect(status).toBe(200);
  expect(body).toMatchObject({ username: 'student', enabled: true });
  expect(body).not.toHaveProperty('password');
  for (const permission of Object.keys(PERMISSIONS) as (keyof typeof PERMISSIONS)[]) {
    expect(body.permissions[permission], permission).toBe(scopeOf('student', permission));
  }
});

test('one’s own password needs the one so far; other log-ins end', async () => {
  const { ask, logIn } = await startPeople();
  const other = (await logIn('viewer')).body.access_token;
  const token = (await logIn('viewer')).body.access_token;
  const change = (before: string, password: string) =>
    ask('PATCH', '/auth/me', { before, password }, { token });
  expect(await change('not what it is', 'eleven blue kettles')).toMatchObject({
    status: 422,
    body: { errors: [{ pointer: '/before' }] },
  });
  expect(await change(PASSWORD, 'short')).toMatchObject({
    status: 422,
    body: { errors: [{ pointer: '/password' }] },
  });
  expect((await change(PASSWORD, 'eleven blue kettles')).status).toBe(200);
  expect((await ask('GET', '/auth/me', undefined, { token })).status).toBe(200);
  expect((await ask('GET', '/auth/me', undefined, { token: other })).status).toBe(401);
  expect((await logIn('viewer')).status).toBe(401);
});

test('a stolen access token is no way to guess the password', async () => {
  const { ask, tokenOf } = await startPeople({ quick: true });
  const token = await tokenOf('viewer');
  const guess = () =>
    ask('PATCH', '/auth/me', { before: 'a guess of it', password: 'x' }, { token });
  const statuses: (number | undefined)[] = [];
  for (let i = 0; i < 6; i++) statuses.push((await guess()).status);
  expect(statuses).toEqual([422, 422, 422, 422, 422, 429]);
});

test('one sees where one is logged in, and ends it there, and nobody else does', async () => {
  const { ask, tokenOf } = await startPeople();
  const one = await tokenOf('viewer');
  const two = await tokenOf('viewer');
  const stranger = await tokenOf('student');
  const { body } = await ask('GET', '/auth/sessions', undefined, { token: one });
  expect(body.next).toBeNull();
  expect(body.items).toHaveLength(2);
  expect(body.items.filter((item: { current: boolean }) => item.current)).toHaveLength(1);
  expect(body.items[0]).toMatchObject({ client: 'test', madeAt: '2026-11-22T00:00:00.000Z' });
  const { id } = body.items.find((item: { current: boolean }) => !item.current);
  const end = (token: string) => ask('DELETE', `/auth/sessions/${id}`, undefined, { token });
  expect((await end(stranger)).status).toBe(404);
  expect((await ask('GET', '/auth/me', undefined, { token: two })).status).toBe(200);
  expect((await end(one)).status).toBe(204);
  expect((await ask('GET', '/auth/me', undefined, { token: two })).status).toBe(401);
  expect((await end(one)).status).toBe(404);
});
