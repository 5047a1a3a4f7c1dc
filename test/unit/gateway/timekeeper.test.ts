import { expect, test } from 'vitest';
import type { Epoch, Trust } from '#core/clock.ts';
import { Timekeeper } from '../../../src/gateway/timekeeper.ts';
import { FakeClock, settle } from '../../support/fake-clock.ts';

const YEAR_MS = 365 * 86_400_000;
const EPOCH: Epoch = { id: 3, wallMs: 1_000, trust: 'none', bootId: 'b', monotonicMs: 0 };

class Refused extends Error {
  readonly code = 'EIO';
}

function setUp() {
  const clock = new FakeClock();
  const lines: string[] = [];
  const line = (_: unknown, text: string): void => void lines.push(text);
  const world = { ms: 1_000, trust: 'none' as Trust, refuses: false };
  const kept: Epoch[] = [];
  const keeper = new Timekeeper({
    epoch: EPOCH,
    clock,
    log: { debug: line, info: line, warn: line, error: line },
    wall: () => world,
    correct: (epoch) => {
      if (world.refuses) return Promise.reject(new Refused('the disk'));
      kept.push(epoch);
      return Promise.resolve();
    },
  });
  const stop = new AbortController();
  const run = keeper.run(stop.signal);
  const end = async (): Promise<void> => {
    stop.abort();
    await run;
  };
  return { clock, lines, world, kept, keeper, end };
}

test('the anchor is corrected once when better time comes, and by years', async () => {
  const { clock, lines, world, kept, keeper, end } = setUp();
  await clock.advance(20_000);
  expect(kept).toEqual([]);
  world.ms = 50 * YEAR_MS;
  world.trust = 'ntp';
  await clock.advance(5_000);
  expect(kept).toHaveLength(1);
  expect(keeper.epoch.trust).toBe('ntp');
  expect(keeper.epoch.wallMs).toBe(50 * YEAR_MS - clock.now() / 1000);
  expect(lines.join()).toContain('set by ntp');
  // A later jump of the same clock changes nothing.
  world.ms += YEAR_MS;
  await clock.advance(60_000);
  expect(kept).toHaveLength(1);
  await end();
});

test('a correction that the store refuses is right at once and kept later', async () => {
  const { clock, world, kept, keeper, end } = setUp();
  await settle();
  world.refuses = true;
  world.trust = 'gps';
  await clock.advance(15_000);
  expect(keeper.epoch.trust).toBe('gps');
  expect(kept).toEqual([]);
  world.refuses = false;
  await clock.advance(5_000);
  expect(kept).toEqual([keeper.epoch]);
  await end();
});
