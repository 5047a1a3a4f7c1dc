import { afterEach, expect, test } from 'vitest';
import type { MqttError } from '../../../src/io/mqtt-client.ts';
import type { BridgeOptions } from '../../../src/outbox/bridge.ts';
import { BridgeWorld, NUMBERS } from '../../support/bridge-world.ts';
import { expectStopInNoTime } from '../../support/stop-in-no-time.ts';

/** What goes wrong around the bridge: a store that is begun anew, a crash, a cloud that says nothing. */

const { alerts, blinks, speed } = NUMBERS;
const NEXT_STORE = 'fedcba9876543210';
const MB = 2 ** 20;

let world = new BridgeWorld();
afterEach(async () => {
  await world.stop();
});

function begin(overrides: Partial<BridgeOptions> = {}): BridgeWorld {
  world = new BridgeWorld(overrides);
  return world;
}

test('a store that is begun anew while we run gets a name, and keeps its events from the start', async () => {
  const { queue, cloud, bridge } = begin();
  queue.grow(alerts, 5);
  queue.grow(speed, 1_000);
  world.start();
  await world.until(() => cloud.next(alerts) === 5 && cloud.next(speed) === 1_000);
  queue.beginAnew();
  cloud.mode = 'no-ingest';
  queue.grow(alerts, 2);
  await world.pass(1_000);
  expect(queue.store).toBe(NEXT_STORE);
  // Of the one before, the cloud had 5: of this one, none.
  expect(queue.needed?.get(alerts)).toBe(0);
  cloud.mode = 'works';
  await world.pass(60_000);
  const again = cloud.received.filter(({ head }) => head.store === NEXT_STORE);
  expect(again[0]?.head).toMatchObject({ number: alerts, first: 0 });
  expect(bridge.health().details['backlogRecords']).toBe(0);
});

test('cursors of a store that has gone are not kept as those of the next', async () => {
  const { queue, cloud } = begin();
  queue.grow(speed, 1_000);
  world.start();
  await world.until(() => cloud.next(speed) === 1_000);
  expect(queue.keeps).toBeLessThanOrEqual(1);
  queue.grow(speed, 1_000);
  await world.until(() => cloud.next(speed) === 2_000);
  queue.store = NEXT_STORE;
  queue.kept = new Map();
  await world.stop();
  expect(queue.kept.get(speed)).toBeUndefined();
});

test('a store that cannot be given a name is told, and asked again now and then', async () => {
  const { queue, cloud, bridge } = begin();
  queue.grow(speed, 1_000);
  queue.store = '';
  queue.failName = Object.assign(new Error('no space left on device'), { code: 'FAILED' });
  world.start();
  await world.pass(60_000);
  expect(bridge.health()).toMatchObject({
    status: 'waiting',
    text: 'cannot read the store: no space left on device',
  });
  expect(queue.namings).toBeGreaterThan(3);
  expect(queue.namings).toBeLessThanOrEqual(7);
  queue.failName = undefined;
  await world.until(() => cloud.next(speed) === 1_000);
  expect(bridge.health().status).toBe('ok');
});

test('after a crash the cloud is far ahead of the cursors, and the rest still comes', async () => {
  const { queue, cloud } = begin();
  queue.grow(speed, 1_000_000);
  world.start();
  await world.until(() => cloud.next(speed) > 600_000);
  queue.kept = new Map();
  await world.restart();
  await world.until(() => cloud.next(speed) === 1_000_000);
  await world.pass(10_000);
  expect(world.bridge.health()).toMatchObject({
    status: 'ok',
    details: { backlogRecords: 0, acksRefused: 0 },
  });
});

test('with a silent cloud not even events are sent again without end', async () => {
  const { queue, cloud, bridge } = begin();
  cloud.mode = 'loses';
  queue.grow(blinks, 200_000);
  world.start();
  await world.pass(6 * 3_600_000, 20_000);
  expect(bridge.status().budget.used).toBeLessThan(2 * MB);
  cloud.mode = 'works';
  await world.until(() => cloud.next(blinks) === 200_000, 5_000);
});

test('while P2 is decimated nobody is said to be silent, and the tenth keeps coming', async () => {
  const { queue, cloud, bridge } = begin({
    budget: {
      bytesMax: 100 * MB,
      shelf: { load: () => ({ month: '2026-11', bytes: 96 * MB }), save: () => {} },
    },
  });
  queue.grow(speed, 1_000);
  world.start();
  for (let s = 0; s < 3_600; s++) {
    queue.grow(speed, 10);
    await world.pass(1_000, 1_000);
    if (s % 60 === 59) expect(bridge.health().text).toBe('cloud.example:8883: online');
  }
  expect(bridge.status().classes.p2.admission).toBe('decimated');
  const values = cloud.received.reduce((sum, { head }) => sum + head.n, 0);
  expect(values).toBeGreaterThan(0.08 * 36_000);
  expect(values).toBeLessThan(0.12 * 36_000);
});

test('what will never come is counted once, however often it is told', async () => {
  const { queue, cloud, bridge } = begin();
  queue.grow(speed, 5_000);
  queue.evict(speed, 1_200);
  cloud.mode = 'loses';
  world.start();
  await world.pass(200_000);
  expect(Number(bridge.health().details['retries'])).toBeGreaterThan(1);
  expect(bridge.status().gaps).toEqual({ lost: 1_200, refused: 0 });
});

/** A broker that takes our connection and then says nothing. */
function muteConnect(): BridgeOptions['connect'] {
  return (options, signal) =>
    world.cloud.connect(options, signal).then((line) => ({
      remoteAddress: line.remoteAddress,
      bufferedBytes: 0,
      closed: line.closed,
      publish: () => line.closed.then((reason) => Promise.reject(reason)),
      subscribe: () => line.closed.then((reason) => Promise.reject(reason)),
      close: () => line.close(),
      destroy: (reason: MqttError) => line.destroy(reason),
    }));
}

test('a broker that does not answer our greeting does not hold up the stop', async () => {
  const { bridge, cloud, clock } = begin({ connect: muteConnect() });
  await expectStopInNoTime(bridge, { cloud, clock });
});

test('a broker that does not answer our greeting is told after 30 s and left', async () => {
  const { bridge } = begin({ connect: muteConnect() });
  world.start();
  await world.pass(31_000);
  expect(bridge.health().text).toMatch(
    /^cloud\.example:8883: it does not confirm what we say of ourselves/,
  );
});

test('a broker that confirms nothing is noticed while nothing but pieces ahead of a backlog goes', async () => {
  const { queue, cloud, bridge } = begin({
    budget: {
      bytesMax: 100 * MB,
      shelf: { load: () => ({ month: '2026-11', bytes: 96 * MB }), save: () => {} },
    },
  });
  queue.grow(speed, 1_000);
  world.start();
  cloud.mode = 'deaf';
  for (let s = 0; s < 60; s++) {
    queue.grow(speed, 10);
    await world.pass(1_000, 1_000);
  }
  expect(bridge.health().details['pubacks']).toBe(0);
  expect(bridge.health().details['connections']).toBeGreaterThan(1);
});
