import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Debounce, GOOD, Pace } from '../../../src/mqtt/policy.ts';
import { ignition, rpm, sample, stream } from './publisher-world.ts';

const S = 1_000_000;
/** As it is written. */
const UNCERTAIN = 1;
const counted = stream('obd.ambient.temperature', { step: { mul: 1, div: 4, add: -40 } });

/** Offers values a second apart and says which were worth a message. */
function told(pace: Pace, values: readonly number[]): number[] {
  return values.filter((v, i) => {
    const now = (i + 1) * S;
    const one = sample(pace.stream, v, now);
    if (!pace.offer(one, now)) return false;
    const taken = pace.take(now);
    if (taken) pace.tell(taken, GOOD, now);
    return taken !== undefined;
  });
}

test('of a device that counts every count is news, and what rounding does to one is not', () => {
  expect(told(new Pace(counted), [20, 20, 20 + 1e-9, 20.25, 20.25, 20])).toEqual([20, 20.25, 20]);
});

test('of others a thousandth of the range is the least that is news', () => {
  expect(told(new Pace(rpm), [8_000, 8_007, 8_009])).toEqual([8_000, 8_009]);
});

test('a range that is all that can be expressed hides nothing', () => {
  const lost = stream('can.body.lost', { range: [0, Number.MAX_SAFE_INTEGER], hz: 0.2 });
  expect(told(new Pace(lost), [0, 1, 2, 2, 900, 901])).toEqual([0, 1, 2, 900, 901]);
});

test('of states a change is news, of what reports only on change everything', () => {
  expect(told(new Pace(ignition), [1, 1, 2, 2, 0])).toEqual([1, 2, 0]);
  expect(told(new Pace(stream('eeg.blink', { hz: 0 })), [9, 9, 9])).toEqual([9, 9, 9]);
});

test('what is no number is news once, and so is the number after it', () => {
  const { NaN: none } = Number;
  expect(told(new Pace(rpm), [none, none, 800, none, none])).toEqual([none, 800, none]);
});

test('the newest takes the place of one that waits, and not its time', () => {
  const pace = new Pace(rpm);
  expect(pace.offer(sample(rpm, 1_000), 0)).toBe(true);
  expect(pace.offer(sample(rpm, 2_000), 1)).toBe(false);
  expect(pace.waits).toBe(true);
  expect(pace.take(2)?.v).toBe(2_000);
  expect(pace.suppressed).toBe(1);
});

test('a value that has come back while it waited is not told', () => {
  const pace = new Pace(rpm);
  pace.tell(sample(rpm, 1_000), GOOD, 0);
  pace.offer(sample(rpm, 2_000), 1);
  pace.offer(sample(rpm, 1_000), 2);
  expect(pace.take(3)).toBeUndefined();
  expect(pace.waits).toBe(false);
});

test('whatever comes, what was told last is within the deadband of what came last', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 16_000, noNaN: true }), { minLength: 1 }),
      (all) => {
        const pace = new Pace(rpm);
        told(pace, all);
        const last = pace.told?.sample.v ?? Number.NaN;
        expect(Math.abs((all.at(-1) ?? 0) - last)).toBeLessThanOrEqual(
          Math.min(16.384, last / 1_000),
        );
      },
    ),
  );
});

test('an unchanged value is told again after a minute, with the next one that comes or without', () => {
  const pace = new Pace(ignition);
  pace.offer(sample(ignition, 1), 0);
  pace.tell(sample(ignition, 1), GOOD, 0);
  pace.take(0);
  expect(pace.repeat(59 * S, false)).toBeUndefined();
  expect(pace.repeat(60 * S, false)).toBe(GOOD);
  expect(pace.offer(sample(ignition, 1), 59 * S)).toBe(false);
  expect(pace.offer(sample(ignition, 1), 60 * S)).toBe(true);
  expect(pace.take(60 * S)?.v).toBe(1);
});

test('a value is uncertain when its source is lost or it has stopped, once, until the next one', () => {
  const pace = new Pace(rpm);
  pace.offer(sample(rpm, 800), 0);
  pace.take(0);
  pace.tell(sample(rpm, 800), GOOD, 0);
  expect(pace.repeat(29 * S, false)).toBeUndefined();
  expect(pace.repeat(1 * S, true)).toBe(UNCERTAIN);
  expect(pace.repeat(30 * S, false)).toBe(UNCERTAIN);
  pace.tell(sample(rpm, 800), UNCERTAIN, 30 * S);
  expect(pace.repeat(200 * S, true)).toBeUndefined();
  expect(pace.offer(sample(rpm, 800), 201 * S)).toBe(true);
});

test('what is measured every 50 s has not stopped after 499 s, and what reports on change never has', () => {
  for (const [hz, seconds, q] of [
    [0.02, 499, undefined],
    [0.02, 500, UNCERTAIN],
    [0, 59, undefined],
  ] as const) {
    const pace = new Pace(stream('obd.a', { hz }));
    pace.offer(sample(pace.stream, 1), 0);
    pace.take(0);
    pace.tell(sample(pace.stream, 1), GOOD, Math.max(0, seconds * S - 1));
    expect(pace.repeat(seconds * S, false)).toBe(q);
  }
});

test('what follows a change waits until it is quiet, and no longer than it may', () => {
  const debounce = new Debounce(2 * S, 10 * S);
  expect(debounce.isDue(100 * S)).toBe(false);
  debounce.changed(0);
  expect(debounce.isDue(1 * S)).toBe(false);
  expect(debounce.isDue(2 * S)).toBe(true);
  expect(debounce.isDue(3 * S)).toBe(false);
  const due: number[] = [];
  for (let s = 20; s <= 31; s++) {
    debounce.changed(s * S);
    if (debounce.isDue(s * S)) due.push(s);
  }
  expect(due).toEqual([30]);
});
