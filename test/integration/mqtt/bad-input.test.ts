import { once } from 'node:events';
import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { INGEST_PACKET_BYTES_MAX } from '../../../src/mqtt/limits.ts';
import { closeOf, received, startBroker, type TestBroker } from '../../support/mqtt-broker.ts';
import { connectPacket, packet, remainingLength } from '../../support/mqtt-packets.ts';

let world: TestBroker;

beforeEach(async () => {
  world = await startBroker();
});

afterEach(async () => {
  await world[Symbol.asyncDispose]();
});

/** A connection that has sent a CONNECT and got its CONNACK. */
async function admitted(username: string, clientId: string) {
  const socket = await world.socket();
  socket.write(connectPacket(username, clientId));
  const [connack] = await once(socket, 'data');
  return { socket, returnCode: connack[3] };
}

const publishPacket = (topic: string, bytes: number) =>
  packet(
    0x30,
    Buffer.concat([Buffer.from([0, topic.length]), Buffer.from(topic), Buffer.alloc(bytes)]),
  );

test.each([
  ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  ['a PUBLISH first', publishPacket('in/a', 1)],
  ['a second CONNECT', Buffer.concat([connectPacket('sender', 'x'), connectPacket('sender', 'x')])],
  ['a remaining length of five bytes', Buffer.from([0x10, 0xff, 0xff, 0xff, 0xff, 0x7f])],
  [
    'a packet for servers to send',
    Buffer.concat([connectPacket('sender', 'x'), Buffer.from([0x20, 2, 0, 0])]),
  ],
  [
    'a PINGREQ with a body',
    Buffer.concat([connectPacket('sender', 'x'), Buffer.from([0xc0, 1, 0])]),
  ],
  [
    'reserved flags',
    Buffer.concat([connectPacket('sender', 'x'), Buffer.from([0x80, 6, 0, 1, 0, 1, 35, 0])]),
  ],
  [
    'QoS 3',
    Buffer.concat([connectPacket('sender', 'x'), packet(0x36, Buffer.from([0, 1, 97, 0, 1]))]),
  ],
  [
    'a wildcard in a topic',
    Buffer.concat([connectPacket('sender', 'x'), publishPacket('in/#', 0)]),
  ],
  ['a topic with U+0000', Buffer.concat([connectPacket('sender', 'x'), publishPacket('in/\0', 0)])],
])('%s closes the connection, is counted and told, and nobody else notices', async (_, bytes) => {
  const reader = await world.client('reader');
  const socket = await world.socket();
  socket.resume().write(bytes);
  await closeOf(socket);
  await expect.poll(() => world.closed('malformed')).toBe(1);
  expect(world.warnings).toHaveLength(1);
  expect(world.incoming).toEqual([]);
  await reader.subscribeAsync('out/#');
});

test('a CONNECT of more than 4 KiB is refused before it has come', async () => {
  const socket = await world.socket();
  socket.resume().write(Buffer.from([0x10, ...remainingLength(4 * 1024 + 1)]));
  await closeOf(socket);
  await expect.poll(() => world.closed('tooLarge')).toBe(1);
});

test('a packet of 64 KiB is taken, and of one more byte only the beginning', async () => {
  const head = Buffer.byteLength('out/a') + 2;
  const { socket } = await admitted('sender', 'a');
  socket.write(publishPacket('out/a', 64 * 1024 - head));
  await expect.poll(() => world.incoming.length).toBe(1);
  const { length } = publishPacket('out/a', 64 * 1024 - head + 1);
  socket.resume().write(publishPacket('out/a', 64 * 1024 - head + 1).subarray(0, length - 60_000));
  await closeOf(socket);
  expect(world.closed('tooLarge')).toBe(1);
});

test('the longest packet is taken where data is taken in, and not one that is longer', async () => {
  const head = Buffer.byteLength('in/eeg') + 2;
  const { socket } = await admitted('sender', 'a');
  const longest = INGEST_PACKET_BYTES_MAX - head;
  socket.write(publishPacket('in/eeg', longest));
  await expect.poll(() => world.incoming.map(([, text]) => text.length)).toEqual([longest]);
  socket.resume().write(publishPacket('in/eeg', longest + 1).subarray(0, 4));
  await closeOf(socket);
  expect(world.closed('tooLarge')).toBe(1);
});

test('who may not publish there may not send much there either', async () => {
  const { socket } = await admitted('reader', 'a');
  socket.resume().write(publishPacket('in/eeg', 100_000).subarray(0, 20));
  await closeOf(socket);
  expect(world.closed('tooLarge')).toBe(1);
});

test('whoever publishes where they may not is cut off, and it goes nowhere', async () => {
  const reader = await world.client('reader');
  const all = received(reader);
  await reader.subscribeAsync('out/#');
  const { socket } = await admitted('reader', 'bad');
  socket.resume().write(publishPacket('out/state', 3));
  await closeOf(socket);
  expect(world.closed('refusedPublish')).toBe(1);
  expect(world.warnings).toEqual(['reader: closed: out/state, where it may not publish']);
  world.broker.publish({ topic: 'out/end', payload: '', qos: 0, retain: false });
  await expect.poll(() => all).toEqual([['out/end', '']]);
});

test('bytes of any kind end one connection at most', async () => {
  const reader = await world.client('reader');
  const all = received(reader);
  await reader.subscribeAsync('out/#');
  let tries = 0;
  const types = fc.constantFrom(
    0x30,
    0x32,
    0x34,
    0x3d,
    0x40,
    0x50,
    0x62,
    0x70,
    0x82,
    0xa2,
    0xc0,
    0xe0,
  );
  const packets = fc
    .tuple(types, fc.uint8Array({ maxLength: 40 }))
    .map(([type, rest]) => packet(type, rest));
  const bytes = fc.oneof(
    fc.array(packets, { maxLength: 8 }).map((all) => Buffer.concat(all)),
    fc.uint8Array({ maxLength: 200 }).map((all) => Buffer.from(all)),
  );
  const property = fc.asyncProperty(bytes, fc.boolean(), async (garbage, asksFirst) => {
    const socket = await world.socket();
    if (asksFirst) socket.write(connectPacket('sender', `fuzz-${tries % 3}`));
    socket.resume().end(garbage);
    await closeOf(socket);
    const text = String(tries++);
    world.broker.publish({ topic: 'out/alive', payload: text, qos: 1, retain: false });
    await expect.poll(() => all.some(([, one]) => one === text), { interval: 1 }).toBe(true);
  });
  await fc.assert(property, { numRuns: 300 });
  expect(reader.connected).toBe(true);
});
