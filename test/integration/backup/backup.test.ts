import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import type { AlertRule } from '#core/alert.ts';
import { codeOf } from '#core/errors.ts';
import type { AuditFact } from '../../../src/accounts/audit.ts';
import { seal, unseal } from '../../../src/backup/archive.ts';
import { BackingUp } from '../../../src/gateway/backing-up.ts';
import { SettingsError } from '../../../src/settings/errors.ts';
import { testAccounts } from '../../support/accounts.ts';
import { HOT } from '../../support/alert-fixture.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const PASSPHRASE = 'a phrase of some length';
const WHO = { who: 'ada', from: '192.0.2.7' };
const OVEN: AlertRule = { ...HOT, id: 'oven' };

interface State {
  settings: string;
  /** Undefined before they are known. */
  rules: readonly AlertRule[] | undefined;
  writable: boolean;
  /** `bus/name` and what is in it. */
  dbc: Record<string, string>;
}

/** A gateway's accounts as they are, its settings and rules as texts in memory. */
async function start(settings = 'log: info\n', own: readonly AlertRule[] | undefined = [OVEN]) {
  const people = await testAccounts();
  const state: State = {
    settings,
    rules: own,
    writable: true,
    dbc: { 'body/car': 'BO_ 1 A: 8 \xe9' },
  };
  const facts: AuditFact[] = [];
  const check = (text: string): void => {
    if (text.includes('bad')) throw new SettingsError('INVALID', 'log: expected info');
  };
  const backup = new BackingUp({
    configuring: {
      text: async () => state.settings,
      check,
      replace: async (text) => {
        check(text);
        if (!state.writable) throw new SettingsError('UNWRITABLE', 'the disk is full');
        state.settings = text;
      },
    },
    accounts: people.accounts,
    rules: {
      own: () => state.rules,
      restore: async (rules) => {
        state.rules = rules;
      },
    },
    dbc: {
      all: async () =>
        Object.entries(state.dbc).map(([key, text]) => {
          const [bus = '', name = ''] = key.split('/');
          return { bus, name, bytes: Buffer.from(text, 'latin1') };
        }),
      problemOf: (files) => files.find(({ bus }) => bus === 'bad') && 'no name of a bus',
      replace: async (files) => {
        const texts = files.map(({ bus, name, bytes }) => {
          return [`${bus}/${name}`, Buffer.from(bytes).toString('latin1')];
        });
        state.dbc = Object.fromEntries(texts);
      },
    },
    ...{ realTime: new FakeClock(), random: randomBytes, version: '1.2.3' },
    now: () => '2026-11-22T00:00:00.000Z',
    note: (fact) => void facts.push(fact),
  });
  return { ...people, backup, state, facts };
}

const from = await start('log: debug\n');
const archive = await from.backup.make(PASSPHRASE, WHO);

test('a backup has all that makes the gateway this one, and shows none of it', async () => {
  const content = JSON.parse(await unseal(archive, PASSPHRASE));
  expect(content).toMatchObject({
    ...{ product: 'vigil', version: 1, gateway: '1.2.3', madeAt: '2026-11-22T00:00:00.000Z' },
    ...{ settings: 'log: debug\n', accounts: from.accounts.text(), rules: [OVEN] },
    dbc: [{ bus: 'body', name: 'car', text: 'BO_ 1 A: 8 \xe9' }],
  });
  expect(Buffer.from(archive).includes('admin')).toBe(false);
  expect(from.facts).toEqual([
    {
      ...{ action: 'backup', ...WHO, target: '', result: 'done' },
      details: { bytes: archive.length },
    },
  ]);
});

test('another gateway is this one after a restore, and everybody has to log in again', async () => {
  const to = await start('log: warn\n', []);
  to.state.dbc = { 'drive/other': 'old' };
  const token = await to.token('admin');
  const ended: string[] = [];
  to.accounts.onEnd(({ userId }) => void ended.push(userId));
  await to.accounts.authenticate(token);
  expect(await to.backup.restore(archive, PASSPHRASE, WHO)).toEqual({
    ...{ madeAt: '2026-11-22T00:00:00.000Z', gateway: '1.2.3' },
  });
  expect(to.state).toMatchObject({ settings: 'log: debug\n', rules: [OVEN] });
  expect(to.state.dbc).toEqual(from.state.dbc);
  expect(to.accounts.text()).toBe(from.accounts.text());
  expect(ended).toEqual([to.user('admin').id]);
  await expect(to.accounts.authenticate(token)).rejects.toMatchObject({ code: 'BAD_TOKEN' });
  // The keys came along: a token of the one is good at the other, once somebody has logged in there.
  await to.accounts.authenticate(await to.token('admin'));
  expect(to.facts.at(-1)).toMatchObject({ action: 'restore', ...WHO, result: 'done' });
});

test('accounts that are not in the backup are gone', async () => {
  const to = await start();
  const actor = { who: 'ada', remote: { address: '', isLocal: true, isSecure: false } };
  await to.accounts.members.create(
    { username: 'new', password: 'some long password', role: 'admin' },
    actor,
  );
  await to.backup.restore(archive, PASSPHRASE, WHO);
  expect(to.accounts.members.list().map(({ username }) => username)).not.toContain('new');
});

/** An archive that another gateway might have made. */
function archiveOf(changes: object): Promise<Uint8Array> {
  const content = {
    ...{ product: 'vigil', version: 1, gateway: '1', madeAt: 'then' },
    ...{ settings: '', accounts: from.accounts.text(), rules: [] },
  };
  return seal(JSON.stringify({ ...content, ...changes }), PASSPHRASE, randomBytes);
}

test('a backup of before there were DBC files leaves those that are there', async () => {
  const to = await start('log: warn\n', []);
  await to.backup.restore(await archiveOf({}), PASSPHRASE, WHO);
  expect(to.state.settings).toBe('');
  expect(to.state.dbc).toEqual(from.state.dbc);
});

test.each([
  ['settings that cannot be used', { settings: 'bad' }, 'UNUSABLE'],
  ['accounts that are none', { accounts: '{}' }, 'UNUSABLE'],
  ['a rule that is none', { rules: [{ id: 'x' }] }, 'UNUSABLE'],
  ['a DBC file of no bus', { dbc: [{ bus: 'bad', name: 'x', text: '' }] }, 'UNUSABLE'],
  ['a DBC file without a name', { dbc: [{ bus: 'body', text: '' }] }, 'UNUSABLE'],
  ['a newer version', { version: 2 }, 'OTHER_VERSION'],
  ['nothing but a name', { settings: undefined }, 'UNUSABLE'],
])('%s change nothing', async (_, changes, code) => {
  const to = await start('log: warn\n', []);
  const before = to.accounts.text();
  const token = await to.token('admin');
  const outcome = await to.backup
    .restore(await archiveOf(changes), PASSPHRASE, WHO)
    .then(() => 'restored', codeOf);
  expect(outcome).toBe(code);
  expect(to.accounts.text()).toBe(before);
  expect(to.state).toMatchObject({ settings: 'log: warn\n', rules: [] });
  await to.accounts.authenticate(token);
  expect(to.facts).toEqual([]);
});

test('where the settings cannot be written, the accounts are as they were', async () => {
  const to = await start('log: warn\n', []);
  const before = to.accounts.text();
  to.state.writable = false;
  to.state.dbc = { 'drive/mine': 'mine' };
  const restored = to.backup.restore(archive, PASSPHRASE, WHO);
  await expect(restored).rejects.toMatchObject({ code: 'UNWRITABLE' });
  expect(to.accounts.text()).toBe(before);
  expect(to.state).toMatchObject({ settings: 'log: warn\n', rules: [] });
  expect(to.state.dbc).toEqual({ 'drive/mine': 'mine' });
});

test('one is made or restored at a time, and with a passphrase only', async () => {
  const { backup } = await start();
  const first = backup.make(PASSPHRASE, WHO);
  await expect(backup.make(PASSPHRASE, WHO)).rejects.toMatchObject({ code: 'BUSY' });
  await first;
  await expect(backup.make('short', WHO)).rejects.toMatchObject({ code: 'BAD_PASSPHRASE' });
  for (const common of ['aaaaaaaaaaaa', 'password1234!', 'qwertyuiop[]', 'abcabcabcabc']) {
    await expect(backup.make(common, WHO)).rejects.toMatchObject({ code: 'BAD_PASSPHRASE' });
  }
  await expect(backup.restore(archive, '', WHO)).rejects.toMatchObject({ code: 'BAD_PASSPHRASE' });
  await expect(backup.restore(archive, `${PASSPHRASE}!`, WHO)).rejects.toMatchObject({
    code: 'LOCKED',
  });
  await backup.restore(archive, PASSPHRASE, WHO);
});

test('before the rules are known there is nothing to back up', async () => {
  const { backup, state } = await start();
  state.rules = undefined;
  await expect(backup.make(PASSPHRASE, WHO)).rejects.toMatchObject({ code: 'OFF' });
  await expect(backup.restore(archive, PASSPHRASE, WHO)).rejects.toMatchObject({ code: 'OFF' });
});
