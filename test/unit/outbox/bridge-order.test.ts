import { afterEach, expect, test } from 'vitest';
import type { BridgeOptions } from '../../../src/outbox/bridge.ts';
import { BridgeWorld, NUMBERS, PLACE, SPEED } from '../../support/bridge-world.ts';

const { alerts, blinks, state, speed, rpm, eeg } = NUMBERS;

let world = new BridgeWorld();
afterEach(async () => {
  await world.stop();
});

function begin(overrides: Partial<BridgeOptions> = {}): BridgeWorld {
  world = new BridgeWorld(overrides);
  return world;
}

test('alerts go one by one and at once, past everything that waits', async () => {
  const { queue, cloud } = begin();
  queue.grow(eeg, 512 * 3_600);
  queue.grow(speed, 36_000);
  queue.grow(blinks, 5_000);
  world.start();
  await world.until(() => cloud.received.length > 50);
  const before = cloud.received.length;
  queue.grow(alerts, 3);
  world.bridge.wake();
  await world.until(() => cloud.next(alerts) === 3);
  const since = cloud.received.slice(before);
  const last = since.findLastIndex(({ head }) => head.number === alerts);
  // What was in the window, and one batch that was being read.
  expect(last).toBeLessThanOrEqual(16 + 3);
  expect(since.filter(({ head }) => head.number === alerts).map(({ head }) => head.n)).toEqual([
    1, 1, 1,
  ]);
});

test('below P0 the classes share the line by weight, and none starves', async () => {
  const { queue, cloud } = begin();
  queue.grow(eeg, 512 * 7_200);
  queue.grow(speed, 720_000);
  queue.grow(rpm, 720_000);
  queue.grow(state, 100_000);
  world.start();
  await world.until(() => cloud.received.length > 120);
  const bytes = { p0: 0, p1: 0, p2: 0, p3: 0 };
  for (const batch of cloud.received) bytes[batch.priority] += batch.bytes;
  expect(bytes.p3).toBeGreaterThan(0);
  expect(bytes.p1 / bytes.p2).toBeGreaterThan(1.3);
  expect(bytes.p1 / bytes.p2).toBeLessThan(3);
  expect(bytes.p2 / bytes.p3).toBeGreaterThan(4);
});

test('the window has 128 KB at most, and keeps the bytes of a batch for P0', async () => {
  const { queue, cloud, bridge } = begin();
  cloud.mode = 'deaf';
  queue.grow(eeg, 512 * 3_600);
  world.start();
  await world.pass(3_000, 50);
  expect(bridge.status().inFlight.bytes).toBeLessThanOrEqual(112 * 1024);
  queue.grow(blinks, 5_000);
  await world.pass(3_000, 50);
  expect(bridge.status().inFlight.bytes).toBeLessThanOrEqual(128 * 1024);
});

test('the window has 16 batches at most, and keeps a slot for P0', async () => {
  const { queue, cloud, bridge } = begin();
  cloud.mode = 'deaf';
  for (let number = 20; number < 60; number++) {
    queue.declare(number, { ...SPEED, id: `obd.x${number}` });
    queue.grow(number, 700);
  }
  world.start();
  await world.pass(3_000, 50);
  expect(bridge.status().inFlight.batches).toBe(15);
  queue.grow(alerts, 40);
  bridge.wake();
  await world.pass(1_000, 50);
  expect(bridge.status().inFlight.batches).toBe(16);
  expect(cloud.batchesMost).toBe(16);
});

test('what is older than its class may be is told as a gap', async () => {
  const { queue, cloud, bridge } = begin({
    ageS: ({ t }) => (t < 500e6 ? 200 * 86_400 : 10),
  });
  queue.grow(speed, 10_000);
  world.start();
  await world.until(() => cloud.next(speed) === 10_000);
  const { refused } = bridge.status().gaps;
  expect(refused).toBeGreaterThanOrEqual(5_000);
  expect(refused).toBeLessThan(11_001);
  const kept = cloud.received.filter(({ content }) => content.kind !== 'gap');
  expect(Math.min(...kept.map(({ head }) => head.t0))).toBeGreaterThanOrEqual(500e6);
});

test('raw EEG waits for a network that costs nothing', async () => {
  const { queue, cloud, bridge } = begin();
  world.bearer = 'cellular';
  queue.grow(eeg, 51_200);
  queue.grow(speed, 100);
  queue.grow(alerts, 1);
  world.start();
  await world.until(() => cloud.next(speed) === 100 && cloud.next(alerts) === 1);
  await world.pass(60_000);
  expect(cloud.next(eeg)).toBe(0);
  expect(bridge.status()).toMatchObject({
    bearer: 'cellular',
    classes: { p3: { admission: 'bearer' } },
  });
  world.bearer = 'wifi';
  await world.until(() => cloud.next(eeg) === 51_200);
});

/** What ten minutes of driving come to. */
async function drive(bearer: BridgeWorld['bearer']) {
  const { queue, cloud } = begin();
  world.bearer = bearer;
  world.start();
  const first = cloud.received.length;
  let latest = 0;
  for (let s = 1; s <= 600; s++) {
    for (const number of [speed, rpm]) queue.grow(number, 10);
    if (s % 60 === 0) queue.grow(alerts, 1);
    await world.pass(1_000, 100);
    latest = Math.max(latest, s * 10 - cloud.next(speed));
    if (s % 60 === 0) expect(cloud.next(alerts)).toBe(s / 60);
  }
  const batches = cloud.received.slice(first).filter(({ priority }) => priority === 'p2');
  const bytes = batches.reduce((sum, batch) => sum + batch.bytes, 0);
  await world.stop();
  return { batches: batches.length, bytes, latestS: latest / 10 };
}

test('where bytes are paid for a batch has 45 s in place of 10, and alerts still go at once', async () => {
  const free = await drive('wifi');
  const metered = await drive('cellular');
  expect(free.latestS).toBeLessThanOrEqual(12);
  expect(metered.latestS).toBeLessThanOrEqual(47);
  expect(metered.batches * 4).toBeLessThanOrEqual(free.batches);
  expect(metered.bytes).toBeLessThan(free.bytes);
});

test('at 80 % of the budget P3 stops, at 95 % P2 is decimated, and P0 never stops', async () => {
  const mb = 2 ** 20;
  begin({
    budget: {
      bytesMax: mb,
      shelf: { load: () => ({ month: '2026-11', bytes: 0.81 * mb }), save: () => {} },
    },
  });
  const { queue, cloud, bridge } = world;
  queue.grow(eeg, 5_120);
  queue.grow(speed, 1_000);
  world.start();
  await world.until(() => cloud.next(speed) === 1_000);
  await world.pass(30_000);
  expect(cloud.next(eeg)).toBe(0);
  expect(bridge.status().classes.p3.admission).toBe('budget');
  await world.stop();

  begin({
    budget: {
      bytesMax: mb,
      shelf: { load: () => ({ month: '2026-11', bytes: 0.955 * mb }), save: () => {} },
    },
  });
  world.queue.grow(speed, 1_000);
  world.start();
  for (let s = 0; s < 300; s++) {
    world.queue.grow(speed, 10);
    await world.pass(1_000);
  }
  const pieces = world.cloud.received.filter(({ head }) => head.number === speed);
  const values = pieces.reduce((sum, { head }) => sum + head.n, 0);
  expect(world.bridge.status().classes.p2.admission).toBe('decimated');
  expect(values).toBeGreaterThanOrEqual(200);
  expect(values).toBeLessThanOrEqual(450);
  // Newest first: what was there before waits, whole, for the next month.
  expect(Math.min(...pieces.map(({ head }) => head.first))).toBeGreaterThanOrEqual(1_000);
  world.queue.grow(alerts, 1);
  await world.until(() => world.cloud.next(alerts) === 1);
  world.wallMs = Date.UTC(2026, 11, 1);
  await world.until(() => world.cloud.next(speed) === world.queue.next(speed));
  expect(world.bridge.status().budget).toMatchObject({ month: '2026-12', bytes: mb });
});

test('with the live lane the newest is there in seconds, though a day waits', async () => {
  const { queue, cloud } = begin({ isLive: true });
  queue.grow(speed, 10 * 86_400);
  world.start();
  await world.until(() => cloud.isConnected);
  const before = queue.next(speed);
  for (let second = 0; second < 21; second++) {
    queue.grow(speed, 10);
    await world.pass(1_000);
  }
  const newest = Math.max(...cloud.received.map(({ head }) => head.first + head.n));
  expect(newest).toBeGreaterThan(before);
  await world.until(() => cloud.next(speed) === queue.next(speed));
  await world.pass(61_000);
  expect(queue.kept.get(speed)?.next).toBe(queue.next(speed));
});

test('birth and will are said retained, and the farewell before the end', async () => {
  const { cloud } = begin();
  world.start();
  await world.until(() => world.bridge.status().state === 'online');
  expect(cloud.said.get('v1/acme/car-1/state')).toBe('online');
  expect(JSON.parse(cloud.said.get('v1/acme/car-1/info') ?? '')).toEqual({
    version: '1.2.3',
    epoch: 7,
  });
  await world.stop();
  expect(cloud.said.get('v1/acme/car-1/state')).toBe('offline');
  expect(world.bridge.status().state).toBe('off');
});

test('only commands of the table are done, answered on res, and never those that were retained', async () => {
  const done: string[] = [];
  const { cloud } = begin({
    commands: {
      ping: ({ n = null }) => {
        done.push('ping');
        return { n };
      },
    },
  });
  world.start();
  await world.until(() => world.bridge.status().state === 'online');
  const say = (cmd: string, text: string, retained = false): void =>
    cloud.say(`v1/acme/car-1/req/${cmd}`, text, retained);
  say('ping', '{"transaction":"old"}', true);
  say('ping', '{"transaction":"a","n":5}');
  say('ping', '{"transaction":"a","n":5}');
  say('constructor', '{"transaction":"b"}');
  say('ping', 'no JSON');
  say('ping', '[]');
  say('ping', `{"transaction":"c","x":"${'x'.repeat(5_000)}"}`);
  await world.pass(500);
  expect(done).toEqual(['ping']);
  expect(JSON.parse(cloud.said.get('v1/acme/car-1/res/ping') ?? '')).toEqual({
    ...{ transaction: 'a', status: 'ok', data: { n: 5 } },
  });
  expect(JSON.parse(cloud.said.get('v1/acme/car-1/res/constructor') ?? '')).toMatchObject({
    status: 'error',
    error: { code: 'UNKNOWN_COMMAND' },
  });
  for (let i = 0; i < 30; i++) say('ping', `{"transaction":"t${i}"}`);
  await world.pass(500);
  expect(done.length).toBeLessThanOrEqual(10);
});

test('no password is shown anywhere', async () => {
  const { cloud, bridge } = begin();
  cloud.isDown = true;
  world.start();
  await world.pass(10_000);
  const shown = JSON.stringify([bridge.status(), bridge.health()]);
  expect(shown).toContain('cloud.example:8883');
  expect(shown).not.toContain('hunter2');
  expect(PLACE.tenant).toBe('acme');
});

test('without a link for a week, then with one: alerts first, then the rest, within window and budget', async () => {
  const { queue, cloud, bridge } = begin();
  cloud.isDown = true;
  world.start();
  await world.pass(7 * 86_400_000, 300_000);
  // Half an hour of driving a day.
  const seconds = 7 * 1_800;
  queue.grow(speed, 10 * seconds);
  queue.grow(rpm, 10 * seconds);
  queue.grow(eeg, 512 * 1_800);
  queue.grow(blinks, seconds / 4);
  queue.grow(alerts, 40);
  await world.pass(3_000);
  expect(bridge.health().text).toMatch(/nothing listens there \(no connection for 7 days\)/);
  expect(bridge.status()).toMatchObject({ state: 'waiting', classes: { p0: { streams: 2 } } });
  // Pauses were up to 120 s, half of it on the average here.
  expect(cloud.tries).toBeGreaterThan((7 * 86_400) / 130);
  expect(cloud.tries).toBeLessThan((7 * 86_400) / 30);
  cloud.isDown = false;
  await world.until(() => cloud.isConnected, 1_000);
  await world.until(() =>
    [alerts, blinks, speed, rpm, eeg].every((n) => cloud.next(n) === queue.next(n)),
  );
  const order = cloud.received.map(({ head }) => head.number);
  expect(order.slice(0, 40).every((number) => number === alerts)).toBe(true);
  expect(order.lastIndexOf(blinks)).toBeLessThan(order.indexOf(speed));
  expect(cloud.batchesMost).toBeLessThanOrEqual(16);
  expect(cloud.bytesMost).toBeLessThanOrEqual(128 * 1024);
  expect(cloud.duplicates).toBe(0);
  await world.pass(61_000);
  expect(queue.kept.get(speed)?.next).toBe(10 * seconds);
  expect(bridge.status().budget.used).toBeGreaterThan(
    cloud.received.reduce((sum, { bytes }) => sum + bytes, 0),
  );
});

test('pieces between holes go one behind the other: they do not each wait for more anew', async () => {
  const { queue, cloud } = begin();
  queue.grow(eeg, 512 * 20);
  for (let hole = 1; hole < 10; hole++) queue.lose(eeg, 1_024 * hole, 1_024 * hole + 10);
  world.start();
  const stepMs = 100;
  // What waits for more of its stream waits 10 s, once.
  await world.until(() => cloud.next(eeg) === 512 * 20, stepMs, 15_000 / stepMs);
});
