import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Epoch } from '#core/clock.ts';
import { leastTrust, type Span, timeline } from '#core/session.ts';

const WALL = Date.UTC(2026, 0, 1);
const S = 1e6;

function epoch(id: number, of: Partial<Epoch> = {}): Epoch {
  return { id, wallMs: WALL, trust: 'ntp', bootId: 'one', monotonicMs: 0, ...of };
}

function mapOf(...epochs: Epoch[]): Map<number, Epoch> {
  return new Map(epochs.map((one) => [one.id, one]));
}

test('a session in one epoch begins at 0, and an open span lasts until now', () => {
  const epochs = mapOf(epoch(1));
  expect(timeline([{ epoch: 1, from: 5 * S, to: 9 * S }], epochs, 0)).toEqual([
    { epoch: epoch(1), from: 5 * S, to: 9 * S, at: 0 },
  ]);
  expect(timeline([{ epoch: 1, from: 5 * S, to: null }], epochs, 8 * S)).toEqual([
    { epoch: epoch(1), from: 5 * S, to: 8 * S, at: 0 },
  ]);
  expect(timeline([{ epoch: 1, from: 5 * S, to: null }], epochs, 4 * S)).toEqual([
    { epoch: epoch(1), from: 5 * S, to: 5 * S, at: 0 },
  ]);
});

const spans: Span[] = [
  { epoch: 1, from: 10 * S, to: 100 * S },
  { epoch: 2, from: 2 * S, to: 50 * S },
];
const at = (first: Partial<Epoch>, second: Partial<Epoch>): number | undefined =>
  timeline(spans, mapOf(epoch(1, first), epoch(2, second)), 0)[1]?.at;

test('within a boot the monotonic clock tells the gap, even when the wall clock jumped by years', () => {
  const later = { monotonicMs: 120_000 };
  expect(at({}, later)).toBe((120 + 2 - 10) * S);
  expect(at({ wallMs: 0 }, later)).toBe(112 * S);
  expect(at({}, { ...later, wallMs: 0 })).toBe(112 * S);
});

test('over a boot the wall clock tells it', () => {
  const other = { bootId: 'two', monotonicMs: 5_000 };
  expect(at({}, { ...other, wallMs: WALL + 3_600_000 })).toBe((3600 + 2 - 10) * S);
  // Two empty boot ids may be of two boots.
  expect(at({ bootId: '' }, { ...other, bootId: '', wallMs: WALL + 200_000 })).toBe(192 * S);
});

test('a wall clock that went back puts the span behind the one before it', () => {
  expect(at({}, { bootId: 'two', wallMs: 0 })).toBe(90 * S);
  expect(at({}, { bootId: 'two', wallMs: WALL + 50_000 })).toBe(90 * S);
});

test('epochs that nobody knows are left out, and the axis begins with the first that is known', () => {
  const known = mapOf(epoch(2));
  expect(timeline(spans, known, 0)).toEqual([{ epoch: epoch(2), from: 2 * S, to: 50 * S, at: 0 }]);
  expect(timeline(spans, new Map(), 0)).toEqual([]);
  expect(timeline([], known, 0)).toEqual([]);
});

test('on its axis a session is in order and overlaps nowhere, whatever the clocks say', () => {
  const clock = fc.record({
    wallMs: fc.integer({ min: -4e12, max: 4e12 }),
    monotonicMs: fc.integer({ min: 0, max: 1e9 }),
    bootId: fc.constantFrom('', 'one', 'two'),
  });
  const span = fc.tuple(fc.nat(1e9), fc.nat(1e9));
  fc.assert(
    fc.property(fc.array(fc.tuple(clock, span), { minLength: 1 }), (drawn) => {
      const epochs = mapOf(...drawn.map(([of], i) => epoch(i, of)));
      const list = drawn.map(([, [from, length]], i) => ({ epoch: i, from, to: from + length }));
      const stretches = timeline(list, epochs, 0);
      expect(stretches.map(({ from, to }) => [from, to])).toEqual(
        list.map(({ from, to }) => [from, to]),
      );
      expect(stretches[0]?.at).toBe(0);
      let end = 0;
      for (const stretch of stretches) {
        expect(stretch.at).toBeGreaterThanOrEqual(end);
        expect(Number.isInteger(stretch.at)).toBe(true);
        end = stretch.at + stretch.to - stretch.from;
      }
    }),
  );
});

test('a whole is trusted as far as its least trusted part', () => {
  expect(leastTrust(['gps', 'rtc', 'ntp'])).toBe('rtc');
  expect(leastTrust(['gps'])).toBe('gps');
  expect(leastTrust(['gps', 'none'])).toBe('none');
  expect(leastTrust([])).toBe('none');
});
