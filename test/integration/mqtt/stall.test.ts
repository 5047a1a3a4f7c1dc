/**
 * Subscribers that do not read. The others run in processes of their own, as mosquitto_sub: what they get
 * must not depend on how busy the process of the broker is with being a client as well.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterEach, expect, test } from 'vitest';
import { stopProcess } from '../../support/child.ts';
import { closeOf, startBroker, type TestBroker } from '../../support/mqtt-broker.ts';
import { connectPacket, packet } from '../../support/mqtt-packets.ts';

const children: ChildProcess[] = [];

afterEach(async () => {
  await Promise.all(children.splice(0).map(stopProcess));
});

/** Counts the lines of a mosquitto_sub. */
function subscriber({ host, port }: TestBroker, id: number, qos: number) {
  const access = ['-u', 'reader', '-P', 'secret', '-i', `reader-${id}`, '-q', String(qos)];
  const args = ['-h', host, '-p', String(port), ...access, '-t', 'out/#', '-F', '%t'];
  const child = spawn('mosquitto_sub', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const count = { messages: 0 };
  createInterface(child.stdout).on('line', (topic) => {
    if (topic === 'out/message') count.messages++;
  });
  return count;
}

/** Subscribes and then reads nothing any more. */
async function frozen(world: TestBroker, qos: number) {
  const socket = await world.socket();
  socket.write(connectPacket('reader', 'frozen', 600));
  await once(socket, 'data');
  const filter = Buffer.concat([
    Buffer.from([0, 1, 0, 5]),
    Buffer.from('out/#'),
    Buffer.from([qos]),
  ]);
  socket.write(packet(0x82, filter));
  await once(socket, 'data');
  socket.pause();
  return socket;
}

const OTHERS = 19;
const MESSAGES = 12_000;
/** Enough of them fill the buffers of the kernel, which takes some megabytes for one connection. */
const PAYLOAD = Buffer.alloc(1_000, 'x');

test.each([0, 1] as const)(
  'one frozen subscriber of 20 costs the others less than a hundredth, with QoS %i',
  async (qos) => {
    await using world = await startBroker();
    const others = Array.from({ length: OTHERS }, (_, i) => subscriber(world, i, qos));
    const dead = await frozen(world, qos);
    await expect.poll(() => world.count('clients'), { timeout: 10_000 }).toBe(OTHERS + 1);
    // All have subscribed when all have got something.
    const hello = { topic: 'out/message', payload: 'hello', qos: 1, retain: false } as const;
    await expect
      .poll(
        () => {
          world.broker.publish(hello);
          return others.every(({ messages }) => messages > 0);
        },
        { timeout: 10_000 },
      )
      .toBe(true);
    const before = others.map(({ messages }) => messages);
    for (let sent = 0; sent < MESSAGES; sent += 20) {
      for (let i = 0; i < 20; i++) {
        world.broker.publish({ topic: 'out/message', payload: PAYLOAD, qos, retain: false });
      }
      await new Promise((resolve) => setTimeout(resolve, 8));
    }
    const least = () => Math.min(...others.map(({ messages }, i) => messages - (before[i] ?? 0)));
    await expect.poll(least, { timeout: 20_000 }).toBeGreaterThanOrEqual(0.99 * MESSAGES);
    await expect
      .poll(() => world.closed('stalled') + world.closed('unread'), { timeout: 10_000 })
      .toBe(1);
    if (qos === 0) expect(world.count('droppedSlow')).toBeGreaterThan(0);
    expect(world.count('clients')).toBe(OTHERS);
    dead.destroy();
  },
);

test('a client that reads slowly is not taken for a dead one, and is not sent more than it reads', async () => {
  await using world = await startBroker({ limits: { stallMs: 1_000 } });
  const socket = await frozen(world, 0);
  let bytes = 0;
  socket.on('data', (chunk) => {
    bytes += chunk.length;
    socket.pause();
  });
  const reading = setInterval(() => socket.resume(), 5);
  for (let sent = 0; sent < 30_000 && world.count('droppedSlow') === 0; sent += 20) {
    for (let i = 0; i < 20; i++) {
      world.broker.publish({ topic: 'out/message', payload: PAYLOAD, qos: 0, retain: false });
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(world.count('droppedSlow')).toBeGreaterThan(0);
  const before = bytes;
  await expect.poll(() => bytes - before, { timeout: 20_000 }).toBeGreaterThan(1_000_000);
  expect(world.closed('stalled')).toBe(0);
  expect(world.count('clients')).toBe(1);
  clearInterval(reading);
  socket.destroy();
});

test('a client that publishes does not wait for one that does not read', async () => {
  await using world = await startBroker({ limits: { stallMs: 20_000 } });
  const dead = await frozen(world, 0);
  for (let sent = 0; sent < 20_000 && world.count('droppedSlow') === 0; sent++) {
    world.broker.publish({ topic: 'out/message', payload: PAYLOAD, qos: 0, retain: false });
    if (sent % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const sender = await world.client('sender');
  const since = performance.now();
  for (let i = 0; i < 20; i++) await sender.publishAsync('out/a', 'x', { qos: 1 });
  expect(performance.now() - since).toBeLessThan(2_000);
  expect(world.closed('stalled')).toBe(0);
  dead.destroy();
  await closeOf(dead);
});
