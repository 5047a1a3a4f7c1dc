import fc from 'fast-check';
import { expect, test } from 'vitest';
import { apart } from '../../../web/marks.js';

test('marks that are too close are one, in whatever order events come', () => {
  expect(apart([], 20)).toEqual([]);
  expect(apart([50, 0, 19, 20, 39, 41], 20)).toEqual([0, 20, 41]);
});

test('of any marks those that are drawn can be told apart, and none is far from one that is', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 400 })), (places) => {
      const drawn = apart(places, 20);
      expect(drawn.length).toBeLessThanOrEqual(21);
      for (const [i, place] of drawn.slice(1).entries()) {
        expect(place - (drawn[i] ?? 0)).toBeGreaterThanOrEqual(20);
      }
      for (const place of places) {
        expect(drawn.some((each) => place >= each && place - each < 20)).toBe(true);
      }
    }),
  );
});
