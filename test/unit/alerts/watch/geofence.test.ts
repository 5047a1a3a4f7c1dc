import fc from 'fast-check';
import { expect, test } from 'vitest';
import { distanceM, positionOf } from '../../../../src/alerts/watch/geofence.ts';

/** Great circles on a sphere of 6,371,008.8 m: a degree is 111,195.08 m. */
test.each([
  ['a degree to the north', { lat: 0, lon: 0 }, { lat: 1, lon: 0 }, 111_195.08],
  ['a degree along the equator', { lat: 0, lon: 10 }, { lat: 0, lon: 11 }, 111_195.08],
  ['over the date line', { lat: 0, lon: 179.5 }, { lat: 0, lon: -179.5 }, 111_195.08],
  ['a degree of longitude at 60 north', { lat: 60, lon: 0 }, { lat: 60, lon: 1 }, 55_595.4],
  ['over the pole', { lat: 89.5, lon: 0 }, { lat: 89.5, lon: 180 }, 111_195.08],
  ['to the other end of the world', { lat: 0, lon: 0 }, { lat: 0, lon: 180 }, 20_015_114.4],
  ['nowhere', { lat: 48, lon: 11 }, { lat: 48, lon: 11 }, 0],
])('%s', (_, a, b, metres) => {
  expect(distanceM(a, b)).toBeCloseTo(metres, -1);
});

test('it is as far there as back', () => {
  const place = fc.record({
    lat: fc.double({ min: -90, max: 90, noNaN: true }),
    lon: fc.double({ min: -180, max: 180, noNaN: true }),
  });
  fc.assert(
    fc.property(place, place, (a, b) => {
      expect(distanceM(a, b)).toBeCloseTo(distanceM(b, a), 6);
    }),
  );
});

test.each([
  [
    { lat: 48, lon: 11, speed: 3 },
    { lat: 48, lon: 11 },
  ],
  [
    { lat: -90, lon: 180 },
    { lat: -90, lon: 180 },
  ],
  [{ lat: 90.1, lon: 0 }, undefined],
  [{ lat: 0, lon: -180.1 }, undefined],
  [{ lat: Number.NaN, lon: 0 }, undefined],
  [{ lat: '48', lon: 11 }, undefined],
  [{ lat: 48 }, undefined],
])('%j is the place %j', (data, place) => {
  expect(positionOf(data)).toEqual(place);
});
