import { expect, test, vi } from 'vitest';
import { ROUTES } from '../../../../src/http/routes/index.ts';
import { CODE, LAN, LOCAL, TLS } from '../../../support/account-world.ts';
import { startPeople } from './people.ts';

// Passwords take as long as they are to; more so where the computer has other things to do.
vi.setConfig({ testTimeout: 60_000 });

const WHO = { code: CODE, username: 'Boss', password: 'seven green kettles' };

test('before it is claimed a gateway answers nothing but what is open', async () => {
  const { ask } = await startPeople({ claimed: false });
  for (const { method, path, access } of ROUTES) {
    if (access === 'open') continue;
    const { status, body } = await ask(method, path, method === 'GET' ? undefined : {});
    expect(status, `${method} ${path}`).toBe(403);
    expect(body.detail).toContain('/api/v1/setup');
  }
  const open = ROUTES.filter(({ access }) => access === 'open').map(({ path }) => path);
  expect(open).toContain('/setup');
  // Nothing that is open tells of data: whoever adds one says so here.
  expect(
    open.filter((path) => !/^\/(setup|health|openapi|asyncapi|docs|trust)/.test(path)),
  ).toEqual([]);
});

test('whoever has the code makes the gateway theirs, once', async () => {
  const { ask, world } = await startPeople({ claimed: false });
  const reply = await ask('POST', '/setup', { ...WHO, code: CODE.toLowerCase() });
  expect(reply.status).toBe(201);
  expect(reply.body).toMatchObject({
    ...{ token_type: 'bearer', expires_in: 900, refresh_token: expect.any(String) },
    user: { username: 'boss', role: 'admin', enabled: true },
  });
  expect(world.claims).toBe(1);
  const token = reply.body.access_token;
  expect((await ask('GET', '/users', undefined, { token })).body.items).toHaveLength(1);
  expect((await ask('POST', '/setup', WHO)).status).toBe(409);
  expect(world.facts).toMatchObject([{ action: 'claim', who: 'boss', result: 'done' }]);
});

test('of two who claim at the same moment one does', async () => {
  const { ask, accounts } = await startPeople({ claimed: false });
  const both = await Promise.all([
    ask('POST', '/setup', WHO),
    ask('POST', '/setup', { ...WHO, username: 'other' }),
  ]);
  expect(both.map(({ status }) => status)).toEqual([201, 409]);
  expect(accounts.members.list()).toHaveLength(1);
});

test('wrong codes are slow, and the right one has to wait as well', async () => {
  const { ask, world } = await startPeople({ claimed: false });
  const wrong = { ...WHO, code: '0000-0000-0000-0000' };
  const statuses: (number | undefined)[] = [];
  for (let i = 0; i < 10; i++) statuses.push((await ask('POST', '/setup', wrong)).status);
  expect(statuses).toEqual([403, 403, 403, 403, 403, 429, 429, 429, 429, 429]);
  expect(await ask('POST', '/setup', WHO)).toMatchObject({
    ...{ status: 429, headers: { 'retry-after': '10' } },
  });
  await world.clock.advance(10_000);
  expect((await ask('POST', '/setup', WHO)).status).toBe(201);
});

test('a gateway is claimed on the spot: not from the Internet, nor long after its start', async () => {
  const { ask, world } = await startPeople({ claimed: false });
  const internet = { ...TLS, address: '203.0.113.7' };
  const far = await ask('POST', '/setup', WHO, { from: internet });
  expect([far.status, far.body.detail]).toEqual([
    403,
    'A gateway is claimed from a network of its own only.',
  ]);
  expect((await ask('POST', '/setup', WHO, { from: LAN })).status).toBe(403); // Without TLS.
  await world.clock.advance(15 * 60_000 + 1);
  expect((await ask('POST', '/setup', WHO, { from: TLS })).body.detail).toContain('15 min ago');
  expect((await ask('POST', '/setup', WHO, { from: LOCAL })).status).toBe(201);
});

test('what may be no account is no claim, and the code stays good', async () => {
  const { ask, accounts } = await startPeople({ claimed: false });
  const faultOf = async (change: object) => {
    const { status, body } = await ask('POST', '/setup', { ...WHO, ...change });
    return [status, body.errors?.[0]?.pointer];
  };
  expect(await faultOf({ password: 'password1234' })).toEqual([422, '/password']);
  expect(await faultOf({ username: 'no spaces' })).toEqual([422, '/username']);
  expect(await faultOf({ code: 5 })).toEqual([422, '/code']);
  expect(await faultOf({ code: 'AAAA-AAAA-AAAA-AAAA' })).toEqual([403, '/code']);
  expect(accounts.isClaimed()).toBe(false);
  expect((await ask('POST', '/setup', WHO)).status).toBe(201);
});

test('who tries codes does not keep out who has the right one', async () => {
  const { ask } = await startPeople({ claimed: false });
  const wrong = { ...WHO, code: '0000-0000-0000-0000' };
  const stranger = { ...TLS, address: '192.168.4.66' };
  while ((await ask('POST', '/setup', wrong, { from: stranger })).status !== 429);
  expect((await ask('POST', '/setup', WHO)).status).toBe(201);
});
