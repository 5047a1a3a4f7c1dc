import { afterEach, expect, test } from 'vitest';
import type { BridgeOptions } from '../../../src/outbox/bridge.ts';
import { encodeAck } from '../../../src/wire/ack.ts';
import { BridgeWorld, NUMBERS } from '../../support/bridge-world.ts';
import { valueAt } from '../../support/fake-queue.ts';

const ACK = 'v1/acme/car-1/ack';
const { alerts, blinks, speed, rpm, eeg } = NUMBERS;

let world = new BridgeWorld();
afterEach(async () => {
  await world.stop();
});

function begin(overrides: Partial<BridgeOptions> = {}): BridgeWorld {
  world = new BridgeWorld(overrides);
  return world;
}

function sayAck(next: Record<number, number>, store = world.queue.store): void {
  const map = new Map(Object.entries(next).map(([number, seq]) => [Number(number), seq]));
  world.cloud.say(ACK, encodeAck({ store, next: map }), false);
}

test('what is in the store arrives whole, in order and once', async () => {
  const { queue, cloud, bridge } = begin();
  queue.grow(speed, 5_000);
  queue.grow(eeg, 51_200);
  queue.grow(blinks, 300);
  world.start();
  await world.until(() => [speed, eeg, blinks].every((n) => cloud.next(n) === queue.next(n)));
  expect(cloud.duplicates).toBe(0);
  const values = cloud.received.flatMap(({ content }) =>
    content.kind === 'scalars' ? [...content.v] : [],
  );
  expect(values).toEqual(Array.from({ length: 5_000 }, (_, i) => valueAt(i)));
  expect(bridge.health()).toMatchObject({
    status: 'ok',
    details: { backlogRecords: 0, retries: 0 },
  });
});

test('cursors are durable at the end, and the next start sends nothing again', async () => {
  const { queue, cloud } = begin();
  queue.grow(speed, 1_000);
  queue.grow(alerts, 3);
  world.start();
  await world.until(() => cloud.next(speed) === 1_000 && cloud.next(alerts) === 3);
  await world.stop();
  expect(world.queue.kept.get(speed)?.next).toBe(1_000);
  expect(world.queue.needed?.get(alerts)).toBe(3);
  const before = cloud.received.length;
  await world.restart();
  await world.pass(60_000);
  expect(cloud.received.length).toBe(before);
});

test('a store that may not evict what the cloud does not have is told so from the start', async () => {
  const { queue } = begin();
  queue.grow(alerts, 5);
  world.cloud.isDown = true;
  world.start();
  await world.pass(1_000);
  expect(queue.needed).toEqual(
    new Map([
      [alerts, 0],
      [blinks, 0],
    ]),
  );
});

test('a batch has 16 KB at most, and 10 s of data while the stream keeps up', async () => {
  const { queue, cloud } = begin();
  queue.grow(eeg, 512 * 3_600);
  world.start();
  await world.until(() => cloud.next(eeg) === queue.next(eeg));
  expect(Math.max(...cloud.received.map(({ bytes }) => bytes))).toBeLessThanOrEqual(16 * 1024);
  const count = cloud.received.length;
  for (let s = 0; s < 100; s++) {
    queue.grow(speed, 10);
    await world.pass(1_000);
  }
  const live = cloud.received.slice(count).filter(({ head }) => head.number === speed);
  expect(live.length).toBeGreaterThanOrEqual(9);
  expect(live.every(({ head }) => head.n <= 100)).toBe(true);
});

test('a broker that never confirms is told after 30 s and left', async () => {
  const { queue, cloud, bridge } = begin();
  cloud.mode = 'deaf';
  queue.grow(speed, 1_000);
  world.start();
  await world.pass(29_000);
  expect(bridge.health().status).toBe('ok');
  await world.pass(2_000);
  expect(bridge.health().text).toMatch(/cloud\.example:8883: it does not confirm what we send/);
  cloud.mode = 'works';
  await world.until(() => cloud.next(speed) === 1_000);
  expect(bridge.health().status).toBe('ok');
});

test('a PUBACK moves no cursor: what the cloud lost goes again', async () => {
  const { queue, cloud, bridge } = begin();
  cloud.mode = 'loses';
  queue.grow(speed, 1_000);
  queue.grow(alerts, 2);
  world.start();
  await world.pass(29_000);
  expect(bridge.health().details['pubacks']).toBeGreaterThan(0);
  expect(queue.kept.size).toBe(0);
  await world.pass(2_500);
  expect(bridge.health()).toMatchObject({ status: 'waiting' });
  expect(bridge.health().text).toMatch(
    /it takes what we send, but the cloud has acknowledged nothing for 3\d s/,
  );
  cloud.mode = 'works';
  await world.until(() => cloud.next(speed) === 1_000 && cloud.next(alerts) === 2);
  await world.pass(61_000);
  expect(queue.kept.get(speed)?.next).toBe(1_000);
  expect(bridge.health().status).toBe('ok');
});

test('one stream whose batch was lost on its way goes again while the others go on', async () => {
  const { queue, cloud } = begin();
  queue.grow(speed, 1_000);
  world.start();
  cloud.mode = 'loses';
  await world.until(() => Number(world.bridge.health().details['pubacks']) > 0);
  cloud.mode = 'works';
  for (let s = 0; s < 50; s++) {
    queue.grow(rpm, 10);
    await world.pass(1_000);
  }
  // Not when everything is quiet, but while the cloud acknowledges the other one.
  expect(cloud.next(speed)).toBe(1_000);
  expect(world.bridge.health().details['connections']).toBe(1);
});

test('with a silent cloud hardly anything is sent again: the month is not spent on nothing', async () => {
  const { queue, cloud, bridge } = begin();
  cloud.mode = 'no-ingest';
  queue.grow(eeg, 512 * 36_000);
  queue.grow(speed, 360_000);
  world.start();
  await world.pass(60_000);
  const used = bridge.status().budget.used;
  expect(used).toBeLessThan(1.2 * 2 ** 20);
  await world.pass(8 * 3_600_000, 5_000);
  expect(bridge.status().budget.used - used).toBeLessThan(2 * 2 ** 20);
  cloud.mode = 'works';
  cloud.ingest();
  await world.until(() => cloud.next(speed) === 360_000);
});

test.each([
  [
    'of another store',
    () => sayAck({ [speed]: 100 }, 'ffffffffffffffff'),
    /it is of the store f{16}/,
  ],
  [
    'beyond all that there is',
    () => sayAck({ [speed]: 1_001 }),
    /obd\.speed: 1001 is beyond all that there is/,
  ],
  ['of a stream that is not there', () => sayAck({ 999: 1 }), /there is no stream 999/],
  ['that is no JSON', () => world.cloud.say(ACK, '{"store":', false), /it is no JSON/],
  [
    'that is no number',
    () => world.cloud.say(ACK, `{"store":"${world.queue.store}","next":{"4":"x"}}`, false),
    /no ack: next\.4/,
  ],
  [
    'that is below 0',
    () => world.cloud.say(ACK, `{"store":"${world.queue.store}","next":{"4":-1}}`, false),
    /no ack/,
  ],
])('an acknowledgement %s is refused, counted and told', async (_, say, text) => {
  const { queue, cloud, bridge } = begin();
  cloud.mode = 'loses';
  queue.grow(speed, 1_000);
  world.start();
  await world.pass(2_000);
  say();
  expect(bridge.health().text).toMatch(text);
  expect(bridge.health().details['acksRefused']).toBe(1);
  await world.pass(6_000);
  expect(queue.kept.size).toBe(0);
});

test('an acknowledgement that goes back moves nothing, and is counted', async () => {
  const { queue, cloud, bridge } = begin();
  queue.grow(speed, 1_000);
  world.start();
  await world.until(() => cloud.next(speed) === 1_000);
  sayAck({ [speed]: 500 });
  expect(bridge.health().details['acksBack']).toBe(1);
  expect(bridge.health().text).toMatch(/500 is less than the 1000/);
  await world.pass(61_000);
  expect(queue.kept.get(speed)?.next).toBe(1_000);
});

test('a kill loses at most a minute of cursors: what was acknowledged goes twice and is thrown out', async () => {
  const { queue, cloud } = begin();
  queue.grow(speed, 10_000);
  queue.grow(alerts, 20);
  world.start();
  await world.until(() => cloud.next(alerts) === 20 && cloud.next(speed) > 3_000, 1);
  expect(world.queue.kept.get(alerts)?.next).toBeGreaterThanOrEqual(19);
  await world.restart();
  await world.until(() => cloud.next(speed) === 10_000);
  expect(cloud.next(alerts)).toBe(20);
  await world.pass(61_000);
  expect(world.queue.kept.get(speed)?.next).toBe(10_000);
});

test('cursors that cannot be kept are told, and kept later', async () => {
  const { queue, cloud, bridge } = begin();
  queue.failKeep = Object.assign(new Error('no space left on device'), {
    code: 'ENOSPC',
    errno: -28,
  });
  queue.grow(alerts, 1);
  world.start();
  await world.until(() => cloud.next(alerts) === 1);
  await world.pass(1_000);
  expect(bridge.health().text).toMatch(/cannot keep how far the cloud is: no space left/);
  await world.pass(6_000);
  expect(queue.kept.get(alerts)?.next).toBe(1);
  expect(bridge.health().status).toBe('ok');
});

test('what was evicted, lost or erased goes up as a gap with its reason, and the rest behind it', async () => {
  const { queue, cloud, bridge } = begin();
  queue.grow(blinks, 50);
  queue.lose(blinks, 30, 50, 'erased');
  queue.grow(speed, 5_000);
  queue.evict(speed, 1_200);
  queue.grow(eeg, 20_000);
  queue.lose(eeg, 7_000, 9_000);
  world.start();
  await world.until(() => [speed, eeg, blinks].every((n) => cloud.next(n) === queue.next(n)));
  const gaps = cloud.received.flatMap(({ content }) => (content.kind === 'gap' ? [content] : []));
  expect(gaps.toSorted((a, b) => a.seq - b.seq)).toEqual([
    { kind: 'gap', seq: 0, n: 1_200, reason: 'evicted' },
    { kind: 'gap', seq: 30, n: 20, reason: 'erased' },
    { kind: 'gap', seq: 7_000, n: 2_000, reason: 'lost' },
  ]);
  expect(bridge.status().gaps).toEqual({ lost: 3_220, refused: 0 });
});

test('a link that is cut again and again loses nothing', async () => {
  const { queue, cloud } = begin();
  queue.isSlow = true;
  queue.grow(speed, 200_000);
  queue.grow(blinks, 2_000);
  world.start();
  for (let i = 0; i < 30; i++) {
    await world.pass(20 + ((i * 37) % 90), 5);
    cloud.cut();
    queue.grow(alerts, 1);
    await world.pass(3_000);
  }
  await world.until(() => [alerts, blinks, speed].every((n) => cloud.next(n) === queue.next(n)));
  await world.pass(6_000);
  expect(queue.kept.get(speed)?.next).toBe(200_000);
});

test('a store that cannot be read is told and asked again, and holds up no other stream', async () => {
  const { queue, cloud, bridge } = begin();
  queue.grow(speed, 1_000);
  queue.grow(rpm, 1_000);
  const error = Object.assign(new Error('block 7 is damaged'), { code: 'BAD_FILE' });
  queue.failRead = { number: speed, error };
  world.start();
  await world.until(() => cloud.next(rpm) === 1_000);
  expect(cloud.next(speed)).toBe(0);
  expect(bridge.health()).toMatchObject({
    status: 'waiting',
    text: 'cannot read the store: block 7 is damaged',
  });
  await world.until(() => cloud.next(speed) === 1_000);
  expect(bridge.health().status).toBe('ok');
});

test('a bug of the store ends the run: systemd starts the gateway again', async () => {
  const { queue, bridge } = begin();
  queue.grow(speed, 1_000);
  queue.failRead = { number: speed, error: new TypeError('undefined is not a function') };
  const run = expect(bridge.run(new AbortController().signal)).rejects.toThrow(TypeError);
  await world.pass(12_000);
  await run;
});

test('a store that was begun anew counts from the beginning, under its new name', async () => {
  const { queue, cloud } = begin();
  queue.grow(speed, 1_000);
  world.start();
  await world.until(() => cloud.next(speed) === 1_000);
  queue.store = 'fedcba9876543210';
  queue.kept = new Map();
  await world.until(() => cloud.received.some(({ head }) => head.store === queue.store));
  const again = cloud.received.filter(({ head }) => head.store === queue.store);
  expect(again[0]?.head).toMatchObject({ first: 0 });
});

test('what the broker kept of a store that is gone is not held against the cloud', async () => {
  const { queue, cloud, bridge } = begin();
  cloud.mode = 'loses';
  queue.grow(speed, 100);
  world.start();
  await world.until(() => Number(bridge.health().details['pubacks']) > 0);
  const text = encodeAck({ store: 'ffffffffffffffff', next: new Map([[speed, 100]]) });
  cloud.say(ACK, text, true);
  expect(bridge.health()).toMatchObject({ status: 'ok', details: { acksRefused: 1 } });
  await world.pass(6_000);
  expect(queue.kept.size).toBe(0);
});

test('an event that no batch can hold is told as a gap, and what is behind it goes on', async () => {
  const { queue, cloud, bridge } = begin();
  const read = queue.read.bind(queue);
  queue.read = (number, from, at, limits) => {
    const stretch = read(number, from, at, { ...limits, values: 1 });
    if (number !== alerts || from !== 1 || !stretch || stretch instanceof Promise) return stretch;
    const data = { text: 'x'.repeat(2 ** 21) };
    return { ...stretch, content: { kind: 'events', seq: 1, events: [{ t: stretch.t0, data }] } };
  };
  queue.grow(alerts, 3);
  world.start();
  await world.until(() => cloud.next(alerts) === 3);
  expect(cloud.received.map(({ content }) => content.kind)).toEqual(['events', 'gap', 'events']);
  expect(bridge.status().gaps.refused).toBe(1);
});
