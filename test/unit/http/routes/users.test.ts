import { expect, test, vi } from 'vitest';
import type { Session } from '#core/session.ts';
import type { ExportJob } from '../../../../src/exporting/exports.ts';
import { idOf } from '../../../support/account-world.ts';
import { startPeople } from './people.ts';

// Passwords take as long as they are to; more so where the computer has other things to do.
vi.setConfig({ testTimeout: 60_000 });

async function startManaged() {
  const people = await startPeople();
  const token = await people.tokenOf('admin');
  const ask = (method: string, path: string, body?: unknown) =>
    people.ask(method, path, body, { token });
  return { ...people, token, manage: ask };
}

test('accounts are listed by name, page by page', async () => {
  const { manage } = await startManaged();
  const first = await manage('GET', '/users?limit=3');
  expect(first.body.next).toBe('researcher');
  expect(first.headers['link']).toBe('<?limit=3&cursor=researcher>; rel="next"');
  const second = await manage('GET', '/users?limit=3&cursor=researcher');
  expect(second.body.next).toBeNull();
  const names = [...first.body.items, ...second.body.items].map(({ username }) => username);
  expect(names).toEqual(['admin', 'operator', 'researcher', 'student', 'viewer']);
  expect(first.body.items[0]).toEqual({
    ...{ id: idOf('admin'), username: 'admin', role: 'admin', enabled: true, grants: [] },
    createdAt: '2026-11-22T00:00:00.000Z',
  });
});

test('an account is made, read, changed and deleted', async () => {
  const { manage, ask, world } = await startManaged();
  const made = await manage('POST', '/users', {
    ...{ username: 'Ada.L', password: 'eleven blue kettles', role: 'researcher' },
    grants: ['names'],
  });
  expect(made.status).toBe(201);
  const { id } = made.body;
  expect(made.headers['location']).toBe(`/api/v1/users/${id}`);
  expect(made.body).toMatchObject({ username: 'ada.l', grants: ['names'], enabled: true });
  expect((await manage('GET', `/users/${id}`)).body).toEqual(made.body);
  const change = { role: 'viewer', grants: [], password: 'twelve blue kettles' };
  expect((await manage('PATCH', `/users/${id}`, change)).body).toMatchObject({ role: 'viewer' });
  const login = { username: 'ada.l', password: 'twelve blue kettles' };
  expect((await ask('POST', '/auth/login', login)).status).toBe(200);
  expect((await manage('DELETE', `/users/${id}`)).status).toBe(204);
  for (const method of ['GET', 'PATCH', 'DELETE']) {
    const body = method === 'PATCH' ? {} : undefined;
    expect((await manage(method, `/users/${id}`, body)).status, method).toBe(404);
  }
  const told = world.facts.filter(({ who, action }) => who === 'admin' && action !== 'login');
  expect(told.map(({ action, target }) => [action, target])).toEqual([
    ['user.create', 'ada.l'],
    ['user.change', 'ada.l'],
    ['user.remove', 'ada.l'],
  ]);
  expect(JSON.stringify(world.facts)).not.toContain('kettles');
});

test('what may be no account is refused with the place', async () => {
  const { manage } = await startManaged();
  const good = { username: 'ada', password: 'eleven blue kettles', role: 'viewer' };
  const faultOf = async (change: object) => {
    const { status, body } = await manage('POST', '/users', { ...good, ...change });
    return [status, body.errors?.[0]?.pointer];
  };
  expect(await faultOf({ username: 'Viewer' })).toEqual([409, '/username']);
  for (const username of ['a', '.ada', 'ada-', 'a b', 'ä', 'a'.repeat(33), '', 'a\u0000b']) {
    expect(await faultOf({ username }), username).toEqual([422, '/username']);
  }
  expect(await faultOf({ password: 'short' })).toEqual([422, '/password']);
  expect(await faultOf({ role: 'boss' })).toEqual([422, '/role']);
  expect(await faultOf({ grants: ['all'] })).toEqual([422, '/grants/0']);
  expect(await faultOf({ enabled: true })).toEqual([422, '/enabled']);
});

test('somebody who manages is left, whatever is asked', async () => {
  const { manage, ask, tokenOf, accounts } = await startManaged();
  const own = `/users/${idOf('admin')}`;
  const changes = [{ role: 'viewer' }, { enabled: false }];
  for (const change of changes) expect((await manage('PATCH', own, change)).status).toBe(409);
  expect((await manage('DELETE', own)).status).toBe(409);
  expect((await manage('DELETE', '/auth/me')).status).toBe(409);
  // Of two who manage, and who go at the same moment, one stays.
  await manage('PATCH', `/users/${idOf('operator')}`, { role: 'admin' });
  const other = await tokenOf('operator');
  const gone = await Promise.all([
    manage('DELETE', own),
    ask('DELETE', `/users/${idOf('operator')}`, undefined, { token: other }),
  ]);
  expect(gone.map(({ status }) => status).sort()).toEqual([204, 409]);
  expect(accounts.members.list().filter(({ role }) => role === 'admin')).toHaveLength(1);
});

test('nobody else sees or changes accounts', async () => {
  const { ask, tokenOf } = await startManaged();
  for (const name of ['viewer', 'operator', 'researcher', 'student'] as const) {
    const token = await tokenOf(name);
    const own = `/users/${idOf(name)}`;
    expect((await ask('GET', '/users', undefined, { token })).status, name).toBe(403);
    expect((await ask('PATCH', own, { role: 'admin' }, { token })).status, name).toBe(403);
    expect((await ask('POST', '/invites', {}, { token })).status, name).toBe(403);
    expect((await ask('GET', '/audit', undefined, { token })).status, name).toBe(403);
  }
});

const session = (id: number, owner: string | null, endedBy: Session['endedBy']): Session => ({
  ...{ id, startedBy: 'manual', endedBy, owner, driver: null, vehicle: null, study: null },
  ...{ tags: [], notes: '', consent: null, pinned: false, spans: [], stats: null },
});

function jobOf(of: Pick<ExportJob, 'owner' | 'session'>): ExportJob {
  const file = { fileName: 'a.csv', mime: 'text/csv', error: '' };
  return { id: 'x', names: true, state: 'done', bytes: 1, progress: 1, ...file, ...of };
}

test('a student takes all of their data along, and nothing of others', async () => {
  const own = idOf('student');
  const kept = new Map(
    [session(1, own, 'manual'), session(2, null, 'ignition'), session(3, own, null)].map((one) => [
      one.id,
      one,
    ]),
  );
  const removed: number[] = [];
  const sessions = {
    list: ({ owner }: { owner: string }) => ({
      items: [...kept.values()].filter((one) => one.owner === owner),
      next: null,
    }),
    remove: async (id: number) => {
      removed.push(id);
      kept.delete(id);
    },
  };
  const reading = { sessions: () => sessions as never, inTime: <T>(change: Promise<T>) => change };
  const jobs = [
    ...[jobOf({ owner: own, session: 9 }), jobOf({ owner: 'another', session: 3 })],
    jobOf({ owner: 'another', session: 2 }),
  ];
  let goes: readonly ExportJob[] = [];
  const exports = {
    removeAll: async (isOf: (job: ExportJob) => boolean) => {
      goes = jobs.filter(isOf);
    },
  };
  const { ask, tokenOf, world, accounts } = await startPeople({ reading, exports });
  const token = await tokenOf('student');
  const open = await ask('DELETE', '/auth/me', undefined, { token });
  expect([open.status, open.body.detail]).toEqual([
    409,
    'Session 3 has not ended yet: end it first.',
  ]);
  expect(removed).toEqual([]);
  kept.set(3, session(3, own, 'manual'));
  const gone = await ask('DELETE', '/auth/me', undefined, { token });
  expect(gone).toMatchObject({ status: 204, headers: { 'set-cookie': expect.any(String) } });
  expect(removed).toEqual([1, 3]);
  expect(goes).toEqual(jobs.slice(0, 2));
  expect(accounts.members.find(own)).toBeUndefined();
  expect((await ask('GET', '/auth/me', undefined, { token })).status).toBe(401);
  expect(world.facts.at(-1)).toMatchObject({ action: 'user.erase', details: { sessions: 2 } });
});

test('a disk that refuses is told, and nothing has changed', async () => {
  const { manage, world } = await startManaged();
  world.failure = Object.assign(new Error('EIO: i/o error, write'), { code: 'EIO', errno: -5 });
  const change = { enabled: false };
  const reply = await manage('PATCH', `/users/${idOf('viewer')}`, change);
  expect(reply).toMatchObject({ status: 503, headers: { 'retry-after': '5' } });
  expect(reply.body.detail).toBe('The accounts cannot be written: EIO: i/o error, write.');
  expect((await manage('GET', `/users/${idOf('viewer')}`)).body.enabled).toBe(true);
  world.failure = undefined;
  expect((await manage('PATCH', `/users/${idOf('viewer')}`, change)).status).toBe(200);
});

test('who deletes a session is found in the audit log, and its files are gone', async () => {
  const removed: number[] = [];
  const sessions = { remove: async (id: number) => void removed.push(id) };
  const reading = { sessions: () => sessions as never };
  let isOf: ((job: ExportJob) => boolean) | undefined;
  const exports = {
    removeAll: async (wanted: (job: ExportJob) => boolean) => {
      isOf = wanted;
    },
  };
  const { ask, tokenOf, world } = await startPeople({ reading, exports });
  const token = await tokenOf('operator');
  expect((await ask('DELETE', '/sessions/7', undefined, { token })).status).toBe(204);
  expect(removed).toEqual([7]);
  expect(world.facts.at(-1)).toMatchObject({
    ...{ action: 'session.delete', who: 'operator', target: '7', result: 'done' },
  });
  const job = jobOf({ owner: 'another', session: 7 });
  expect([isOf?.(job), isOf?.({ ...job, session: 8 })]).toEqual([true, false]);
});
