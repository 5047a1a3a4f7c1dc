import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect as connectTls } from 'node:tls';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConfigError } from '#core/errors.ts';
import { type Certificate, Certificates } from '../../../src/io/certificate.ts';
import { monotonicClock } from '../../../src/io/clock.ts';
import { MqttListener } from '../../../src/mqtt/listen.ts';
import { FakeClock, settle } from '../../support/fake-clock.ts';
import { closeOf, received, startBroker, type TestBroker } from '../../support/mqtt-broker.ts';
import { SILENT_LOG } from '../../support/silent-log.ts';
import { pemOf } from '../http/secure-call.ts';

const DAY_MS = 86_400_000;
const host = '127.0.0.1';
const clock = new FakeClock();
let directory: string;
let nowMs = Date.now();
let world: TestBroker;
let listener: MqttListener;
let certificate: Certificate;
let certificates: Certificates;

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'mqtt-tls-'));
  certificates = certificatesIn('tls');
  certificate = await certificates.renew();
  world = await startBroker();
  const { broker } = world;
  const secure = { host, port: 0, certificates };
  listener = new MqttListener({ broker, secure, clock, log: SILENT_LOG });
  await listener.open();
});

afterAll(async () => {
  listener.close();
  await world[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

function certificatesIn(folder: string): Certificates {
  return new Certificates({
    directory: path.join(directory, folder),
    title: 'car-7',
    wanted: () => ({ names: ['localhost', host], networks: [] }),
    nowMs: () => nowMs,
  });
}

/** A client certificate that the authority in `folder` has signed. */
async function deviceCertificate(folder: string, name: string) {
  const cwd = directory;
  const run = (...args: string[]) => execFileSync('openssl', args, { cwd, stdio: 'ignore' });
  const key = `${name}.key`;
  run('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', key);
  run('req', '-new', '-key', key, '-subj', `/CN=${name}`, '-out', 'csr');
  const ca = path.join(folder, 'ca.pem');
  await writeFile(path.join(cwd, 'ext'), 'extendedKeyUsage = clientAuth');
  const signer = ['-CA', ca, '-CAkey', ca, '-set_serial', '7', '-days', '30'];
  run('x509', '-req', '-in', 'csr', ...signer, '-extfile', 'ext', '-out', `${name}.crt`);
  const read = (file: string) => readFile(path.join(cwd, file), 'latin1');
  return { key: await read(key), cert: await read(`${name}.crt`) };
}

function connect(options: object): Promise<MqttClient> {
  const ca = pemOf(certificate.authority);
  const port = listener.securePort ?? 0;
  return connectAsync({ protocol: 'mqtts', host, port, ca, reconnectPeriod: 0, ...options });
}

test('who trusts the authority logs in over TLS, without a certificate of their own', async () => {
  const client = await connect({ username: 'reader', password: 'secret' });
  const all = received(client);
  await client.subscribeAsync('out/#');
  world.broker.publish({ topic: 'out/a', payload: 'x'.repeat(60_000), qos: 1, retain: false });
  await expect.poll(() => all.map(([, text]) => text.length)).toEqual([60_000]);
  await client.endAsync();
});

test('a refusal reaches the client over TLS too', async () => {
  await expect(connect({ username: 'reader', password: 'guess' })).rejects.toMatchObject({
    code: 4,
  });
});

test('a device comes by the certificate that the authority has signed for it', async () => {
  const client = await connect(await deviceCertificate('tls', 'camera-1'));
  expect(client.connected).toBe(true);
  await client.endAsync();
});

test('a certificate of another authority says nothing', async () => {
  await certificatesIn('other').renew();
  const strange = await deviceCertificate('other', 'camera-2');
  await expect(connect(strange)).rejects.toMatchObject({ code: 4 });
  const client = await connect({ ...strange, username: 'reader', password: 'secret' });
  await client.endAsync();
});

test('a certificate that is renewed is given to new connections, and the others stay', async () => {
  const before = await connect({ username: 'reader', password: 'secret' });
  const stop = new AbortController();
  const running = listener.run(stop.signal);
  nowMs += 380 * DAY_MS;
  await settle();
  await clock.advance(60_000);
  const served = () =>
    new Promise<string>((resolve, reject) => {
      const port = listener.securePort ?? 0;
      const socket = connectTls({ host, port, rejectUnauthorized: false }, () => {
        resolve(socket.getPeerCertificate().fingerprint256);
        socket.destroy();
      });
      socket.on('error', reject);
    });
  await expect.poll(served, { timeout: 10_000 }).not.toBe(certificate.id);
  expect(before.connected).toBe(true);
  nowMs = Date.now();
  await before.endAsync();
  stop.abort();
  await running;
  expect(listener.health().status).toBe('ok');
});

test('what is no handshake is closed and counted', async () => {
  await using other = await startBroker();
  const { broker } = other;
  const secure = { host, port: 0, certificates: { renew: async () => certificate } };
  const second = new MqttListener({ broker, secure, clock: monotonicClock(), log: SILENT_LOG });
  await second.open();
  const socket = createConnection({ host, port: second.securePort ?? 0 });
  socket.on('error', () => {}); // Its close comes next.
  socket.resume().write('MQTT without TLS, which is longer than a record of it');
  await closeOf(socket);
  expect(second.health().details['failedHandshakes']).toBe(1);
  second.close();
});

test('a port that somebody else has is told with the setting and the address', async () => {
  const somebody = createServer().listen({ host, port: 0 });
  await new Promise((resolve) => somebody.once('listening', resolve));
  const address = somebody.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const options = { broker: world.broker, clock, log: SILENT_LOG };
  const opening = new MqttListener({ ...options, plain: { host, port } }).open();
  await expect(opening).rejects.toThrow(ConfigError);
  await expect(opening).rejects.toThrow(`mqtt: ${host}:${port}: in use by another process`);
  const elsewhere = new MqttListener({ ...options, plain: { host: '192.0.2.1', port } }).open();
  await expect(elsewhere).rejects.toThrow('mqtt: 192.0.2.1');
  somebody.close();
});
