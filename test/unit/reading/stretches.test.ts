import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Epoch } from '#core/clock.ts';
import type { Stretch } from '#core/session.ts';
import { endOf, partOf, sharePoints, within } from '../../../src/reading/stretches.ts';

const epoch = (id: number): Epoch => ({ id, wallMs: 0, trust: 'none', bootId: '', monotonicMs: 0 });

/** Stretches one after the other, with gaps between them. */
const stretches = fc
  .array(fc.tuple(fc.nat(1000), fc.integer({ min: 1, max: 1000 }), fc.nat(50)), { maxLength: 6 })
  .map((parts) => {
    let at = 0;
    return parts.map(([from, length, gap], i): Stretch => {
      const stretch = { epoch: epoch(i + 1), from, to: from + length, at };
      at += length + gap;
      return stretch;
    });
  });

/** Every microsecond of the stretches, by its place on the axis. */
function moments(all: readonly Stretch[]): string[] {
  return all.flatMap(({ epoch: { id }, from, to, at }) =>
    Array.from({ length: to - from }, (_, i) => `${at + i}=${id}:${from + i}`),
  );
}

test('a window keeps exactly the moments that lie in it, where they were', () => {
  const side = fc.option(fc.integer({ min: 0, max: 8000 }), { nil: undefined });
  fc.assert(
    fc.property(stretches, side, side, (all, from, to) => {
      fc.pre((from ?? 0) <= (to ?? Number.POSITIVE_INFINITY));
      const inside = moments(all).filter((moment) => {
        const at = Number(moment.split('=')[0]);
        return at >= (from ?? 0) && at < (to ?? Number.POSITIVE_INFINITY);
      });
      expect(moments(within(all, { from, to }))).toEqual(inside);
      expect(within(all, { from, to }).every((one) => endOf(one) > one.at)).toBe(true);
    }),
  );
});

test('a window that ends before it begins is refused', () => {
  expect(() => within([], { from: 10, to: 5 })).toThrow('from: expected at most 5 (to), found 10');
});

test('points are shared by length, at least one each, and at most one a stretch too many', () => {
  fc.assert(
    fc.property(stretches, fc.integer({ min: 1, max: 10_000 }), (all, points) => {
      const shares = sharePoints(all, points);
      const sum = shares.reduce((total, share) => total + share, 0);
      expect(shares).toHaveLength(all.length);
      expect(shares.every((share) => share >= 1)).toBe(true);
      expect(sum).toBeLessThanOrEqual(points + all.length);
      if (all.length > 0) expect(sum).toBeGreaterThanOrEqual(Math.min(points - all.length, 1));
    }),
  );
  const [first, second] = [
    { epoch: epoch(1), from: 0, to: 300, at: 0 },
    { epoch: epoch(2), from: 50, to: 150, at: 900 },
  ];
  expect(sharePoints([first, second], 100)).toEqual([75, 25]);
});

test('a part that has nothing of the session says how long that is', () => {
  const whole = [
    { epoch: epoch(1), from: 5e6, to: 25e6, at: 0 },
    { epoch: epoch(2), from: 0, to: 20e6, at: 40e6 },
  ];
  const part = (from?: number, to?: number, gaps = false) => partOf(whole, { from, to }, { gaps });
  expect(part(10e6, 50e6)).toEqual(within(whole, { from: 10e6, to: 50e6 }));
  expect(part()).toEqual(whole);
  expect(partOf([], {}, { gaps: false })).toEqual([]);
  const length = 'from: expected a part of the session, which is 60000000 microseconds (60 s) long';
  for (const gaps of [true, false]) {
    expect(() => part(60e6, undefined, gaps)).toThrow(`${length}, found 60000000 to its end`);
    expect(() => part(undefined, 0, gaps)).toThrow(`${length}, found its start to 0`);
    expect(() => part(9, 5, gaps)).toThrow('at most 5 (to), found 9');
  }
  expect(part(25e6, 40e6, true)).toEqual([]);
  expect(() => part(25e6, 40e6)).toThrow(`${length}, found 25000000 to 40000000`);
});
