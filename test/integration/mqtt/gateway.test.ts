/** Who comes into the broker of a gateway, in which way, and what they may do there. */
import { mkdtemp, rm } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import path from 'node:path';
import type { ISubscriptionMap, MqttClient } from 'mqtt';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ROLES, type Role } from '#core/account.ts';
import { closeOf, received } from '../../support/mqtt-broker.ts';
import { type MqttGateway, startMqttGateway, WAYS } from '../../support/mqtt-gateway.ts';

/** From the change of an account to the end of its connections. */
const CUT_MS_MAX = 1_000;
const WAIT = { timeout: 15_000 };
/** An address of this computer that is not its own for itself. */
const far = Object.values(networkInterfaces())
  .flatMap((all) => all ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

let directory: string;
let car: MqttGateway;

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'mqtt-gateway-'));
  car = await startMqttGateway(directory);
  await car.openAccounts();
});

afterAll(async () => {
  await car[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

test.each(WAYS)('over %s one comes in by name and password, and by access token', async (way) => {
  for (const login of [car.login('viewer'), await car.tokenLogin('viewer')]) {
    const client = await car.connect(login, { way });
    const messages = received(client);
    await client.subscribeAsync('car/vigil/state', { qos: 1 });
    await expect.poll(() => messages, WAIT).toEqual([['car/vigil/state', 'online']]);
    await client.endAsync();
  }
});

test.each(WAYS)('over %s a wrong password is answered with 4, none with 5', async (way) => {
  const wrong = car.connect({ username: 'viewer', password: 'a wrong enough phrase' }, { way });
  await expect(wrong).rejects.toMatchObject({ code: 4 });
  const nobody = car.connect({ username: 'nobody-here', password: 'whatever it is' }, { way });
  await expect(nobody).rejects.toMatchObject({ code: 4 });
  const { username } = car.login('viewer');
  const silent = car.connect({ username } as never, { way });
  await expect(silent).rejects.toMatchObject({ code: 5 });
});

test.each(['TCP', 'TLS'] as const)('over %s mosquitto gets what is retained', async (way) => {
  const { lines } = car.subscribe(way, car.login('viewer'), '-q', '1', '-t', 'car/+/state');
  await expect.poll(lines, WAIT).toEqual(['1 1 car/vigil/state online']);
  const guess = { username: 'viewer', password: 'a wrong enough phrase' };
  const refused = car.publish(way, guess, '-t', 'car/vigil/request/ping', '-n');
  await expect(refused).rejects.toThrow(/bad user name or password/i);
});

test('a last will is published as if its client had done it, where it may', async () => {
  const { id } = await car.ask('POST', '/sessions', {});
  const payload = Buffer.from(JSON.stringify({ session: id, text: 'the client has gone' }));
  const will = { topic: 'car/vigil/ingest/marker', payload, qos: 1, retain: false } as const;
  const sender = await car.connect(await car.tokenLogin('operator'), { will });
  sender.stream.destroy();
  const marked = async () => JSON.stringify(await car.ask('GET', `/sessions/${id}/events`));
  await expect.poll(marked, WAIT).toContain('the client has gone');
  await car.ask('PATCH', `/sessions/${id}`, { state: 'ended' });
  const forbidden = { ...will, topic: 'car/vigil/state' };
  const refused = car.connect(await car.tokenLogin('operator'), { will: forbidden });
  await expect(refused).rejects.toMatchObject({ code: 5 });
});

const NO = 128;
// biome-ignore format: a table
const GRANTED: Readonly<Record<string, Readonly<Record<Role, number>>>> = {
  '#':                      { viewer: 1,  operator: 1,  researcher: 1,  student: NO, admin: 1 },
  'car/#':                  { viewer: 1,  operator: 1,  researcher: 1,  student: NO, admin: 1 },
  'car/vigil/state':        { viewer: 1,  operator: 1,  researcher: 1,  student: 1,  admin: 1 },
  'car/vigil/signal/#':     { viewer: 1,  operator: 1,  researcher: 1,  student: 1,  admin: 1 },
  'car/vigil/alert/+':      { viewer: 1,  operator: 1,  researcher: 1,  student: 1,  admin: 1 },
  'car/vigil/response/#':   { viewer: 1,  operator: 1,  researcher: 1,  student: 1,  admin: 1 },
  'car/vigil/stats':        { viewer: 1,  operator: 1,  researcher: 1,  student: NO, admin: 1 },
  'homeassistant/#':        { viewer: 1,  operator: 1,  researcher: 1,  student: NO, admin: 1 },
  '$SYS/#':                 { viewer: NO, operator: 1,  researcher: NO, student: NO, admin: 1 },
  'car/vigil/request/#':    { viewer: NO, operator: NO, researcher: NO, student: NO, admin: NO },
  'car/vigil/ingest/#':     { viewer: NO, operator: NO, researcher: NO, student: NO, admin: NO },
  'car/other/#':            { viewer: NO, operator: NO, researcher: NO, student: NO, admin: NO },
};

test.each(ROLES)(
  '%s is granted by SUBACK what the role may see, and nothing else',
  async (role) => {
    const client = await car.connect(await car.tokenLogin(role));
    const filters = Object.keys(GRANTED);
    const asked = Object.fromEntries(filters.map((filter) => [filter, { qos: 1 as const }]));
    const found = await granted(client, asked);
    expect(Object.fromEntries(filters.map((filter, i) => [filter, found[i]]))).toEqual(
      Object.fromEntries(filters.map((filter) => [filter, GRANTED[filter]?.[role]])),
    );
  },
);

/** Where only the gateway publishes, or nobody. */
const CLOSED = ['state', 'info', 'avail/obd', 'signal/obd/vehicle/speed', 'stats', 'response/ping'];

test.each(ROLES)('%s is cut off for publishing what the gateway tells', async (role) => {
  const login = await car.tokenLogin(role);
  const topics = [...CLOSED.map((one) => `car/vigil/${one}`), 'homeassistant/status', 'any'];
  for (const topic of topics) {
    const client = await car.connect(login);
    const closed = closeOf(client);
    client.publish(topic, 'offline', { qos: 1, retain: true });
    await closed;
  }
  const client = await car.connect(await car.tokenLogin('admin'));
  const messages = received(client);
  await client.subscribeAsync(['car/vigil/state', 'homeassistant/status', 'any']).catch(() => {});
  await expect.poll(() => messages, WAIT).toEqual([['car/vigil/state', 'online']]);
});

test('QoS 0, 1 and 2 are taken, and what comes has no more than was asked for', async () => {
  const client = await car.connect(await car.tokenLogin('viewer'));
  const answers = received(client);
  const seen: number[] = [];
  client.on('message', (_topic, _payload, { qos }) => seen.push(qos));
  for (const qos of [0, 1, 2] as const) {
    await client.subscribeAsync('car/vigil/response/ping', { qos });
    await client.publishAsync('car/vigil/request/ping', `{"transaction":${qos}}`, { qos });
    await expect.poll(() => answers.length, WAIT).toBe(qos + 1);
  }
  expect(seen).toEqual([0, 1, 1]);
  expect(answers.map(([, text]) => JSON.parse(text).transaction)).toEqual([0, 1, 2]);
});

test('whoever is disabled, or given another role, is cut off within a second', async () => {
  const login = await car.openAccount('guest', 'operator');
  const ways = await Promise.all(WAYS.map((way) => car.connect(login, { way, clientId: way })));
  await cutBy({ role: 'viewer' }, ways);
  const again = await car.connect(login);
  expect(await granted(again, { '$SYS/#': { qos: 0 } })).toEqual([NO]);
  await cutBy({ enabled: false }, [again]);
  await expect(car.connect(login)).rejects.toMatchObject({ code: 4 });
});

async function cutBy(change: object, clients: readonly MqttClient[]): Promise<void> {
  const closed = Promise.all(clients.map(closeOf));
  await car.changeAccount('guest', change);
  const since = performance.now();
  await closed;
  expect(performance.now() - since).toBeLessThan(CUT_MS_MAX);
}

test.skipIf(far === undefined)(
  'from elsewhere a password that opens more than looking comes over TLS only',
  async () => {
    const to = far ?? '';
    for (const role of ['operator', 'researcher', 'admin']) {
      await expect(car.connect(car.login(role), { to })).rejects.toMatchObject({ code: 5 });
      const token = await car.tokenLogin(role);
      await expect(car.connect(token, { to })).rejects.toMatchObject({ code: 5 });
    }
    for (const role of ['viewer', 'student']) {
      expect((await car.connect(car.login(role), { to })).connected).toBe(true);
    }
    const secure = await car.connect(car.login('operator'), { to, way: 'TLS' });
    expect(secure.connected).toBe(true);
  },
);

/** What SUBACK says of each filter, MQTT 3.1.1 clause 3.9.3; the library makes an error of a refusal. */
function granted(client: MqttClient, filters: ISubscriptionMap): Promise<number[]> {
  return new Promise((resolve) => {
    client.subscribe(filters, { qos: 0 }, (_error, _grants, suback) => {
      resolve(suback?.granted.map(Number) ?? []);
    });
  });
}
