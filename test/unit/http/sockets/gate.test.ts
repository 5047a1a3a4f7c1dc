import { expect, test } from 'vitest';
import type { Role, User } from '#core/account.ts';
import type { Accounts } from '../../../../src/accounts/accounts.ts';
import type { Permission } from '../../../../src/accounts/roles.ts';
import {
  type Doorkeeper,
  GateStats,
  type Guest,
  openGate,
} from '../../../../src/http/sockets/gate.ts';
import { LOCAL, testAccounts } from '../../../support/accounts.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { FakePeer, request } from '../fakes.ts';

const ADMIN = { who: 'admin', remote: LOCAL };

interface Options {
  readonly permission?: Permission;
  /** Of the upgrade. */
  readonly headers?: ReadonlyMap<string, string>;
}

/** A WebSocket at the gate, and what gets through it. */
async function arrive({ permission = 'see', headers }: Options = {}) {
  const clock = new FakeClock();
  const people = await testAccounts(clock);
  const peer = new FakePeer();
  const stats = new GateStats();
  const inside: unknown[] = [];
  let guest: Guest | undefined;
  let closes = 0;
  const head = request('GET', '/ws/telemetry', headers && { headers });
  let asked: Promise<unknown> = Promise.resolve();
  const doorkeeper: Doorkeeper = {
    onEnd: (listener) => people.accounts.onEnd(listener),
    identity: (login) => people.accounts.identity(login),
    authenticate: (token) => {
      const answer = people.accounts.authenticate(token);
      asked = answer.catch(() => {});
      return answer;
    },
  };
  /** What was asked of the accounts has been answered, and the answer taken. */
  const settled = async (): Promise<void> => {
    await asked;
    await new Promise(setImmediate);
  };
  const session = openGate(peer, head, {
    ...{ accounts: doorkeeper, clock, permission, stats },
    open: (_, admitted) => {
      guest = admitted;
      return {
        message: (data) => void inside.push(JSON.parse(new TextDecoder().decode(data))),
        drain: () => {},
        close: () => void closes++,
      };
    },
  });
  const send = (message: unknown): void =>
    session.message(new TextEncoder().encode(JSON.stringify(message)), false);
  const auth = async (role: Role, id?: number): Promise<void> => {
    send({ type: 'auth', id, access_token: await people.token(role) });
    await settled();
  };
  return {
    ...people,
    clock,
    peer,
    stats,
    session,
    inside,
    send,
    auth,
    guest: () => guest,
    settled,
    closes: () => closes,
  };
}

test('who says who they are gets in, and is known inside', async () => {
  const { peer, stats, auth, guest, user, send, inside } = await arrive();
  expect(stats).toMatchObject({ strangers: 1 });
  await auth('student', 7);
  expect(peer.messages()).toEqual([{ type: 'authenticated', id: 7 }]);
  expect(guest()).toMatchObject({ identity: { user: user('student') }, scope: 'own' });
  send({ type: 'ping' });
  expect(inside).toEqual([{ type: 'ping' }]);
  expect(stats).toMatchObject({ strangers: 0, turnedAway: 0 });
});

test('a token with the upgrade is as good as a message', async () => {
  const { token } = await testAccounts();
  const foreign = new Map([['authorization', `Bearer ${await token('viewer')}`]]);
  // Of another gateway: the same words, another key.
  const { peer, stats, settled } = await arrive({ headers: foreign });
  await settled();
  expect(peer.closed?.code).toBe(4401);
  expect(stats).toMatchObject({ strangers: 0, turnedAway: 1 });
});

test('who says nothing is closed after 5 s, and not before', async () => {
  const { clock, peer, stats } = await arrive();
  await clock.advance(4_999);
  expect(peer.closed).toBeUndefined();
  await clock.advance(1);
  expect(peer.closed).toEqual({ code: 4408, reason: 'no auth message in 5 s' });
  expect(stats).toMatchObject({ strangers: 0, turnedAway: 1 });
});

test.each([
  ['another message', { type: 'subscribe', streams: ['*'] }],
  ['no token', { type: 'auth' }],
  ['a token that is none', { type: 'auth', access_token: 'x' }],
  ['a token that is no text', { type: 'auth', access_token: 5 }],
  ['far too much', { type: 'auth', access_token: 'x'.repeat(5_000) }],
])('%s first ends it with 4401', async (_, message) => {
  const { peer, send, guest, settled } = await arrive();
  send(message);
  await settled();
  expect(peer.closed?.code).toBe(4401);
  expect(guest()).toBeUndefined();
});

test('while the accounts are not there a token is not called bad', async () => {
  const { accounts, peer, send, settled, token } = await arrive();
  const access_token = await token('viewer');
  accounts.shut('the disk fails');
  send({ type: 'auth', access_token });
  await settled();
  expect(peer.closed).toEqual({ code: 1013, reason: 'the disk fails' });
});

test('bytes that are no text end it as well', async () => {
  const { peer, session } = await arrive();
  session.message(Uint8Array.of(0xff, 0xfe), false);
  expect(peer.closed?.code).toBe(4401);
});

test('a role that may not be here is told so', async () => {
  const { peer, auth } = await arrive({ permission: 'monitor' });
  await auth('viewer');
  expect(peer.closed).toEqual({ code: 4403, reason: 'the role viewer may not be here' });
});

test('what comes behind the token waits for the answer, and not more than may', async () => {
  const first = await arrive();
  const access_token = await first.token('admin');
  first.send({ type: 'auth', access_token });
  first.send({ type: 'subscribe', id: 1 });
  first.send({ type: 'subscribe', id: 2 });
  expect(first.inside).toEqual([]);
  await first.settled();
  expect(first.inside).toEqual([
    { type: 'subscribe', id: 1 },
    { type: 'subscribe', id: 2 },
  ]);
  const second = await arrive();
  second.send({ type: 'auth', access_token: await second.token('admin') });
  for (let n = 0; n <= 16; n++) second.send({ n });
  expect(second.peer.closed?.code).toBe(4429);
  await second.settled();
  expect(second.guest()).toBeUndefined();
});

test('the end of the token is the end of the socket, but for who brings another in time', async () => {
  const stays = await arrive();
  await stays.auth('viewer');
  await stays.clock.advance(14 * 60_000);
  stays.guest()?.renew({ type: 'auth', id: 2, access_token: await stays.token('viewer') });
  await stays.settled();
  await stays.clock.advance(2 * 60_000);
  expect(stays.peer.closed).toBeUndefined();
  await stays.clock.advance(13 * 60_000);
  expect(stays.peer.closed).toEqual({ code: 4401, reason: 'the access token has ended' });
  expect(stays.stats).toMatchObject({ ended: 1 });
});

test('nobody becomes somebody else on the way', async () => {
  const { peer, auth, guest, token, settled } = await arrive();
  await auth('viewer');
  guest()?.renew({ type: 'auth', access_token: await token('admin') });
  await settled();
  expect(peer.closed).toEqual({ code: 4403, reason: 'this WebSocket is of another account' });
});

test.each([
  [
    'logging out',
    (accounts: Accounts, user: User, login: string): Promise<unknown> =>
      accounts.endLogin(user, login, LOCAL),
  ],
  [
    'another role',
    (accounts: Accounts, { id }: User): Promise<unknown> =>
      accounts.members.change(id, { role: 'viewer' }, ADMIN),
  ],
  [
    'being disabled',
    (accounts: Accounts, { id }: User): Promise<unknown> =>
      accounts.members.change(id, { enabled: false }, ADMIN),
  ],
])('%s ends the socket at once', async (_, what) => {
  const { accounts, peer, auth, guest, user, closes } = await arrive();
  await auth('operator');
  await what(accounts, user('operator'), guest()?.identity.login ?? '');
  expect(peer.closed).toEqual({ code: 4401, reason: 'the log-in has ended' });
  expect(closes()).toBe(1);
});

test('a client that goes while it is looked at leaves nothing behind', async () => {
  const { send, session, token, guest, stats, peer, settled } = await arrive();
  send({ type: 'auth', access_token: await token('admin') });
  session.close();
  session.close();
  await settled();
  expect(guest()).toBeUndefined();
  expect(stats).toMatchObject({ strangers: 0 });
  expect(peer.messages()).toEqual([]);
});

test('a log-in that ends between the answer of the accounts and the opening is not let in', async () => {
  const { accounts, token, peer, send, guest, settled, stats } = await arrive();
  const authenticate = accounts.authenticate.bind(accounts);
  accounts.authenticate = async (text) => {
    const answer = await authenticate(text);
    await accounts.logins.end(answer.login, 'logout');
    return answer;
  };
  send({ type: 'auth', access_token: await token('viewer') });
  await settled();
  expect(peer.closed).toEqual({ code: 4401, reason: 'the log-in has ended' });
  expect(guest()).toBeUndefined();
  expect(stats).toMatchObject({ strangers: 0, turnedAway: 1 });
});
