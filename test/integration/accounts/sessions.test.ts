/** Logging in and out over sockets, as browsers and OAuth clients do it. */
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Accounts } from '../../../src/accounts/accounts.ts';
import { AccountWorld, idOf, LOCAL, PASSWORD } from '../../support/account-world.ts';
import { type Gateway, start } from '../http/harness.ts';

/** What has ended is closed by then. */
const CUT_MS_MAX = 1_000;

let accounts: Accounts;
let gateway: Gateway;

beforeAll(async () => {
  accounts = await new AccountWorld().startClaimed();
  gateway = await start([], { accounts });
});

afterAll(() => gateway[Symbol.asyncDispose]());

function post(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`${gateway.server.url}${path}`, { method: 'POST', ...init });
}

const me = (token: string) =>
  fetch(`${gateway.server.url}/api/auth/me`, { headers: { authorization: `Bearer ${token}` } });

test('an OAuth client logs in with a form, and refreshes with one', async () => {
  const form = { grant_type: 'password', username: 'viewer', password: PASSWORD, scope: '' };
  const reply = await post('/api/auth/token', { body: new URLSearchParams(form) });
  expect([reply.status, reply.headers.get('cache-control')]).toEqual([200, 'no-store']);
  const { access_token, refresh_token } = await reply.json();
  expect((await me(access_token)).status).toBe(200);
  const next = await post('/api/v1/auth/refresh', {
    body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token }),
  });
  expect(next.status).toBe(200);
  const wrong = await post('/api/auth/token', {
    body: new URLSearchParams({ ...form, password: 'wrong as it is' }),
  });
  expect([wrong.status, wrong.statusText]).toEqual([401, 'Unauthorized']);
  expect(wrong.headers.get('www-authenticate')).toBe('Bearer realm="vigil"');
  expect(await wrong.json()).toMatchObject({ title: 'Unauthorized', error: 'invalid_grant' });
});

test('a browser keeps its refresh token in a cookie, which another page cannot use', async () => {
  const headers = { 'content-type': 'application/json', origin: gateway.server.url };
  const body = JSON.stringify({ username: 'admin', password: PASSWORD, refresh: 'cookie' });
  const reply = await post('/api/v1/auth/login', { headers, body });
  const [cookie = ''] = (reply.headers.get('set-cookie') ?? '').split(';');
  expect(cookie).toMatch(/^vigil_refresh=[\w.-]{60}$/);
  expect(await reply.json()).not.toHaveProperty('refresh_token');
  const evil = { cookie, origin: 'https://evil.example' };
  expect((await post('/api/v1/auth/refresh', { headers: evil })).status).toBe(403);
  expect((await post('/api/v1/auth/refresh', { headers: { cookie } })).status).toBe(401);
  const own = { cookie, origin: gateway.server.url };
  const next = await post('/api/v1/auth/refresh', { headers: own });
  expect(next.status).toBe(200);
  const { access_token } = await next.json();
  const [newer = ''] = (next.headers.get('set-cookie') ?? '').split(';');
  const out = await post('/api/auth/logout', { headers: { ...own, cookie: newer } });
  expect([out.status, out.headers.get('set-cookie')]).toEqual([
    204,
    expect.stringContaining('vigil_refresh=; Path=/api; Max-Age=0'),
  ]);
  expect((await me(access_token)).status).toBe(401);
});

test('logging out, another role and being disabled close what was open, at once', async () => {
  const boss = { who: 'admin', remote: LOCAL };
  const ways = [
    (login: string) => accounts.endLogin(accounts.members.get(idOf('operator')), login, LOCAL),
    () => accounts.members.change(idOf('operator'), { role: 'viewer' }, boss),
    () => accounts.members.change(idOf('operator'), { enabled: false }, boss),
  ];
  for (const end of ways) {
    const { token } = await accounts.logins.begin(idOf('operator'), 'test');
    const granted = await accounts.refresh(token, { remote: LOCAL, client: 'test' });
    const socket = new WebSocket(`${gateway.server.url.replace('http', 'ws')}/ws/telemetry`);
    await once(socket, 'open');
    socket.send(JSON.stringify({ type: 'auth', access_token: granted.accessToken }));
    await once(socket, 'message');
    const closed = once(socket, 'close');
    const began = performance.now();
    await end(granted.login);
    const [{ code }] = await closed;
    expect(code).toBe(4401);
    expect(performance.now() - began).toBeLessThan(CUT_MS_MAX);
  }
});
