import { describe, expect, test } from 'vitest';
import { hash01 } from '../../../../src/sim/random.ts';
import { LossLedger, SampleClock } from '../../../../src/sources/eeg/sampling.ts';

const HZ = 512;

/** Chunks of 20 samples, each late by 0 to `jitterUs`; sample n is taken at `n * period` after 1 s. */
function feed(clock: SampleClock, seconds: number, period: number, jitterUs: number): void {
  for (let n = 0; n < seconds * HZ; n += 20) {
    if (n % 500 === 0 && n > 0) clock.mark();
    clock.arrived(n, Math.round(1e6 + n * period + jitterUs * hash01(5, n)));
  }
}

describe('SampleClock', () => {
  test('begins at the first arrival, with the nominal rate', () => {
    const clock = new SampleClock(HZ);
    expect(clock.started).toBe(false);
    clock.arrived(100, 5_000_000);
    expect(clock.started).toBe(true);
    expect(clock.timeAt(100)).toBe(5_000_000);
    expect(clock.timeAt(612)).toBe(6_000_000);
  });

  test('before the first point, the least late arrival counts', () => {
    const clock = new SampleClock(HZ);
    clock.arrived(0, 1_050_000);
    clock.arrived(512, 2_000_000);
    clock.arrived(1024, 3_040_000);
    expect(clock.timeAt(0)).toBe(1_000_000);
  });

  test.each([-10_000, -300, 0, 300, 10_000])('finds a rate that is %i ppm off', (ppm) => {
    const clock = new SampleClock(HZ);
    const period = 1e6 / (HZ * (1 + ppm / 1e6));
    feed(clock, 60, period, 20_000);
    expect(Math.abs(clock.hz / HZ - (1 + ppm / 1e6)) * 1e6).toBeLessThan(50);
    // The mean of the least late is a little late itself.
    const error = clock.timeAt(60 * HZ) - (1e6 + 60 * HZ * period);
    expect(error).toBeGreaterThan(-500);
    expect(error).toBeLessThan(3_000);
  });

  test('follows no rate that a crystal cannot have', () => {
    const clock = new SampleClock(HZ);
    feed(clock, 60, (1e6 / HZ) * 1.2, 0);
    expect(clock.hz).toBeCloseTo(HZ / 1.02, 3);
  });

  test('late arrivals do not move it', () => {
    const clock = new SampleClock(HZ);
    feed(clock, 30, 1e6 / HZ, 0);
    const before = clock.timeAt(40 * HZ);
    for (let n = 30 * HZ; n < 35 * HZ; n += 20) {
      if (n % 500 < 20) clock.mark();
      clock.arrived(n, 1e6 + (n * 1e6) / HZ + 100_000);
    }
    expect(Math.abs(clock.timeAt(40 * HZ) - before)).toBeLessThan(1);
    expect(clock.late).toBeCloseTo(100_000, -1);
    clock.advance(51);
    expect(clock.late).toBeCloseTo(100_000 - (51 * 1e6) / HZ, -1);
  });

  test('a restart keeps the rate and nothing else', () => {
    const clock = new SampleClock(HZ);
    feed(clock, 30, 1e6 / 515, 0);
    clock.restart();
    expect(clock.started).toBe(false);
    expect(clock.late).toBe(0);
    clock.arrived(0, 90_000_000);
    expect(clock.hz).toBeCloseTo(515, 2);
    expect(clock.timeAt(515)).toBeCloseTo(91_000_000, -2);
  });
});

test('the ledger keeps all totals and the last 64 losses', () => {
  const ledger = new LossLedger();
  for (let i = 0; i < 100; i++) ledger.add({ seq: i, count: 2, reason: 'checksum', t: i });
  ledger.add({ seq: 100, count: 5, reason: 'link', t: 100 });
  expect(ledger.totals).toEqual({ checksum: 200, link: 5, unexplained: 0 });
  expect(ledger.entries).toHaveLength(64);
  expect(ledger.entries.at(-1)).toEqual({ seq: 100, count: 5, reason: 'link', t: 100 });
  expect(ledger.health()).toMatchObject({ checksum: 200, link: 5, last: ledger.entries });
});
