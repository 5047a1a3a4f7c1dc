/** The monitor through a socket: all sessions, for those who may see them. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { logInAs } from '../../support/tokens.ts';
import { Listener, until } from './harness.ts';
import { openTown, type Person, type Town } from './people.ts';

let town: Town;

beforeAll(async () => {
  town = await openTown();
});

afterAll(() => town[Symbol.asyncDispose]());

function open(who: Person, path = '/ws/monitor'): Listener {
  logInAs(town.gateway.server.url, town.headersOf(who)['authorization']?.slice(7) ?? '');
  return new Listener(town.gateway, path);
}

test.each(['/ws/monitor', '/api/ws/monitor', '/api/v1/ws/monitor'])(
  '%s tells of sessions',
  async (path) => {
    const monitor = open('operator', path);
    await until(() => monitor.has('sessions'));
    expect(monitor.messages.map(({ type }) => type).slice(0, 3)).toEqual([
      ...['authenticated', 'hello', 'sessions'],
    ]);
    const before = monitor.messages.length;
    const body = { driver: 'Ada', consent: 'I agree' };
    const { body: session } = await town.ask('student', 'POST', '/sessions', body);
    const told = () =>
      monitor.messages.slice(before).findLast(({ type }) => type === 'sessions')?.['items'];
    await until(() => Array.isArray(told()) && JSON.stringify(told()) !== '[]');
    expect(told()).toEqual([
      expect.objectContaining({
        ...{ id: session.id, state: 'active', driver: 'Ada', clients: 0, alerts: 0 },
        owner: { id: town.idOf('student'), username: 'student' },
      }),
    ]);
    await town.ask('student', 'PATCH', `/sessions/${session.id}`, { state: 'ended' });
    await until(() => JSON.stringify(told()) === '[]');
    monitor.socket.close();
  },
);

test.each(['viewer', 'student'] as const)('a %s may not be there', async (who) => {
  const monitor = open(who);
  await until(() => monitor.closed !== undefined);
  expect(monitor.closed?.code).toBe(4403);
  expect(monitor.messages).toEqual([]);
});

test('who is not shown names gets pseudonyms', async () => {
  const body = { driver: 'Ada', consent: 'I agree' };
  const { body: session } = await town.ask('student', 'POST', '/sessions', body);
  const monitor = open('researcher');
  await until(() => monitor.has('sessions'));
  const text = JSON.stringify(monitor.messages);
  expect(text).not.toContain('Ada');
  expect(text).not.toContain('"student"');
  expect(text).toMatch(/"driver":"P-[0-9A-Z]{8}"/);
  monitor.socket.close();
  await town.ask('student', 'PATCH', `/sessions/${session.id}`, { state: 'ended' });
});
