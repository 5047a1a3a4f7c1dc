import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
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
