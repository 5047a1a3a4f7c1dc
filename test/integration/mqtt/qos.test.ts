import { afterEach, beforeEach, expect, test } from 'vitest';
import { received, startBroker, type TestBroker } from '../../support/mqtt-broker.ts';
import { connectPacket, packet } from '../../support/mqtt-packets.ts';

let world: TestBroker;

beforeEach(async () => {
  world = await startBroker();
});

afterEach(async () => {
  await world[Symbol.asyncDispose]();
});

const publish = (topic: string, payload: string, qos: 0 | 1 = 0, retain = false) =>
  world.broker.publish({ topic, payload, qos, retain });

test.each([0, 1, 2] as const)(
  'a message of QoS %i arrives once, and is taken in once',
  async (qos) => {
    const reader = await world.client('reader');
    const all = received(reader);
    await reader.subscribeAsync('out/#', { qos });
    const sender = await world.client('sender');
    await sender.publishAsync('out/a', `q${qos}`, { qos });
    await expect.poll(() => all).toEqual([['out/a', `q${qos}`]]);
    expect(world.incoming).toEqual([['out/a', `q${qos}`]]);
  },
);

test('a QoS 1 message that a QoS 0 one follows at once is not lost', async () => {
  const reader = await world.client('reader');
  const all = received(reader);
  await reader.subscribeAsync('out/#', { qos: 1 });
  for (let i = 0; i < 100; i++) {
    publish('out/event', String(i), 1);
    publish('out/signal', String(i), 0);
  }
  await expect.poll(() => all.length).toBe(200);
  const events = all.filter(([topic]) => topic === 'out/event').map(([, text]) => Number(text));
  expect(events).toEqual(Array.from({ length: 100 }, (_, i) => i));
});

test('filters that overlap bring a message once, with the highest QoS', async () => {
  const reader = await world.client('reader');
  const qos: number[] = [];
  reader.on('message', (_topic, _payload, { qos: one }) => qos.push(one));
  await reader.subscribeAsync('#', { qos: 0 });
  await reader.subscribeAsync('out/a', { qos: 1 });
  publish('out/a', 'x', 1);
  publish('out/z', 'last', 1);
  await expect.poll(() => qos).toEqual([1, 0]);
});

test('what is retained comes with the subscription, until it is deleted', async () => {
  publish('out/state', 'online', 1, true);
  const reader = await world.client('reader');
  const flags: boolean[] = [];
  const all = received(reader);
  reader.on('message', (_topic, _payload, { retain }) => flags.push(retain));
  await reader.subscribeAsync('out/state');
  await expect.poll(() => all).toEqual([['out/state', 'online']]);
  expect(flags).toEqual([true]);
  publish('out/state', '', 1, true);
  await expect.poll(() => all.length).toBe(2);
  const late = received(await world.client('reader', { clientId: 'late' }));
  const other = await world.client('reader', { clientId: 'other' });
  const others = received(other);
  await other.subscribeAsync(['out/state', 'out/end']);
  publish('out/end', '');
  await expect.poll(() => others).toEqual([['out/end', '']]);
  expect(late).toEqual([]);
});

test('a session gets what came with QoS 1 while it was away, and nothing of what it may not have', async () => {
  const options = { clean: false, clientId: 'phone' };
  const first = await world.client('reader', options);
  await first.subscribeAsync('#', { qos: 1 });
  await first.endAsync();
  await expect.poll(() => world.count('clients')).toBe(0);
  publish('out/a', '1', 1);
  publish('out/hidden/b', '2', 1);
  publish('out/c', '3', 1);
  const again = await world.client('reader', options);
  const all = received(again);
  await expect.poll(() => all.map(([topic]) => topic)).toEqual(['out/a', 'out/c']);
});

test("what is for the gateway alone fills nobody's queue, and is not retained", async () => {
  const options = { clean: false, clientId: 'phone' };
  const first = await world.client('reader', options);
  await first.subscribeAsync('#', { qos: 1 });
  await first.endAsync();
  await expect.poll(() => world.count('clients')).toBe(0);
  const sender = await world.client('sender');
  await sender.publishAsync('in/a', 'x', { qos: 1, retain: true });
  publish('out/a', '1', 1);
  const packets: number[] = [];
  const again = await world.client('reader', options);
  again.on('message', (topic) => packets.push(topic.length));
  await expect.poll(() => packets).toEqual(['out/a'.length]);
  expect(world.incoming).toEqual([['in/a', 'x']]);
  expect(world.count('sent')).toBe(1);
});

test('a message of QoS 2 that is sent again is not taken in again', async () => {
  const socket = await world.socket();
  const answers: Buffer[] = [];
  socket.on('data', (chunk) => answers.push(chunk));
  socket.write(connectPacket('sender', 'a'));
  const rest = Buffer.concat([Buffer.from([0, 4]), Buffer.from('in/a'), Buffer.from([0, 9, 120])]);
  socket.write(packet(0x34, rest));
  await expect.poll(() => [...Buffer.concat(answers)].slice(4)).toEqual([0x50, 2, 0, 9]);
  socket.write(packet(0x3c, rest)); // With DUP.
  await expect.poll(() => Buffer.concat(answers).length).toBe(12);
  socket.write(packet(0x62, Buffer.from([0, 9])));
  await expect.poll(() => [...Buffer.concat(answers)].slice(12)).toEqual([0x70, 2, 0, 9]);
  expect(world.incoming).toEqual([['in/a', 'x']]);
  socket.destroy();
});

test('what a client may not have costs it nothing of what it may have', async () => {
  const reader = await world.client('reader', { clean: false, clientId: 'phone' });
  const all = received(reader);
  await reader.subscribeAsync(['#', 'out/#'], { qos: 1 });
  for (let i = 0; i < 50; i++) {
    publish('out/a', String(i), 1);
    publish('out/hidden/a', String(i), 1);
  }
  await expect.poll(() => all.length).toBe(50);
  expect(reader.connected).toBe(true);
});

test('PUBACK waits until the message is taken in, and PUBACKs leave in the order of the messages', async () => {
  const gates = new Map<string, () => void>();
  await using slow = await startBroker({
    incoming: (_guest, topic) => new Promise((resolve) => gates.set(topic, resolve)),
  });
  const sender = await slow.client('sender');
  const acknowledged: string[] = [];
  for (const topic of ['in/a', 'in/b']) {
    sender.publish(topic, 'x', { qos: 1 }, () => acknowledged.push(topic));
  }
  await expect.poll(() => [...gates.keys()]).toEqual(['in/a', 'in/b']);
  gates.get('in/b')?.();
  // There and back by somebody else: what could have come has come.
  await (await slow.client('reader')).subscribeAsync('out/#');
  expect(acknowledged).toEqual([]);
  gates.get('in/a')?.();
  await expect.poll(() => acknowledged).toEqual(['in/a', 'in/b']);
});

test('a last will is published when the connection breaks, and not when it is closed', async () => {
  const reader = await world.client('reader');
  const all = received(reader);
  await reader.subscribeAsync('out/#', { qos: 1 });
  const will = { topic: 'out/gone', payload: Buffer.from('broke'), qos: 1, retain: false } as const;
  const polite = await world.client('sender', { will });
  await polite.endAsync();
  const rude = await world.client('sender', { will: { ...will, payload: Buffer.from('rude') } });
  rude.stream.destroy();
  await expect.poll(() => all).toEqual([['out/gone', 'rude']]);
});

test('an answer is for the connections of one guest that have subscribed to it', async () => {
  const guests: unknown[] = [];
  await using other = await startBroker({
    incoming: async (guest, topic) => {
      guests.push(guest);
      other.broker.answer(guest, { topic: `out/${topic}`, payload: 'yes', qos: 1, retain: false });
    },
  });
  const [asks, stranger] = [await other.client('sender'), await other.client('other')];
  const [answers, nothing] = [received(asks), received(stranger)];
  for (const client of [asks, stranger]) await client.subscribeAsync('out/#', { qos: 1 });
  await asks.publishAsync('in/ask', '?', { qos: 1 });
  await expect.poll(() => answers).toEqual([['out/in/ask', 'yes']]);
  expect(nothing).toEqual([]);
});

test('a topic is wanted while somebody subscribes to it', async () => {
  expect(world.broker.isWanted('out/a/b')).toBe(false);
  const reader = await world.client('reader');
  await reader.subscribeAsync('out/+/b');
  expect(world.broker.isWanted('out/a/b')).toBe(true);
  expect(world.broker.isWanted('out/a/c')).toBe(false);
  await reader.unsubscribeAsync('out/+/b');
  await expect.poll(() => world.broker.isWanted('out/a/b')).toBe(false);
  await reader.subscribeAsync('#');
  expect(world.broker.isWanted('out/a/c')).toBe(true);
  await reader.endAsync();
  await expect.poll(() => world.broker.isWanted('out/a/c')).toBe(false);
});
