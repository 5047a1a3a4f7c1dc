import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ClockMap, type Exchange, roundTrip } from '../../../src/ingest/clock-map.ts';

/** An exchange at our time `at`, with a client whose clock shows (at - zero) * rate. */
function exchange(
  { zero, rate }: { readonly zero: number; readonly rate: number },
  at: number,
  ways: readonly [there: number, back: number],
): Exchange {
  const [there, back] = ways;
  const theirs = (t: number): number => (t - zero) * rate;
  const t2 = at + there;
  const t3 = t2 + 50;
  return { t1: theirs(at), t2, t3, t4: theirs(t3 + back) };
}

test('one exchange tells the offset to half its round trip', () => {
  const ms = fc.integer({ min: 0, max: 200_000 });
  const zeros = fc.integer({ min: -1e12, max: 1e12 });
  fc.assert(
    fc.property(zeros, ms, ms, (zero, there, back) => {
      const map = new ClockMap();
      const told = exchange({ zero, rate: 1 }, 5e6, [there, back]);
      map.observe([told]);
      const error = Math.abs(map.at(told.t1) - 5e6);
      expect(error).toBeLessThanOrEqual(roundTrip(told) / 2 + 1);
      expect(error).toBeLessThanOrEqual(map.bound(told.t1) + 1);
    }),
  );
});

test('of exchanges that are told together the quickest counts', () => {
  const clock = { zero: 12_345_678, rate: 1 };
  const map = new ClockMap();
  map.observe([
    exchange(clock, 1e6, [90_000, 1_000]),
    exchange(clock, 1.2e6, [500, 500]),
    exchange(clock, 1.4e6, [1_000, 300_000]),
  ]);
  expect(map.at(0)).toBeCloseTo(12_345_678, 0);
  expect(map.estimate?.roundTrip).toBeCloseTo(1_000, 0);
});

test('drift is learnt: after minutes between exchanges times stay right', () => {
  for (const rate of [1 + 80e-6, 1 - 80e-6]) {
    const clock = { zero: -1.7e15, rate };
    const map = new ClockMap();
    for (let minute = 0; minute < 10; minute++) {
      const burst = Array.from({ length: 8 }, (_, i) =>
        exchange(clock, minute * 60e6 + i * 1e5, [2_000 + 700 * i, 2_000 + 500 * i]),
      );
      map.observe(burst);
    }
    const later = 12 * 60e6;
    // 80 ppm of 3 minutes are 14 ms.
    expect(Math.abs(map.at((later - clock.zero) * rate) - later)).toBeLessThan(1_000);
    expect(map.estimate?.drift).toBeCloseTo(1 / rate - 1, 5);
    expect(map.steps).toBe(0);
  }
});

test('a clock that was set is followed at once', () => {
  const map = new ClockMap();
  map.observe([exchange({ zero: 1e6, rate: 1 }, 5e6, [500, 500])]);
  map.observe([exchange({ zero: 65e6, rate: 1 }, 70e6, [500, 500])]);
  expect(map.steps).toBe(1);
  expect(map.at(0)).toBeCloseTo(65e6, 0);
});
