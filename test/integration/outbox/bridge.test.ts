import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { monotonicClock } from '../../../src/io/clock.ts';
import { connectMqtt, type MqttServer } from '../../../src/io/mqtt-client.ts';
import { Bridge, type BridgeOptions } from '../../../src/outbox/bridge.ts';
import {
  ALERTS,
  BLINKS,
  EEG,
  NUMBERS,
  PLACE,
  RPM,
  SPEED,
  STATE,
} from '../../support/bridge-world.ts';
import { FakeQueue } from '../../support/fake-queue.ts';
import { fastClock } from '../../support/fast-clock.ts';
import { Mosquitto } from '../../support/mosquitto.ts';
import { SILENT_LOG } from '../../support/silent-log.ts';
import { TestIngest } from '../../support/test-ingest.ts';

const { alerts, blinks, speed, rpm, eeg } = NUMBERS;
const LONG = { timeout: 30_000, interval: 20 };
/** So that 30 s of silence take half a second. */
const SPEED_UP = 60;

let broker: Mosquitto;
let ingest: TestIngest;
let queue: FakeQueue;
let stopping: AbortController;
let running: Promise<void> = Promise.resolve();

beforeEach(async () => {
  broker = await Mosquitto.start(['allow_anonymous true']);
  ingest = new TestIngest(PLACE);
  await ingest.connect(server());
  queue = new FakeQueue();
  queue.isSlow = true;
  for (const [i, stream] of [ALERTS, BLINKS, STATE, SPEED, RPM, EEG].entries()) {
    queue.declare(i + 1, stream);
  }
  stopping = new AbortController();
  running = Promise.resolve();
});

afterEach(async () => {
  stopping.abort();
  await running;
  await ingest.close();
  await broker[Symbol.asyncDispose]();
});

function server(port = broker.port): MqttServer {
  return { host: '127.0.0.1', port, tls: false };
}

function begin(overrides: Partial<BridgeOptions> = {}): Bridge {
  const bridge = new Bridge({
    ...{ queue, place: PLACE, clock: monotonicClock(), log: SILENT_LOG, server: server() },
    ...{ connect: connectMqtt, defer: setImmediate, random: () => 0.1, commands: {} },
    bearer: () => 'ethernet',
    wallMs: () => undefined,
    budget: { bytesMax: undefined, shelf: { load: () => undefined, save: () => {} } },
    info: () => ({ version: '1.2.3' }),
    ...overrides,
  });
  running = bridge.run(stopping.signal);
  return bridge;
}

test('a backlog goes over a real broker whole and once', async () => {
  queue.grow(speed, 200_000);
  queue.grow(eeg, 512 * 1_800);
  queue.grow(blinks, 2_000);
  queue.grow(alerts, 20);
  // The last values of a stream wait 10 s for more.
  const bridge = begin({ clock: fastClock(10, 0) });
  await expect.poll(() => bridge.health().details['backlogRecords'], LONG).toBe(0);
  for (const number of [speed, eeg, blinks, alerts])
    expect(ingest.next(number)).toBe(queue.next(number));
  expect(ingest.duplicates).toBe(0);
});

test('a broker that is killed again and again loses nothing', async () => {
  queue.grow(speed, 400_000);
  queue.grow(rpm, 400_000);
  const bridge = begin({ clock: fastClock(SPEED_UP, 0) });
  for (let round = 1; round <= 4; round++) {
    const before = Number(bridge.health().details['pubacks']);
    await expect
      .poll(() => Number(bridge.health().details['pubacks']), LONG)
      .toBeGreaterThan(before + 5);
    await broker.kill();
    queue.grow(alerts, 1);
    await expect.poll(() => bridge.health().status, LONG).toBe('waiting');
    await broker.up();
    await ingest.connect(server());
  }
  await expect.poll(() => bridge.health().details['backlogRecords'], LONG).toBe(0);
  expect(ingest.next(speed)).toBe(400_000);
  expect(ingest.next(rpm)).toBe(400_000);
  expect(ingest.next(alerts)).toBe(4);
  expect(Number(bridge.health().details['connections'])).toBeGreaterThanOrEqual(5);
});

test('while the ingest is away nothing is counted as stored, and all of it comes when it is back', async () => {
  await ingest.close();
  queue.grow(speed, 50_000);
  queue.grow(alerts, 5);
  const bridge = begin({ clock: fastClock(SPEED_UP, 0) });
  await expect
    .poll(() => bridge.health().text, LONG)
    .toMatch(/the cloud has acknowledged nothing for/);
  expect(queue.kept.size).toBe(0);
  await ingest.connect(server());
  await expect.poll(() => bridge.health().details['backlogRecords'], LONG).toBe(0);
  expect(ingest.next(speed)).toBe(50_000);
  expect(ingest.next(alerts)).toBe(5);
});

test('a broker that takes everything and confirms nothing is told and left after 30 s', async () => {
  const proxy = await muteProxy(broker.port);
  queue.grow(speed, 50_000);
  const told: string[] = [];
  const bridge = begin({
    ...{ clock: fastClock(SPEED_UP, 0), server: server(proxy.port) },
    // It connects again so soon that nobody would see it in the health.
    log: { ...SILENT_LOG, warn: (_, message) => told.push(message) },
  });
  await expect
    .poll(() => told.join(), LONG)
    .toMatch(/it does not confirm what we send \(no PUBACK\)/);
  proxy.isMute = false;
  await expect.poll(() => bridge.health().details['backlogRecords'], LONG).toBe(0);
  expect(ingest.next(speed)).toBe(50_000);
  stopping.abort();
  await running;
  proxy.close();
});

test('whoever watches sees online, and offline after a farewell and after a cut', async () => {
  const proxy = await muteProxy(broker.port);
  proxy.isMute = false;
  const bridge = begin({ server: server(proxy.port), random: () => 0.999 });
  await expect.poll(() => ingest.state, LONG).toBe('online');
  proxy.cut();
  await expect.poll(() => ingest.state, LONG).toBe('offline');
  await expect.poll(() => ingest.state, LONG).toBe('online');
  stopping.abort();
  await running;
  await expect.poll(() => ingest.state, LONG).toBe('offline');
  expect(bridge.status().state).toBe('off');
  proxy.close();
});

test('a request is answered over the broker', async () => {
  const answers: string[] = [];
  const operator = await connectMqtt(
    {
      ...{ server: server(), version: 5, clientId: 'operator' },
      onMessage: ({ payload }) => answers.push(new TextDecoder().decode(payload)),
    },
    stopping.signal,
  );
  await operator.subscribe(['v1/acme/car-1/res/#']);
  const bridge = begin({ commands: { ping: () => 'pong' } });
  await expect.poll(() => bridge.status().state, LONG).toBe('online');
  const topic = 'v1/acme/car-1/req/ping';
  await operator.publish({ topic, payload: '{"transaction":"t1"}', qos: 1, retain: false });
  await expect.poll(() => answers).toEqual(['{"transaction":"t1","status":"ok","data":"pong"}']);
  await operator.close();
});

/** Passes on what we say; of what the broker says only what comes before our first batch. */
async function muteProxy(port: number) {
  const sockets = new Set<Socket>();
  const state = { isMute: true, port: 0, cut: () => {}, close: () => {} };
  const proxy = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    let isBusy = false;
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {}); // Whichever ends first takes the other along.
      socket.on('close', () => {
        near.destroy();
        far.destroy();
      });
    }
    near.on('data', (chunk: Buffer) => {
      isBusy ||= chunk.includes('/up/');
      far.write(chunk);
    });
    far.on('data', (chunk: Buffer) => {
      if (!isBusy || !state.isMute) near.write(chunk);
    });
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const address = proxy.address();
  state.port = typeof address === 'object' && address ? address.port : 0;
  state.cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  state.close = () => {
    state.cut();
    proxy.close();
  };
  return state;
}
