import { afterEach, beforeEach, expect, test } from 'vitest';
import { monotonicClock } from '../../../src/io/clock.ts';
import { connectMqtt, type MqttArrival, type MqttConnection } from '../../../src/io/mqtt-client.ts';
import { HomeBroker } from '../../../src/outbox/home-broker.ts';
import { Mosquitto } from '../../support/mosquitto.ts';
import { SILENT_LOG } from '../../support/silent-log.ts';

const LONG = { timeout: 15_000, interval: 20 };
const never = new AbortController().signal;
const STATE = 'car/car-1/state';

let broker: Mosquitto;
let watcher: MqttConnection;
let arrived: MqttArrival[];
let home: HomeBroker;
let births: number;
let stopping: AbortController;
let running: Promise<void>;

function said(topic: string): string[] {
  return arrived
    .filter((one) => one.topic === topic)
    .map(({ payload }) => new TextDecoder().decode(payload));
}

async function watch(): Promise<void> {
  watcher = await connectMqtt(
    {
      ...{ server: { host: '127.0.0.1', port: broker.port, tls: false }, version: 5 },
      clientId: 'watcher',
      onMessage: (one) => arrived.push(one),
    },
    never,
  );
  await watcher.subscribe(['car/#']);
}

beforeEach(async () => {
  broker = await Mosquitto.start(['allow_anonymous true']);
  arrived = [];
  births = 0;
  await watch();
  const state = (payload: string) => ({ topic: STATE, payload, qos: 1, retain: true }) as const;
  home = new HomeBroker({
    ...{ server: { host: '127.0.0.1', port: broker.port, tls: false }, connect: connectMqtt },
    ...{ clock: monotonicClock(), log: SILENT_LOG, random: () => 0.01, clientId: 'car-1' },
    will: state('offline'),
    farewell: state('offline'),
    onConnected: () => home.publish(state('online')),
    onBirth: () => {
      births++;
    },
  });
  stopping = new AbortController();
  running = home.run(stopping.signal);
  await expect.poll(() => said(STATE), LONG).toEqual(['online']);
});

afterEach(async () => {
  stopping.abort();
  await running;
  await watcher.close();
  await broker[Symbol.asyncDispose]();
});

test('what is published arrives there, with its retain flag', async () => {
  home.publish({ topic: 'car/car-1/signal/a', payload: '1', qos: 0, retain: false });
  home.publish({
    topic: 'car/car-1/event/b',
    payload: new Uint8Array([50]),
    qos: 1,
    retain: false,
  });
  await expect
    .poll(() => [...said('car/car-1/signal/a'), ...said('car/car-1/event/b')])
    .toEqual(['1', '2']);
  await expect.poll(() => home.health().details['published']).toBe(3);
  expect(home.isWanted('anything')).toBe(true);
  await watch();
  await expect.poll(() => arrived.at(-1)).toMatchObject({ topic: STATE, retained: true });
});

test('when the broker comes back, everything that is retained is published again', async () => {
  await broker.kill();
  await expect.poll(() => home.health().status, LONG).toBe('waiting');
  expect(home.health().text).toMatch(/^127\.0\.0\.1:\d+: .* \(no connection for /);
  home.publish({ topic: 'car/car-1/signal/a', payload: '1', qos: 0, retain: false });
  expect(home.health().details['dropped']).toBe(1);
  expect(home.isWanted('anything')).toBe(false);
  arrived = [];
  await broker.up();
  await watch();
  await expect.poll(() => said(STATE).at(-1), LONG).toBe('online');
  await expect.poll(() => home.health().status, LONG).toBe('ok');
  expect(said('car/car-1/signal/a')).toEqual([]);
});

test('a start of Home Assistant asks for discovery, but not one from before', async () => {
  const topic = 'homeassistant/status';
  await watcher.publish({ topic, payload: 'offline', qos: 1, retain: false });
  await watcher.publish({ topic, payload: 'online', qos: 1, retain: true });
  await expect.poll(() => births).toBe(1);
});

test('a broker that freezes costs a limited amount of memory, and of a retained topic the newest arrives', async () => {
  broker.freeze();
  const payload = 'x'.repeat(1_000);
  for (let i = 0; i < 20_000; i++) {
    home.publish({ topic: `car/car-1/event/${i}`, payload, qos: 0, retain: false });
    home.publish({ topic: 'car/car-1/signal/a', payload: String(i), qos: 0, retain: true });
    if (i % 500 === 0) await new Promise(setImmediate);
  }
  const { waiting, dropped, replaced } = home.health().details;
  expect(Number(waiting)).toBeLessThanOrEqual(1_024);
  expect(Number(dropped)).toBeGreaterThan(10_000);
  expect(Number(replaced)).toBeGreaterThan(10_000);
});

test('a farewell is said before the end', async () => {
  stopping.abort();
  await running;
  await expect.poll(() => said(STATE).at(-1)).toBe('offline');
});
