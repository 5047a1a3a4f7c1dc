/** The example site, with Debian's nginx in front of a gateway. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Remote } from '#core/account.ts';
import { freePorts } from '../../support/free-ports.ts';
import { stream } from '../../unit/http/fakes.ts';
import { type Gateway, rawSocket, start } from './harness.ts';
import { call, firstFrames } from './secure-call.ts';

const EXAMPLE = path.resolve(import.meta.dirname, '../../../scripts/nginx.conf.example');
const NAME = 'car.example.org';

let gateway: Gateway;
let directory: string;
let nginx: ReturnType<typeof spawn>;
let plain: string;
let secure: string;
/** Where log-ins came from, by the audit log. */
const logInsFrom = (): readonly string[] => gateway.people.facts.map(({ from }) => from);

beforeAll(async () => {
  gateway = await start([stream('obd.engine.rpm')], { proxies: ['127.0.0.1'], hosts: [NAME] });
  directory = await mkdtemp(path.join(tmpdir(), 'nginx-'));
  const [http = 0, https = 0] = await freePorts(2);
  await makeCertificate();
  await writeFile(path.join(directory, 'site'), await exampleFor(http, https));
  await writeFile(path.join(directory, 'nginx.conf'), MAIN);
  // Its workers give up root.
  await chmod(directory, 0o755);
  nginx = spawn('nginx', ['-p', directory, '-c', 'nginx.conf', '-e', 'error.log'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  [plain, secure] = [`http://127.0.0.1:${http}`, `https://127.0.0.1:${https}`];
  await reachable(http);
});

afterAll(async () => {
  if (nginx?.exitCode === null) {
    nginx.kill('SIGQUIT');
    nginx.kill('SIGTERM');
    await once(nginx, 'exit');
  }
  await gateway[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

const MAIN = `daemon off;
pid nginx.pid;
worker_processes 1;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path tmp-body;
  proxy_temp_path tmp-proxy;
  fastcgi_temp_path tmp-fastcgi;
  uwsgi_temp_path tmp-uwsgi;
  scgi_temp_path tmp-scgi;
  include site;
}
`;

/** As it stands, but for the ports and the files, each of which has to be found there. */
async function exampleFor(http: number, https: number): Promise<string> {
  const changes: readonly (readonly [RegExp, string])[] = [
    [/^ *listen \[::\]:\d+( ssl)?;\n/m, ''],
    [/^ *listen \[::\]:\d+( ssl)?;\n/m, ''],
    [/listen 80;/, `listen 127.0.0.1:${http};`],
    [/listen 443 ssl;/, `listen 127.0.0.1:${https} ssl;`],
    [/server 127\.0\.0\.1:8080;/, `server 127.0.0.1:${gateway.port};`],
    [/\/etc\/ssl\/vigil\/fullchain\.pem/, path.join(directory, 'crt')],
    [/\/etc\/ssl\/vigil\/privkey\.pem/, path.join(directory, 'key')],
  ];
  let text = await readFile(EXAMPLE, 'utf8');
  for (const [from, to] of changes) {
    expect(text).toMatch(from);
    text = text.replace(from, to);
  }
  return text;
}

async function makeCertificate(): Promise<void> {
  await mkdir(directory, { recursive: true });
  await promisify(execFile)(
    'openssl',
    [
      ...['req', '-x509', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
      ...['-keyout', 'key', '-out', 'crt', '-days', '2', '-subj', `/CN=${NAME}`],
    ],
    { cwd: directory },
  );
}

async function reachable(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isOpen) return;
    if (nginx.exitCode !== null) throw new Error(`nginx ended with ${nginx.exitCode}`);
  }
}

test('page and API are there, over TLS and without', async () => {
  const authorization = `Bearer ${await gateway.people.token('viewer')}`;
  for (const url of [plain, secure]) {
    expect((await call(`${url}/`)).body.toString(), url).toContain('Vigil');
    expect((await call(`${url}/health`, { headers: { host: NAME } })).status).toBe(200);
    const { status } = await call(`${url}/api/v1/streams`, { headers: { authorization } });
    expect(status).toBe(200);
    expect((await call(`${url}/api/v1/streams`)).status).toBe(401);
  }
});

test('a name that is not ours is refused through it as well', async () => {
  const { status } = await call(`${plain}/health`, { headers: { host: 'rebind.example.org' } });
  expect(status).toBe(403);
});

test('a WebSocket comes through with its log-in, over TLS and without', async () => {
  const authorization = `Bearer ${await gateway.people.token('viewer')}`;
  for (const url of [plain, secure]) {
    const text = await firstFrames(`${url}/ws/telemetry`, { authorization }, (all) =>
      all.includes('"hello"'),
    );
    expect(text).toMatch(/^HTTP\/1\.1 101 [\s\S]*"authenticated"/);
  }
  const port = Number(new URL(plain).port);
  await expect(rawSocket({ port }, { Origin: 'https://example.org' })).rejects.toThrow(' 403 ');
});

test('a page that nginx serves may change things, another may not', async () => {
  const authorization = `Bearer ${await gateway.people.token('admin')}`;
  const ask = async (origin: string, host: string) => {
    const headers = { authorization, origin, host, 'content-type': 'application/json' };
    const body = '{"unknown":1}';
    return (await call(`${secure}/api/v1/sessions`, { method: 'POST', headers, body })).status;
  };
  const { host } = new URL(secure);
  expect(await ask(secure, host)).toBe(422);
  expect(await ask(`https://${NAME}`, NAME)).toBe(422);
  expect(await ask('https://example.org', host)).toBe(403);
});

test('a long body and a large file come through whole', async () => {
  const long = await call(`${plain}/api/v1/sessions`, { method: 'POST', body: 'x'.repeat(70_000) });
  expect(long.status).toBe(413);
  const { body } = await call(`${secure}/large.txt`);
  expect(body).toHaveLength(1_000_000);
});

test('the gateway knows who asks, and believes nothing that they add', async () => {
  const remotes: Remote[] = [];
  const { accounts } = gateway.people;
  const login = accounts.login.bind(accounts);
  accounts.login = (who, visit) => {
    remotes.push(visit.remote);
    return login(who, visit);
  };
  const sent = JSON.stringify({ username: 'nobody', password: 'wrong horse battery' });
  const forged = {
    'content-type': 'application/json',
    'x-forwarded-for': '203.0.113.99',
    'x-forwarded-proto': 'https',
    'x-forwarded-host': NAME,
  };
  const localAddress = '127.0.0.5';
  const options = { method: 'POST', headers: forged, body: sent, localAddress };
  await call(`${plain}/api/v1/auth/login`, options);
  await call(`${secure}/api/v1/auth/login`, options);
  // Through a proxy nobody is local, from this computer or not.
  const seen = { address: localAddress, isLocal: false };
  expect(remotes).toEqual([
    { ...seen, isSecure: false },
    { ...seen, isSecure: true },
  ]);
  expect(logInsFrom()).toContain(localAddress);
  expect(logInsFrom()).not.toContain('203.0.113.99');
});
