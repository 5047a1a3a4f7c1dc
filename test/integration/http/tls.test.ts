import { createHash, X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConfigError } from '#core/errors.ts';
import { Certificates } from '../../../src/io/certificate.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { stream } from '../../unit/http/fakes.ts';
import { type Gateway, start, until } from './harness.ts';
import { call, firstFrames, pemOf } from './secure-call.ts';

/** Clients look at their own clock. */
const NOW_MS = Date.now();
const DAY_MS = 86_400_000;

let gateway: Gateway;
let directory: string;
let nowMs = NOW_MS;
let url: string;
const clock = new FakeClock();

const certificatesIn = (folder: string, program = 'openssl') =>
  new Certificates({
    directory: folder,
    title: 'car-7',
    wanted: () => ({ names: ['localhost', '127.0.0.1', 'car.local'], networks: [] }),
    nowMs: () => nowMs,
    program,
  });

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'tls-'));
  const certificates = certificatesIn(path.join(directory, 'tls'));
  gateway = await start([stream('obd.engine.rpm')], {
    realTime: clock,
    tls: { host: '127.0.0.1', port: 0, certificates },
    hosts: ['car.local'],
  });
  url = gateway.server.secureUrl ?? '';
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

const trusted = async () => pemOf((await call(`${gateway.server.url}/trust/ca.crt`)).body);

test('who has installed the authority is served without a warning', async () => {
  const ca = await trusted();
  const { status, headers, body } = await call(`${url}/`, { ca });
  expect(status).toBe(200);
  expect(body.toString()).toContain('Vigil');
  expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
  expect(
    (await call(`${url}/`, { ca, servername: 'car.local', headers: { host: 'car.local' } })).status,
  ).toBe(200);
  await expect(call(`${url}/`, { ca, servername: 'bank.example' })).rejects.toThrow(/altnames/);
});

test('routes, accounts and counters are the same as without TLS', async () => {
  const authorization = `Bearer ${await gateway.people.token('viewer')}`;
  const before = Number(gateway.server.health().details['requests']);
  const plain = await call(`${gateway.server.url}/api/v1/streams`, { headers: { authorization } });
  const secure = await call(`${url}/api/v1/streams`, { headers: { authorization } });
  expect(secure.status).toBe(200);
  expect(secure.body).toEqual(plain.body);
  expect((await call(`${url}/api/v1/streams`)).status).toBe(401);
  expect(gateway.server.health().details['requests']).toBe(before + 3);
});

test('nobody is made to come over TLS only', async () => {
  // It would lock out all who have not installed the authority.
  expect((await call(`${url}/`)).headers).not.toHaveProperty('strict-transport-security');
});

test('a WebSocket goes over TLS', async () => {
  const authorization = `Bearer ${await gateway.people.token('viewer')}`;
  const text = await firstFrames(`${url}/ws/telemetry`, { authorization }, (all) =>
    all.includes('"hello"'),
  );
  expect(text).toMatch(/^HTTP\/1\.1 101 /);
  const foreign = { authorization, Origin: 'https://example.org' };
  const refused = await firstFrames(`${url}/ws/telemetry`, foreign, (all) =>
    all.includes('\r\n\r\n'),
  );
  expect(refused).toMatch(/^HTTP\/1\.1 403 /);
});

test('old versions of TLS are refused', async () => {
  const { port } = new URL(url);
  const options = { host: '127.0.0.1', port: Number(port), rejectUnauthorized: false };
  for (const maxVersion of ['TLSv1', 'TLSv1.1'] as const) {
    const socket = connect({
      ...options,
      minVersion: 'TLSv1',
      maxVersion,
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    await new Promise((resolve) => {
      socket.on('error', resolve);
      socket.on('secureConnect', () => expect(`connected by ${maxVersion}`).toBe('refused'));
    });
  }
});

test('the page tells the fingerprint of what it gives out', async () => {
  const page = await call(`${gateway.server.url}/trust`);
  const { body: der, headers } = await call(`${gateway.server.url}/trust/ca.crt`);
  expect(headers['content-type']).toBe('application/x-x509-ca-cert');
  expect(headers['content-disposition']).toBe('attachment; filename="car-7.crt"');
  const hash = createHash('sha256').update(der).digest('hex').toUpperCase();
  expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
  expect(page.body.toString()).toContain(hash.match(/../g)?.join(' '));
  expect(page.body.toString()).not.toMatch(/<script|<style|style=| on[a-z]+=/);
  expect(page.body.toString()).toContain('<link rel="icon" href="/icon.svg">');
  expect(new X509Certificate(der).subject).toBe('CN=Vigil car-7 authority');
  const profile = await call(`${gateway.server.url}/trust/ca.mobileconfig`);
  expect(profile.headers['content-type']).toBe('application/x-apple-aspen-config');
  const data = /<data>\n([^<]+)<\/data>/.exec(profile.body.toString())?.[1] ?? '';
  expect(Buffer.from(data, 'base64')).toEqual(der);
  const ids = [...profile.body.toString().matchAll(/UUID<\/key><string>([^<]+)/g)].map(
    ([, id]) => id,
  );
  expect(new Set(ids).size).toBe(2);
  for (const id of ids) {
    expect(id).toMatch(/^[0-9A-F]{8}-[0-9A-F]{4}-8[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$/);
  }
});

test('without TLS there is nothing to trust', async () => {
  await using plain = await start([]);
  for (const file of ['/trust', '/trust/ca.crt', '/trust/ca.mobileconfig']) {
    expect((await call(`${plain.server.url}${file}`)).status, file).toBe(404);
  }
  expect(plain.server.secureUrl).toBeUndefined();
});

test('a renewed certificate needs no restart, and cuts nobody off', async () => {
  const { port } = new URL(url);
  const serial = () =>
    new Promise<string>((resolve) => {
      const socket = connect(
        { host: '127.0.0.1', port: Number(port), rejectUnauthorized: false },
        () => {
          resolve(socket.getPeerCertificate().serialNumber);
          socket.destroy();
        },
      );
    });
  const old = await serial();
  const kept = connect({ host: '127.0.0.1', port: Number(port), rejectUnauthorized: false });
  await new Promise((resolve) => kept.once('secureConnect', resolve));
  nowMs = NOW_MS + 360 * DAY_MS;
  await clock.advance(60_000);
  await until(() => clock.sleepers > 0);
  while ((await serial()) === old);
  const serials = await Promise.all(Array.from({ length: 8 }, serial));
  expect(new Set(serials).size).toBe(1);
  expect((await call(`${url}/health`)).status).toBe(200);
  kept.write('GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const answer = await new Promise<string>((resolve) =>
    kept.once('data', (data) => resolve(String(data))),
  );
  expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  kept.destroy();
});

test('a disk that fails costs TLS and not the gateway, and is tried again', async () => {
  const folder = path.join(directory, 'blocked');
  await writeFile(folder, 'a file in the way');
  const time = new FakeClock();
  const certificates = certificatesIn(folder);
  await using other = await start([], {
    realTime: time,
    tls: { host: '127.0.0.1', port: 0, certificates },
  });
  expect((await call(`${other.server.url}/health`)).status).toBe(200);
  expect(other.server.secureUrl).toBeUndefined();
  expect(other.server.health()).toMatchObject({
    status: 'waiting',
    text: expect.stringMatching(/^https: E/),
  });
  expect(other.errors).toHaveLength(1);
  await time.advance(60_000);
  await until(() => time.sleepers > 0);
  expect(other.errors).toHaveLength(1);
  await rm(folder);
  await mkdir(folder);
  await time.advance(60_000);
  await until(() => other.server.secureUrl !== undefined);
  expect((await call(`${other.server.secureUrl}/health`)).status).toBe(200);
  await until(() => other.server.health().status === 'ok');
});

test('without openssl, or with an address of another host, there is no start', async () => {
  const missing = certificatesIn(path.join(directory, 'none'), '/nowhere/openssl');
  const tls = { host: '127.0.0.1', port: 0, certificates: missing };
  await expect(start([], { tls })).rejects.toThrow(ConfigError);
  const elsewhere = {
    ...tls,
    host: '192.0.2.99',
    certificates: certificatesIn(path.join(directory, 'b')),
  };
  await expect(start([], { tls: elsewhere })).rejects.toThrow(/^https: 192\.0\.2\.99/);
});
