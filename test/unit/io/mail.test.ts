import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isLoopback, isMailAddress, oneLine } from '../../../src/io/mail.ts';

test('any text becomes one line of its length or less, and a clean one stays as it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 40 }), (text, max) => {
      const line = oneLine(text, max);
      expect(line.length).toBeLessThanOrEqual(max);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may be left
      expect(line).not.toMatch(/[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/);
      expect(line.isWellFormed()).toBe(true);
      expect(oneLine(line, max)).toBe(line);
    }),
  );
  expect(oneLine('Kühlmittel 112 °C', 40)).toBe('Kühlmittel 112 °C');
  expect(oneLine('a\r\n\r\nBcc: b', 40)).toBe('a Bcc: b');
  expect(oneLine('abcdef', 4)).toBe('abc…');
  expect(oneLine('ab😀cd', 4)).toBe('ab…');
  expect(oneLine('x\ud800', 4)).toBe('x\ufffd');
});

test.each([
  ['a@x', true],
  ["o'neill+car@mail.x-y.example", true],
  [`${'a'.repeat(64)}@x`, true],
  [`${'a'.repeat(65)}@x`, false],
  [`a@${'x'.repeat(63)}.example`, true],
  [`a@${'x'.repeat(64)}.example`, false],
  [`a@${'x.'.repeat(126)}x`, false],
  ['a', false],
  ['@x', false],
  ['a@', false],
  ['a@x.', false],
  ['a@-x', false],
  ['a@x@y', false],
  ['a b@x', false],
  ['a,b@x', false],
  ['"a"@x', false],
  ['<a@x>', false],
  ['ä@x', false],
  ['a@x\n', false],
  ['a@x\0', false],
])('%j as an address: %s', (text, good) => {
  expect(isMailAddress(text)).toBe(good);
});

test.each([
  ['localhost', true],
  ['127.0.0.1', true],
  ['127.1.2.3', true],
  ['::1', true],
  ['localhost.example', false],
  ['127.0.0.1.example', false],
  ['128.0.0.1', false],
  ['', false],
])('%j stays on this computer: %s', (host, stays) => {
  expect(isLoopback(host)).toBe(stays);
});
