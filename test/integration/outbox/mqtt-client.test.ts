import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  connectMqtt,
  type MqttArrival,
  MqttError,
  type MqttOptions,
  type MqttServer,
} from '../../../src/io/mqtt-client.ts';
import { type Certificates, Mosquitto, makeCertificates } from '../../support/mosquitto.ts';

const PLAIN = 0;
const LOGIN = 1;
const TLS = 2;
const MUTUAL = 3;
const ELSEWHERE = 4;
const never = new AbortController().signal;

let directory = '';
let certificates: Certificates;
let broker: Mosquitto;

beforeAll(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'vigil-mqtt-'));
  certificates = makeCertificates(directory);
  const passwords = path.join(directory, 'passwords');
  writeFileSync(passwords, '');
  execFileSync('mosquitto_passwd', ['-b', passwords, 'car', 'p@ss:word']);
  const acl = path.join(directory, 'acl');
  writeFileSync(acl, 'user car\ntopic readwrite mine/#\n');
  const { ca, server, elsewhere } = certificates;
  const tls = ({ cert, key }: { cert: string; key: string }): string[] => [
    ...[`cafile ${ca}`, `certfile ${cert}`, `keyfile ${key}`, 'allow_anonymous true'],
  ];
  broker = await Mosquitto.start(
    ['allow_anonymous true'],
    [`password_file ${passwords}`, `acl_file ${acl}`],
    tls(server),
    [...tls(server), 'require_certificate true', 'use_identity_as_username true'],
    tls(elsewhere),
  );
});

afterAll(async () => {
  await broker[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

function at(listener: number, more: Partial<MqttServer> = {}): MqttServer {
  return { host: '127.0.0.1', port: broker.ports[listener] ?? 0, tls: listener >= TLS, ...more };
}

function open(server: MqttServer, more: Partial<MqttOptions> = {}) {
  return connectMqtt({ server, version: 5, clientId: 'car-1', ...more }, never);
}

async function failure(work: Promise<unknown>): Promise<MqttError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof MqttError)) throw new Error(`no MqttError: ${error}`);
  return error;
}

/** Something that is not a broker. */
async function serve(onSocket: (socket: Socket) => void): Promise<Server & { port: number }> {
  const server = createServer(onSocket).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return Object.assign(server, { port: typeof address === 'object' && address ? address.port : 0 });
}

test.each([4, 5] as const)(
  'MQTT version %i: what is published arrives, and the promise tells of the PUBACK',
  async (version) => {
    const arrived: MqttArrival[] = [];
    const hearer = await open(at(PLAIN), {
      version,
      clientId: 'hearer',
      onMessage: (one) => arrived.push(one),
    });
    await hearer.subscribe(['a/#']);
    const sayer = await open(at(PLAIN), { version });
    await sayer.publish({
      topic: `a/${version}`,
      payload: new Uint8Array([1, 2, 3]),
      qos: 1,
      retain: true,
    });
    await sayer.publish({ topic: `a/${version}`, payload: 'text', qos: 0, retain: false });
    await expect.poll(() => arrived.length).toBe(version === 4 ? 2 : 3);
    expect(arrived.slice(-2)).toEqual([
      { topic: `a/${version}`, payload: Buffer.from([1, 2, 3]), retained: false },
      { topic: `a/${version}`, payload: Buffer.from('text'), retained: false },
    ]);
    expect(sayer.remoteAddress).toBe('127.0.0.1');
    await Promise.all([hearer.close(), sayer.close()]);
    expect((await sayer.closed).code).toBe('CLOSED');
  },
);

test('the will is published when we go without a word, and not after a farewell', async () => {
  const arrived: string[] = [];
  const hearer = await open(at(PLAIN), {
    ...{ clientId: 'hearer' },
    onMessage: ({ payload }) => arrived.push(Buffer.from(payload).toString()),
  });
  await hearer.subscribe(['will']);
  const will = (payload: string) => ({ topic: 'will', payload, qos: 1, retain: false }) as const;
  const polite = await open(at(PLAIN), { clientId: 'polite', will: will('polite') });
  await polite.close();
  const rude = await open(at(PLAIN), { clientId: 'rude', will: will('rude') });
  rude.destroy(new MqttError('CLOSED', 'cut'));
  await expect.poll(() => arrived).toEqual(['rude']);
  await hearer.close();
});

test('TLS and a certificate of our own, with the authority from a file', async () => {
  const { ca, device } = certificates;
  const connection = await open(at(MUTUAL, { ca, ...device }));
  await connection.publish({ topic: 'a', payload: 'x', qos: 1, retain: false });
  await connection.close();
});

test.each([
  [
    'an authority that nobody knows',
    () => at(TLS),
    'TLS',
    /its certificate is from no authority that is known here$/,
  ],
  ['another authority', () => at(TLS, { ca: certificates.otherCa }), 'TLS', /from no authority/],
  [
    'another host',
    () => at(ELSEWHERE, { ca: certificates.ca }),
    'TLS',
    /its certificate is for another host$/,
  ],
  [
    'a missing certificate of ours',
    () => at(MUTUAL, { ca: certificates.ca }),
    'TLS',
    /it refuses our certificate, or wants one/,
  ],
  [
    'a certificate of ours from elsewhere',
    () => at(MUTUAL, { ca: certificates.ca, ...certificates.otherDevice }),
    'TLS',
    /it refuses our certificate/,
  ],
  [
    'a file that is not there',
    () => at(TLS, { ca: '/nowhere/ca.pem' }),
    'FILES',
    /\/nowhere\/ca\.pem: there is no such file/,
  ],
  [
    'a certificate of ours that is none',
    () =>
      at(MUTUAL, { ca: certificates.ca, cert: import.meta.filename, key: import.meta.filename }),
    'FILES',
    /127\.0\.0\.1:\d+: cert and key are not a certificate and its key/,
  ],
  [
    'a certificate with the key of another',
    () => at(MUTUAL, { ...certificates.device, key: certificates.otherDevice.key }),
    'FILES',
    /cert and key are not a certificate and its key/,
  ],
  [
    'TLS where there is none',
    () => ({ ...at(PLAIN), tls: true }),
    'TLS|CLOSED',
    /127\.0\.0\.1:\d+: /,
  ],
  [
    'a wrong password',
    () => at(LOGIN, { user: 'car', password: 'hunter2' }),
    'AUTH',
    /not allowed|wrong/,
  ],
  ['no login where one is needed', () => at(LOGIN), 'AUTH', /not allowed|wrong/],
  [
    'a host that is not there',
    () => ({ host: 'nowhere.invalid', port: 1, tls: false }),
    'CONNECT',
    /^nowhere\.invalid:1: no such host/,
  ],
  [
    'a port where nothing listens',
    () => ({ host: '127.0.0.1', port: 1, tls: false }),
    'CONNECT',
    /nothing listens there$/,
  ],
] as const)('%s is told in a sentence', async (_, server, code, sentence) => {
  const error = await failure(open(server()));
  expect(error.code).toMatch(new RegExp(`^(${code})$`));
  expect(error.message).toMatch(sentence);
  expect(error.message).not.toContain('hunter2');
});

test('a topic that the broker does not allow is a refusal of that message', async () => {
  const connection = await open(at(LOGIN, { user: 'car', password: 'p@ss:word' }));
  await connection.publish({ topic: 'mine/a', payload: 'x', qos: 1, retain: false });
  const error = await failure(
    connection.publish({ topic: 'other', payload: 'x', qos: 1, retain: false }),
  );
  expect(error.code).toBe('AUTH');
  await connection.close();
});

test('a server that says nothing is given up', async () => {
  const server = await serve(() => {});
  const error = await failure(
    open({ host: '127.0.0.1', port: server.port, tls: false }, { connectMs: 200 }),
  );
  expect(error).toMatchObject({ code: 'TIMEOUT' });
  expect(error.message).toMatch(/no answer in 0\.2 s; is there an MQTT broker\?/);
  server.close();
});

test.each([
  ['a web server', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
  ['noise', '\u0000\u00ff\u00f0\u0000'],
])('%s is no broker, and is told so', async (_, text) => {
  const server = await serve((socket) => {
    socket.on('error', () => {}); // We end it as soon as we know.
    socket.end(text);
  });
  const error = await failure(
    open({ host: '127.0.0.1', port: server.port, tls: false }, { connectMs: 2_000 }),
  );
  expect(error).toBeInstanceOf(MqttError);
  server.close();
});

test('a packet that never ends costs a limited amount of memory', async () => {
  let sent = 0;
  const server = await serve((socket) => {
    socket.on('error', () => {}); // It is cut off by us.
    socket.once('data', () => {
      // CONNACK of MQTT 5.0, then a PUBLISH that says it has 256 MB.
      socket.write(Buffer.from([0x20, 3, 0, 0, 0, 0x30, 0xff, 0xff, 0xff, 0x7f]));
      const more = (): void => {
        while (!socket.destroyed && socket.write(Buffer.alloc(65_536))) sent += 65_536;
        if (!socket.destroyed) socket.once('drain', more);
      };
      more();
    });
  });
  const connection = await open({ host: '127.0.0.1', port: server.port, tls: false });
  const error = await connection.closed;
  expect(error.message).toMatch(/sent a packet of more than 524288 bytes/);
  expect(sent).toBeLessThan(32 * 2 ** 20);
  server.close();
});

test('what has no PUBACK when the connection ends is rejected, and nothing waits for another connection', async () => {
  const server = await serve((socket) => {
    socket.on('error', () => {}); // It is cut off on purpose.
    socket.once('data', () => socket.write(Buffer.from([0x20, 3, 0, 0, 0])));
    server.once('cut', () => socket.destroy());
  });
  const connection = await open({ host: '127.0.0.1', port: server.port, tls: false });
  const publishing = [1, 2, 3].map((n) =>
    failure(connection.publish({ topic: 'a', payload: String(n), qos: 1, retain: false })),
  );
  server.emit('cut');
  expect((await Promise.all(publishing)).map(({ code }) => code)).toEqual([
    'CLOSED',
    'CLOSED',
    'CLOSED',
  ]);
  expect(
    (await failure(connection.publish({ topic: 'a', payload: 'x', qos: 1, retain: false }))).code,
  ).toBe('CLOSED');
  expect((await failure(connection.subscribe(['a']))).code).toBe('CLOSED');
  server.close();
});

test('why a broker ends the connection is told, as when another client has our name', async () => {
  const server = await serve((socket) => {
    socket.on('error', () => {}); // It may be ended by either side.
    // CONNACK, then DISCONNECT with "Session taken over" (MQTT 5.0 clause 3.14.2.1).
    socket.once('data', () => socket.end(Buffer.from([0x20, 3, 0, 0, 0, 0xe0, 2, 0x8e, 0])));
  });
  const connection = await open({ host: '127.0.0.1', port: server.port, tls: false });
  expect((await connection.closed).message).toMatch(
    /another client has logged in with the name of this device/,
  );
  server.close();
});

test('a stop while connecting ends it with the reason of the stop', async () => {
  const server = await serve(() => {});
  const stopping = new AbortController();
  const opening = connectMqtt(
    { server: { host: '127.0.0.1', port: server.port, tls: false }, version: 5, clientId: 'a' },
    stopping.signal,
  );
  const reason = new Error('stop');
  setImmediate(() => stopping.abort(reason));
  await expect(opening).rejects.toBe(reason);
  server.close();
});

test('a broker that freezes is noticed by the keep-alive, and closing does not wait for it', async () => {
  await using frozen = await Mosquitto.start(['allow_anonymous true']);
  const server = { host: '127.0.0.1', port: frozen.port, tls: false };
  const [watching, leaving] = await Promise.all([
    open(server, { keepaliveS: 1, clientId: 'watching' }),
    open(server, { clientId: 'leaving' }),
  ]);
  frozen.freeze();
  leaving.publish({ topic: 'a', payload: 'x', qos: 1, retain: false }).catch(() => {}); // Given up.
  await leaving.close();
  expect(await watching.closed).toMatchObject({ code: 'TIMEOUT' });
});
