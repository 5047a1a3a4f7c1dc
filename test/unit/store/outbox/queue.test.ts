import { afterEach, beforeEach, expect, test } from 'vitest';
import { Consumer, EEG, ENOUGH, MARKS, QueueWorld, RPM } from '../../../support/queue-world.ts';

let world: QueueWorld;

beforeEach(async () => {
  world = new QueueWorld();
  await world.open();
});

afterEach(async () => {
  await world.close();
});

function values(n: number): void {
  for (let i = 0; i < n; i++) {
    world.take({ kind: 'sample', stream: RPM, t: world.now + i * 1000, v: i });
  }
}

test('what the journal has not taken is given to nobody, and what it has at once', async () => {
  values(5);
  world.disk.failNext('write', 'EIO');
  await expect(world.flush()).rejects.toThrow('EIO');
  const consumer = new Consumer(world, RPM);
  expect(consumer.read().next).toBe(0);
  await world.flush();
  expect(consumer.read().next).toBe(5);
  expect(consumer.stretches.map(({ n }) => n)).toEqual([5]);
});

test('a stretch has no more than was asked for, in values and in time', async () => {
  values(100);
  await world.flush();
  const few = new Consumer(world, RPM).read({ ...ENOUGH, values: 30 });
  expect(few.stretches.map(({ n }) => n)).toEqual([30, 30, 30, 10]);
  const short = new Consumer(world, RPM).read({ ...ENOUGH, spanUs: 49_000 });
  expect(short.stretches.map(({ n }) => n)).toEqual([50, 50]);
  const small = new Consumer(world, RPM).read({ ...ENOUGH, bytes: 75 });
  expect(small.stretches.map(({ n }) => n)).toEqual([50, 50]);
});

test('what a wave lost is told as a gap, in the tail and in blocks', async () => {
  world.takeWave(0, [1, 2, 3], 0);
  world.takeWave(100_000, [4, 5], 7);
  await world.flush();
  const gaps = () => {
    const { stretches } = new Consumer(world, EEG).read();
    return stretches.map(({ first, n, content }) => {
      return [first, n, content.kind === 'gap' ? content.reason : ''];
    });
  };
  const expected = [
    [0, 3, ''],
    [3, 7, 'lost'],
    [10, 2, ''],
  ];
  expect(gaps()).toEqual(expected);
  await world.seal();
  expect(gaps()).toEqual(expected);
});

test('events keep the order in which they came, whatever their times, over a power cut', async () => {
  const times = [5e6, 1e6, 900e6, 0];
  for (const [n, t] of times.entries()) {
    world.take({ kind: 'event', stream: MARKS, t, data: { n } });
  }
  await world.flush();
  const before = new Consumer(world, MARKS).read();
  world.disk = world.disk.crash(() => 0);
  world.epoch++;
  await world.open();
  const after = new Consumer(world, MARKS).read();
  expect([...after.got]).toEqual([...before.got]);
  expect(after.got.get(2)).toEqual({ value: '1 900000000 {"n":2}' });
});

test('a store gets one name, and cursors of another name are not taken', async () => {
  const { queue } = world;
  expect(queue.store).toBe('');
  expect(await queue.named()).toBe('07'.repeat(8));
  const cursors = new Map([
    [1, { next: 3, at: { epoch: 1, t: 4 } }],
    [2, { next: 9, at: undefined }],
  ]);
  await queue.keepCursors(cursors);
  await world.open();
  expect(queue.store).toBe('07'.repeat(8));
  expect(queue.cursors()).toEqual(cursors);
});

test('a stream is told with how far it is durable, and not with what may be gone', async () => {
  values(10);
  await world.flush();
  values(5);
  expect(world.queue.streams()).toMatchObject([{ stream: RPM, next: 10 }]);
});
