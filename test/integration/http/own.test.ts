/** What each role gets to see of sessions, and that an id of another's is no way in. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SPEED } from '../reading/recorded.ts';
import { openTown, type Person, type Town } from './people.ts';

let town: Town;
/** Sessions of the two students, open. */
const own = new Map<Person, number>();

beforeAll(async () => {
  town = await openTown();
  for (const who of ['student', 'other student'] as const) {
    const notes = { consent: 'I agree', driver: who };
    const { body } = await town.ask('operator', 'POST', '/sessions', notes);
    // By themselves they could not both.
    await town.ask('operator', 'PATCH', `/sessions/${body.id}`, { owner: town.idOf(who) });
    own.set(who, body.id);
  }
});

afterAll(() => town[Symbol.asyncDispose]());

/** Of nobody: the drive that was recorded. */
const NOBODYS = '1';

/** Every address with the id of a session in it, and what is sent there. */
const WITH_IDS: readonly [method: string, path: string, body?: (id: number) => unknown][] = [
  ['GET', '/sessions/:id'],
  ['GET', '/sessions/:id/data?streams=obd.vehicle.speed'],
  ['GET', '/sessions/:id/events'],
  ['PATCH', '/sessions/:id', () => ({ tags: ['seen'] })],
  ['POST', '/export', (id) => ({ session: id, format: 'csv', streams: [SPEED.id] })],
  ['DELETE', '/sessions/:id'],
];

test.each(WITH_IDS)('%s %s of another is not there', async (method, path, body) => {
  for (const id of [own.get('other student') ?? 0, Number(NOBODYS)]) {
    const sent = body?.(id);
    const found = await town.ask('student', method, path.replace(':id', String(id)), sent);
    const missing = await town.ask('student', method, path.replace(':id', '9999'), body?.(9999));
    expect([found.status, missing.status]).toEqual([404, 404]);
    // Nothing tells the two apart but the id.
    expect(JSON.stringify(found.body)).toBe(
      JSON.stringify(missing.body).replaceAll('9999', String(id)),
    );
  }
  const mine = own.get('student') ?? 0;
  const reached = await town.ask(
    'student',
    method,
    path.replace(':id', String(mine)),
    body?.(mine),
  );
  expect(reached.status).not.toBe(404);
});

test('of those who see their own only, one records at a time', async () => {
  const start = (who: Person) => town.ask(who, 'POST', '/sessions', { consent: 'I agree' });
  expect(await start('student')).toMatchObject({
    status: 409,
    body: { detail: 'Somebody else is recording at this moment; wait until they have ended.' },
  });
  const { status, body } = await start('operator');
  expect(status).toBe(201);
  await town.ask('operator', 'PATCH', `/sessions/${body.id}`, { state: 'ended' });
  await town.ask('operator', 'DELETE', `/sessions/${body.id}`);
});

test('who knows a session or a list already is not told again', async () => {
  const id = own.get('other student');
  await town.ask('operator', 'PATCH', `/sessions/${id}`, { notes: 'before' });
  const known = async (etag: string): Promise<Response> => {
    const headers = town.headersOf('operator', { 'if-none-match': etag });
    return await fetch(`${town.gateway.server.url}/api/v1/sessions`, { headers });
  };
  const { headers } = await town.ask('operator', 'GET', '/sessions');
  const etag = headers.get('etag') ?? '';
  expect(etag).toMatch(/^W\/"[\w-]{22}"$/);
  const again = await known(etag);
  expect([again.status, await again.text(), again.headers.get('etag')]).toEqual([304, '', etag]);
  await town.ask('operator', 'PATCH', `/sessions/${id}`, { notes: 'after' });
  expect((await known(etag)).status).toBe(200);
});

test('lists have what is one’s own, and everything for the others', async () => {
  const idsFor = async (who: Person, path: string): Promise<number[]> => {
    const { body } = await town.ask(who, 'GET', path);
    return body.items.map(({ id }: { id: number }) => id);
  };
  const [mine, theirs] = [own.get('student'), own.get('other student')];
  expect(await idsFor('student', '/sessions')).toEqual([mine]);
  expect(await idsFor('student', '/sessions/current')).toEqual([mine]);
  expect(await idsFor('other student', '/sessions')).toEqual([theirs]);
  for (const who of ['viewer', 'operator', 'researcher', 'admin'] as const) {
    expect(await idsFor(who, '/sessions')).toEqual([theirs, mine, 1]);
    expect(await idsFor(who, '/sessions/current')).toEqual([mine, theirs]);
  }
});

test('recent data are those of an open session of one’s own', async () => {
  const path = `/sessions/current/recent?streams=${SPEED.id}`;
  expect((await town.ask('student', 'GET', path)).status).toBe(200);
  const { body } = await town.ask('admin', 'POST', '/sessions', {});
  await town.ask('admin', 'PATCH', `/sessions/${body.id}`, { owner: town.idOf('admin') });
  const all = await town.ask('student', 'GET', '/sessions/current');
  expect(all.body.items).toHaveLength(1);
  await town.ask('student', 'PATCH', `/sessions/${own.get('student')}`, { state: 'ended' });
  expect(await town.ask('student', 'GET', path)).toMatchObject({
    status: 404,
    body: { detail: 'No session of yours is open.' },
  });
  await town.ask('admin', 'PATCH', `/sessions/${body.id}`, { state: 'ended' });
});

test('a drive can be given to a student, by those who see all', async () => {
  const owner = town.idOf('student');
  const given = await town.ask('researcher', 'PATCH', '/sessions/1', { owner });
  expect(given.body.owner).toMatchObject({ id: owner, username: expect.stringMatching(/^P-/) });
  expect((await town.ask('admin', 'GET', '/sessions/1')).body.owner.username).toBe('student');
  expect((await town.ask('student', 'GET', '/sessions/1')).body.owner.username).toBe('student');
  const away = await town.ask('student', 'PATCH', '/sessions/1', { owner: null });
  expect(away.status).toBe(403);
  const nobody = await town.ask('admin', 'PATCH', '/sessions/1', { owner: 'no-such' });
  expect(nobody).toMatchObject({ status: 422, body: { errors: [{ pointer: '/owner' }] } });
  await town.ask('admin', 'PATCH', '/sessions/1', { owner: null });
  expect((await town.ask('student', 'GET', '/sessions/1')).status).toBe(404);
});

test.each<[Person, object, number]>([
  ['student', {}, 422],
  ['student', { consent: '  ' }, 422],
  ['student', { consent: null }, 422],
  ['operator', { study: 'fatigue' }, 422],
  ['operator', { study: 'fatigue', consent: 'I agree' }, 201],
  ['operator', {}, 201],
  ['viewer', { consent: 'I agree' }, 403],
])('%s starts a session with %j: %i', async (who, body, status) => {
  const started = await town.ask(who, 'POST', '/sessions', body);
  expect(started.status).toBe(status);
  if (status === 422) expect(started.body.errors[0].pointer).toBe('/consent');
  if (status !== 201) return;
  expect(started.body.owner.id).toBe(town.idOf(who));
  await town.ask(who, 'PATCH', `/sessions/${started.body.id}`, { state: 'ended' });
});

test('alerts are those of one’s own sessions', async () => {
  expect((await town.ask('student', 'GET', '/alerts/history')).body.items).toEqual([]);
  expect((await town.ask('student', 'GET', '/alerts/active')).body.items).toEqual([]);
});

test('a body that is a list is told to be none', async () => {
  expect(await town.ask('admin', 'POST', '/export', [])).toMatchObject({
    status: 422,
    body: {
      detail: 'The body is wrong. Expected an object, found a list of 0.',
      errors: [{ pointer: '', message: 'Expected an object, found a list of 0.' }],
    },
  });
});
