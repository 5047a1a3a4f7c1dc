import { beforeEach, expect, test, vi } from 'vitest';
import type { User } from '#core/account.ts';
import { Ledger } from '#core/ledger.ts';
import { AccountFile } from '../../../src/accounts/account-file.ts';
import { Accounts } from '../../../src/accounts/accounts.ts';
import { Claim } from '../../../src/accounts/claim.ts';
import { AccountError } from '../../../src/accounts/errors.ts';
import type { Login } from '../../../src/accounts/logins.ts';
import { unkept } from '../../../src/alerts/unkept.ts';
import {
  AccountWorld,
  CODE,
  idOf,
  LAN,
  LOCAL,
  PASSWORD,
  TLS,
} from '../../support/account-world.ts';
import { settle } from '../../support/fake-clock.ts';

// Passwords take as long as they are to; more so where the computer has other things to do.
vi.setConfig({ testTimeout: 60_000 });

const VISIT = { remote: TLS, client: 'test' };
const BOSS = { who: 'admin', remote: LOCAL };

let world: AccountWorld;
let accounts: Accounts;

beforeEach(async () => {
  world = new AccountWorld();
  accounts = await world.startClaimed();
});

/** A log-in without its password, which takes a quarter of a second. */
async function logIn(role: User['role'], remote = TLS) {
  const { token } = await accounts.logins.begin(idOf(role), 'test');
  return await accounts.refresh(token, { ...VISIT, remote });
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => '',
    (error: unknown) => (error instanceof AccountError ? error.code : String(error)),
  );
}

test('whatever ends a log-in does so at once: its tokens and all that hears of it', async () => {
  const id = idOf('operator');
  const ways: Readonly<Record<string, (login: string) => Promise<unknown>>> = {
    'logging out': (login) => accounts.endLogin(accounts.members.get(id), login, LAN),
    'another role': () => accounts.members.change(id, { role: 'viewer' }, BOSS),
    'another grant': () => accounts.members.change(id, { grants: ['names'] }, BOSS),
    'another password': () => accounts.members.change(id, { password: 'eleven kettles.' }, BOSS),
    'being disabled': () => accounts.members.change(id, { enabled: false }, BOSS),
    'being removed': () => accounts.members.remove(id, BOSS),
  };
  for (const [what, end] of Object.entries(ways)) {
    if (accounts.members.get(id).enabled === false) {
      await accounts.members.change(id, { enabled: true }, BOSS);
    }
    const { accessToken, refreshToken, login } = await logIn('operator');
    const heard: string[] = [];
    const stop = accounts.onEnd((ended) => void heard.push(ended.id));
    expect((await accounts.authenticate(accessToken)).login).toBe(login);
    expect(accounts.identity(login)?.user.id).toBe(id);
    await end(login);
    expect(heard, what).toEqual([login]);
    expect(accounts.identity(login), what).toBeUndefined();
    expect(await codeOf(accounts.authenticate(accessToken)), what).toBe('BAD_TOKEN');
    expect(await codeOf(accounts.refresh(refreshToken, VISIT)), what).toBe('BAD_TOKEN');
    stop();
  }
});

test('who is disabled while their password is looked at does not come in', async () => {
  const login = codeOf(accounts.login({ username: 'viewer', password: PASSWORD }, VISIT));
  await accounts.members.change(idOf('viewer'), { enabled: false }, BOSS);
  expect(await login).toBe('WRONG_LOGIN');
  expect(accounts.logins.of(idOf('viewer'))).toEqual([]);
});

test('a token says who one is as of now, not as of when it was made', async () => {
  const { accessToken } = await logIn('researcher');
  const { user } = await accounts.authenticate(accessToken);
  expect(user).toEqual(accounts.members.get(idOf('researcher')));
  expect(user).not.toHaveProperty('password');
});

test('a token of one gateway is none at another', async () => {
  const { accessToken, refreshToken } = await logIn('viewer');
  const other = new AccountWorld();
  other.random = (bytes) => new Uint8Array(bytes).fill(3);
  const elsewhere = await other.startClaimed();
  expect(await codeOf(elsewhere.authenticate(accessToken))).toBe('BAD_TOKEN');
  expect(await codeOf(elsewhere.refresh(refreshToken, VISIT))).toBe('BAD_TOKEN');
});

test('tokens and log-ins live on over a restart', async () => {
  const { accessToken, refreshToken } = await logIn('viewer');
  world.restart(1_000);
  const after = await world.start();
  expect((await after.authenticate(accessToken)).user.username).toBe('viewer');
  expect((await after.refresh(refreshToken, VISIT)).user.username).toBe('viewer');
});

test('a log-in that has ended stays ended over a restart', async () => {
  const { accessToken, refreshToken } = await logIn('viewer');
  await accounts.logout(refreshToken, LAN);
  world.restart(1_000);
  const after = await world.start();
  expect(await codeOf(after.authenticate(accessToken))).toBe('BAD_TOKEN');
});

/** A start whose store is not open yet. */
async function startEarly() {
  const { moments, clock, random } = world;
  const early = new Accounts({
    ...{ moments, clock, random, registration: 'invite', requireTls: true, file: world.file() },
    logins: new Ledger(unkept<string, Login>()),
    claim: new Claim({ code: () => CODE, clock }),
    note: () => {},
    claimed: () => {},
  });
  await early.load();
  return early;
}

test('who comes while the store opens waits a little, and is told to come again', async () => {
  const { accessToken, refreshToken } = await logIn('viewer');
  const early = await startEarly();
  for (const work of [
    () => early.authenticate(accessToken),
    () => early.refresh(refreshToken, VISIT),
    () => early.logout(refreshToken, LAN),
  ]) {
    const asleep = world.clock.sleepers;
    const answered = codeOf(work());
    // Signatures are checked by other threads.
    while (world.clock.sleepers === asleep) await settle();
    await world.clock.advance(3_000);
    expect(await answered).toBe('OFF');
  }
  // A new log-in needs no store.
  const granted = await early.login({ username: 'viewer', password: PASSWORD }, VISIT);
  expect((await early.authenticate(granted.accessToken)).user.username).toBe('viewer');
});

test('where the accounts cannot be read nobody comes in, and nobody claims', async () => {
  const shut = await startEarly();
  shut.openLogins();
  shut.shut('the disk is broken');
  const who = { username: 'viewer', password: PASSWORD };
  expect(shut.isClaimed()).toBe(true);
  expect(await codeOf(shut.login(who, VISIT))).toBe('OFF');
  expect(await codeOf(shut.authenticate('x'))).toBe('OFF');
  expect(await codeOf(shut.refresh('x', VISIT))).toBe('OFF');
  expect(await codeOf(shut.register(who, VISIT))).toBe('OFF');
  expect(await codeOf(shut.claim({ ...who, code: CODE }, { ...VISIT, remote: LOCAL }))).toBe(
    'CLAIMED',
  );
});

test('a damaged file is no new gateway', async () => {
  world.texts = ['damaged', 'damaged'];
  const { storage, random, moments } = world;
  const file = new AccountFile({ storage, random, now: () => moments.now() });
  await expect(file.load()).rejects.toMatchObject({ code: 'DAMAGED' });
});

test('who may do more than look does so over TLS or on the spot, refreshing too', async () => {
  for (const role of ['operator', 'researcher', 'admin'] as const) {
    expect(await codeOf(logIn(role, LAN)), role).toBe('NEEDS_TLS');
    expect(await codeOf(logIn(role, LOCAL)), role).toBe('');
    expect(await codeOf(logIn(role, TLS)), role).toBe('');
  }
  for (const role of ['viewer', 'student'] as const)
    expect(await codeOf(logIn(role, LAN))).toBe('');
  accounts = await world.start({ requireTls: false });
  expect(await codeOf(logIn('admin', LAN))).toBe('');
});

test('where anybody may register, they are students', async () => {
  const who = { username: 'Ada', password: 'eleven blue kettles' };
  expect(await codeOf(accounts.register(who, VISIT))).toBe('CLOSED');
  accounts = await world.start({ registration: 'open' });
  expect(await accounts.register(who, VISIT)).toMatchObject({ username: 'ada', role: 'student' });
  const sneaky = { ...who, username: 'bob', role: 'admin' };
  expect(await accounts.register(sneaky, VISIT)).toMatchObject({ role: 'student' });
});

test('every refusal is a sentence for a person', async () => {
  const say = async (work: Promise<unknown>) =>
    await work.then(
      () => '',
      (error: Error) => error.message,
    );
  const who = { username: 'ada', password: 'eleven blue kettles' };
  const told = [
    await say(accounts.register(who, VISIT)),
    await say(accounts.register({ ...who, invite: 'x' }, VISIT)),
    await say(accounts.claim({ ...who, code: CODE }, VISIT)),
    await say(accounts.members.create({ ...who, password: 'short', role: 'viewer' }, BOSS)),
    await say(accounts.members.create({ ...who, username: 'admin', role: 'viewer' }, BOSS)),
    await say(accounts.members.remove(idOf('admin'), BOSS)),
    await say(accounts.members.remove('nobody', BOSS)),
    await say(accounts.authenticate('x')),
    await say(accounts.refresh('x', VISIT)),
    await say(logIn('admin', LAN)),
    await say(accounts.invites.remove('x', BOSS)),
    await say(accounts.endLogin(accounts.members.get(idOf('viewer')), 'x', LAN)),
  ];
  // Small at the beginning and without a full stop: `sentence` makes one of it.
  for (const text of told) expect(text).toMatch(/^[a-z].{20,}[^.]$/);
});

test('what an administrator has set is not undone by who changes their own at the same moment', async () => {
  const id = idOf('viewer');
  const { login } = await logIn('viewer');
  const change = { before: PASSWORD, password: 'eleven blue kettles' };
  const who = { user: accounts.members.get(id), login };
  const own = codeOf(accounts.changePassword(who, change, TLS));
  await accounts.members.change(id, { password: 'nine yellow kettles' }, BOSS);
  expect(await own).toBe('WRONG_PASSWORD');
  const credentials = { username: 'viewer', password: 'nine yellow kettles' };
  expect(await codeOf(accounts.login(credentials, VISIT))).toBe('');
});

test('a log-in that begins while its account is disabled has not begun', async () => {
  const begin = accounts.logins.begin.bind(accounts.logins);
  const disabled = vi.spyOn(accounts.logins, 'begin').mockImplementation(async (...of) => {
    await accounts.members.change(idOf('viewer'), { enabled: false }, BOSS);
    return await begin(...of);
  });
  const credentials = { username: 'viewer', password: PASSWORD };
  expect(await codeOf(accounts.login(credentials, VISIT))).toBe('WRONG_LOGIN');
  expect(disabled).toHaveBeenCalledOnce();
  expect(accounts.logins.of(idOf('viewer'))).toEqual([]);
});

test('a change that is under way does not bring back who is not in what is restored', async () => {
  const backup = accounts.text();
  const { id } = await accounts.members.create(
    { username: 'mallory', password: 'eleven blue kettles', role: 'admin' },
    BOSS,
  );
  const restored = accounts.restore(backup);
  const change = codeOf(accounts.members.change(id, { role: 'operator' }, BOSS));
  await restored;
  expect(await change).toBe('NOT_FOUND');
  expect(accounts.text()).toBe(backup);
});

test('a password that opens more than looking is changed over TLS or on the spot', async () => {
  const { login } = await logIn('admin');
  const who = { user: accounts.members.get(idOf('admin')), login };
  const change = { before: PASSWORD, password: 'eleven blue kettles' };
  expect(await codeOf(accounts.changePassword(who, change, LAN))).toBe('NEEDS_TLS');
});
