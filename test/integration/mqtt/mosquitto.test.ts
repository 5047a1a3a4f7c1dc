/** mosquitto's clients, another implementation of MQTT, over TCP and TLS. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Certificates } from '../../../src/io/certificate.ts';
import { monotonicClock } from '../../../src/io/clock.ts';
import { MqttListener } from '../../../src/mqtt/listen.ts';
import { stopProcess } from '../../support/child.ts';
import { startBroker, type TestBroker } from '../../support/mqtt-broker.ts';
import { SILENT_LOG } from '../../support/silent-log.ts';
import { pemOf } from '../http/secure-call.ts';

const run = promisify(execFile);
const host = '127.0.0.1';
const children: ChildProcess[] = [];
let directory: string;
let world: TestBroker;
let secure: MqttListener;
/** How to come to the broker. */
let ways: Readonly<Record<'TCP' | 'TLS', readonly string[]>>;

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'mosquitto-'));
  const certificates = new Certificates({
    directory: path.join(directory, 'tls'),
    title: 'car-7',
    wanted: () => ({ names: ['localhost', host], networks: [] }),
    nowMs: () => Date.now(),
  });
  world = await startBroker();
  const { broker } = world;
  const clock = monotonicClock();
  const ports = { broker, secure: { host, port: 0, certificates }, clock, log: SILENT_LOG };
  secure = new MqttListener(ports);
  await secure.open();
  const ca = path.join(directory, 'ca.pem');
  await writeFile(ca, pemOf((await certificates.renew()).authority));
  ways = {
    TCP: ['-h', host, '-p', String(world.port)],
    TLS: ['-h', host, '-p', String(secure.securePort), '--cafile', ca],
  };
});

afterEach(async () => {
  await Promise.all(children.splice(0).map(stopProcess));
  await expect.poll(() => world.count('clients')).toBe(0);
});

afterAll(async () => {
  secure.close();
  await world[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

const WAYS = ['TCP', 'TLS'] as const;
type Way = (typeof WAYS)[number];

const access = (way: Way, user: string) => [
  ...ways[way],
  '-u',
  user,
  '-P',
  'secret',
  '-V',
  'mqttv311',
];

function publish(way: Way, user: string, ...args: string[]) {
  return run('mosquitto_pub', [...access(way, user), ...args]);
}

/** A mosquitto_sub that has subscribed, and its lines. */
async function subscribe(way: Way, ...args: string[]) {
  const all = [...access(way, 'reader'), '-F', 'got %q %r %t %p', ...args];
  const child = spawn('mosquitto_sub', all, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  await expect.poll(() => world.broker.isWanted('out/state')).toBe(true);
  return { child, lines: () => text.split('\n').filter((line) => line.startsWith('got ')) };
}

test.each(WAYS.flatMap((way) => ([0, 1, 2] as const).map((qos) => ({ way, qos }))))(
  'over $way a message of QoS $qos comes from one to the other',
  async ({ way, qos }) => {
    const { lines } = await subscribe(way, '-q', String(qos), '-t', 'out/#');
    await publish(way, 'sender', '-q', String(qos), '-t', 'out/a', '-m', 'hello');
    await expect.poll(lines).toEqual([`got ${qos} 0 out/a hello`]);
  },
);

test.each(WAYS)('over %s what is retained comes first, and is marked', async (way) => {
  await publish(way, 'sender', '-r', '-q', '1', '-t', 'out/state', '-m', 'online');
  const { lines } = await subscribe(way, '-q', '1', '-t', 'out/state');
  await expect.poll(lines).toEqual(['got 1 1 out/state online']);
  await publish(way, 'sender', '-r', '-n', '-q', '1', '-t', 'out/state');
});

test.each(WAYS)('over %s a session is kept while its client is away', async (way) => {
  const session = ['-c', '-i', `phone-${way}`, '-q', '1', '-t', 'out/#'];
  const first = await subscribe(way, ...session);
  await stopProcess(first.child);
  await expect.poll(() => world.count('clients')).toBe(0);
  for (const text of ['1', '2']) await publish(way, 'sender', '-q', '1', '-t', 'out/a', '-m', text);
  const again = await subscribe(way, ...session);
  await expect.poll(again.lines).toEqual(['got 1 0 out/a 1', 'got 1 0 out/a 2']);
});

test.each(WAYS)('over %s the last will of a client that is killed is published', async (way) => {
  const { lines } = await subscribe(way, '-t', 'out/#');
  const will = ['--will-topic', 'out/gone', '--will-payload', 'killed'];
  const args = [...access(way, 'sender'), ...will, '-t', 'out/a'];
  const killed = spawn('mosquitto_sub', args, { stdio: 'ignore' });
  await expect.poll(() => world.count('clients')).toBe(2);
  killed.kill('SIGKILL');
  await expect.poll(lines).toEqual(['got 0 0 out/gone killed']);
});

test.each(WAYS)('over %s a wrong password is told', async (way) => {
  const guess = run('mosquitto_pub', [
    ...ways[way],
    '-u',
    'sender',
    '-P',
    'guess',
    '-t',
    'in/a',
    '-n',
  ]);
  await expect(guess).rejects.toThrow(/bad user name or password/i);
});

test.each(WAYS)(
  'over %s who publishes where they may not is not told that it is done',
  async (way) => {
    const forbidden = publish(way, 'reader', '-q', '1', '-t', 'out/state', '-m', 'hacked');
    await expect(forbidden).rejects.toThrow();
  },
);
