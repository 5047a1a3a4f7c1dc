import { beforeEach, expect, test, vi } from 'vitest';
import type { Remote, Role } from '#core/account.ts';
import type { Accounts } from '../../../src/accounts/accounts.ts';
import { LOGINS_MAX } from '../../../src/accounts/logins.ts';
import { MqttDoorman } from '../../../src/gateway/mqtt-doorman.ts';
import type { Arrival, Guest } from '../../../src/mqtt/doorman.ts';
import { MqttRefusal } from '../../../src/mqtt/doorman.ts';
import { AccountWorld, idOf, LAN, LOCAL, PASSWORD, TLS } from '../../support/account-world.ts';
import { settle } from '../../support/fake-clock.ts';

// Passwords take as long as they are to; more so where the computer has other things to do.
vi.setConfig({ testTimeout: 60_000 });

const BOSS = { who: 'admin', remote: LOCAL };
const TOKEN_MS = 15 * 60_000;

let world: AccountWorld;
let accounts: Accounts;
let doorman: MqttDoorman;

beforeEach(async () => {
  world = new AccountWorld();
  accounts = await world.startClaimed();
  doorman = new MqttDoorman({ accounts, clock: world.clock });
});

function arrival(changes: Omit<Partial<Arrival>, 'password'> & { password?: string }): Arrival {
  const { password = PASSWORD, ...rest } = changes;
  return {
    clientId: 'phone',
    username: 'viewer',
    remote: TLS,
    certificate: undefined,
    ...rest,
    password: Buffer.from(password),
  };
}

const admit = (changes: Parameters<typeof arrival>[0] = {}): Promise<Guest> =>
  doorman.admit(arrival(changes));

async function codeOf(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => '',
    (error: unknown) => (error instanceof MqttRefusal ? error.code : String(error)),
  );
}

/** An access token of a log-in of somebody with the role. */
async function tokenOf(role: Role, remote: Remote = TLS) {
  const { token } = await accounts.logins.begin(idOf(role), 'test');
  return await accounts.refresh(token, { remote, client: 'test' });
}

/** What a guest is told of their end. */
function endOf(guest: Guest): { readonly reasons: string[]; readonly stop: () => void } {
  const reasons: string[] = [];
  return { reasons, stop: guest.onEnd((reason) => void reasons.push(reason)) };
}

test('a name and its password open, and one log-in is listed however often the client comes', async () => {
  const first = await admit();
  const { user, name, login } = first;
  expect([user?.role, name]).toEqual(['viewer', 'viewer']);
  expect(first.current()).toEqual(user);
  const again = await admit({ username: 'Viewer' });
  expect(again.login).toBe(login);
  const other = await admit({ clientId: 'tablet' });
  expect(other.login).not.toBe(login);
  const listed = accounts.logins.views(idOf('viewer')).map(({ client }) => client);
  expect(listed.toSorted()).toEqual(['MQTT client phone', 'MQTT client tablet']);
});

test('what is wrong with them is told as what MQTT has for it', async () => {
  expect(await codeOf(admit({ password: 'something else' }))).toBe('BAD_CREDENTIALS');
  expect(await codeOf(admit({ username: 'nobody' }))).toBe('BAD_CREDENTIALS');
  expect(await codeOf(admit({ username: '' }))).toBe('BAD_CREDENTIALS');
  expect(await codeOf(admit({ password: '' }))).toBe('BAD_CREDENTIALS');
  expect(await codeOf(admit({ password: `${PASSWORD}\0` }))).toBe('BAD_CREDENTIALS');
  expect(await codeOf(doorman.admit({ ...arrival({}), username: undefined }))).toBe(
    'NOT_AUTHORISED',
  );
  expect(await codeOf(doorman.admit({ ...arrival({}), password: undefined }))).toBe(
    'NOT_AUTHORISED',
  );
  await accounts.members.change(idOf('student'), { enabled: false }, BOSS);
  expect(await codeOf(admit({ username: 'student' }))).toBe('BAD_CREDENTIALS');
  accounts.shut('the accounts cannot be read');
  expect(await codeOf(admit())).toBe('UNAVAILABLE');
});

test('who opens more than looking comes over TLS or from the gateway itself', async () => {
  for (const username of ['operator', 'researcher', 'admin'] as const) {
    expect(await codeOf(admit({ username, remote: LAN })), username).toBe('NOT_AUTHORISED');
    const { accessToken: password } = await tokenOf(username);
    const byToken = { username: 'token', password, remote: LAN };
    expect(await codeOf(admit(byToken)), username).toBe('NOT_AUTHORISED');
    expect(await codeOf(admit({ ...byToken, remote: LOCAL })), username).toBe('');
  }
  expect((await admit({ username: 'admin', remote: LOCAL })).user?.role).toBe('admin');
  expect((await admit({ username: 'admin', remote: TLS })).user?.role).toBe('admin');
  expect((await admit({ remote: LAN })).user?.role).toBe('viewer');
});

test('guesses are throttled as everywhere, whatever way they come', async () => {
  for (let i = 0; i < 5; i++) {
    expect(await codeOf(admit({ password: 'wrong, and long enough' }))).toBe('BAD_CREDENTIALS');
  }
  expect(await codeOf(admit())).toBe('UNAVAILABLE');
  await expect(
    accounts.login({ username: 'viewer', password: PASSWORD }, { remote: TLS, client: 'web' }),
  ).rejects.toMatchObject({ code: 'THROTTLED' });
});

test('the audit log has each client once a minute, and who was refused', async () => {
  await admit();
  await admit();
  expect(world.facts).toEqual([
    {
      ...{ action: 'login', who: 'viewer', from: TLS.address, target: '', result: 'done' },
      details: { client: 'phone' },
    },
  ]);
  await admit({ clientId: 'tablet' });
  expect(world.facts).toHaveLength(2);
  for (let i = 0; i < 2; i++) await codeOf(admit({ password: 'wrong, and long enough' }));
  expect(world.facts.map(({ result }) => result)).toEqual(['done', 'done', 'refused']);
  await world.clock.advance(60_000);
  await admit();
  expect(world.facts).toHaveLength(4);
});

test('a token opens for as long as it is good, and under no other name', async () => {
  const { accessToken: password, login } = await tokenOf('student');
  for (const username of ['token', 'student', 'STUDENT']) {
    expect((await admit({ username, password })).login).toBe(login);
  }
  expect(await codeOf(admit({ username: 'viewer', password }))).toBe('BAD_CREDENTIALS');
  expect(await codeOf(admit({ username: 'token', password: `${password}x` }))).toBe(
    'BAD_CREDENTIALS',
  );
  const guest = await admit({ username: 'token', password });
  const end = endOf(guest);
  await world.clock.advance(TOKEN_MS - 1);
  expect([end.reasons, guest.current()?.constructor]).toEqual([[], Object]);
  await world.clock.advance(1);
  expect(end.reasons).toEqual(['the access token has ended']);
  expect(guest.current()).toBeUndefined();
  expect(await codeOf(admit({ username: 'token', password }))).toBe('BAD_CREDENTIALS');
  expect(world.clock.sleepers).toBe(0);
});

test('no password is taken for a token, and a token for no password', async () => {
  const { accessToken } = await tokenOf('viewer');
  expect(accessToken.length).toBeGreaterThan(72);
  const password = 'looks.like.atoken';
  await accounts.members.change(idOf('viewer'), { password }, BOSS);
  expect(await codeOf(admit({ password }))).toBe('');
});

test('whatever ends a log-in ends its guests at once', async () => {
  const id = idOf('viewer');
  const ways: Readonly<Record<string, (login: string) => Promise<unknown>>> = {
    'logging out': (login) => accounts.endLogin(accounts.members.get(id), login, LAN),
    'another role': () => accounts.members.change(id, { role: 'student' }, BOSS),
    'being disabled': () => accounts.members.change(id, { enabled: false }, BOSS),
  };
  for (const [what, way] of Object.entries(ways)) {
    const guest = await admit();
    const end = endOf(guest);
    const { login } = guest;
    await way(login);
    expect(end.reasons, what).toEqual(['the log-in has ended']);
    expect(guest.current(), what).toBeUndefined();
    expect(endOf(guest).reasons, what).toEqual(['the log-in has ended']);
  }
});

test('the log-in of a token ends its guests too, and one that has left hears nothing', async () => {
  const { accessToken: password, login } = await tokenOf('viewer');
  const guest = await admit({ username: 'token', password });
  const [stays, leaves] = [endOf(guest), endOf(guest)];
  leaves.stop();
  await accounts.endLogin(accounts.members.get(idOf('viewer')), login, LAN);
  expect([stays.reasons.length, leaves.reasons.length]).toEqual([1, 0]);
  await settle();
  expect(world.clock.sleepers).toBe(0);
});

test('clients that are called differently each time displace each other, and no person', async () => {
  const { login: web } = await tokenOf('viewer');
  const connected = await admit({ clientId: 'stays' });
  endOf(connected);
  for (let i = 0; i < 15; i++) await admit({ clientId: `random-${i}` });
  const all = accounts.logins.views(idOf('viewer'));
  expect(all.length).toBeLessThan(LOGINS_MAX / 2);
  expect(all.map(({ id }) => id)).toEqual(expect.arrayContaining([web, connected.login]));
});

test('a certificate opens for the client that it is of, and for reading', async () => {
  const certified = { ...arrival({}), certificate: 'head-unit', username: undefined };
  expect(await codeOf(doorman.admit(certified))).toBe('BAD_CLIENT_ID');
  const guest = await doorman.admit({ ...certified, clientId: 'head-unit', password: undefined });
  expect([guest.user, guest.name, guest.login]).toEqual([undefined, 'head-unit', '']);
  expect(guest.current()).toBe('device');
  expect(endOf(guest).reasons).toEqual([]);
  const wrong = arrival({
    certificate: 'head-unit',
    clientId: 'head-unit',
    password: 'wrong one, long',
  });
  expect(await codeOf(doorman.admit(wrong))).toBe('BAD_CREDENTIALS');
});

test('clients of two accounts may be called the same, or nothing', async () => {
  for (const clientId of ['home-assistant', '']) {
    const guest = await admit({ clientId });
    const { stop } = endOf(guest);
    expect(await codeOf(admit({ clientId, username: 'student' })), clientId).toBe('');
    expect(await codeOf(admit({ clientId })), clientId).toBe('');
    expect(guest.current()).toBeDefined();
    stop();
  }
});

test('a log-in lasts while it is used', async () => {
  const { login } = await admit();
  for (let day = 0; day < 3; day++) {
    await world.clock.advance(6 * 86_400_000);
    await accounts.sweep();
    expect((await admit()).login).toBe(login);
  }
  await world.clock.advance(8 * 86_400_000);
  expect((await admit()).login).not.toBe(login);
});
