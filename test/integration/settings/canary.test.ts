/**
 * Secrets stay where they are (S23 of the security requirements): each that the gateway knows is looked
 * for in everything that it says, in its log, its replies, its exports and its backups.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ROUTES } from '../../../src/http/routes/index.ts';
import { eventually, Gateway, startGateway } from '../../support/gateway.ts';
import { get, PASSWORD } from '../../support/tokens.ts';

const MAIN = path.resolve(import.meta.dirname, '../../../src/main.ts');
const PASSPHRASE = 'canary phrase of the backup';
const SECRETS = {
  mail: 'canary-of-mail',
  webhook: 'canary-of-webhook',
  person: 'canary of somebody',
};

function directory(): string {
  const made = mkdtempSync(path.join(tmpdir(), 'vigil-canary-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** Settings with secrets in them, and a server that does not answer. */
function settingsFile(folder: string): string {
  const file = path.join(folder, 'vigil.yaml');
  const { mail, webhook } = SECRETS;
  const lines = [
    'sim: 1',
    'log: debug',
    `mail: smtp://car:${mail}@127.0.0.1:9?from=car@mail.example&to=me@mail.example&tls=none`,
    `webhook: http://127.0.0.1:9/${webhook}?token=${webhook}`,
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

/** Everything in the file of the accounts that nobody may see: hashes, keys, what others are made from. */
function storedSecrets(data: string): string[] {
  const { content } = JSON.parse(readFileSync(path.join(data, 'accounts.json'), 'utf8'));
  const keys: string[] = content.secrets.keys.map(({ secret }: { secret: string }) => secret);
  const hashes: string[] = content.users.map(({ password }: { password: string }) => password);
  return [...keys, ...hashes, content.secrets.chain, content.secrets.pseudonyms];
}

async function send(gateway: Gateway, method: string, route: string, body: unknown) {
  const response = await get(`${gateway.url}api/v1${route}`, {
    method,
    headers: { 'content-type': 'application/json', 'if-match': '*' },
    body: JSON.stringify(body),
  });
  return { status: response.status, text: await response.text() };
}

/** What every route that is only read says, by its path; of those below something, with its first. */
async function replies(gateway: Gateway): Promise<Map<string, string>> {
  const said = new Map<string, string>();
  for (const { method, path: route } of ROUTES) {
    if (method !== 'GET') continue;
    const address = `${gateway.url}api/v1${route.replace(/:\w+/g, '1')}`;
    const response = await get(address, { headers: { 'x-vigil-passphrase': PASSPHRASE } });
    const headers = JSON.stringify([...response.headers]);
    const bytes = Buffer.from(await response.arrayBuffer());
    said.set(`${route} ${response.status}`, `${headers} ${bytes.toString('latin1')}`);
  }
  return said;
}

test('no secret is in the log, in a reply, in an export or in a backup', async () => {
  const folder = directory();
  const data = path.join(folder, 'data');
  const args = ['--config', settingsFile(folder), '--data', data];
  await using gateway = await startGateway({ args });
  const student = { username: 'bob', password: SECRETS.person };
  const made = await send(gateway, 'POST', '/users', { ...student, role: 'student' });
  expect(made.status).toBe(201);
  const login = await send(gateway, 'POST', '/auth/login', { ...student, refresh: 'body' });
  const granted = JSON.parse(login.text);
  const tokens: string[] = [granted.access_token, granted.refresh_token];
  expect(tokens.every((token) => typeof token === 'string' && token.length > 40)).toBe(true);

  const said = new Map<string, string>();
  const ask = async (method: string, route: string, body: unknown): Promise<void> => {
    const { status, text } = await send(gateway, method, route, body);
    said.set(`${method} ${route} ${said.size} ${status}`, text);
  };
  await ask('POST', '/alerts/actions/mail/test', undefined);
  await ask('PATCH', '/settings', { webhook: [`ftp://${SECRETS.webhook}`], log: 'loud' });
  await ask('PATCH', '/settings', { mail: `smtp://x:${SECRETS.mail}@y` });
  await ask('PATCH', '/settings', { webhook: [`http://127.0.0.1:9/${SECRETS.webhook}`] });
  await eventually('a session to export', async () => {
    const { status, text } = await send(gateway, 'POST', '/export', {
      session: 1,
      format: 'jsonl',
    });
    if (status < 300) said.set('export', text);
    return { done: status < 300, seen: text };
  });
  for (const [route, text] of await replies(gateway)) said.set(route, text);
  const statuses = [...said.keys()].join('\n');
  for (const read of ['/settings 200', '/backup 200', '/users 200', '/audit 200', '/health 200']) {
    expect(statuses).toContain(read);
  }
  said.set('log', [...gateway.log, ...gateway.errors].join('\n'));

  const secrets = [...Object.values(SECRETS), ...tokens, ...storedSecrets(data)];
  expect(secrets.length).toBeGreaterThan(9);
  expect(placesOf([...secrets, PASSPHRASE], said)).toEqual([]);
  // Its words are an example in the documents too.
  for (const where of ['/openapi.json 200', '/docs 200']) said.delete(where);
  expect(placesOf([PASSWORD], said)).toEqual([]);
});

function placesOf(secrets: readonly string[], said: ReadonlyMap<string, string>): string[] {
  const forms = secrets.flatMap((secret) => [secret, encodeURIComponent(secret)]);
  const found = [...said].filter(([, text]) => forms.some((form) => text.includes(form)));
  return found.map(([where]) => where);
}

test('what is looked for is found where it is', () => {
  const said = new Map([
    ['here', 'x correct%20horse%20battery'],
    ['there', 'battery'],
  ]);
  expect(placesOf([PASSWORD, 'none'], said)).toEqual(['here']);
});

test('the claim code of a new gateway is told where it is started, and in no reply', async () => {
  const folder = directory();
  const args = ['--config', settingsFile(folder), '--data', folder, '--http', '127.0.0.1:0'];
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] },
  });
  await using gateway = new Gateway(child, folder);
  await gateway.untilListening();
  const code = readFileSync(path.join(folder, 'claim-code'), 'utf8').trim();
  expect(code.length).toBeGreaterThan(15);
  const refused = await send(gateway, 'POST', '/setup', {
    ...{ code: 'ZZZZ-ZZZZ-ZZZZ-ZZZZ', username: 'ada', password: SECRETS.person },
  });
  const said = new Map([...(await replies(gateway)), ['/setup', refused.text]]);
  expect([...said].filter(([, text]) => text.includes(code))).toEqual([]);
  expect([...said.keys()].join('\n')).toContain('/settings 403');
});
