/** Commands and pushes over a real broker, with the clients that people use. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Role, User } from '#core/account.ts';
import type { Session } from '#core/session.ts';
import { commandsOf } from '../../../src/gateway/mqtt-commands.ts';
import { faultPointer, faultText } from '../../../src/http/fault.ts';
import { Ingest } from '../../../src/ingest/ingest.ts';
import { monotonicClock } from '../../../src/io/clock.ts';
import type { Acl } from '../../../src/mqtt/acl.ts';
import type { Doorman } from '../../../src/mqtt/doorman.ts';
import { Ingesting } from '../../../src/mqtt/ingesting.ts';
import { Requests } from '../../../src/mqtt/requests.ts';
import { bareGateway } from '../../support/bare-gateway.ts';
import { received, startBroker, type TestBroker } from '../../support/mqtt-broker.ts';
import { noReading } from '../../support/no-reading.ts';
import { rpm } from '../../unit/http/fakes.ts';
import { MemoryStore } from '../../unit/ingest/world.ts';

const run = promisify(execFile);
const EPOCH = 7;
const ROLES: Readonly<Record<string, Role>> = {
  sender: 'operator',
  other: 'admin',
  reader: 'viewer',
};

/** Everybody is who they say, with the role of their name. */
const doorman: Doorman = {
  admit: async ({ username = '', remote }) => {
    const role = ROLES[username] ?? 'viewer';
    const user: User = { id: username, username, role, grants: [], enabled: true, createdAt: '' };
    const current = () => user;
    return { user, name: username, login: username, remote, current, onEnd: () => () => {} };
  },
};
/** Answers come past it; nothing else is published here. */
const acl: Acl = {
  maySubscribe: () => true,
  mayReceive: (_, topic) => topic.includes('/response/'),
  mayPublish: () => true,
};

let world: TestBroker;
let store: MemoryStore;
let session: Session;

beforeEach(async () => {
  const clock = monotonicClock();
  store = new MemoryStore();
  session = {
    ...{ id: 3, owner: null, driver: null, vehicle: null, study: null, tags: [], notes: '' },
    ...{ consent: null, pinned: false, startedBy: 'manual', endedBy: null, stats: null },
    spans: [{ epoch: EPOCH, from: 0, to: null }],
  };
  const ingest = new Ingest({
    ...{ clock, realTime: clock, epoch: EPOCH, store, emit: () => {} },
    ...{ session: () => session, ownStreams: () => [] },
  });
  const sessions = () => ({ get: () => session, current: () => [session] });
  const gateway = { ...bareGateway(), ingest, streams: () => [rpm], reading: noReading() };
  const info = { device: 'v1', version: '1.2.3', epoch: EPOCH };
  const common = { device: 'v1', realTime: clock };
  const requests = new Requests({
    ...{ ...common, commands: commandsOf({ gateway, info }) },
    answer: (guest, message) => world.broker.answer(guest, message),
  });
  const ingesting = new Ingesting({
    ...{ ...common, ingest, reading: { sessions, inTime: (change) => change } },
    fault: (issue) => ({ pointer: faultPointer(issue), message: faultText(issue, []) }),
    answer: (guest, message) => world.broker.answer(guest, message),
  });
  world = await startBroker({
    ...{ doorman, acl },
    incoming: (guest, topic, payload) =>
      topic.includes('/request/')
        ? requests.take(guest, topic, payload)
        : ingesting.take(guest, topic, payload),
    isIngest: (topic) => topic.includes('/ingest/'),
    isForGateway: (topic) => !topic.includes('/response/'),
  });
});

afterEach(async () => {
  await world[Symbol.asyncDispose]();
});

function push(seq: number, more: object = {}): string {
  const items = [{ t: 0, event: 'tick' }];
  return JSON.stringify({ client: 'sim', seq, epoch: EPOCH, items, ...more });
}

test('who has asked is answered, and another account does not get it', async () => {
  const asker = await world.client('sender');
  const neighbour = await world.client('other');
  const [answers, others] = [received(asker), received(neighbour)];
  for (const client of [asker, neighbour]) await client.subscribeAsync('#', { qos: 1 });
  await asker.publishAsync('car/v1/request/ping', '{"transaction":"a","t1":1}', { qos: 1 });
  await asker.publishAsync('car/v1/request/dtc/clear', '{"transaction":"b"}', { qos: 1 });
  await expect.poll(() => answers.length).toBe(2);
  const [[topic, text] = [], [otherTopic, refusal] = []] = answers;
  expect(topic).toBe('car/v1/response/ping');
  expect(JSON.parse(text ?? '')).toMatchObject({ transaction: 'a', status: 'ok' });
  expect(otherTopic).toBe('car/v1/response/dtc/clear');
  expect(JSON.parse(refusal ?? '').error).toMatchObject({ code: 'invalid', pointer: '/confirm' });
  // What comes to the other comes after what would have come before it.
  await neighbour.publishAsync('car/v1/request/streams', '{"transaction":"c"}', { qos: 1 });
  await expect.poll(() => others.map(([name]) => name)).toEqual(['car/v1/response/streams']);
  expect(JSON.parse(others[0]?.[1] ?? '').data.items).toMatchObject([{ id: rpm.id }]);
});

test('who asks with one connection and listens with another is answered there', async () => {
  const { host, port } = world;
  const where = ['-h', host, '-p', String(port), '-u', 'sender', '-P', 'secret'];
  const listener = await world.client('sender', { clientId: 'listener' });
  const deaf = await world.client('sender', { clientId: 'deaf' });
  const neighbour = await world.client('other');
  const [answers, none, others] = [received(listener), received(deaf), received(neighbour)];
  const qos: number[] = [];
  listener.on('message', (_topic, _payload, packet) => qos.push(packet.qos));
  // No more than it was granted: MQTT 3.1.1 clause 3.8.4.
  await listener.subscribeAsync('car/v1/response/#', { qos: 0 });
  await neighbour.subscribeAsync('car/v1/response/#', { qos: 1 });
  const request = ['-t', 'car/v1/request/ping', '-q', '1', '-m', '{"transaction":"shell"}'];
  await run('mosquitto_pub', [...where, ...request]);
  await expect.poll(() => answers.length).toBe(1);
  expect(JSON.parse(answers[0]?.[1] ?? '')).toMatchObject({ transaction: 'shell', status: 'ok' });
  expect(qos).toEqual([0]);
  await neighbour.publishAsync('car/v1/request/ping', '{"transaction":"mine"}', { qos: 1 });
  await expect.poll(() => others.map(([, text]) => JSON.parse(text).transaction)).toEqual(['mine']);
  expect(none).toEqual([]);
});

test('who may not ask is told so, and the connection goes on', async () => {
  const viewer = await world.client('reader');
  const answers = received(viewer);
  await viewer.subscribeAsync('car/v1/response/#', { qos: 1 });
  await viewer.publishAsync('car/v1/request/dtc', '{"transaction":1}', { qos: 1 });
  await viewer.publishAsync('car/v1/request/ping', '{"transaction":2}', { qos: 1 });
  await expect.poll(() => answers.length).toBe(2);
  expect(answers.map(([, text]) => JSON.parse(text).status)).toEqual(['error', 'ok']);
});

test('what mosquitto pushes is stored when it is acknowledged', async () => {
  const { host, port } = world;
  const where = ['-h', host, '-p', String(port), '-u', 'sender', '-P', 'secret'];
  await run('mosquitto_pub', [...where, '-t', 'car/v1/ingest/game', '-q', '1', '-m', push(1)]);
  expect(store.data()).toMatchObject([{ stream: { id: 'game.tick' } }]);
});

test('what is refused for good is acknowledged, and told to who has sent it', async () => {
  const sender = await world.client('sender');
  const answers = received(sender);
  await sender.subscribeAsync('car/v1/response/#', { qos: 1 });
  await sender.publishAsync('car/v1/ingest/game', push(1, { epoch: EPOCH - 1 }), { qos: 1 });
  await expect.poll(() => answers).toHaveLength(1);
  expect(JSON.parse(answers[0]?.[1] ?? '')).toMatchObject({
    ...{ client: 'sim', seq: 1, status: 'error', error: { code: 'other-epoch' } },
  });
  // The connection goes on.
  await sender.publishAsync('car/v1/ingest/game', push(1), { qos: 1 });
  expect(store.data()).toHaveLength(1);
});

test('what cannot be stored now has no PUBACK, and is stored when it comes again', async () => {
  store.isFull = true;
  const options = { clientId: 'box', clean: false, reconnectPeriod: 20 };
  const sender = await world.client('sender', options);
  let closings = 0;
  sender.on('close', () => {
    closings++;
  });
  let isAcknowledged = false;
  const pushed = sender.publishAsync('car/v1/ingest/game', push(1), { qos: 1 }).then(() => {
    isAcknowledged = true;
  });
  await expect.poll(() => closings).toBeGreaterThan(1);
  expect(isAcknowledged).toBe(false);
  store.isFull = false;
  await pushed;
  expect(store.data()).toHaveLength(1);
});

test('what comes with QoS 0 is taken too, and answered where it has a transaction', async () => {
  const sender = await world.client('sender');
  const answers = received(sender);
  await sender.subscribeAsync('car/v1/response/ingest');
  await sender.publishAsync('car/v1/ingest/game', push(5, { transaction: 'x' }), { qos: 0 });
  await expect.poll(() => answers).toHaveLength(1);
  expect(JSON.parse(answers[0]?.[1] ?? '')).toMatchObject({ transaction: 'x', status: 'ok' });
  expect(store.data()).toHaveLength(1);
});

test('a burst of a client that holds nothing back is all stored', async () => {
  const sender = await world.client('sender');
  const seqs = Array.from({ length: 80 }, (_, seq) => seq);
  await Promise.all(
    seqs.map((seq) => sender.publishAsync('car/v1/ingest/game', push(seq), { qos: 1 })),
  );
  expect(store.data()).toHaveLength(80);
});
