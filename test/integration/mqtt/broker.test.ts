import { once } from 'node:events';
import type { IClientSubscribeOptions, ISubscriptionMap, MqttClient } from 'mqtt';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CodedError } from '#core/errors.ts';
import { closeOf, received, startBroker, type TestBroker } from '../../support/mqtt-broker.ts';
import { connectPacket } from '../../support/mqtt-packets.ts';

let world: TestBroker;

beforeEach(async () => {
  world = await startBroker();
});

afterEach(async () => {
  await world[Symbol.asyncDispose]();
});

test.each([
  ['a wrong password', { password: 'guess' }, 4, 'badCredentials'],
  ['nobody', { username: undefined, password: undefined }, 4, 'badCredentials'],
  ['a gateway that is busy', { username: 'busy' }, 3, 'unavailable'],
  [
    'a last will where it may not publish',
    { will: { topic: 'out/state', payload: Buffer.from('x'), qos: 0, retain: true } },
    5,
    'notAuthorised',
  ],
  [
    'a last will with a wildcard',
    {
      username: 'sender',
      will: { topic: 'in/#', payload: Buffer.from('x'), qos: 0, retain: true },
    },
    5,
    'notAuthorised',
  ],
  ['a client id that is too long', { clientId: 'x'.repeat(129) }, 2, 'badClientId'],
  ['MQTT 5', { protocolVersion: 5 }, 1, 'badVersion'],
] as const)('%s is answered with its return code', async (_, options, code, counter) => {
  // The options of a table that is constant are readonly, those of the library are not.
  await expect(world.client('reader', options as never)).rejects.toMatchObject({ code });
  await expect.poll(() => world.closed(counter)).toBe(1);
  expect(world.count('clients')).toBe(0);
});

test('a lasting session without a client id is answered with 2', async () => {
  const socket = await world.socket();
  const connect = connectPacket('reader', '');
  connect[9] = 0xc0; // The flags, without that of a clean session.
  socket.write(connect);
  const [connack] = await once(socket, 'data');
  expect([...connack]).toEqual([0x20, 2, 0, 2]);
  await expect.poll(() => world.closed('badClientId')).toBe(1);
});

test('who goes while their password is looked at leaves nothing behind', async () => {
  const admitted = Promise.withResolvers<void>();
  await using slow = await startBroker({
    doorman: {
      admit: async ({ remote }) => {
        await admitted.promise;
        const onEnd = () => () => {};
        const guest = { user: undefined, name: 'sender', login: '', remote };
        return { ...guest, current: () => 'device', onEnd };
      },
    },
  });
  const socket = await slow.socket();
  socket.write(connectPacket('sender', 'a'));
  await expect.poll(() => slow.count('connections')).toBe(1);
  socket.destroy();
  await closeOf(socket);
  await slow.client('reader', { connectTimeout: 100 }).catch(() => {}); // There and back.
  admitted.resolve();
  const after = await slow.client('reader', { clientId: 'a' });
  await after.subscribeAsync('out/#');
  expect(slow.count('clients')).toBe(1);
  expect(slow.count('takenOver')).toBe(0);
});

test('clients without a client id are let in beside each other', async () => {
  const clients = await Promise.all([1, 2, 3].map(() => world.client('reader', { clientId: '' })));
  await Promise.all(clients.map((client) => client.subscribeAsync('out/#')));
  expect(world.count('clients')).toBe(3);
  expect(clients.every(({ connected }) => connected)).toBe(true);
});

test('a newer connection of a client takes the place of the older one', async () => {
  const first = await world.client('reader', { clientId: 'phone' });
  const closed = closeOf(first);
  const second = await world.client('reader', { clientId: 'phone' });
  await closed;
  await second.subscribeAsync('out/#');
  expect(world.count('clients')).toBe(1);
  expect(world.count('takenOver')).toBe(1);
});

test('a client id is worth nothing to another account', async () => {
  const options = { clientId: 'phone', clean: false };
  const phone = await world.client('reader', options);
  await phone.subscribeAsync('out/#', { qos: 1 });
  const thief = await world.client('other', options);
  expect(phone.connected).toBe(true);
  await phone.endAsync();
  await expect.poll(() => world.count('clients')).toBe(1);
  const stolen = received(thief);
  world.broker.publish({ topic: 'out/a', payload: 'secret', qos: 1, retain: false });
  const back = received(await world.client('reader', options));
  await expect.poll(() => back).toEqual([['out/a', 'secret']]);
  expect(stolen).toEqual([]);
});

test('a filter that is not granted is refused with 0x80, alone', async () => {
  const reader = await world.client('reader', { clientId: 'phone', clean: false });
  const filters = { 'out/a': { qos: 1 }, 'in/#': { qos: 1 }, 'out/b': { qos: 0 } } as const;
  expect(await granted(reader, filters)).toEqual([1, 128, 0]);
  expect(world.count('refusedFilters')).toBe(1);
});

test('a client has 64 filters, and may have one of them twice', async () => {
  const reader = await world.client('reader');
  const filters = Array.from({ length: 65 }, (_, i) => `out/${i}`);
  expect(await granted(reader, filters)).toEqual([...Array(64).fill(0), 128]);
  expect(await granted(reader, 'out/3', { qos: 1 })).toEqual([1]);
  await reader.unsubscribeAsync('out/3');
  expect(await granted(reader, 'out/64')).toEqual([0]);
});

test('what cannot be stored is not acknowledged', async () => {
  class Full extends CodedError<'FULL'> {}
  await using full = await startBroker({
    incoming: () => Promise.reject(new Full('FULL', 'the disk is full')),
  });
  const sender = await full.client('sender');
  const closed = closeOf(sender);
  let isAcknowledged = false;
  sender.publish('in/a', 'x', { qos: 1 }, (error) => {
    isAcknowledged = !error;
  });
  await closed;
  expect(isAcknowledged).toBe(false);
  expect(full.closed('notStored')).toBe(1);
  expect(full.warnings).toEqual(['sender: closed: the disk is full']);
});

test('a connection ends with the log-in, within a second', async () => {
  const reader = await world.client('reader');
  const other = await world.client('other');
  const closed = closeOf(reader);
  const since = performance.now();
  world.end('reader');
  await closed;
  expect(performance.now() - since).toBeLessThan(1_000);
  expect(world.closed('ended')).toBe(1);
  expect(other.connected).toBe(true);
});

test('the last message before the end arrives, and all is closed within a second', async () => {
  const clients = await Promise.all([1, 2, 3].map(() => world.client('reader')));
  const all = clients.map(received);
  for (const client of clients) await client.subscribeAsync('out/#');
  const silent = await world.socket();
  const closed = [...clients, silent.resume()].map(closeOf);
  const since = performance.now();
  world.broker.publish({ topic: 'out/state', payload: 'offline', qos: 1, retain: true });
  await world.broker.close();
  await Promise.all(closed);
  expect(performance.now() - since).toBeLessThan(1_000);
  expect(all).toEqual(clients.map(() => [['out/state', 'offline']]));
  await closeOf((await world.socket()).resume());
});

test('who keeps silent for one and a half times the keep alive is cut off', async () => {
  const socket = await world.socket();
  socket.resume().write(connectPacket('reader', 'a', 1));
  await closeOf(socket);
  await expect.poll(() => world.closed('keepAlive')).toBe(1);
});

/** What SUBACK says of each filter, MQTT 3.1.1 clause 3.9.3; the library makes an error of a refusal. */
function granted(
  client: MqttClient,
  filters: string | string[] | ISubscriptionMap,
  options: IClientSubscribeOptions = { qos: 0 },
): Promise<unknown> {
  return new Promise((resolve) => {
    client.subscribe(filters, options, (_error, _grants, suback) => resolve(suback?.granted));
  });
}
