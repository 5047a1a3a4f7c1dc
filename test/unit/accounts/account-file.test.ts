import { expect, test, vi } from 'vitest';
import { AccountWorld, idOf } from '../../support/account-world.ts';

// Passwords take as long as they are to; more so where the computer has other things to do.
vi.setConfig({ testTimeout: 60_000 });

const EIO = Object.assign(new Error('EIO: i/o error, write'), { code: 'EIO', errno: -5 });

async function claimed() {
  const world = new AccountWorld();
  const accounts = await world.startClaimed();
  return { world, accounts };
}

const actor = { who: 'admin', remote: { address: '', isLocal: true, isSecure: false } };

test('accounts, invites and secrets are there at the next start', async () => {
  const { world, accounts } = await claimed();
  const { code } = await accounts.invites.create('Ada', actor);
  await accounts.members.change(idOf('student'), { enabled: false }, actor);
  const text = accounts.text();
  world.restart(1_000);
  const after = await world.start();
  expect(after.text()).toBe(text);
  expect(after.members.list()).toEqual(accounts.members.list());
  expect(after.invites.list()).toMatchObject([{ note: 'Ada' }]);
  expect(text).not.toContain(code);
});

test('a new gateway has nothing on disk, and secrets of its own', async () => {
  const one = new AccountWorld().file();
  const two = new AccountWorld();
  two.random = (bytes) => new Uint8Array(bytes).fill(9);
  await one.load();
  expect(one.secrets).not.toEqual(two.file().secrets);
  expect(one.users.list()).toEqual([]);
});

test('of a file and its copy the one that is sound counts, and both are then', async () => {
  const { world, accounts } = await claimed();
  const [text = ''] = world.texts;
  const half = text.slice(0, text.length / 2);
  const flipped = text.replace('"operator"', '"admin"');
  for (const texts of [
    [text],
    [half, text],
    [text, ''],
    [flipped, text],
    ['', text],
    ['{}', text],
  ]) {
    world.texts = texts;
    const after = await world.start();
    expect(after.members.list()).toEqual(accounts.members.list());
    expect(world.texts).toEqual([text, text]);
  }
});

test('a power cut between the file and its copy leaves what was written last', async () => {
  const { world, accounts } = await claimed();
  const before = [...world.texts];
  await accounts.members.change(idOf('viewer'), { enabled: false }, actor);
  const [newer = ''] = world.texts;
  world.texts = [newer, before[1] ?? ''];
  const after = await world.start();
  expect(after.members.get(idOf('viewer')).enabled).toBe(false);
  expect(world.texts).toEqual([newer, newer]);
});

test('where neither is sound nobody comes in, and nobody claims it', async () => {
  const { world } = await claimed();
  const [text = ''] = world.texts;
  for (const texts of [
    [''],
    ['x', 'y'],
    [text.slice(1), text.replace('viewer', 'admin')],
    ['null'],
  ]) {
    world.texts = texts;
    await expect(world.start(), JSON.stringify(texts)).rejects.toMatchObject({ code: 'DAMAGED' });
    expect(world.texts).toEqual(texts);
  }
});

test('a sound copy lets people in though the disk takes nothing', async () => {
  const { world } = await claimed();
  world.texts = ['', world.texts[0] ?? ''];
  world.failure = EIO;
  const after = await world.start();
  expect(after.isClaimed()).toBe(true);
});

test('what cannot be written has not changed, whatever comes at the same moment', async () => {
  const { world, accounts } = await claimed();
  const { members } = accounts;
  const users = members.list();
  world.failure = EIO;
  const changes = await Promise.allSettled([
    members.change(idOf('viewer'), { role: 'operator' }, actor),
    members.change(idOf('viewer'), { enabled: false }, actor),
    members.remove(idOf('student'), actor),
    accounts.invites.create('', actor),
  ]);
  for (const change of changes) expect(change).toMatchObject({ reason: { code: 'OFF' } });
  expect(members.list()).toEqual(users);
  world.failure = undefined;
  await members.change(idOf('operator'), { grants: ['names'] }, actor);
  const after = await world.start();
  expect(after.members.list()).toEqual(members.list());
  expect(after.members.get(idOf('viewer'))).toMatchObject({ role: 'viewer', enabled: true });
  expect(after.invites.list()).toEqual([]);
});

test('of two changes of an account the second is kept where the first could not be', async () => {
  const { world, accounts } = await claimed();
  let writes = 0;
  const { write } = world.storage;
  world.storage.write = async (text) => {
    if (++writes === 1) throw EIO;
    await write(text);
  };
  const [first, second] = await Promise.allSettled([
    accounts.members.change(idOf('viewer'), { role: 'operator' }, actor),
    accounts.members.change(idOf('viewer'), { enabled: false }, actor),
  ]);
  expect([first.status, second.status]).toEqual(['rejected', 'fulfilled']);
  const kept = { role: 'viewer', enabled: false };
  expect(accounts.members.get(idOf('viewer'))).toMatchObject(kept);
  expect((await world.start()).members.get(idOf('viewer'))).toMatchObject(kept);
});

test('a bug in writing is told as one', async () => {
  const { world, accounts } = await claimed();
  world.failure = new TypeError('a bug');
  await expect(accounts.invites.create('', actor)).rejects.toThrow(TypeError);
});

test('a backup takes the place of everything, and a bad one of nothing', async () => {
  const { world, accounts } = await claimed();
  const backup = accounts.text();
  await accounts.members.remove(idOf('viewer'), actor);
  const { token } = await accounts.logins.begin(idOf('student'), 'test');
  for (const text of ['', '{}', backup.replace('student', 'admin')]) {
    await expect(accounts.restore(text)).rejects.toMatchObject({ code: 'DAMAGED' });
  }
  expect(accounts.members.find(idOf('viewer'))).toBeUndefined();
  await accounts.restore(backup);
  expect(accounts.members.get(idOf('viewer')).role).toBe('viewer');
  const visit = { remote: actor.remote, client: '' };
  await expect(accounts.refresh(token, visit)).rejects.toMatchObject({ code: 'BAD_TOKEN' });
  expect((await world.start()).text()).toBe(backup);
});

test('accounts that came back with a backup are the only ones', async () => {
  const { accounts } = await claimed();
  const backup = accounts.text();
  const who = { username: 'ada', password: 'eleven blue kettles', role: 'viewer' } as const;
  await accounts.members.create(who, actor);
  await accounts.restore(backup);
  expect(accounts.members.list().map(({ username }) => username)).not.toContain('ada');
});

test('the key that signs is changed after a month, and the one before stays good', async () => {
  const { world, accounts } = await claimed();
  const keyCount = () => JSON.parse(world.texts[0] ?? '').content.secrets.keys.length;
  await accounts.sweep();
  expect(keyCount()).toBe(1);
  await world.clock.advance(30 * 86_400_000);
  const visit = { remote: actor.remote, client: '' };
  const { token } = await accounts.logins.begin(idOf('viewer'), 'test');
  const { accessToken } = await accounts.refresh(token, visit);
  await accounts.sweep();
  await accounts.sweep();
  expect(keyCount()).toBe(2);
  expect(await accounts.authenticate(accessToken)).toMatchObject({ user: { role: 'viewer' } });
});
