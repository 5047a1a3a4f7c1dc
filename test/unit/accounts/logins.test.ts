import { beforeEach, expect, test } from 'vitest';
import { Ledger } from '#core/ledger.ts';
import type { Accounts } from '../../../src/accounts/accounts.ts';
import type { Login } from '../../../src/accounts/logins.ts';
import { AccountWorld, idOf, LAN } from '../../support/account-world.ts';

const VISIT = { remote: LAN, client: 'test' };
const VIEWER = idOf('viewer');
const DAY_MS = 86_400_000;

let world: AccountWorld;
let accounts: Accounts;

beforeEach(async () => {
  world = new AccountWorld();
  accounts = await world.startClaimed();
});

const refresh = async (token: string): Promise<string> =>
  (await accounts.refresh(token, VISIT)).refreshToken;

async function isGood(token: string): Promise<boolean> {
  return await refresh(token).then(
    () => true,
    () => false,
  );
}

const begin = async (): Promise<string> => (await accounts.logins.begin(VIEWER, 'test')).token;

test('what is kept of a token does not give it away', async () => {
  const token = await begin();
  const next = await refresh(token);
  const kept = JSON.stringify([...world.logins.values()]);
  for (const one of [token, next]) expect(kept).not.toContain(one.split('.')[1]);
});

test('each token gives the next one, another for each gateway', async () => {
  const first = await begin();
  const chain = [first];
  for (let i = 0; i < 5; i++) chain.push(await refresh(chain.at(-1) ?? ''));
  expect(new Set(chain).size).toBe(6);
  const login = accounts.logins.of(VIEWER)[0];
  const other = new AccountWorld();
  const fresh = { ...login, token: login?.before ?? '', before: '' } as Login;
  other.logins.set(fresh.id, fresh);
  other.random = (bytes) => new Uint8Array(bytes).fill(7);
  const elsewhere = await other.startClaimed();
  const next = await elsewhere.refresh(chain[4] ?? '', VISIT);
  expect(next.refreshToken).not.toBe(chain[5]);
});

test('an answer that got lost may be asked for again, for a moment', async () => {
  const first = await begin();
  const second = await refresh(first);
  await world.clock.advance(10_000);
  expect(await refresh(first)).toBe(second);
  await world.clock.advance(1);
  expect(await isGood(first)).toBe(false);
  expect(await isGood(second)).toBe(false);
});

test('two tabs that refresh at the same moment get the same', async () => {
  const first = await begin();
  const [a, b] = await Promise.all([refresh(first), refresh(first)]);
  expect(a).toBe(b);
  expect(await isGood(a)).toBe(true);
});

test('a token from further back ends the log-in, however fast it comes', async () => {
  const first = await begin();
  const third = await refresh(await refresh(first));
  const ended: string[] = [];
  accounts.onEnd(({ id }) => void ended.push(id));
  expect(await isGood(first)).toBe(false);
  expect(await isGood(third)).toBe(false);
  expect(ended).toHaveLength(1);
  expect(world.facts).toMatchObject([{ action: 'token.reuse', who: 'viewer', result: 'refused' }]);
});

test('a token that never was ends nothing but itself', async () => {
  const good = await begin();
  const [id = ''] = good.split('.');
  for (const wrong of [
    '',
    'x',
    '.',
    `${'A'.repeat(16)}.${'A'.repeat(43)}`,
    `${good}x`,
    ` ${good}`,
  ]) {
    expect(await isGood(wrong), wrong).toBe(false);
  }
  expect(await isGood(good)).toBe(true);
  // But a wrong secret for one that is there: somebody has half of it.
  expect(await isGood(`${id}.${'A'.repeat(43)}`)).toBe(false);
});

test('a log-in lives on over a restart, with its grace and its suspicion', async () => {
  const first = await begin();
  const second = await refresh(first);
  world.restart(5_000);
  accounts = await world.start();
  expect(await refresh(first)).toBe(second);
  const third = await refresh(second);
  world.restart(60_000);
  accounts = await world.start();
  expect(await isGood(second)).toBe(false);
  expect(await isGood(third)).toBe(false);
});

test('over a boot of which nobody knows how long it was, a token is good and an old one not', async () => {
  const first = await begin();
  const second = await refresh(first);
  world.restart(1_000, { bootId: 'two', monotonicMs: 0, trust: 'none', wallMs: 0 });
  accounts = await world.start();
  const third = await refresh(second);
  world.restart(1_000, { bootId: 'three', monotonicMs: 0, trust: 'none', wallMs: 0 });
  accounts = await world.start();
  expect(await isGood(second)).toBe(false);
  expect(await isGood(third)).toBe(false);
});

test('a log-in that is not used for a week ends, and one that is ends after thirty days', async () => {
  const idle = await begin();
  let used = await begin();
  for (let days = 0; days < 30; days += 6) {
    await world.clock.advance(6 * DAY_MS);
    await accounts.logins.sweep();
    used = await refresh(used);
  }
  expect(await isGood(idle)).toBe(false);
  expect(accounts.logins.of(VIEWER)).toHaveLength(1);
  await world.clock.advance(1);
  expect(await isGood(used)).toBe(false);
  expect(accounts.logins.of(VIEWER)).toEqual([]);
});

test('the age of a log-in adds up over restarts', async () => {
  let token = await begin();
  for (let days = 0; days < 30; days += 5) {
    world.restart(5 * DAY_MS);
    accounts = await world.start();
    token = await refresh(token);
  }
  world.restart(1_000);
  accounts = await world.start();
  expect(await isGood(token)).toBe(false);
});

test('wall clocks that jump by years end no log-in of this boot', async () => {
  let token = await begin();
  for (const wallMs of [0, Date.UTC(2036, 0, 1), Date.UTC(2026, 10, 21)]) {
    world.epoch = { ...world.epoch, wallMs };
    await accounts.logins.sweep();
    token = await refresh(token);
  }
  expect(accounts.logins.of(VIEWER)).toHaveLength(1);
});

test('one account has fifty log-ins; a further one ends that used longest ago', async () => {
  const tokens: string[] = [];
  for (let i = 0; i < 50; i++) {
    await world.clock.advance(1_000);
    tokens.push(await begin());
  }
  await world.clock.advance(1_000);
  tokens[0] = await refresh(tokens[0] ?? '');
  await begin();
  expect(accounts.logins.of(VIEWER)).toHaveLength(50);
  expect(await isGood(tokens[0] ?? '')).toBe(true);
  expect(await isGood(tokens[1] ?? '')).toBe(false);
  expect(await isGood(tokens[2] ?? '')).toBe(true);
});

test('a store that takes nothing keeps nobody out', async () => {
  const stuck = new Ledger<string, Login>({
    ...{ list: () => [], put: () => new Promise(() => {}), remove: () => new Promise(() => {}) },
  });
  const others = await world.start({ logins: stuck });
  const begun = others.logins.begin(VIEWER, 'test');
  await world.clock.advance(2_000);
  expect((await begun).token).toMatch(/^[\w-]{16}\.[\w-]{43}$/);
});
