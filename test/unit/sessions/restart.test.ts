import { expect, test } from 'vitest';
import type { Epoch } from '#core/clock.ts';
import { Disk, Life, OFF, ON, RUNNING, STATS } from './life.ts';

const YEAR_MS = 365 * 86_400_000;

/** A drive of 100 s with a manual session from its 10th second, and then no more of this process. */
async function driven(of: Partial<Epoch> = {}): Promise<Disk> {
  const disk = new Disk();
  const life = await new Life(disk, of).begin();
  await life.car(RUNNING, 10);
  await life.sessions.start({});
  await life.car(RUNNING, 90);
  expect(life.written()).toEqual(['1 open 1:0-', '2 open 1:10-']);
  return disk;
}

/** The next process, so many seconds after the first one began. */
function next(disk: Disk, s: number, of: Partial<Epoch> = {}): Promise<Life> {
  return new Life(disk, { monotonicMs: s * 1000, ...of }).begin([1, 99]);
}

test('after a power cut both have ended when something was last stored', async () => {
  const disk = await driven();
  const life = await next(disk, 0, { bootId: 'another' });
  expect(life.written()).toEqual(['1 power 1:0-99', '2 power 1:10-99']);
  await life.clock.advance(3000);
  expect(disk.sessions.get(1)?.stats).toEqual(STATS);
  await life.car(RUNNING, 10);
  expect(life.written()[2]).toBe('3 open 2:3-');
});

test('the log tells of each session what became of it', async () => {
  const life = await next(await driven(), 105);
  expect(life.told).toEqual(['recording 2 goes on']);
  await life.car(RUNNING, 10);
  expect(life.told).toContain('drive 1 goes on');
  await life.sessions.end(2);
  expect(life.told.at(-1)).toBe('recording 2 has ended (manual)');
});

test('two empty boot ids may be of two boots', async () => {
  const life = await next(await driven({ bootId: '' }), 105, { bootId: '' });
  expect(life.written()).toEqual(['1 power 1:0-99', '2 power 1:10-99']);
});

test('within a boot both go on: the manual one at once, the drive when the car is seen', async () => {
  const life = await next(await driven(), 105);
  expect(life.written()).toEqual(['1 open 1:0-99', '2 open 1:10-99 2:0-']);
  expect(life.sessions.current()).toHaveLength(2);
  expect(life.sessions.health()).toMatchObject({ details: { car: 'pending', current: 1 } });
  await life.clock.advance(4000);
  await life.car(ON, 20);
  expect(life.written()).toEqual(['1 open 1:0-99 2:4-', '2 open 1:10-99 2:0-']);
  await life.car(OFF, 40);
  await life.sessions.end(2);
  expect(life.written()).toEqual(['1 ignition 1:0-99 2:4-24', '2 manual 1:10-99 2:0-64']);
});

test.each<[name: string, s: number, goesOn: boolean]>([
  ['300 s', 399, true],
  ['longer', 399.001, false],
])('a process that was gone for %s', async (_, s, goesOn) => {
  const life = await next(await driven(), s);
  expect(life.sessions.current()).toHaveLength(goesOn ? 2 : 0);
});

test('a wall clock that jumps by years changes nothing', async () => {
  for (const wallMs of [-50 * YEAR_MS, 50 * YEAR_MS]) {
    const short = await next(await driven(), 105, { wallMs });
    expect(short.sessions.current()).toHaveLength(2);
    const long = await next(await driven({ wallMs }), 1000);
    expect(long.sessions.current()).toEqual([]);
  }
});

test('a car that was switched off meanwhile ends the drive when it was last seen', async () => {
  const disk = await driven();
  const life = await next(disk, 200);
  await life.car(OFF, 31);
  expect(life.written()[0]).toBe('1 ignition 1:0-99');
  await life.car(OFF, 2);
  expect(disk.sessions.get(1)?.stats).toEqual(STATS);
});

test('a car of which nothing is heard ends it after a minute', async () => {
  const life = await next(await driven(), 200);
  await life.unplugged(59);
  expect(life.written()[0]).toBe('1 open 1:0-99');
  await life.unplugged(1);
  expect(life.written()[0]).toBe('1 ignition 1:0-99');
});

test('a drive that waits for its car may be ended by a person', async () => {
  const life = await next(await driven(), 200);
  await life.sessions.end(1);
  await life.car(RUNNING, 10);
  expect(life.written()).toEqual(['1 manual 1:0-99', '2 open 1:10-99 2:0-']);
});

test('restarts while it waits: the absence counts from when the car was last seen', async () => {
  const disk = await driven();
  await (await next(disk, 200)).unplugged(10);
  const third = await new Life(disk, { monotonicMs: 390_000 }).begin([2, 10]);
  expect(third.written()).toEqual(['1 open 1:0-99', '2 open 1:10-99 2:0-10 3:0-']);
  const fourth = await new Life(disk, { monotonicMs: 400_000 }).begin([3, 5]);
  expect(fourth.written()).toEqual(['1 power 1:0-99', '2 open 1:10-99 2:0-10 3:0-5 4:0-']);
});

test('a life in which nothing was stored leaves no span behind', async () => {
  const disk = await driven();
  await next(disk, 105);
  const third = await new Life(disk, { monotonicMs: 107_000 }).begin([1, 99]);
  expect(third.written()).toEqual(['1 open 1:0-99', '2 open 1:10-99 3:0-']);
});

test('where nothing was ever stored, a session ends where it began', async () => {
  const disk = await driven();
  const life = await new Life(disk, { monotonicMs: 105_000 }).begin();
  expect(life.written()).toEqual(['1 power 1:0-0', '2 power 1:10-10']);
});

test('an epoch that is not known any more is of another boot', async () => {
  const disk = await driven();
  const life = new Life(disk, { monotonicMs: 105_000 });
  disk.epochs.delete(1);
  await life.begin([1, 99]);
  expect(life.written()).toEqual(['1 power 1:0-99', '2 power 1:10-99']);
});

test('an id is never given twice, though the newest session was removed before the restart', async () => {
  const disk = await driven();
  const life = await next(disk, 105);
  await life.sessions.end(2);
  await life.sessions.remove(2);
  const third = await new Life(disk, { monotonicMs: 110_000 }).begin([2, 0]);
  expect((await third.sessions.start({})).id).toBe(3);
});
