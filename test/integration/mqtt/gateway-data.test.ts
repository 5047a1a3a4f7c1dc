/** What a gateway tells and takes over MQTT, from the car to a client and from a client to the recording. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import * as v from 'valibot';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Mosquitto } from '../../support/mosquitto.ts';
import { received } from '../../support/mqtt-broker.ts';
import { type MqttGateway, startMqttGateway } from '../../support/mqtt-gateway.ts';
import { Discovery } from '../../unit/mqtt/discovery-schema.ts';

const RULE = { stream: 'obd.adapter.voltage', unit: 'V', when: { op: '>', value: 1 } };
/** The simulated car says something at least so often. */
const WAIT = { timeout: 15_000 };

let directory: string;
let home: Mosquitto;
let car: MqttGateway;

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'mqtt-gateway-'));
  home = await Mosquitto.start(['allow_anonymous true']);
  const settings = ['--home-assistant', `mqtt://127.0.0.1:${home.port}`, '--vss', 'true'];
  car = await startMqttGateway(directory, settings);
  await car.openAccounts();
});

afterAll(async () => {
  await car[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

/** Asks for something and gives what is answered. */
// biome-ignore lint/suspicious/noExplicitAny: whatever the gateway says
async function request(client: MqttClient, command: string, args: object = {}): Promise<any> {
  const transaction = `${command.replace('/', '-')}.${performance.now()}`;
  const topic = `car/vigil/response/${command}`;
  await client.subscribeAsync(topic, { qos: 1 });
  const answer = answerOf(client, topic, transaction);
  const payload = JSON.stringify({ transaction, ...args });
  await client.publishAsync(`car/vigil/request/${command}`, payload, { qos: 1 });
  return await answer;
}

// biome-ignore lint/suspicious/noExplicitAny: whatever the gateway says
function answerOf(client: MqttClient, topic: string, transaction: string): Promise<any> {
  return new Promise((resolve) => {
    const take = (name: string, payload: Buffer): void => {
      if (name !== topic) return;
      const answer = JSON.parse(payload.toString());
      if (answer.transaction !== transaction) return;
      client.off('message', take);
      resolve(answer);
    };
    client.on('message', take);
  });
}

async function push(client: MqttClient, kind: string, body: object, transaction: string) {
  const topic = 'car/vigil/response/ingest';
  await client.subscribeAsync(topic, { qos: 1 });
  const answer = answerOf(client, topic, transaction);
  const payload = JSON.stringify({ transaction, ...body });
  await client.publishAsync(`car/vigil/ingest/${kind}`, payload, { qos: 1 });
  return await answer;
}

test('a student gets what is measured from the start of their session to its end', async () => {
  const student = await car.connect(await car.tokenLogin('student'));
  const messages = received(student);
  const values = (): number =>
    messages.filter(([topic]) => /\/(signal|stream)\//.test(topic)).length;
  for (const filter of ['state', 'info', 'signal/#', 'stream/#', 'avail/#']) {
    await student.subscribeAsync(`car/vigil/${filter}`, { qos: 1 });
  }
  const viewer = await car.connect(await car.tokenLogin('viewer'));
  const all = received(viewer);
  await viewer.subscribeAsync('car/vigil/stream/#');
  await expect.poll(() => all.length, WAIT).toBeGreaterThan(5);
  expect(new Set(messages.map(([topic]) => topic))).toEqual(
    new Set(['car/vigil/state', 'car/vigil/info']),
  );
  const refused = await request(student, 'session/start');
  expect(refused).toMatchObject({
    status: 'error',
    error: { code: 'invalid', pointer: '/consent' },
  });
  expect(values()).toBe(0);
  const { data } = await request(student, 'session/start', { consent: 'I agree.' });
  expect(data).toMatchObject({ state: 'active', owner: { username: 'student' } });
  await expect.poll(values, WAIT).toBeGreaterThan(5);
  const ended = await request(student, 'session/end');
  expect(ended).toMatchObject({ status: 'ok', data: { id: data.id, state: 'ended' } });
  const [then, others] = [values(), all.length];
  await expect.poll(() => all.length, WAIT).toBeGreaterThan(others + 10);
  expect(values()).toBe(then);
});

test('what a camera sees is pushed, acknowledged, and found in the session over HTTP', async () => {
  const student = await car.connect(await car.tokenLogin('student'));
  const batch = async (seq: number) => {
    const { data } = await request(student, 'ping');
    const item = { t: data.t2 - 1_000, faceDetected: true, confidence: 0.9, blink: true };
    return { client: 'cam', seq, epoch: data.epoch, items: [item] };
  };
  const early = await push(student, 'face', await batch(1), 'early');
  expect(early).toMatchObject({ status: 'error', error: { code: 'no-session' }, seq: 1 });
  expect(student.connected).toBe(true);
  const { data: session } = await request(student, 'session/start', { consent: 'I agree.' });
  const taken = await batch(1);
  expect(await push(student, 'face', taken, 'first')).toMatchObject({
    ...{ status: 'ok', kind: 'face', client: 'cam', seq: 1, data: { duplicate: false } },
  });
  expect(await push(student, 'face', taken, 'again')).toMatchObject({ data: { duplicate: true } });
  expect(await push(student, 'face', { ...taken, seq: -1 }, 'wrong')).toMatchObject({
    ...{ status: 'error', error: { code: 'bad-message', pointer: '/seq' } },
  });
  const marked = await request(student, 'marker', { text: 'a blink' });
  expect(marked).toMatchObject({ status: 'ok' });
  const { items } = await car.ask('GET', `/sessions/${session.id}/events`);
  const streams = items.map(({ stream }: { stream: string }) => stream);
  expect(streams.filter((id: string) => id === 'face.blink')).toHaveLength(1);
  expect(JSON.stringify(items)).toContain('a blink');
  await request(student, 'session/end');
});

test('who may not do something is told so, and asks on', async () => {
  const viewer = await car.connect(await car.tokenLogin('viewer'));
  const answers = [
    await request(viewer, 'session/start'),
    await request(viewer, 'dtc/clear', { confirm: true }),
    await request(viewer, 'source/restart', { source: 'obd' }),
  ];
  expect(answers.map(({ error }) => error?.code)).toEqual(Array(3).fill('not-allowed'));
  expect(await request(viewer, 'info')).toMatchObject({ data: { device: 'vigil', epoch: 1 } });
});

test('what mosquitto_pub asks comes to mosquitto_sub of the same account, and to no other', async () => {
  const [operator, admin] = [await car.tokenLogin('operator'), await car.tokenLogin('admin')];
  const mine = car.subscribe('TCP', operator, '-q', '1', '-t', 'car/vigil/response/#');
  const others = car.subscribe('TLS', admin, '-q', '1', '-t', 'car/vigil/response/#');
  const ask = (login: typeof admin, transaction: string) => {
    const to = ['-q', '1', '-t', 'car/vigil/request/ping'];
    return car.publish('TCP', login, ...to, '-m', JSON.stringify({ transaction }));
  };
  // Until both have subscribed; each asks again until it is answered.
  const isAnswered = async (lines: () => string[], login: typeof admin, name: string) => {
    await ask(login, `${name}${lines().length}`);
    return lines().length > 0;
  };
  await expect.poll(() => isAnswered(mine.lines, operator, 'mine'), WAIT).toBe(true);
  await expect.poll(() => isAnswered(others.lines, admin, 'theirs'), WAIT).toBe(true);
  const isOf = (name: string) => (line: string) => line.includes(`"transaction":"${name}`);
  expect(mine.lines().every(isOf('mine'))).toBe(true);
  expect(others.lines().every(isOf('theirs'))).toBe(true);
});

test('an alert is there while it lasts, for who comes later too, and gone when it has ended', async () => {
  const operator = await car.connect(await car.tokenLogin('operator'));
  const messages = received(operator);
  const topic = 'car/vigil/alert/under-power';
  await operator.subscribeAsync(topic, { qos: 1 });
  const rule = { name: 'Under power', severity: 'warn', ...RULE };
  await car.ask('POST', '/alerts', rule);
  const newest = () => messages.findLast(([name]) => name === topic)?.[1];
  await expect.poll(newest, WAIT).toBeDefined();
  const alert = JSON.parse(newest() ?? '');
  expect(alert).toMatchObject({ state: 'active', level: 'warn', unit: 'V', stream: RULE.stream });
  const late = car.subscribe('TCP', await car.tokenLogin('viewer'), '-q', '1', '-t', topic);
  await expect.poll(() => late.lines()[0], WAIT).toMatch(`1 1 ${topic} {`);
  expect(await request(operator, 'alert/ack', { alert: alert.id })).toMatchObject({ status: 'ok' });
  await expect.poll(() => JSON.parse(newest() ?? '').acknowledged, WAIT).toBe(true);
  await car.ask('PATCH', '/alerts/under-power', { enabled: false });
  await expect.poll(newest, WAIT).toBe('');
  const after = car.subscribe(
    'TCP',
    await car.tokenLogin('viewer'),
    '-t',
    topic,
    '-t',
    'car/+/state',
  );
  await expect.poll(after.lines, WAIT).toEqual(['0 1 car/vigil/state online']);
});

test('a block of raw EEG is as it is documented, under the number that info gives it', async () => {
  const viewer = await car.connect(await car.tokenLogin('viewer'));
  const blocks: Buffer[] = [];
  let info: { streams: { number: number; id: string; hz: number; lsb?: number }[] } | undefined;
  viewer.on('message', (topic, payload, { retain, qos }) => {
    if (topic === 'car/vigil/info') info = JSON.parse(payload.toString());
    else if (!retain && qos === 0) blocks.push(payload);
  });
  await viewer.subscribeAsync(['car/vigil/info', 'car/vigil/stream/eeg/raw'], { qos: 1 });
  await expect.poll(() => info !== undefined && blocks.length > 9, WAIT).toBe(true);
  const raw = info?.streams.find(({ id }) => id === 'eeg.raw');
  const read = blocks.map((block) => ({
    type: block.readUInt8(0),
    version: block.readUInt8(1),
    number: block.readUInt16LE(2),
    first: block.readUInt32LE(4),
    t: Number(block.readBigInt64LE(8)),
    n: block.readUInt16LE(16),
    channels: block.readUInt8(18),
    format: block.readUInt8(19),
    mhz: block.readUInt32LE(20),
    length: block.length,
  }));
  for (const [i, block] of read.entries()) {
    const { number = -1 } = raw ?? {};
    expect(block).toMatchObject({ type: 1, version: 1, number, channels: 1, format: 1 });
    expect(block.length).toBe(24 + 2 * block.n);
    expect(block.mhz / 1000 / (raw?.hz ?? 0)).toBeCloseTo(1, 1);
    const before = read[i - 1];
    if (before === undefined) continue;
    expect(block.first).toBe(before.first + before.n);
    expect(block.t).toBeGreaterThan(before.t);
  }
  const counts = blocks.flatMap((block) => {
    return Array.from({ length: (block.length - 24) / 2 }, (_, k) => block.readInt16LE(24 + 2 * k));
  });
  expect(new Set(counts).size).toBeGreaterThan(10);
});

test('values come under their VSS names too', async () => {
  const { lines } = car.subscribe('TLS', await car.tokenLogin('viewer'), '-t', 'car/vigil/vss/#');
  await expect.poll(() => lines().length, WAIT).toBeGreaterThan(3);
  expect(lines().every((line) => /^0 [01] car\/vigil\/vss\/Vehicle\/\S+ \{"v":/.test(line))).toBe(
    true,
  );
});

test('in the broker of Home Assistant the same is told, and goes offline with the gateway', async () => {
  const url = `mqtt://127.0.0.1:${home.port}`;
  const assistant = await connectAsync(url, { protocolVersion: 5 });
  const messages = received(assistant);
  await assistant.subscribeAsync('#', { qos: 1 });
  const newest = (topic: string) => messages.findLast(([name]) => name === topic)?.[1];
  const config = 'homeassistant/device/vigil/config';
  await expect.poll(() => newest(config), WAIT).toBeDefined();
  await expect.poll(() => newest('car/vigil/state'), WAIT).toBe('online');
  const { availability, cmps } = v.parse(Discovery, JSON.parse(newest(config) ?? ''));
  expect(availability).toEqual([{ topic: 'car/vigil/state' }]);
  const sensors = Object.values(cmps).map((one) => ('state_topic' in one ? one.state_topic : ''));
  await expect.poll(() => sensors.some((one) => newest(one) !== undefined), WAIT).toBe(true);
  expect(messages.some(([topic]) => topic.includes('/stream/'))).toBe(false);
  await car.gateway.untilPart('home-broker', ({ status }) => status === 'ok');
  car.gateway.kill('SIGKILL');
  await expect.poll(() => newest('car/vigil/state'), WAIT).toBe('offline');
  await assistant.endAsync();
});
