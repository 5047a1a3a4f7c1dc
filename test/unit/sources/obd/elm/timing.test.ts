import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Timing } from '../../../../../src/sources/obd/elm/timing.ts';

/** Times of an exchange that began at 1 s, in milliseconds from there. */
const times = (last: number, prompt: number) => ({
  sent: 1_000_000,
  last: 1_000_000 + last * 1000,
  prompt: 1_000_000 + prompt * 1000,
});

function measured(answers: number, lastMs: number): Timing {
  const timing = new Timing();
  for (let i = 0; i < answers; i++) timing.request(times(lastMs, lastMs + 5));
  return timing;
}

describe('the adapter’s own wait', () => {
  test('is not set before fifty answers were measured', () => {
    expect(measured(49, 30).waitUnits()).toBeUndefined();
    expect(measured(50, 30).waitUnits()).toBeDefined();
  });

  test.each([
    [30, 15],
    [31, 16],
    [62, 31],
    [500, 0x32],
  ])('is twice the slowest answer in steps of 4 ms: %d ms is %d', (ms, units) => {
    expect(measured(50, ms).waitUnits()).toBe(units);
  });

  test('is never less than an ECU may take, and the way there and back', () => {
    const timing = measured(50, 1);
    expect(timing.waitUnits()).toBe(Math.ceil(50 / 4));
    timing.command(times(8, 10));
    expect(timing.waitUnits()).toBe(60 / 4);
  });

  test('goes by the slowest answer, however rare', () => {
    const timing = measured(200, 20);
    timing.request(times(50, 60));
    for (let i = 0; i < 200; i++) timing.request(times(20, 25));
    expect(timing.waitUnits()).toBe(25);
  });

  test('does not count commands that the adapter answers itself', () => {
    const timing = new Timing();
    for (let i = 0; i < 100; i++) timing.command(times(3, 4));
    expect(timing.waitUnits()).toBeUndefined();
  });
});

describe('what is shown', () => {
  test('is 0 before anything was measured', () => {
    const zero = { commandMs: 0, ecuMs: 0, ecuMaxMs: 0, requestMs: 0, requestMaxMs: 0 };
    expect(new Timing().health()).toEqual(zero);
  });

  test('tells the link, the car and the whole request apart', () => {
    const timing = new Timing();
    timing.command(times(2, 3));
    timing.request(times(20, 28));
    timing.request(times(40, 48.26));
    expect(timing.health()).toEqual({
      commandMs: 3,
      ecuMs: 30,
      ecuMaxMs: 40,
      requestMs: 38.1,
      requestMaxMs: 48.3,
    });
  });

  test('follows a change, and stays between the fastest and the slowest', () => {
    const ms = fc.integer({ min: 1, max: 5_000 });
    fc.assert(
      fc.property(fc.array(ms, { minLength: 1, maxLength: 100 }), ms, (list, then) => {
        const timing = new Timing();
        for (const value of list) timing.command(times(0, value));
        const shown = (): number => Object(timing.health()).commandMs;
        expect(shown()).toBeGreaterThanOrEqual(Math.min(...list) - 0.1);
        expect(shown()).toBeLessThanOrEqual(Math.max(...list) + 0.1);
        for (let i = 0; i < 300; i++) timing.command(times(0, then));
        expect(shown()).toBeCloseTo(then, 0);
      }),
    );
  });
});
