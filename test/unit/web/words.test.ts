import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  bytesText,
  counted,
  countText,
  distanceText,
  durationText,
  endText,
  eventText,
  leftText,
  percentText,
  positionText,
  startText,
  valueText,
} from '../../../web/words.js';

test.each([
  [0, '0 s'],
  [59.4, '59 s'],
  [59.6, '1 min 00 s'],
  [389, '6 min 29 s'],
  [3_599.6, '1 h 00 min'],
  [3_900, '1 h 05 min'],
  [7_199, '2 h 00 min'],
  [90_000, '25 h 00 min'],
])('%d s took %s', (seconds, text) => {
  expect(durationText(seconds)).toBe(text);
});

test.each([
  [604_790, '7 days'],
  [172_800, '2 days'],
  [172_799, '48 h 00 min'],
  [90, '1 min 30 s'],
])('what lasts %d s yet is good for %s', (seconds, text) => {
  expect(leftText(seconds)).toBe(text);
});

test.each([
  [0, 1, '0:00'],
  [59.7, 1, '1:00'],
  [389, 10, '6:29'],
  [3_723, 1, '1:02:03'],
  [389.46, 0.5, '6:29.5'],
  [9.987, 0.02, '0:09.99'],
  [59.999, 0.1, '1:00.0'],
  [-3, 1, '0:00'],
])('%d s in steps of %d s is at %s', (seconds, step, text) => {
  expect(positionText(seconds, step)).toBe(text);
});

test('places that are a step apart read differently, wherever they are', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 1_000_000 }),
      fc.constantFrom(0.01, 0.1, 0.5, 1, 30),
      (at, step) => {
        expect(positionText(at * step, step)).not.toBe(positionText((at + 1) * step, step));
      },
    ),
  );
});

test.each([
  [7.48, '7.5 km'],
  [99.94, '99.9 km'],
  [99.96, '100 km'],
])('%d km is written %s', (km, text) => {
  expect(distanceText(km)).toBe(text);
});

test.each([
  [0, '0.0 %'],
  [0.9999, '99.9 %'],
  [1, '100 %'],
])('a share of %d is %s, never rounded up', (share, text) => {
  expect(percentText(share)).toBe(text);
});

test.each([
  [0, '0 kB'],
  [1_200, '2 kB'],
  [16_892_877, '16.9 MB'],
  [1.5e9, '1.5 GB'],
])('%d bytes are %s', (bytes, text) => {
  expect(bytesText(bytes)).toBe(text);
});

test.each([
  [0, '0'],
  [-15.8203125, '-15.8'],
  [2.345, '2.35'],
  [2_059.6, '2060'],
  [123_456_789, '1.23e+8'],
])('the value %d is written %s', (value, text) => {
  expect(valueText(value)).toBe(text);
});

test('numbers are grouped', () => {
  expect(countText(9_315_798)).toBe('9,315,798');
});

test('one of something is in the singular', () => {
  expect([0, 1, 1_020].map((n) => counted(n, 'signal'))).toEqual([
    ...['0 signals', '1 signal', '1,020 signals'],
  ]);
});

test('a start that nobody knows is told as such', () => {
  expect(startText({ startedAt: null })).toBe('Start not known');
  expect(startText({ startedAt: '2026-11-22T01:41:18.316Z' })).toContain('2026');
});

test('how it ended', () => {
  expect(endText({ endedBy: null })).toBe('Recording');
  expect(endText({ endedBy: 'power' })).toBe('Power cut');
  expect(endText({ endedBy: 'manual' })).toBe('Ended by hand');
});

test.each([
  [
    'a trouble code',
    { code: 'P0128', status: 'pending', ecu: '7e8', text: 'Coolant', present: true },
    'P0128 · pending · Coolant',
  ],
  ['a code that went', { code: 'P0128', present: false }, 'P0128 · gone'],
  ['an alert', { name: 'Too fast', severity: 'warn' }, 'Too fast · warn'],
  ['anything else', { level: 3 }, 'x.y {"level":3}'],
  [
    'a measured one',
    { strength: 0.012_345_6, uv: [123.456, 2.345_6], at: 1_700_000_000_123 },
    'x.y {"strength":0.0123,"uv":[123,2.35],"at":1700000000123}',
  ],
])('%s is told in a line', (_, data, line) => {
  expect(eventText({ stream: 'x.y', data })).toBe(line);
});

test('a long event is cut', () => {
  const line = eventText({ stream: 'x', data: { text: 'a'.repeat(500) } });
  expect(line).toHaveLength(120);
  expect(line.endsWith('…')).toBe(true);
});
