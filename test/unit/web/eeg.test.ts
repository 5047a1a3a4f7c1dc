import { expect, test } from 'vitest';
import { bandHeight, quality } from '../../../web/eeg.js';

const reading = (v: number | undefined, stale = false) => ({ v, stale, ageMs: 9_000, unit: '1' });

test.each([
  [0, 'Good', 'good'],
  [1, 'Fair', 'caution'],
  [50, 'Fair', 'caution'],
  [51, 'Poor', 'danger'],
  [199, 'Poor', 'danger'],
  [200, 'No contact', 'danger'],
])('a poor-signal figure of %d is called %s', (v, word, level) => {
  expect(quality(reading(v))).toMatchObject({ word, level });
});

test('without contact the hint says where to look', () => {
  expect(quality(reading(200)).hint).toBe('Check the ear clip and forehead sensor');
});

test('an old figure is no quality', () => {
  expect(quality(reading(0, true))).toEqual({
    level: 'unknown',
    word: 'No data',
    hint: 'Last heard 9 s ago',
  });
  expect(quality(reading(undefined)).word).toBe('No headset');
});

test('bars rise by equal steps for equal ratios, from 10^2 to 10^7', () => {
  expect(bandHeight(0)).toBe(0);
  expect(bandHeight(100)).toBe(0);
  expect(bandHeight(10_000) - bandHeight(1_000)).toBeCloseTo(0.2);
  expect(bandHeight(1e7)).toBe(1);
  expect(bandHeight(0xff_ffff)).toBe(1);
});
