import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Clock } from '#core/clock.ts';
import type { CanBus, OpenCanBus } from '../../../../src/io/can/bus.ts';
import { monotonicClock } from '../../../../src/io/clock.ts';
import { scaledClock } from '../../../../src/io/scaled-clock.ts';
import { openLog } from '../../../../src/sources/replay/log/log-file.ts';
import { logBuses } from '../../../../src/sources/replay/log-bus.ts';
import { FakeClock, settle } from '../../../support/fake-clock.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'vigil-log-bus-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

function fileOf(content: string | Uint8Array, name = 'drive.log'): string {
  const file = path.join(folder, name);
  writeFileSync(file, content);
  return file;
}

/** A line of candump for each time in milliseconds. */
function lines(times: readonly number[], bus = 'can0'): string {
  const text = (ms: number): string => (1_700_000_000 + ms / 1000).toFixed(6);
  return times
    .map((ms, i) => `(${text(ms)}) ${bus} ${((i % 2_000) + 1).toString(16)}#AA\n`)
    .join('');
}

async function busesOf(content: string | Uint8Array) {
  return logBuses(await openLog(fileOf(content)));
}

/** An open bus and what it has given, with the time at which it did. */
async function listening(open: OpenCanBus | undefined, clock: Clock) {
  if (!open) throw new Error('no such bus');
  const bus = await open({ clock, signal: new AbortController().signal });
  const given: { readonly at: number; readonly t: number; readonly id: number }[] = [];
  bus.listen(({ id }, t) => given.push({ at: clock.now(), t, id }));
  return { bus, given };
}

function isAtEnd(bus: CanBus): boolean {
  return bus.health().warnings.some((warning) => warning.includes('at the end'));
}

/** Moves the clock on; what the disk has to give comes before each step. */
async function pass(clock: FakeClock, ms: number, bus: CanBus): Promise<void> {
  const end = clock.now() + ms * 1000;
  do {
    while (clock.sleepers === 0 && !isAtEnd(bus)) await settle();
    await clock.advance(Math.min(10, (end - clock.now()) / 1000));
  } while (clock.now() < end);
}

test('frames come with their spacing and with times of now, and at the end it is quiet', async () => {
  const clock = new FakeClock();
  await clock.advance(5_000);
  const [found] = await busesOf(lines([0, 100, 100, 2_500]));
  expect(found).toMatchObject({ name: 'can0', device: 'can0 of drive.log' });
  const { bus, given } = await listening(found?.open, clock);
  await pass(clock, 150, bus);
  expect(given.map(({ t, id }) => [t, id])).toEqual([
    [5_000_000, 1],
    [5_100_000, 2],
    [5_100_000, 3],
  ]);
  await pass(clock, 3_000, bus);
  expect(given.at(-1)).toEqual({ at: 7_500_000, t: 7_500_000, id: 4 });
  expect(bus.health()).toMatchObject({
    ...{ state: 'unknown', listenOnly: true, received: 4, lost: 0 },
    warnings: ['drive.log: at the end, after 0:02'],
  });
  const first = await Promise.race([bus.lost, Promise.resolve('not lost')]);
  expect(first).toBe('not lost');
  await bus[Symbol.asyncDispose]();
  expect(clock.sleepers).toBe(0);
});

test('it is told what is played and how far it is', async () => {
  const clock = new FakeClock();
  await clock.advance(5_000);
  const [found] = await busesOf(lines([0, 30_000, 32_000, 33_000]));
  const said = () => found?.play.note();
  await clock.advance(1_000);
  expect(said()).toBe('drive.log, 0:00 of 0:13');
  const { bus } = await listening(found?.open, clock);
  await pass(clock, 4_000, bus);
  expect(said()).toBe('drive.log, 0:04 of 0:13');
  await pass(clock, 9_500, bus);
  expect(said()).toBe('drive.log, 0:13 of 0:13: at the end');
  expect(found?.play.health()).toEqual({ recording: 'drive.log', playedS: 13, lengthS: 13 });
  await bus[Symbol.asyncDispose]();
});

test('a clock that goes on while it begins costs no frame', async () => {
  const [found] = await busesOf(lines([0, 1, 2]));
  const clock = monotonicClock();
  const { bus, given } = await listening(found?.open, clock);
  while (!isAtEnd(bus)) await settle();
  expect(given.map(({ id }) => id)).toEqual([1, 2, 3]);
  expect(bus.health().lost).toBe(0);
  await bus[Symbol.asyncDispose]();
});

test('nothing can be sent', async () => {
  const [found] = await busesOf(lines([0]));
  const { bus } = await listening(found?.open, new FakeClock());
  await expect(
    bus.send({ id: 0x7df, extended: false, data: new Uint8Array(8) }),
  ).rejects.toMatchObject({ code: 'LISTEN_ONLY' });
  await bus[Symbol.asyncDispose]();
});

test('each bus of a log has its own frames, and all have one beginning', async () => {
  const clock = new FakeClock();
  const found = await busesOf(
    ['can0 0', 'VCAN1.5 200', 'can0 400', 'can0 600', 'VCAN1.5 900']
      .map((line) => line.split(' '))
      .map(([bus, ms]) => lines([Number(ms)], bus))
      .join(''),
  );
  expect(found.map(({ name }) => name)).toEqual(['can0', 'vcan1-5']);
  const first = await listening(found[0]?.open, clock);
  await pass(clock, 300, first.bus);
  const second = await listening(found[1]?.open, clock);
  await pass(clock, 1_000, second.bus);
  expect(first.given.map(({ t }) => t)).toEqual([0, 400_000, 600_000]);
  expect(second.given.map(({ t }) => t)).toEqual([200_000, 900_000]);
  await first.bus[Symbol.asyncDispose]();
  await second.bus[Symbol.asyncDispose]();
});

test('one that is opened again goes on, and gives nothing out twice', async () => {
  const clock = new FakeClock();
  const [found] = await busesOf(lines([0, 100, 200, 300]));
  const before = await listening(found?.open, clock);
  await pass(clock, 120, before.bus);
  await before.bus[Symbol.asyncDispose]();
  const after = await listening(found?.open, clock);
  await pass(clock, 1_000, after.bus);
  expect(before.given.map(({ id }) => id)).toEqual([1, 2]);
  expect(after.given.map(({ id }) => id)).toEqual([3, 4]);
  expect(after.bus.health()).toMatchObject({ received: 2, lost: 2, lostBy: 'counted' });
  await after.bus[Symbol.asyncDispose]();
  const last = await listening(found?.open, clock);
  await pass(clock, 1_000, last.bus);
  expect(last.given).toEqual([]);
  await last.bus[Symbol.asyncDispose]();
});

test('a clock that was set, forward or back, costs seconds and not years; disorder costs nothing', async () => {
  const clock = new FakeClock();
  const year = 365 * 86_400_000;
  const content = lines([0, year, year + 50, year + 40, year + 60, 0, 100]);
  const log = await openLog(fileOf(content));
  expect(log.length).toBe(10_160_000);
  const { bus, given } = await listening(logBuses(log)[0]?.open, clock);
  await pass(clock, 11_000, bus);
  expect(given.map(({ t }) => t / 1000)).toEqual([
    0, 10_000, 10_050, 10_050, 10_060, 10_060, 10_160,
  ]);
  await bus[Symbol.asyncDispose]();
});

test('the clock says how fast', async () => {
  const clock = new FakeClock();
  const [found] = await busesOf(lines([0, 5_000, 10_000]));
  const fast = scaledClock(clock, 10);
  const { bus, given } = await listening(found?.open, fast);
  await pass(clock, 999, bus);
  expect(given).toHaveLength(2);
  await pass(clock, 20, bus);
  expect(given.map(({ t }) => t)).toEqual([0, 5_000_000, 10_000_000]);
  await bus[Symbol.asyncDispose]();
});

test('a burst larger than a turn lets others have their turn', async () => {
  const clock = new FakeClock();
  const [found] = await busesOf(lines(new Array<number>(10_000).fill(0)));
  const { bus, given } = await listening(found?.open, clock);
  while (clock.sleepers === 0) await settle();
  expect(given).toHaveLength(3_999);
  await pass(clock, 50, bus);
  expect(given).toHaveLength(10_000);
  await bus[Symbol.asyncDispose]();
});

test('what is wrong with the file is told by the bus', async () => {
  const clock = new FakeClock();
  const [found] = await busesOf(`${lines([0])}garbage\n(1700000000.1) can0 123#R\n${lines([200])}`);
  const { bus, given } = await listening(found?.open, clock);
  await pass(clock, 1_000, bus);
  expect(given).toHaveLength(2);
  expect(bus.health()).toMatchObject({ malformed: 1, remote: 1 });
  expect(bus.health().warnings).toContain(
    'drive.log: line 2: does not begin with a time such as (1436509052.249713)',
  );
  await bus[Symbol.asyncDispose]();
});

test('a file that goes while it is played is a lost link', async () => {
  const [found] = await busesOf(lines([0]));
  rmSync(path.join(folder, 'drive.log'));
  const { bus } = await listening(found?.open, new FakeClock());
  await expect(bus.lost).rejects.toMatchObject({
    code: 'LINK_LOST',
    message: expect.stringMatching(/^drive\.log: .*drive\.log: no such file$/),
  });
  await bus[Symbol.asyncDispose]();
});

describe('what is in a file', () => {
  test('one that is compressed is read as it was', async () => {
    const log = await openLog(fileOf(gzipSync(lines([0, 1_000, 3_000])), 'drive.log.gz'));
    expect(log).toMatchObject({ title: 'drive.log.gz', length: 3_000_000 });
    expect(log.channels).toEqual([{ name: 'can0', bus: 'can0', frames: 3 }]);
    expect(log.tally.malformed).toBe(0);
  });

  test('one that is compressed and cut off is read as far as it goes', async () => {
    const whole = gzipSync(lines(Array.from({ length: 20_000 }, (_, i) => (i * i) % 9_973)));
    const log = await openLog(fileOf(whole.subarray(0, whole.length / 2)));
    expect(log.channels[0]?.frames).toBeGreaterThan(5_000);
    expect(log.tally.faults).toContain('gzip: the file is damaged or cut off');
  });

  test('one that is something else is named, however long it is', async () => {
    const file = fileOf('hello world\n'.repeat(10_000), 'letter.txt');
    await expect(openLog(file)).rejects.toThrow(`${file}: expected a log of candump (candump -l)`);
  });

  test('buses whose names come out the same are told apart', async () => {
    const names = ['Can 0'.replace(' ', '.'), 'can-0', 'can+0', 'x'.repeat(30), 'x'.repeat(31)];
    const log = await openLog(fileOf(names.map((name) => lines([0], name)).join('')));
    expect(log.channels.map(({ bus }) => bus)).toEqual([
      ...['can-0', 'can-0-2', 'can-0-3'],
      ...['x'.repeat(23), `${'x'.repeat(20)}-2`],
    ]);
  });

  test('of more buses than there may be, the rest is counted', async () => {
    const names = Array.from({ length: 20 }, (_, i) => `can${i}`);
    const log = await openLog(fileOf(names.map((name) => lines([0, 1], name)).join('')));
    expect(log.channels).toHaveLength(16);
    expect(log.tally.other).toBe(8);
  });

  test.each([
    ['', /drive\.log: expected .*, found an empty file$/],
    [
      'hello\nworld\n',
      /drive\.log: expected a log of candump .*, ASC or BLF, found something else$/,
    ],
    ['(1.5) can0 123#R\n', /drive\.log: there is no classical CAN frame in it$/],
    [
      '(1.5) can0 123##100\n'.repeat(3),
      /drive\.log: there is no classical CAN frame in it; 3 CAN FD frames, which this version does not read$/,
    ],
    ['(1.5) can0 FFF#00\n', /no classical CAN frame in it; line 1: no identifier: FFF$/],
    [gzipSync('hello'), /found something else$/],
  ])('%j is told', async (content, reason) => {
    await expect(openLog(fileOf(content))).rejects.toThrow(reason);
  });

  test('a file that cannot be read', async () => {
    const missing = path.join(folder, 'missing.log');
    await expect(openLog(missing)).rejects.toThrow(`${missing}: no such file`);
    await expect(openLog(folder)).rejects.toThrow(`${folder}: a directory, not a file`);
  });
});
