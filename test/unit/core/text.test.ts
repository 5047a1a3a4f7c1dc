import fc from 'fast-check';
import { expect, test } from 'vitest';
import { oneLine } from '#core/text.ts';

// biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may be left
const CONTROLS = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

test('any text becomes one line of its length or less, and a clean one stays as it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 40 }), (text, max) => {
      const line = oneLine(text, max);
      expect(line.length).toBeLessThanOrEqual(max);
      expect(line).not.toMatch(CONTROLS);
      expect(line.isWellFormed()).toBe(true);
      expect(oneLine(line, max)).toBe(line);
    }),
  );
  expect(oneLine('Kühlmittel 112 °C', 40)).toBe('Kühlmittel 112 °C');
  expect(oneLine('\u202e112\u061c °C\u2069', 40)).toBe('112  °C');
  const all = Array.from({ length: 0x3000 }, (_, code) => String.fromCharCode(code)).join('x');
  expect(oneLine(all, all.length)).not.toMatch(CONTROLS);
  expect(oneLine('a\r\n\r\nBcc: b', 40)).toBe('a Bcc: b');
  expect(oneLine('abcdef', 4)).toBe('abc…');
  expect(oneLine('ab😀cd', 4)).toBe('ab…');
  expect(oneLine('x\ud800', 4)).toBe('x\ufffd');
});
