import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { codeOf } from '#core/errors.ts';
import type { AuditFact } from '../../../src/accounts/audit.ts';
import { Configuring } from '../../../src/gateway/configuring.ts';
import { keepGood, type Starting, startingWith } from '../../../src/gateway/last-good.ts';
import { SettingsError } from '../../../src/settings/errors.ts';
import { SILENT_LOG } from '../../support/silent-log.ts';

const MAIL = 'smtps://car:canary@mail.example?from=car@mail.example&to=me@mail.example';
const TEXT = `# my car\nobd: "sim:" # mine\nmail: ${MAIL}\n`;
const WHO = { who: 'ada', from: '192.0.2.7' };
let directory = '';
let file = '';
let facts: AuditFact[] = [];

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'vigil-configuring-'));
  file = path.join(directory, 'settings.yaml');
  writeFileSync(file, TEXT);
  facts = [];
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

function configuring(starting: Starting): Configuring {
  const note = (fact: AuditFact) => void facts.push(fact);
  return new Configuring({ starting, isSupervised: true, log: SILENT_LOG, note });
}

async function start(flags: readonly string[] = [], env = {}) {
  const argv = ['--data', directory, ...flags];
  const starting = await startingWith(argv, env, (name) => readFileSync(name, 'utf8'));
  await keepGood(starting);
  return configuring(starting);
}

const text = (): string => readFileSync(file, 'utf8');

async function item(settings: Configuring, key: string) {
  return (await settings.view()).items.find((one) => one.key === key);
}

/** The code and the faults of the refusal of a change. */
async function refusal(work: Promise<unknown>) {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof SettingsError)) throw new Error(`not refused: ${String(error)}`);
  return { code: error.code, faults: error.faults, message: error.message };
}

test('each setting says what holds, where that comes from, and whether it can be changed', async () => {
  const settings = await start(['--log', 'error'], { VIGIL_QUOTA: '64' });
  expect(await item(settings, 'obd')).toMatchObject({
    ...{ value: 'sim:', isSet: true, secret: false, changeable: true },
    from: { kind: 'file', name: file, line: 2 },
  });
  expect(await item(settings, 'log')).toMatchObject({
    ...{ value: 'error', changeable: false },
    from: { kind: 'flag', name: '--log', line: null },
  });
  expect(await item(settings, 'quota')).toMatchObject({
    ...{ value: 64, changeable: false },
    from: { kind: 'variable', name: 'VIGIL_QUOTA' },
  });
  expect(await item(settings, 'http')).toMatchObject({
    ...{ value: '127.0.0.1:8080', isSet: true, changeable: true },
    from: { kind: 'default', name: null },
  });
  expect(await item(settings, 'link')).toMatchObject({ value: null, isSet: false });
  expect(await item(settings, 'eeg')).toMatchObject({ value: [], isSet: false });
  expect(await item(settings, 'data')).toMatchObject({ value: directory, changeable: false });
  expect(await item(settings, 'nothing')).toBeUndefined();
});

test('of a secret it is told that it is set, before and after a change, and nothing else', async () => {
  const settings = await start();
  const hook = 'https://host.example/canary-2';
  const before = await settings.view();
  const after = await settings.change({ webhook: hook, mail: null }, [before.revision], WHO);
  expect(after.items.find(({ key }) => key === 'mail')).toMatchObject({
    ...{ value: null, isSet: true, secret: true },
    next: { value: null, isSet: false },
  });
  expect(after.items.find(({ key }) => key === 'webhook')).toMatchObject({
    next: { value: null, isSet: true },
  });
  expect(text()).toContain(hook);
  expect(JSON.stringify([before, after, facts, settings.health()])).not.toContain('canary');
});

test('a change is in the file, with everything else, and counts from the next start on', async () => {
  const settings = await start();
  const { revision, restart } = await settings.view();
  expect(restart).toBe(false);
  const changes = { log: 'warn', obd: 'tcp://10.0.0.1:35000', eeg: ['thinkgear+sim:'] };
  const view = await settings.change(changes, [revision], WHO);
  expect(view.restart).toBe(true);
  expect(view.revision).not.toBe(revision);
  expect(view.items.find(({ key }) => key === 'log')).toMatchObject({
    ...{ value: 'info', next: { value: 'warn', isSet: true } },
  });
  expect(text()).toBe(
    `# my car\nobd: tcp://10.0.0.1:35000 # mine\nmail: ${MAIL}\nlog: warn\neeg:\n  - "thinkgear+sim:"\n`,
  );
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(facts).toEqual([
    {
      ...{ action: 'settings.change', ...WHO, target: 'log, obd, eeg', result: 'done' },
      details: { keys: ['log', 'obd', 'eeg'] },
    },
  ]);
  const next = await start();
  expect((await next.view()).restart).toBe(false);
  expect(await item(next, 'eeg')).toMatchObject({ value: ['thinkgear+sim:'], isSet: true });
});

test('of several settings all are taken, or none', async () => {
  const settings = await start(['--http', '127.0.0.1:0']);
  const bad = { log: 'warn', http: '127.0.0.1:1', colour: 5, quota: 1, mail: 'smtps://canary' };
  const { code, faults, message } = await refusal(settings.change(bad, ['*'], WHO));
  expect(code).toBe('INVALID');
  expect(faults.map(({ pointer }) => pointer)).toEqual(['/http', '/colour', '/quota', '/mail']);
  expect(faults[0]?.message).toBe('the flag --http says what it is');
  expect(JSON.stringify([faults, message])).not.toContain('canary');
  expect(text()).toBe(TEXT);
  expect(facts).toEqual([]);
});

test('what does not go together is refused, and so is another place for everything', async () => {
  const settings = await start();
  const real = { obd: 'tcp://10.0.0.1:1', speed: 5 };
  expect(await refusal(settings.change(real, ['*'], WHO))).toMatchObject({ code: 'INVALID' });
  const { faults } = await refusal(settings.change({ data: '/elsewhere' }, ['*'], WHO));
  expect(faults).toEqual([{ pointer: '/data', message: 'the flag --data says what it is' }]);
  expect(text()).toBe(TEXT);
});

test('who has seen other settings changes none', async () => {
  const settings = await start();
  const { revision } = await settings.view();
  const change = (log: string) => settings.change({ log }, ['x', revision], WHO);
  const results = await Promise.allSettled([change('warn'), change('error')]);
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  expect((await refusal(change('debug'))).code).toBe('CHANGED');
  expect(text()).toContain('log: warn');
  writeFileSync(file, `${TEXT}# by hand\n`);
  const { revision: third } = await settings.view();
  await settings.change({ log: 'debug' }, [third], WHO);
  expect(text()).toBe(`${TEXT}# by hand\nlog: debug\n`);
});

test('a revision tells nothing of what is in the file', async () => {
  const [a, b] = [await (await start()).view(), await (await start()).view()];
  expect(a.revision).not.toBe(b.revision);
});

test('the first setting makes the file', async () => {
  rmSync(file);
  const settings = await start();
  expect(settings.health()).toMatchObject({ status: 'ok' });
  await settings.change({ log: 'warn' }, ['*'], WHO);
  expect(text()).toBe('log: warn\n');
});

test('a file that breaks is told at once, and a change mends it with the last good one', async () => {
  await start();
  writeFileSync(file, 'log: [\n');
  const settings = await start();
  expect(settings.health()).toMatchObject({
    ...{ id: 'settings', status: 'waiting' },
    text: expect.stringMatching(/^the last good settings are used: .*line \d+: not YAML/),
  });
  const view = await settings.view();
  expect(view.fault).toMatchObject({ file, line: expect.any(Number), found: null });
  expect(view.items.find(({ key }) => key === 'obd')).toMatchObject({ value: 'sim:' });
  const mended = await settings.change({ log: 'warn' }, [view.revision], WHO);
  expect(mended).toMatchObject({ fault: null, restart: true });
  expect(text()).toBe(`${TEXT}log: warn\n`);
  expect(readFileSync(path.join(directory, 'settings.broken'), 'utf8')).toBe('log: [\n');
});

test('a file that can be read, and with which no start went well, stays a fault', async () => {
  await start();
  writeFileSync(file, `${TEXT}http: 192.0.2.1:80\n`);
  const argv = ['--data', directory];
  const first = await startingWith(argv, {}, (name) => readFileSync(name, 'utf8'));
  const { ConfigError } = await import('#core/errors.ts');
  const starting = first.instead(new ConfigError('http: not an address of this computer'));
  if (!starting) throw new Error('nothing to go on with');
  const settings = configuring(starting);
  expect((await settings.view()).fault?.text).toContain('not an address');
  await settings.change({ http: null }, ['*'], WHO);
  expect((await settings.view()).fault).toBeNull();
});

test('a file that cannot be written is told, and nothing has changed', async () => {
  const settings = await start();
  rmSync(file);
  mkdirSync(file);
  const { code, message } = await refusal(settings.change({ log: 'warn' }, ['*'], WHO));
  expect(code).toBe('UNWRITABLE');
  expect(message).toContain('cannot be written');
  expect(facts).toEqual([]);
});

test('what is to take the place of the file must be one to start with, in the same place', async () => {
  const settings = await start();
  await settings.replace('log: warn\n');
  expect(text()).toBe('log: warn\n');
  expect(await settings.text()).toBe('log: warn\n');
  expect(await settings.replace('log: loud\n').catch(codeOf)).toBe('INVALID');
  const argv = ['--config', file];
  const starting = await startingWith(argv, {}, (name) => readFileSync(name, 'utf8'));
  const own = configuring(starting);
  expect(() => own.check(`data: ${directory}/other\n`)).toThrow('where the gateway is started');
});
