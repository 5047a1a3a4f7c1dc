import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Epoch } from '#core/clock.ts';
import { Bridging, type BridgingOptions } from '../../../src/gateway/bridging.ts';
import { NUMBERS, SPEED, STATE } from '../../support/bridge-world.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeQueue } from '../../support/fake-queue.ts';
import { SILENT_LOG } from '../../support/silent-log.ts';

const { state, speed } = NUMBERS;
const NOVEMBER = Date.UTC(2026, 10, 10, 12);
/** Nobody listens at port 1 (tcpmux). */
const CLOUD = {
  server: { host: '127.0.0.1', port: 1, tls: false, user: 'car', password: 'hunter2' },
  tenant: 'acme',
};
const NOW: Epoch = { id: 9, wallMs: NOVEMBER, trust: 'ntp', bootId: 'b', monotonicMs: 1_000_000 };

let data: string;
let clock: FakeClock;
let queue: FakeQueue;
let warnings: string[];
let opened: PromiseWithResolvers<boolean>;
let stopping: AbortController;
let running: Promise<void>;

beforeEach(async () => {
  data = await mkdtemp(path.join(tmpdir(), 'vigil-bridging-'));
  clock = new FakeClock();
  queue = new FakeQueue();
  queue.declare(state, STATE);
  queue.declare(speed, SPEED);
  warnings = [];
  opened = Promise.withResolvers();
  stopping = new AbortController();
  running = Promise.resolve();
});

afterEach(async () => {
  stopping.abort();
  opened.resolve(false);
  await running;
  await rm(data, { recursive: true });
});

interface World {
  readonly config?: Partial<BridgingOptions['config']>;
  readonly epoch?: Epoch;
  /** Of starts before this one. */
  readonly epochs?: readonly Epoch[];
}

function make({ config, epoch = NOW, epochs = [] }: World = {}): Bridging {
  return new Bridging({
    config: {
      ...{ cloud: CLOUD, cloudBudget: 100, cloudLive: false, device: 'car-1' },
      ...{ data, replay: undefined, speed: 1 },
      ...config,
    },
    ...{ clock, realTime: clock, defer: setImmediate, bus: { first: () => {} } },
    log: { ...SILENT_LOG, warn: (_, text) => warnings.push(text) },
    recording: {
      epoch,
      opened: () => opened.promise,
      epochs: () => new Map([...epochs, epoch].map((one) => [one.id, one])),
      sessionAt: () => null,
      queue: () => queue,
      ingestStore: () => ({ durable: () => Promise.resolve() }),
      storeHealth: () => ({ id: 'store', status: 'failed', text: 'no SD card', details: {} }),
    },
    about: { version: '1.2.3', simulated: false },
  });
}

/** Runs it until it has looked into the store and met that nobody listens. */
async function start(world?: World): Promise<Bridging> {
  const bridging = make(world);
  opened.resolve(true);
  running = bridging.run(stopping.signal);
  await expect.poll(() => bridging.sync().text).toMatch(/127\.0\.0\.1:1: nothing listens/);
  return bridging;
}

/** Lets time pass while tries to connect end in their own time. */
async function pass(bridging: Bridging, seconds: number): Promise<void> {
  for (let s = 0; s < seconds; s++) {
    await clock.advance(1_000);
    await expect.poll(() => bridging.sync().state, { interval: 1 }).toBe('waiting');
  }
}

function oldestS(bridging: Bridging, priority = 'p2'): number | null | undefined {
  return bridging.sync().backlog.find((one) => one.priority === priority)?.oldestS;
}

test.each([
  ['without a cloud', { cloud: undefined }],
  ['in a replay, which the gateway that recorded it has sent', { replay: CLOUD as never }],
])('%s nothing is done', async (_, config) => {
  const bridging = make({ config });
  await bridging.run(stopping.signal);
  expect(bridging.sync()).toMatchObject({ state: 'off', text: 'no cloud is configured' });
  expect(bridging.health()).toEqual([]);
  expect(existsSync(path.join(data, 'cloud-budget.json'))).toBe(false);
});

test('while the store is not open that is what is told, and a stop ends it', async () => {
  const bridging = make();
  running = bridging.run(stopping.signal);
  await clock.advance(5_000);
  const told = 'nothing is sent while the store is not open: no SD card';
  expect(bridging.sync()).toMatchObject({
    ...{ state: 'waiting', text: told, sinceS: 5, broker: '127.0.0.1:1', backlog: [] },
  });
  expect(bridging.health()).toEqual([{ id: 'bridge', status: 'waiting', text: told, details: {} }]);
  stopping.abort();
  opened.resolve(false);
  await running;
  expect(bridging.sync().state).toBe('waiting');
});

test('what waits, why there is no link and what the month has cost is told, and no password', async () => {
  await writeFile(path.join(data, 'cloud-budget.json'), '{"month":"2026-11","bytes":96000000}');
  queue.grow(speed, 1_000);
  const bridging = await start();
  const shape = bridging.sync();
  expect(shape).toMatchObject({
    ...{ state: 'waiting', broker: '127.0.0.1:1', acknowledgedS: null },
    budget: { bytes: 100e6, used: 96e6, month: '2026-11' },
    counts: { sent: 0, acknowledged: 0, retries: 0, gaps: 0 },
  });
  expect(shape.backlog).toMatchObject(
    [
      { priority: 'p0', records: 0, oldestS: null, held: null },
      { priority: 'p1', records: 0, oldestS: null, held: null },
      { priority: 'p2', records: 1_000, oldestS: null, held: /one value in many/ },
      { priority: 'p3', records: 0, held: /Wi-Fi|budget/ },
    ].map(({ held, ...rest }) => ({ ...rest, held: held && expect.stringMatching(held) })),
  );
  expect(JSON.stringify([shape, bridging.health()])).not.toContain('hunter2');
});

test('what came while all else was acknowledged is no older than that', async () => {
  const old = { epoch: 9, t: -86_400e6 };
  queue.grow(speed, 100);
  queue.kept.set(speed, { next: 100, at: old });
  const bridging = await start();
  await pass(bridging, 60);
  expect(oldestS(bridging)).toBeNull();
  queue.grow(speed, 10);
  await pass(bridging, 30);
  expect(oldestS(bridging)).toBeGreaterThanOrEqual(30);
  expect(oldestS(bridging)).toBeLessThan(35);
});

const BOOT_BEFORE: Epoch = { ...NOW, id: 8, monotonicMs: 400_000, wallMs: 0, trust: 'none' };

test.each<[string, World, number, number | null]>([
  ['of this start', {}, 9, 100],
  ['of a start of the same boot, whatever its wall clock said', { epochs: [BOOT_BEFORE] }, 8, 700],
  [
    'of an earlier boot, by the wall clocks',
    { epochs: [{ ...BOOT_BEFORE, bootId: 'a', wallMs: NOVEMBER - 86_400e3, trust: 'rtc' }] },
    8,
    86_500,
  ],
  [
    'of an earlier boot whose clock is not to be believed: nobody knows',
    { epochs: [{ ...BOOT_BEFORE, bootId: 'a' }] },
    8,
    null,
  ],
  [
    'of an earlier boot while the clock of this one is not to be believed: nobody knows',
    {
      epoch: { ...NOW, trust: 'none' },
      epochs: [{ ...BOOT_BEFORE, bootId: 'a', trust: 'ntp' }],
    },
    8,
    null,
  ],
  [
    'of an earlier boot whose clock was ahead of ours: not less than nothing',
    { epochs: [{ ...BOOT_BEFORE, bootId: 'a', wallMs: NOVEMBER + 86_400e3, trust: 'ntp' }] },
    8,
    0,
  ],
  ['of a start that is not known', {}, 3, null],
])('how old it is that waits: %s', async (_, world, epoch, age) => {
  queue.grow(speed, 200);
  queue.kept.set(speed, { next: 100, at: { epoch, t: 0 } });
  await clock.advance(100_000);
  const bridging = await start(world);
  const told = oldestS(bridging);
  if (age === null) expect(told).toBeNull();
  else expect(told).toBeCloseTo(age, 0);
});

const FILE = '{"month":"2026-11","bytes":1234}';

test.each([
  ['neither is there', undefined, undefined, 0, 0],
  ['both are whole', FILE, FILE, 1_234, 0],
  ['one is cut off', FILE.slice(0, 20), FILE, 1_234, 0],
  ['one is gone', undefined, FILE, 1_234, 0],
  ['the month was not known', '{"month":"","bytes":70,"dark":70}', undefined, 70, 0],
  ['both are damaged', '\0\0\0', '[]', 0, 1],
  ['both are of something else', '{"month":"soon","bytes":5}', 'null', 0, 1],
  ['the bytes are none', '{"month":"2026-11","bytes":-5}', '{"month":"2026-11","bytes":"9"}', 0, 1],
])(
  'of what the month has cost there is a file and a copy: %s',
  async (_, file, copy, used, told) => {
    const at = path.join(data, 'cloud-budget.json');
    if (file !== undefined) await writeFile(at, file);
    if (copy !== undefined) await writeFile(`${at}.copy`, copy);
    const bridging = await start();
    expect(bridging.sync().budget.used).toBe(used);
    const lines = warnings.filter((text) => text.includes('what the month has cost'));
    expect(lines.length).toBe(told);
    stopping.abort();
    await running;
    expect(JSON.parse(await readFile(at, 'utf8'))).toEqual({ month: '2026-11', bytes: used });
    expect(await readFile(`${at}.copy`, 'utf8')).toBe(await readFile(at, 'utf8'));
  },
);

test('a file that can be neither read nor written is told, and ends nothing', async () => {
  const at = path.join(data, 'cloud-budget.json');
  for (const file of [at, `${at}.copy`, `${at}.new`]) await mkdir(file);
  await start();
  stopping.abort();
  await running;
  expect(warnings.join('\n')).toMatch(
    /is not known, and counted anew: .*\n(.*\n)*.*was not kept: /,
  );
});
