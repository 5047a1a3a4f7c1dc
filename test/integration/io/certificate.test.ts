import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ConfigError } from '#core/errors.ts';
import { type CertificateOptions, Certificates } from '../../../src/io/certificate.ts';

const DAY_MS = 86_400_000;
const BUILD_MS = Date.UTC(2026, 10, 1);
const NOW_MS = Date.UTC(2027, 4, 1);
const NAMES = ['localhost', '127.0.0.1', '::1', 'car', 'car.local', '10.42.0.1'];

let directory: string;
beforeEach(async () => {
  directory = path.join(await mkdtemp(path.join(tmpdir(), 'tls-')), 'tls');
});
afterEach(() => rm(path.dirname(directory), { recursive: true }));

function certificates(overrides: Partial<CertificateOptions> & { names?: readonly string[] } = {}) {
  const { names = NAMES, ...options } = overrides;
  return new Certificates({
    directory,
    title: 'car-7',
    wanted: () => ({ names, networks: ['10.42.0.1/24'] }),
    nowMs: () => NOW_MS,
    ...options,
  });
}

const server = async (): Promise<X509Certificate> => {
  const text = await readFile(path.join(directory, 'server.pem'), 'latin1');
  return new X509Certificate(text.slice(text.indexOf('-----BEGIN CERTIFICATE')));
};
const openssl = (...args: readonly string[]) =>
  promisify(execFile)('openssl', args, { cwd: directory });

test('browsers find what they look for, and the chain is good', async () => {
  const { authority } = await certificates().renew();
  const ca = new X509Certificate(authority);
  const certificate = await server();
  expect(ca.ca).toBe(true);
  expect(certificate.ca).toBe(false);
  expect(certificate.checkIssued(ca)).toBe(true);
  for (const name of ['localhost', 'car', 'car.local']) {
    expect(certificate.checkHost(name), name).toBe(name);
  }
  for (const address of ['127.0.0.1', '10.42.0.1']) {
    expect(certificate.checkIP(address), address).toBe(address);
  }
  expect(certificate.checkHost('example.org')).toBeUndefined();
  const { stdout } = await openssl(
    'verify',
    '-x509_strict',
    '-purpose',
    'sslserver',
    '-attime',
    String(NOW_MS / 1000),
    '-CAfile',
    'ca.pem',
    'server.pem',
  );
  expect(stdout).toBe('server.pem: OK\n');
  const text = (await openssl('x509', '-in', 'ca.pem', '-noout', '-text')).stdout;
  expect(text).toContain('CA:TRUE, pathlen:0');
  expect(text).toContain('prime256v1');
  expect(text).toContain('IP:10.42.0.0/255.255.255.0');
});

test('with a stolen key nobody can pose as somebody else', async () => {
  await certificates().renew();
  const signed = async (name: string) => {
    await openssl(
      'req',
      '-new',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      'k',
      '-subj',
      '/CN=x',
      '-out',
      'r',
    );
    await writeFile(path.join(directory, 'e'), `subjectAltName = ${name}\n`);
    await openssl(
      'x509',
      '-req',
      '-in',
      'r',
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.pem',
      '-extfile',
      'e',
      '-days',
      '30',
      '-out',
      'c',
    );
    return await openssl('verify', '-no_check_time', '-CAfile', 'ca.pem', 'c').then(
      () => 'good',
      (error: Error & { stderr: string }) => error.stderr,
    );
  };
  expect(await signed('DNS:car.local')).toBe('good');
  expect(await signed('IP:10.42.0.99')).toBe('good');
  for (const name of ['DNS:bank.example', 'DNS:xcar.local', 'IP:10.43.0.1', 'IP:fd00::1']) {
    expect(await signed(name), name).toContain('permitted subtree violation');
  }
});

test('the keys are for nobody else, and nothing else is left behind', async () => {
  await certificates().renew();
  expect((await stat(directory)).mode & 0o777).toBe(0o700);
  const files = (await readdir(directory)).sort();
  expect(files).toEqual(['ca.pem', 'ca.pem.copy', 'server.pem', 'server.pem.copy']);
  for (const file of files) {
    expect((await stat(path.join(directory, file))).mode & 0o777, file).toBe(0o600);
  }
});

test('what is there stays over a start, and no two gateways are alike', async () => {
  const first = await certificates().renew();
  expect(await certificates().renew()).toEqual(first);
  await rm(directory, { recursive: true });
  const other = await certificates().renew();
  expect(other.fingerprint).not.toBe(first.fingerprint);
  expect(other.id).not.toBe(first.id);
});

test('two that ask at once get the same, and it is made once', async () => {
  const shared = certificates();
  const [http, broker] = await Promise.all([shared.renew(), shared.renew()]);
  expect(broker).toBe(http);
  expect((await server()).fingerprint256).toBe(http.id);
  expect((await readdir(directory)).includes('work')).toBe(false);
  // And the next does not get what was made before.
  expect(await shared.renew()).not.toBe(http);
});

test('a clock that begins at 1970 dates nothing before the build', async () => {
  const early = certificates({ nowMs: () => 0 });
  const { id, authority } = await early.renew();
  expect(Date.parse((await server()).validFrom)).toBe(BUILD_MS);
  expect(Date.parse(new X509Certificate(authority).validFrom)).toBe(BUILD_MS);
  // It is no reason to begin anew each minute, and when the time is known it is good.
  expect((await early.renew()).id).toBe(id);
  expect((await certificates({ nowMs: () => BUILD_MS + 100 * DAY_MS }).renew()).id).toBe(id);
});

test('it is renewed before it ends, and lasts no longer than browsers allow', async () => {
  const { id, notAfterMs, fingerprint } = await certificates().renew();
  const { validFrom } = await server();
  expect(notAfterMs - Date.parse(validFrom)).toBe(397 * DAY_MS);
  expect((await certificates({ nowMs: () => notAfterMs - 30 * DAY_MS }).renew()).id).toBe(id);
  const late = await certificates({ nowMs: () => notAfterMs - 30 * DAY_MS + 1 }).renew();
  expect(late.id).not.toBe(id);
  expect(late.fingerprint).toBe(fingerprint);
  expect(late.notAfterMs).toBeGreaterThan(notAfterMs + 300 * DAY_MS);
});

test('a clock that was ahead is found out when it is set', async () => {
  const ahead = await certificates({ nowMs: () => NOW_MS + 1000 * DAY_MS }).renew();
  const set = await certificates().renew();
  expect(set.id).not.toBe(ahead.id);
  expect(set.fingerprint).toBe(ahead.fingerprint);
  expect(Date.parse((await server()).validFrom)).toBeLessThan(NOW_MS);
  // One in the next century knows nothing.
  expect((await certificates({ nowMs: () => Date.UTC(2126, 0, 1) }).renew()).id).toBe(set.id);
});

test('a new address makes a new certificate, one that is gone does not', async () => {
  const first = await certificates().renew();
  const other = await certificates({ names: [...NAMES, '10.42.0.77'] }).renew();
  expect(other.id).not.toBe(first.id);
  expect(other.fingerprint).toBe(first.fingerprint);
  expect((await server()).checkIP('10.42.0.77')).toBe('10.42.0.77');
  expect((await certificates().renew()).id).toBe(other.id);
});

test('what the authority may not vouch for is left out, and told', async () => {
  const { id } = await certificates().renew();
  const names = [...NAMES, '192.0.2.7', 'car.example.org', 'sub.car.local'];
  const { leftOut, fingerprint } = await certificates({ names }).renew();
  expect(leftOut).toEqual(['192.0.2.7', 'car.example.org']);
  expect((await server()).checkHost('sub.car.local')).toBe('sub.car.local');
  // Without the folder the authority is a new one, which knows them.
  await rm(directory, { recursive: true });
  const anew = await certificates({ names }).renew();
  expect(anew.leftOut).toEqual([]);
  expect([anew.id, anew.fingerprint]).not.toContain(id);
  expect(anew.fingerprint).not.toBe(fingerprint);
});

test('a damaged file has a copy, and what has none is made anew', async () => {
  const first = await certificates().renew();
  const cut = async (name: string) => {
    const text = await readFile(path.join(directory, name), 'latin1');
    await writeFile(path.join(directory, name), text.slice(0, 300));
  };
  await cut('ca.pem');
  await cut('server.pem');
  expect(await certificates().renew()).toEqual(first);
  await cut('server.pem.copy');
  const second = await certificates().renew();
  expect(second.id).not.toBe(first.id);
  expect(second.fingerprint).toBe(first.fingerprint);
  await cut('ca.pem.copy');
  const third = await certificates().renew();
  expect(third.fingerprint).not.toBe(first.fingerprint);
  const { stdout } = await openssl('verify', '-no_check_time', '-CAfile', 'ca.pem', 'server.pem');
  expect(stdout).toBe('server.pem: OK\n');
});

test('without openssl the start says so; one that fails may be tried again', async () => {
  const missing = certificates({ program: '/nowhere/openssl' }).renew();
  await expect(missing).rejects.toThrow(ConfigError);
  await expect(missing).rejects.toThrow(/needs the program openssl, which is not installed/);
  await expect(certificates({ program: '/bin/false' }).renew()).rejects.toMatchObject({
    code: 'OPENSSL_FAILED',
  });
  expect(await readdir(directory)).toEqual([]);
  await certificates().renew();
});
