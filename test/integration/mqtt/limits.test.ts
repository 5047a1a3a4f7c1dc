import { expect, test } from 'vitest';
import { BROKER_LIMITS } from '../../../src/mqtt/limits.ts';
import { closeOf, startBroker } from '../../support/mqtt-broker.ts';
import { connectPacket } from '../../support/mqtt-packets.ts';

test('a connection more than there may be is closed at once, until one has gone', async () => {
  await using world = await startBroker();
  const sockets = [];
  for (let i = 0; i < BROKER_LIMITS.connections; i++) sockets.push(await world.socket());
  const reader = await world.socket();
  await closeOf(reader.resume());
  expect(world.closed('full')).toBe(1);
  sockets[0]?.destroy();
  await expect
    .poll(
      async () => {
        const client = await world.client('reader', { connectTimeout: 500 }).catch(() => undefined);
        return client?.connected;
      },
      { timeout: 10_000 },
    )
    .toBe(true);
  for (const socket of sockets) socket.destroy();
});

test('one account has so many connections, and leaves room for the others', async () => {
  await using world = await startBroker({ limits: { accountConnections: 3 } });
  const clients = await Promise.all(
    ['a', 'b', 'c'].map((clientId) => world.client('reader', { clientId })),
  );
  await expect(world.client('reader', { clientId: 'd' })).rejects.toMatchObject({ code: 3 });
  expect(world.closed('crowded')).toBe(1);
  expect(world.warnings).toEqual([
    expect.stringContaining('more than 3 connections of one account'),
  ]);
  expect((await world.client('other')).connected).toBe(true);
  // One that comes again takes the place of itself.
  expect((await world.client('reader', { clientId: 'a' })).connected).toBe(true);
  await clients[1]?.endAsync();
  await expect.poll(() => world.count('clients')).toBe(3);
  expect((await world.client('reader', { clientId: 'd' })).connected).toBe(true);
});

test('of 200 that come back at once most are shed before anybody looks at their password', async () => {
  let admissions = 0;
  const { arrivalsPerS, arrivalsBurst } = BROKER_LIMITS;
  await using world = await startBroker({ limits: { arrivalsPerS, arrivalsBurst } });
  const reader = await world.client('reader');
  const open = await Promise.all(
    Array.from({ length: 200 }, async (_, i) => {
      const socket = await world.socket();
      socket.on('data', () => admissions++);
      socket.write(connectPacket('reader', `storm-${i}`));
      return socket;
    }),
  );
  await expect.poll(() => world.closed('tooOften')).toBeGreaterThanOrEqual(200 - 2 * arrivalsBurst);
  await expect.poll(() => admissions + world.closed('tooOften')).toBe(200);
  expect(admissions).toBeLessThanOrEqual(2 * arrivalsBurst);
  // Who was there is served meanwhile.
  await reader.subscribeAsync('out/#');
  for (const socket of open) socket.destroy();
});

test('who does not say who they are is cut off', async () => {
  await using world = await startBroker({ limits: { connectMs: 200 } });
  const socket = await world.socket();
  await closeOf(socket.resume());
  expect(world.closed('late')).toBe(1);
  const half = await world.socket();
  half.resume().write(connectPacket('reader', 'a').subarray(0, 10));
  await closeOf(half);
  expect(world.closed('late')).toBe(2);
});

test('without a keep alive a client may be silent for so long and no longer', async () => {
  await using world = await startBroker({ limits: { silenceMs: 1_000 } });
  const socket = await world.socket();
  socket.resume().write(connectPacket('reader', 'a', 0));
  await expect.poll(() => world.count('clients')).toBe(1);
  await closeOf(socket);
  expect(world.closed('silent')).toBe(1);
});

test('a connection that breaks is counted as lost, and nobody is blamed', async () => {
  await using world = await startBroker();
  const socket = await world.socket();
  socket.resume().write(connectPacket('reader', 'a'));
  await expect.poll(() => world.count('clients')).toBe(1);
  socket.resetAndDestroy();
  await expect.poll(() => world.count('lost')).toBe(1);
  await expect.poll(() => world.count('clients')).toBe(0);
  expect(world.warnings).toEqual([]);
});

test('who publishes faster than it can be taken in has to wait, and nothing is lost', async () => {
  const waiting: (() => void)[] = [];
  let taken = 0;
  await using world = await startBroker({
    incoming: async () => {
      await new Promise<void>((resolve) => waiting.push(resolve));
      taken++;
    },
  });
  const sender = await world.client('sender');
  const payload = Buffer.alloc(60_000);
  const sent = Array.from({ length: 200 }, () => sender.publishAsync('in/a', payload, { qos: 1 }));
  await expect.poll(() => waiting.length).toBeGreaterThan(5);
  // Of 12 MB what was read when it was enough.
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(waiting.length).toBeLessThan(15);
  const going = setInterval(() => {
    for (const go of waiting.splice(0)) go();
  }, 1);
  await Promise.all(sent);
  clearInterval(going);
  expect(taken).toBe(200);
});
