import { expect, test } from 'vitest';
import { Budget, type BudgetRecord } from '../../../src/outbox/budget.ts';
import { FakeClock } from '../../support/fake-clock.ts';

function begin(saved?: BudgetRecord, wallMs?: number) {
  const clock = new FakeClock();
  const world = { saved, wallMs, clock };
  const budget = new Budget({
    bytesMax: 1_000,
    shelf: {
      load: () => world.saved,
      save: (record) => {
        world.saved = record;
      },
    },
    clock,
    wallMs: () => world.wallMs,
  });
  budget.load();
  return { world, budget };
}

const NOVEMBER = Date.UTC(2026, 10, 30, 23, 59, 59);
const DECEMBER = Date.UTC(2026, 11, 1);

test('bytes of a month are remembered over a restart and begin anew with the next', async () => {
  const { world, budget } = begin(undefined, NOVEMBER);
  budget.add(300);
  await budget.save();
  const again = begin(world.saved, NOVEMBER);
  again.budget.add(100);
  expect(again.budget.used).toBe(400);
  expect(again.budget.share).toBe(0.4);
  expect(again.budget.resetsAtMs).toBe(DECEMBER);
  again.world.wallMs = DECEMBER;
  expect(again.budget.used).toBe(0);
  expect(again.budget.month).toBe('2026-12');
});

test('without a trusted clock the old month goes on, and what was counted then counts for the new one', () => {
  const { world, budget } = begin({ month: '2026-10', bytes: 900 });
  budget.add(50);
  expect(budget.used).toBe(950);
  expect(budget.resetsAtMs).toBeUndefined();
  world.wallMs = NOVEMBER;
  expect(budget.used).toBe(50);
  expect(budget.month).toBe('2026-11');
});

test('what was counted without a clock counts for the new month over a restart, too', async () => {
  for (const month of ['2026-10', '']) {
    const { world, budget } = begin({ month, bytes: 0 });
    budget.add(50);
    await budget.save();
    const again = begin(world.saved);
    again.budget.add(30);
    again.world.wallMs = NOVEMBER;
    expect(again.budget.used).toBe(80);
    await again.budget.save();
    expect(again.world.saved).toEqual({ month: '2026-11', bytes: 80 });
  }
});

test('a clock that goes back frees no bytes, and one that was in the future does not hold the month', () => {
  const { world, budget } = begin({ month: '2031-01', bytes: 700 }, NOVEMBER);
  expect(budget.used).toBe(700);
  expect(budget.month).toBe('2026-11');
  world.wallMs = DECEMBER;
  expect(budget.used).toBe(0);
});

test('it is worth a write after a minute or a megabyte, and not while nothing was counted', async () => {
  const { world, budget } = begin(undefined, NOVEMBER);
  await world.clock.advance(120_000);
  expect(budget.isDue).toBe(false);
  budget.add(1);
  expect(budget.isDue).toBe(true);
  await budget.save();
  expect(world.saved).toEqual({ month: '2026-11', bytes: 1 });
  budget.add(2 ** 20);
  expect(budget.isDue).toBe(true);
});
