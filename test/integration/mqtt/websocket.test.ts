import { once } from 'node:events';
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { problemReply } from '../../../src/http/problem.ts';
import { mqttEndpoint } from '../../../src/http/sockets/mqtt.ts';
import type { Listening } from '../../../src/http/transport.ts';
import { listen } from '../../../src/http/uws.ts';
import { received, startBroker, type TestBroker } from '../../support/mqtt-broker.ts';
import { connectPacket, packet } from '../../support/mqtt-packets.ts';
import { plainServer } from '../../support/plain-server.ts';

let world: TestBroker;
let server: Listening;
let url: string;

beforeEach(async () => {
  world = await startBroker();
  const { broker } = world;
  const endpoint = mqttEndpoint({ path: '/mqtt', broker, check: () => {}, reply: problemReply });
  server = await listen(plainServer({ sockets: [endpoint] }), '127.0.0.1', 0);
  url = `ws://127.0.0.1:${server.port}/mqtt`;
});

afterEach(async () => {
  await world[Symbol.asyncDispose]();
  server.close();
});

function connect(options: IClientOptions = {}): Promise<MqttClient> {
  const access = { username: 'reader', password: 'secret', reconnectPeriod: 0 };
  return connectAsync(url, { ...access, ...options });
}

/** A WebSocket that speaks the sub-protocol, and what comes of it. */
async function webSocket() {
  const socket = new WebSocket(url, 'mqtt');
  const bytes: Buffer[] = [];
  socket.on('message', (data: Buffer) => bytes.push(data));
  socket.on('error', () => {}); // Its close comes next.
  await once(socket, 'open');
  return { socket, bytes: () => Buffer.concat(bytes) };
}

test.each([0, 1, 2] as const)('messages of QoS %i go both ways', async (qos) => {
  const reader = await connect();
  const all = received(reader);
  await reader.subscribeAsync('out/#', { qos });
  const sender = await connect({ username: 'sender' });
  const large = 'x'.repeat(60_000);
  await sender.publishAsync('out/a', large, { qos });
  await expect.poll(() => all).toEqual([['out/a', large]]);
  await sender.publishAsync('in/eeg', Buffer.alloc(1_000_000), { qos });
  await expect.poll(() => world.incoming.at(-1)?.[1].length).toBe(1_000_000);
  await Promise.all([reader.endAsync(), sender.endAsync()]);
  await expect.poll(() => world.count('clients')).toBe(0);
});

test('the sub-protocol is asked for and said back, of a list too', async () => {
  const { socket } = await webSocket();
  expect(socket.protocol).toBe('mqtt');
  socket.terminate();
  const several = new WebSocket(url, ['mqttv3.1', 'mqtt']);
  await once(several, 'open');
  expect(several.protocol).toBe('mqtt');
  several.terminate();
});

test.each([[[]], [['chat']]])('who asks for %j is not let in', async (protocols) => {
  const socket = new WebSocket(url, protocols);
  const [error] = await once(socket, 'error');
  expect(error.message).toContain('400');
  expect(world.count('connections')).toBe(0);
});

test('packets come in messages of any length', async () => {
  const { socket, bytes } = await webSocket();
  for (const byte of connectPacket('reader', 'a')) socket.send(Buffer.from([byte]));
  await expect.poll(() => [...bytes()]).toEqual([0x20, 2, 0, 0]);
  const pings = Buffer.alloc(2 * 50, packet(0xc0, Buffer.alloc(0)));
  socket.send(pings);
  await expect.poll(() => bytes().length).toBe(4 + 2 * 50);
  socket.terminate();
});

test('text closes the connection', async () => {
  const { socket } = await webSocket();
  socket.send('text');
  const [code] = await once(socket, 'close');
  expect(code).toBe(1003);
});

test('a refusal arrives before the connection closes', async () => {
  await expect(connect({ password: 'guess' })).rejects.toMatchObject({ code: 4 });
});

test('a last will is published when the WebSocket breaks', async () => {
  const reader = await connect();
  const all = received(reader);
  await reader.subscribeAsync('out/#');
  const will = { topic: 'out/gone', payload: Buffer.from('yes'), qos: 1, retain: false } as const;
  const sender = await connect({ username: 'sender', will });
  sender.stream.destroy();
  await expect.poll(() => all).toEqual([['out/gone', 'yes']]);
});

test('a WebSocket that does not read gets no more than fits, and is cut off', async () => {
  const { socket } = await webSocket();
  socket.send(connectPacket('reader', 'frozen', 600));
  await expect.poll(() => world.count('clients')).toBe(1);
  const filter = Buffer.concat([Buffer.from([0, 1, 0, 5]), Buffer.from('out/#'), Buffer.from([0])]);
  socket.send(packet(0x82, filter));
  await expect.poll(() => world.broker.isWanted('out/a')).toBe(true);
  socket.pause();
  const payload = Buffer.alloc(10_000);
  for (let i = 0; i < 10_000 && world.count('droppedSlow') === 0; i++) {
    world.broker.publish({ topic: 'out/a', payload, qos: 0, retain: false });
    if (i % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  expect(world.count('droppedSlow')).toBeGreaterThan(0);
  await expect.poll(() => world.closed('stalled'), { timeout: 10_000 }).toBe(1);
  expect(world.count('clients')).toBe(0);
  socket.terminate();
});

test('what is too large over a WebSocket is refused as anywhere', async () => {
  const { socket } = await webSocket();
  socket.send(Buffer.from([0x10, 0xff, 0xff, 0x7f]));
  await once(socket, 'close');
  expect(world.closed('tooLarge')).toBe(1);
});

test('a WebSocket more than there may be is closed at once', async () => {
  const sockets = await Promise.all(Array.from({ length: 50 }, () => world.socket()));
  await expect.poll(() => world.count('connections')).toBe(50);
  const socket = new WebSocket(url, 'mqtt');
  await once(socket, 'close');
  expect(world.closed('full')).toBe(1);
  for (const one of sockets) one.destroy();
});

test('a WebSocket that sends faster than it is served is closed', async () => {
  await using slow = await startBroker({ incoming: () => new Promise(() => {}) });
  const { broker } = slow;
  const endpoint = mqttEndpoint({ path: '/mqtt', broker, check: () => {}, reply: problemReply });
  const other = await listen(plainServer({ sockets: [endpoint] }), '127.0.0.1', 0);
  const socket = new WebSocket(`ws://127.0.0.1:${other.port}/mqtt`, 'mqtt');
  await once(socket, 'open');
  socket.send(connectPacket('sender', 'a'));
  await expect.poll(() => slow.count('clients')).toBe(1);
  const push = packet(
    0x30,
    Buffer.concat([Buffer.from([0, 4]), Buffer.from('in/a'), Buffer.alloc(60_000)]),
  );
  for (let i = 0; i < 60; i++) socket.send(push);
  const [code] = await once(socket, 'close');
  expect(code).toBe(1008);
  other.close();
});
