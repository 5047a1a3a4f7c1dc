import { expect, test } from 'vitest';
import type { Epoch } from '#core/clock.ts';
import { AccountWorld } from '../../support/account-world.ts';

const DAY_MS = 86_400_000;
const YEARS_MS = 3_653 * DAY_MS;

async function later(ms: number) {
  const world = new AccountWorld();
  await world.clock.advance(1_000);
  const at = world.moments.now();
  await world.clock.advance(ms);
  return { world, at };
}

test('within a start the monotonic clock tells, whatever the wall does', async () => {
  const { world, at } = await later(5_000);
  const { wallMs } = world.epoch;
  for (const jump of [0, -DAY_MS, YEARS_MS, -wallMs]) {
    world.epoch = { ...world.epoch, wallMs: wallMs + jump };
    expect(world.moments.since(at), String(jump)).toBe(5_000);
  }
});

test('within a boot it is the monotonic clock of the kernel, whatever the wall does', async () => {
  for (const jump of [0, -DAY_MS, YEARS_MS]) {
    const { world, at } = await later(5_000);
    world.restart(60_000, { wallMs: world.epoch.wallMs + jump, trust: 'none' });
    expect(world.moments.since(at), String(jump)).toBe(65_000);
  }
});

test('over a boot the wall clocks tell, where both can be believed', async () => {
  const off: Partial<Epoch> = { bootId: 'two', monotonicMs: 0 };
  const { world, at } = await later(5_000);
  world.restart(DAY_MS, off);
  expect(world.moments.since(at)).toBe(DAY_MS + 5_000);
  world.epoch = { ...world.epoch, trust: 'none' };
  expect(world.moments.since(at)).toBeUndefined();
  world.epoch = { ...world.epoch, trust: 'rtc' };
  expect(world.moments.since(at)).toBe(DAY_MS + 5_000);
  const before = world.epochs.get(1);
  if (before) world.epochs.set(1, { ...before, trust: 'none' });
  expect(world.moments.since(at)).toBeUndefined();
});

test('a clock that was put back makes nothing younger than new', async () => {
  const { world, at } = await later(5_000);
  const { wallMs } = world.epoch;
  world.restart(1_000, { bootId: 'two', wallMs: wallMs - DAY_MS });
  expect(world.moments.since(at)).toBe(0);
});

test('where the boot has no name, two starts are of two boots', async () => {
  const { world, at } = await later(0);
  world.epoch = { ...world.epoch, bootId: '' };
  world.restart(7_000, { bootId: '', trust: 'none' });
  expect(world.moments.since(at)).toBeUndefined();
});

test('of a start that nobody knows nothing is told', () => {
  const { moments } = new AccountWorld();
  expect(moments.since({ epoch: 99, t: 0 })).toBeUndefined();
  expect(moments.timeOf({ epoch: 99, t: 0 })).toBeNull();
});

test('times are re-timed when the clock of their start is set right', async () => {
  const { world, at } = await later(0);
  expect(world.moments.timeOf(at)).toBe('2026-11-22T00:00:01.000Z');
  world.epoch = { ...world.epoch, wallMs: world.epoch.wallMs + DAY_MS };
  expect(world.moments.timeOf(at)).toBe('2026-11-23T00:00:01.000Z');
  world.restart(0, { wallMs: 0 });
  expect(world.moments.timeOf(at)).toBe('2026-11-23T00:00:01.000Z');
});
