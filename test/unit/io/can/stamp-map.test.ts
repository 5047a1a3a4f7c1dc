import fc from 'fast-check';
import { expect, test } from 'vitest';
import { StampMap, WrappingStamps } from '../../../../src/io/can/stamp-map.ts';

const WALL = 1_700_000_000_000_000;

/** Frames with the time between them, and how late each is seen. */
const traffic = fc.array(
  fc.record({
    gapUs: fc.integer({ min: 0, max: 3_000_000 }),
    lateUs: fc.integer({ min: 0, max: 500_000 }),
  }),
  { minLength: 1, maxLength: 200 },
);

test('of frames that are seen late each has the time at which it was on the bus', () => {
  const map = new StampMap();
  expect(map.map(WALL, 1_000)).toBe(1_000);
  // The event loop was busy for 20 ms, and three frames waited.
  expect(map.map(WALL + 5_000, 25_000)).toBe(6_000);
  expect(map.map(WALL + 10_000, 25_000)).toBe(11_000);
  expect(map.map(WALL + 15_000, 25_000)).toBe(16_000);
  // One that is less late than the first tells that the first was late.
  expect(map.map(WALL + 30_000, 30_900)).toBe(30_900);
  expect(map.map(WALL + 40_000, 50_000)).toBe(40_900);
});

test('times never go back and never lie ahead, whatever the other clock does', () => {
  const jumps = fc.array(fc.record({ at: fc.nat(199), byUs: fc.integer() }), { maxLength: 4 });
  fc.assert(
    fc.property(traffic, jumps, (frames, changes) => {
      const map = new StampMap();
      let bus = 0;
      let offset = WALL;
      let now = 0;
      let last = 0;
      frames.forEach(({ gapUs, lateUs }, i) => {
        bus += gapUs;
        for (const { at, byUs } of changes) if (at === i) offset += byUs * 1000;
        now = Math.max(now, bus + lateUs);
        const t = map.map(bus + offset, now);
        expect(Number.isInteger(t)).toBe(true);
        expect(t).toBeLessThanOrEqual(now);
        expect(t).toBeGreaterThanOrEqual(last);
        last = t;
      });
    }),
  );
});

test('without jumps no time is later than the smallest delay of late, and none is early', () => {
  fc.assert(
    fc.property(traffic, (frames) => {
      const map = new StampMap();
      let bus = 0;
      let now = 0;
      const delays: number[] = [];
      for (const { gapUs, lateUs } of frames) {
        bus += gapUs;
        now = Math.max(now, bus + lateUs);
        delays.push(now - bus);
        const t = map.map(bus + WALL, now);
        expect(t).toBeGreaterThanOrEqual(bus);
        // At least the delay of this frame itself is known.
        expect(t - bus).toBeLessThanOrEqual(Math.max(...delays));
      }
    }),
  );
});

test('a wall clock that is set back or forward is followed at once', () => {
  for (const jump of [-3_600_000_000, -50_000, 40_000, 3_600_000_000]) {
    const map = new StampMap();
    for (let t = 0; t < 1_000_000; t += 10_000) map.map(WALL + t, t + 100);
    const times = [1_000_000, 1_010_000, 1_020_000].map((t) => map.map(WALL + jump + t, t + 100));
    expect(times).toEqual([1_000_100, 1_010_100, 1_020_100]);
  }
});

test('stamps that overtake each other a little are no set clock', () => {
  const map = new StampMap();
  map.map(WALL, 100);
  map.map(WALL + 10_000, 60_000);
  expect(map.map(WALL + 9_500, 60_000)).toBe(10_100);
});

test('an adapter whose clock runs slow is followed, window by window', () => {
  const map = new StampMap();
  const drift = 200e-6;
  let worst = 0;
  for (let t = 0; t < 120_000_000; t += 100_000) {
    worst = Math.max(worst, Math.abs(map.map(t * (1 - drift), t) - t));
  }
  // Two windows of 10 s at 200 ppm.
  expect(worst).toBeLessThanOrEqual(4_000);
  expect(worst).toBeGreaterThan(1_000);
});

test('stamps of an adapter go on behind their wrap, and after any silence', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 59_999 }),
      fc.array(fc.integer({ min: 0, max: 200_000 }), { minLength: 1, maxLength: 50 }),
      fc.integer({ min: 0, max: 20_000 }),
      (start, gaps, lateMs) => {
        const stamps = new WrappingStamps(60_000_000);
        let ms = start;
        const first = stamps.unwrap((ms % 60_000) * 1000, ms * 1000);
        for (const [i, gap] of gaps.entries()) {
          const before = ms;
          ms += gap;
          const now = (ms + (i % 2) * lateMs) * 1000;
          const seen = stamps.unwrap((ms % 60_000) * 1000, now);
          expect(seen - first).toBe((ms - start) * 1000);
          expect(ms).toBeGreaterThanOrEqual(before);
        }
      },
    ),
  );
});
