import { expect, test } from 'vitest';
import {
  ageText,
  arc,
  fraction,
  numberText,
  pointAt,
  readingText,
  unitText,
  zoneOf,
} from '../../../web/gauge.js';

const COOLANT = {
  label: 'Coolant',
  min: 40,
  max: 130,
  step: 1,
  zones: [{ from: 110, to: 130, level: 'danger' as const, word: 'Too hot' }],
};

test('a value lies between the ends of its scale, whatever it is', () => {
  expect(fraction(40, COOLANT)).toBe(0);
  expect(fraction(85, COOLANT)).toBe(0.5);
  expect(fraction(130, COOLANT)).toBe(1);
  expect(fraction(-40, COOLANT)).toBe(0);
  expect(fraction(215, COOLANT)).toBe(1);
});

test('the scale runs clockwise from lower left over the top to lower right', () => {
  expect(pointAt(0, 80)).toBe('30.72 140.00');
  expect(pointAt(0.5, 80)).toBe('100.00 20.00');
  expect(pointAt(1, 80)).toBe('169.28 140.00');
});

test('an arc goes the long way round only when it is longer than half a circle', () => {
  expect(arc(0, 1, 80)).toBe('M30.72 140.00A80 80 0 1 1 169.28 140.00');
  expect(arc(0.5, 1, 80)).toBe('M100.00 20.00A80 80 0 0 1 169.28 140.00');
});

test.each([
  [1726.5, 10, '1730'],
  [87.4, 1, '87'],
  [14.06, 0.1, '14.1'],
  [12, 0.1, '12.0'],
  [-0.3, 1, '0'],
  [-7.6, 1, '-8'],
])('%d in steps of %d reads %s', (v, step, text) => {
  expect(numberText(v, step)).toBe(text);
});

test.each([
  ['/min', 'rpm'],
  ['Cel', '°C'],
  ['uV', 'µV'],
  ['1', ''],
  ['km/h', 'km/h'],
])('the unit %s is written %s', (ucum, text) => {
  expect(unitText(ucum)).toBe(text);
});

test.each([
  [0, '0 s'],
  [59_999, '59 s'],
  [60_000, '1 min'],
  [3_600_000, '1 h'],
])('%d ms are %s', (ms, text) => {
  expect(ageText(ms)).toBe(text);
});

test('a zone includes both of its ends', () => {
  expect(zoneOf(109.9, COOLANT)).toBeUndefined();
  expect(zoneOf(110, COOLANT)?.word).toBe('Too hot');
  expect(zoneOf(130, COOLANT)?.word).toBe('Too hot');
});

test('a reading in words never hides that it is missing, old or too high', () => {
  const reading = { v: 88.6, unit: 'Cel', stale: false, ageMs: 0 };
  expect(readingText({ ...reading, v: undefined }, COOLANT)).toBe('no value yet');
  expect(readingText(reading, COOLANT)).toBe('89 °C');
  expect(readingText({ ...reading, stale: true, ageMs: 12_300 }, COOLANT)).toBe('89 °C, 12 s ago');
  expect(readingText({ ...reading, v: 118 }, COOLANT)).toBe('118 °C, Too hot');
});
