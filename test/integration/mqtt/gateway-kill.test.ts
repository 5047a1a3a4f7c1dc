/** Kills a gateway again and again, and looks what its broker still knows. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { IConnackPacket } from 'mqtt';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { received } from '../../support/mqtt-broker.ts';
import { type Login, type MqttGateway, startMqttGateway } from '../../support/mqtt-gateway.ts';

const LIVES = 3;
/** Things that happen in each of them. */
const PER_LIFE = 6;
const WAIT = { timeout: 15_000 };
const SESSION = { clean: false } as const;
const EVENTS = 'car/vigil/event/info/#';
const ALERT = 'car/vigil/alert/under-power';

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'mqtt-gateway-kill-'));
});

afterAll(async () => {
  await rm(directory, { recursive: true });
});

/** What comes of markers, as their texts. */
function textsIn(topic: string, payload: Buffer): string[] {
  const text = topic.includes('/event/') ? JSON.parse(payload.toString()).data.text : undefined;
  return typeof text === 'string' ? [text] : [];
}

/** Comes back without subscribing anew, takes what has waited, and goes. */
async function comeBack(car: MqttGateway, login: Login, clientId: string, count: number) {
  let connack: IConnackPacket | undefined;
  const texts: string[] = [];
  const client = await car.connect(login, {
    ...{ ...SESSION, clientId },
    met: (one) => {
      one.on('connect', (packet) => {
        connack = packet;
      });
      one.on('message', (topic, payload) => texts.push(...textsIn(topic, payload)));
    },
  });
  await expect.poll(() => texts.length, WAIT).toBeGreaterThanOrEqual(count);
  await client.endAsync();
  return { texts, hasSession: connack?.sessionPresent ?? false };
}

/** Marks moments of a session, and waits until what is to be kept of them is. */
async function mark(car: MqttGateway, login: Login, life: number): Promise<readonly string[]> {
  const watcher = await car.connect(login);
  const seen: string[] = [];
  watcher.on('message', (topic, payload) => seen.push(...textsIn(topic, payload)));
  await watcher.subscribeAsync(EVENTS, { qos: 1 });
  const { id } = await car.ask('POST', '/sessions', {});
  const texts = Array.from({ length: PER_LIFE }, (_, i) => `${life}.${i}`);
  for (const text of texts) await car.ask('POST', `/sessions/${id}/events`, { text });
  await expect.poll(() => seen, WAIT).toEqual(texts);
  await watcher.endAsync();
  await car.gateway.untilPart('mqtt-store', ({ details }) => details['unsaved'] === 0);
  return texts;
}

/** What is retained of the alert, for who comes now. */
async function alertIn(car: MqttGateway, login: Login): Promise<unknown> {
  const client = await car.connect(login);
  const messages = received(client);
  await client.subscribeAsync(ALERT, { qos: 1 });
  await expect.poll(() => messages.length, WAIT).toBeGreaterThan(0);
  await client.endAsync();
  return JSON.parse(messages[0]?.[1] ?? '');
}

/** In the first life. */
async function prepare(car: MqttGateway, login: Login): Promise<void> {
  for (const clientId of ['phone', 'tablet']) {
    const client = await car.connect(login, { ...SESSION, clientId });
    await client.subscribeAsync(EVENTS, { qos: 1 });
    await client.endAsync();
  }
  await car.ask('POST', '/alerts', {
    ...{ name: 'Under power', severity: 'warn' },
    ...{ stream: 'obd.adapter.voltage', unit: 'V', when: { op: '>', value: 1 } },
  });
  expect(await alertIn(car, login)).toMatchObject({ state: 'active', since: { epoch: 1 } });
}

test('what is retained, subscribed to and waiting is there after each kill -9', async () => {
  let told: string[] = [];
  for (let life = 1; life <= LIVES; life++) {
    await using car = await startMqttGateway(directory);
    const login = await car.tokenLogin('admin');
    if (life === 1) await prepare(car, login);
    else {
      expect(await alertIn(car, login)).toMatchObject({ state: 'active', since: { epoch: 1 } });
      // One comes back in each life, and gets what happened since, once.
      const { texts, hasSession } = await comeBack(car, login, 'tablet', PER_LIFE);
      expect(hasSession).toBe(true);
      expect(texts).toEqual(told.slice(-PER_LIFE));
    }
    told = [...told, ...(await mark(car, login, life))];
    car.gateway.kill('SIGKILL');
    await car.gateway.exited;
  }
  // Another has been away all the time, and gets everything, in order.
  await using car = await startMqttGateway(directory);
  const login = await car.tokenLogin('admin');
  const { texts, hasSession } = await comeBack(car, login, 'phone', told.length);
  expect(hasSession).toBe(true);
  expect(texts).toEqual(told);
  expect(texts).toHaveLength(LIVES * PER_LIFE);
});
