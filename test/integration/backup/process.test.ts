import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { unseal } from '../../../src/backup/archive.ts';
import { decodeContent } from '../../../src/backup/content.ts';
import { type Gateway, startGateway } from '../../support/gateway.ts';
import { get, logIn } from '../../support/tokens.ts';

const PASSPHRASE = { 'x-vigil-passphrase': 'a phrase of some length' };
const JSON_TYPE = { 'content-type': 'application/json' };
const FILE_TYPE = { 'content-type': 'application/octet-stream' };
const RULE = {
  name: 'Too fast for me',
  ...{ stream: 'obd.vehicle.speed', unit: 'km/h', severity: 'info' },
  when: { op: '>', value: 250 },
};

function api(gateway: Gateway, route: string, init: RequestInit = {}): Promise<Response> {
  return get(`${gateway.url}api/v1${route}`, init);
}

async function usernames(gateway: Gateway): Promise<string[]> {
  const { items } = await (await api(gateway, '/users')).json();
  return items.map(({ username }: { username: string }) => username);
}

test('a gateway is as it was when the backup was made, over the API and by another passphrase not', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'vigil-backup-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'vigil.yaml');
  writeFileSync(file, '# mine\nsim: 1\n');
  await using gateway = await startGateway({ args: ['--config', file] });
  const post = (route: string, body: unknown) =>
    api(gateway, route, { method: 'POST', headers: JSON_TYPE, body: JSON.stringify(body) });
  const rule = await (await post('/alerts', RULE)).json();
  expect(rule.id).toBe('too-fast-for-me');

  const reply = await api(gateway, '/backup', { headers: PASSPHRASE });
  expect(reply.status).toBe(200);
  const archive = new Uint8Array(await reply.arrayBuffer());
  expect((await api(gateway, '/backup')).status).toBe(422);

  const headers = { ...JSON_TYPE, 'if-match': '*' };
  await api(gateway, '/settings', { method: 'PATCH', headers, body: '{"log":"warn"}' });
  await api(gateway, '/alerts/too-fast-for-me', { method: 'DELETE' });
  await post('/users', { username: 'bob', password: 'something rather long', role: 'viewer' });
  expect(await usernames(gateway)).toEqual(['admin', 'bob']);

  const restore = (extra: Readonly<Record<string, string>>, body: Uint8Array<ArrayBuffer>) =>
    api(gateway, '/restore', { method: 'POST', headers: { ...FILE_TYPE, ...extra }, body });
  const other = { 'x-vigil-passphrase': 'a phrase of other length' };
  expect((await restore(other, archive)).status).toBe(422);
  expect((await restore(PASSPHRASE, archive.slice(0, 100))).status).toBe(422);
  expect(await usernames(gateway)).toEqual(['admin', 'bob']);
  expect(await (await restore(PASSPHRASE, archive)).json()).toMatchObject({ restart: true });

  expect((await api(gateway, '/users')).status).toBe(401);
  await logIn(gateway.url);
  expect(await usernames(gateway)).toEqual(['admin']);
  expect((await api(gateway, '/alerts/too-fast-for-me')).status).toBe(200);
  expect(readFileSync(file, 'utf8')).toBe('# mine\nsim: 1\n');
});

test('DBC files that were sent are in a backup and come back with it', async () => {
  await using gateway = await startGateway({ args: ['--sim', '1', '--can', 'sim:'] });
  const { items } = await (await api(gateway, '/can')).json();
  const at = `/can/${items[0].name}/dbc/mine`;
  const body = 'BO_ 1 Mine: 8 X\n SG_ \u00e4 : 0|8@1+ (1,0) [0|0] "" X\n';
  expect((await api(gateway, at, { method: 'PUT', body })).status).toBe(200);
  const made = async () => {
    const reply = await api(gateway, '/backup', { headers: PASSPHRASE });
    return new Uint8Array(await reply.arrayBuffer());
  };
  const filesOf = async (archive: Uint8Array) => {
    const { dbc = [] } = decodeContent(await unseal(archive, PASSPHRASE['x-vigil-passphrase']));
    return dbc.map(({ name, bytes }) => [name, Buffer.from(bytes).toString()]);
  };
  const archive = await made();
  expect(await filesOf(archive)).toEqual([['mine', body]]);
  expect((await api(gateway, at, { method: 'DELETE' })).status).toBe(204);
  expect(await filesOf(await made())).toEqual([]);
  const headers = { ...FILE_TYPE, ...PASSPHRASE };
  const restored = await api(gateway, '/restore', { method: 'POST', headers, body: archive });
  expect(await restored.json()).toMatchObject({ restart: true });
  await logIn(gateway.url);
  expect(await filesOf(await made())).toEqual([['mine', body]]);
});
