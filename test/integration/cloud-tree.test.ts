/** The broker and the database of scripts/cloud.sh, by their own protocols and with their ends. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import { Connection } from 'rabbitmq-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { openDatabase } from '../../src/cloud/database.ts';
import {
  CLOUD_START_MS_MAX,
  type Cloud,
  missingForCloud,
  startCloud,
} from '../support/cloud-tree.ts';

const TENANT = 'lab';
const UP = 'v1.lab.golf-7.up.#';
/** More than a queue of one message takes before it says that it is full. */
const FULL_MESSAGES = 200;
/** A broker on a busy machine; and a retained message is on the disk 4 s after its PUBACK. */
const SLOW = { timeout: 20_000 };
const KILL_MS_MAX = 60_000;

const missing = missingForCloud();
/** Left out where there is no root, or no namespaces. */
const inTree = test.skipIf(missing !== '');

let cloud: Cloud;
beforeAll(async () => {
  if (!missing) cloud = await startCloud({ tenant: TENANT });
}, CLOUD_START_MS_MAX);
afterAll(async () => await cloud?.stop(), CLOUD_START_MS_MAX);

/** A gateway of the tenant. */
const car = async (device: string, protocolVersion: 4 | 5 = 4): Promise<MqttClient> =>
  await connectAsync(cloud.carUrl, {
    ...{ clientId: `${TENANT}.${device}`, protocolVersion, reconnectPeriod: 0 },
  });

inTree('what a car publishes at QoS 1 comes to a queue on amq.topic', async () => {
  const amqp = new Connection(cloud.amqpUrl);
  const queue = 'vigil.test';
  const batches: [key: string, body: string][] = [];
  const consumer = amqp.createConsumer(
    {
      queue,
      queueOptions: { queue, durable: true, arguments: { 'x-queue-type': 'quorum' } },
      queueBindings: [{ exchange: 'amq.topic', routingKey: UP }],
    },
    async ({ routingKey, body }) => {
      batches.push([routingKey, String(body)]);
    },
  );
  await new Promise((resolve) => consumer.once('ready', resolve));
  const client = await car('golf-7');
  await client.publishAsync('v1/lab/golf-7/up/p0/alert/tired', 'batch', { qos: 1 });
  await expect.poll(() => batches, SLOW).toEqual([['v1.lab.golf-7.up.p0.alert.tired', 'batch']]);
  await client.endAsync();
  await consumer.close();
  await amqp.queueDelete(queue);
  await amqp.close();
});

inTree('what a full queue does not take is not acknowledged', async () => {
  const amqp = new Connection(cloud.amqpUrl);
  const queue = 'vigil.alerts';
  const limited = { 'x-queue-type': 'quorum', 'x-max-length': 1 } as const;
  await amqp.queueDeclare({ queue, durable: true, arguments: limited });
  await amqp.queueBind({ queue, exchange: 'amq.topic', routingKey: UP });
  // To a client of MQTT 5 the broker says so; one of 3.1.1 waits for its PUBACK.
  const client = await car('golf-7', 5);
  const stored = async (): Promise<number> =>
    (await amqp.queueDeclare({ queue, passive: true })).messageCount;
  let acked = 0;
  const publishAll = async (): Promise<void> => {
    for (; acked < FULL_MESSAGES; acked++) {
      await client.publishAsync('v1/lab/golf-7/up/p0/alert/tired', `${acked}`, { qos: 1 });
    }
  };
  await expect(publishAll()).rejects.toThrow(/Implementation specific error/);
  await expect.poll(stored, SLOW).toBe(acked);
  expect(acked).toBeGreaterThan(0);
  await client.endAsync(true);
  await amqp.queueDelete(queue);
  await amqp.close();
});

inTree('compose.yaml lets a car do the same', () => {
  const file = path.resolve(import.meta.dirname, '../../scripts/cloud/compose.yaml');
  const compose = parse(readFileSync(file, 'utf8'));
  const text: string = compose.configs.definitions.content;
  const { policies, ...all } = JSON.parse(text.replaceAll('$$', '$'));
  const log = brokerLog();
  for (const { user, configure, write, read } of all.permissions) {
    const who = `user '${user === 'home' ? TENANT : user}' in virtual host '/'`;
    expect(log).toContain(`permissions for ${who} to '${configure}', '${write}', '${read}'`);
  }
  const [{ write, read }] = all.topic_permissions;
  const where = `'amq.topic' for user '${TENANT}' in virtual host '/'`;
  expect(log).toContain(`topic permissions on exchange ${where} to '${write}', '${read}'`);
  const script = readFileSync(path.resolve(file, '../broker.sh'), 'utf8');
  // The script's shell makes two of four backslashes, and takes one from $.
  expect(script.replaceAll('\\\\', '\\').replaceAll('\\$', '$')).toContain(
    text
      .replaceAll('$$', '$')
      .split('\n')
      .find((line) => line.includes(policies[0].name))
      ?.trim(),
  );
});

inTree('a car reads and writes the topics of its own name only', async () => {
  for (const [topic, granted] of [
    ['v1/lab/golf-7/req/#', 1],
    ['v1/lab/golf-7/ack', 1],
    ['v1/lab/golf-7/up/#', undefined],
    ['v1/lab/polo-1/req/#', undefined],
    ['#', undefined],
  ] as const) {
    const client = await car('golf-7');
    // The broker lets go of a client that asks for what is not its own.
    client.on('error', () => {});
    const grants = await client.subscribeAsync(topic, { qos: 1 }).catch(() => []);
    expect(grants[0]?.qos, topic).toBe(granted);
    await client.endAsync(true);
  }
  const client = await car('golf-7');
  client.on('error', () => {});
  const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
  client.publish('v1/lab/polo-1/state', 'online', { qos: 1 });
  await closed;
  const refused = "write access to topic 'v1.lab.polo-1.state' in exchange 'amq.topic'";
  await expect.poll(brokerLog, SLOW).toContain(refused);
});

inTree('a car cannot come as one of another tenant', async () => {
  const client = await connectAsync(cloud.carUrl, {
    ...{ clientId: 'other.golf-7', reconnectPeriod: 0 },
  });
  client.on('error', () => {});
  const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
  client.publish('v1/other/golf-7/state', 'online', { qos: 1 });
  await closed;
});

inTree('nobody logs in with what a broker comes with, or with a name alone', async () => {
  const { port } = new URL(cloud.carUrl);
  const logins = [{ username: 'guest', password: 'guest' }, {}, { username: TENANT }];
  // The broker takes 3 s for each, so that guessing is slow.
  const tries = logins.map((login) =>
    connectAsync(`mqtt://127.0.0.1:${port}`, { ...login, clientId: 'a', reconnectPeriod: 0 }),
  );
  for (const tried of await Promise.allSettled(tries)) {
    expect(tried.status === 'rejected' && String(tried.reason)).toContain('Connection refused');
  }
});

inTree('a retained message outlives the broker', { timeout: KILL_MS_MAX }, async () => {
  const ingest = await connectAsync(cloud.mqttUrl, { reconnectPeriod: 0 });
  ingest.on('error', () => {});
  const payload = '{"store":"0123456789abcdef","next":{"12":4711}}';
  await ingest.publishAsync('v1/lab/golf-7/ack', payload, { qos: 1, retain: true });
  await expect.poll(() => retainedOnDisk().includes(payload), SLOW).toBe(true);
  await cloud.kill('broker');
  await expect(car('golf-7')).rejects.toThrow(/ECONNREFUSED/);
  await cloud.start('broker');
  const client = await car('golf-7');
  const seen: [topic: string, text: string][] = [];
  client.on('message', (topic, message) => seen.push([topic, String(message)]));
  await client.subscribeAsync('v1/lab/golf-7/ack', { qos: 1 });
  await expect.poll(() => seen, SLOW).toEqual([['v1/lab/golf-7/ack', payload]]);
  await client.endAsync();
});

inTree('rows of a hypertable outlive the database', { timeout: KILL_MS_MAX }, async () => {
  const before = openDatabase(cloud.databaseUrl, 1);
  const made = before.transaction(async ({ query }) => {
    await query('CREATE TABLE rows (t timestamptz NOT NULL, v int)');
    await query("SELECT create_hypertable('rows', 't')");
    await query(
      "INSERT INTO rows SELECT now() - n * interval '1 day', n FROM generate_series(1, 30) n",
    );
    return await query('SELECT count(*)::int AS n FROM timescaledb_information.chunks');
  });
  expect(Number((await made)[0]?.['n'])).toBeGreaterThan(3);
  await cloud.kill('database');
  await expect(before.transaction(({ query }) => query('SELECT 1'))).rejects.toThrow();
  await before.close();
  await cloud.start('database');
  const after = openDatabase(cloud.databaseUrl, 1);
  const buckets = await after.transaction(({ query }) =>
    query("SELECT time_bucket('10 days', t) b, count(*)::int n FROM rows GROUP BY b"),
  );
  expect(buckets.reduce((sum, { n }) => sum + Number(n), 0)).toBe(30);
  await after.close();
});

inTree('what it keeps is for nobody else to read', () => {
  const mode = (name: string): number =>
    statSync(path.join(cloud.dataDirectory, name)).mode & 0o777;
  expect(['.', 'secrets', 'cloud.env'].map(mode)).toEqual([0o700, 0o600, 0o600]);
});

inTree('a second one runs beside it', { timeout: KILL_MS_MAX }, async () => {
  await using other = await startCloud({ parts: ['broker'] });
  const client = await connectAsync(other.mqttUrl, { reconnectPeriod: 0 });
  const [grant] = await client.subscribeAsync('v1/lab/golf-7/ack');
  expect(grant?.qos).toBe(0);
  await client.endAsync();
  await other.stop();
  expect(existsSync(other.dataDirectory)).toBe(false);
  await (await car('golf-7')).endAsync();
});

function brokerLog(): string {
  return readFileSync(path.join(cloud.dataDirectory, 'log/broker.log'), 'utf8');
}

/** What the broker's files of retained messages have in them. */
function retainedOnDisk(): string {
  const top = path.join(cloud.dataDirectory, 'broker');
  return readdirSync(top, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.includes('retained') && statSync(path.join(top, name)).isFile())
    .map((name) => readFileSync(path.join(top, name), 'latin1'))
    .join('');
}
