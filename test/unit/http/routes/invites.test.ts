import { expect, test, vi } from 'vitest';
import { startPeople } from './people.ts';

// Passwords take as long as they are to; more so where the computer has other things to do.
vi.setConfig({ testTimeout: 60_000 });

const WEEK_S = 7 * 86_400;
const INVITES_MAX = 100;

async function startManaged() {
  const people = await startPeople();
  const admin = (await people.logIn('admin')).body;
  const refresh = async () => {
    const { refresh_token } = admin;
    Object.assign(admin, (await people.ask('POST', '/auth/refresh', { refresh_token })).body);
  };
  const manage = (method: string, path: string, body?: unknown) =>
    people.ask(method, path, body, { token: admin.access_token });
  const register = (body: object) =>
    people.ask('POST', '/auth/register', { password: 'eleven blue kettles', ...body });
  return { ...people, manage, register, refresh };
}

test('an invite lets one person make an account of their own, a student’s', async () => {
  const { manage, register, logIn, world } = await startManaged();
  const made = await manage('POST', '/invites', { note: 'Ada' });
  expect(made.status).toBe(201);
  const { code, ...shown } = made.body;
  expect(code).toMatch(/^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}$/);
  expect(shown).toMatchObject({ note: 'Ada', createdAt: '2026-11-22T00:00:00.000Z' });
  expect(shown.leftS).toBe(WEEK_S);
  expect((await manage('GET', '/invites')).body).toEqual({ items: [shown], next: null });
  const reply = await register({
    username: 'ada',
    invite: code.toLowerCase().replaceAll('-', ' '),
  });
  expect(reply.status).toBe(201);
  expect(reply.body).toMatchObject({ username: 'ada', role: 'student', grants: [] });
  expect((await logIn('ada', { password: 'eleven blue kettles' })).status).toBe(200);
  expect((await register({ username: 'bob', invite: code })).status).toBe(403);
  expect((await manage('GET', '/invites')).body.items).toEqual([]);
  expect(JSON.stringify([world.facts, world.texts])).not.toContain(code);
});

test('without an invite nobody registers here, and with a wrong one neither', async () => {
  const { register } = await startManaged();
  expect(await register({ username: 'ada' })).toMatchObject({
    ...{ status: 403, body: { errors: [{ pointer: '/invite' }] } },
  });
  const invite = 'AAAA-AAAA-AAAA-AAAA';
  expect(await register({ username: 'ada', invite })).toMatchObject({
    ...{ status: 403, body: { errors: [{ pointer: '/invite' }] } },
  });
});

test('an invite stays good where no account came of it', async () => {
  const { manage, register } = await startManaged();
  const { code } = (await manage('POST', '/invites')).body;
  expect((await register({ username: 'viewer', invite: code })).status).toBe(409);
  expect((await register({ username: 'ada', password: 'short', invite: code })).status).toBe(422);
  const both = await Promise.all([
    register({ username: 'ada', invite: code }),
    register({ username: 'bob', invite: code }),
  ]);
  expect(both.map(({ status }) => status)).toEqual([201, 403]);
});

test('an invite is taken back, and ends after a week', async () => {
  const { manage, register, refresh, world } = await startManaged();
  const first = (await manage('POST', '/invites')).body;
  const second = (await manage('POST', '/invites')).body;
  expect((await manage('DELETE', `/invites/${first.id}`)).status).toBe(204);
  expect((await manage('DELETE', `/invites/${first.id}`)).status).toBe(404);
  expect((await register({ username: 'ada', invite: first.code })).status).toBe(403);
  await world.clock.advance(WEEK_S * 1000 - 1000);
  await refresh();
  expect((await manage('GET', '/invites')).body.items).toMatchObject([{ leftS: 1 }]);
  await world.clock.advance(1000);
  expect((await manage('GET', '/invites')).body.items).toEqual([]);
  expect((await register({ username: 'ada', invite: second.code })).status).toBe(403);
});

test('there are only so many invites, and those that are over make room', async () => {
  const { manage, refresh, world } = await startManaged();
  for (let i = 0; i < INVITES_MAX; i++) await manage('POST', '/invites');
  expect((await manage('POST', '/invites')).status).toBe(409);
  await world.clock.advance((WEEK_S - 1) * 1000);
  await refresh();
  await world.clock.advance(1000);
  expect((await manage('POST', '/invites')).status).toBe(201);
  expect((await manage('GET', '/invites')).body.items).toHaveLength(1);
});
