import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TextWriter } from '../../../src/export/text.ts';

function written(write: (out: TextWriter) => void): string {
  const out = new TextWriter();
  write(out);
  return new TextDecoder().decode(out.take());
}

test('numbers are what String() gives, the first and the second time', () => {
  const numbers = fc.array(fc.oneof(fc.double(), fc.integer(), fc.maxSafeInteger()));
  const edges = [0, -0, 1e9, 999_999_999, 1e15, 1e15 - 1, -1e15, 2 ** 53, 1e21, Number.NaN];
  fc.assert(
    fc.property(numbers, (values) => {
      const out = new TextWriter();
      for (const v of [...values, ...edges, ...values]) {
        out.number(v);
        expect(new TextDecoder().decode(out.take())).toBe(String(v));
      }
    }),
  );
});

test('a number does not get the text of one that shares its place', () => {
  const out = new TextWriter();
  for (let i = 0; i < 40_000; i++) {
    out.number(i / 7);
    expect(new TextDecoder().decode(out.take())).toBe(String(i / 7));
  }
});

test('times are RFC 3339 to the microsecond', () => {
  const range = { min: -1_000_000_000_000, max: 4_000_000_000_000 };
  fc.assert(
    fc.property(fc.integer(range), fc.integer({ min: 0, max: 999 }), (ms, us) => {
      const text = new Date(ms).toISOString().replace('Z', `${String(us).padStart(3, '0')}Z`);
      expect(written((out) => out.time(ms * 1000 + us))).toBe(text);
    }),
  );
});

test('text is UTF-8, however long', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' })), (texts) => {
      const write = (out: TextWriter): void => {
        for (const text of texts) out.text(text);
      };
      expect(written(write)).toBe(texts.join(''));
    }),
  );
  const long = 'ö\u{1F697}'.repeat(200_000);
  expect(written((out) => out.text(long))).toBe(long);
});

test('a piece is full from 65,536 bytes on, and independent of the next', () => {
  const out = new TextWriter();
  expect(out.empty).toBe(true);
  out.ascii('a'.repeat(65_535));
  expect([out.empty, out.full]).toEqual([false, false]);
  out.char(0x61);
  expect(out.full).toBe(true);
  const piece = out.take();
  out.ascii('b');
  expect(new TextDecoder().decode(piece)).toBe('a'.repeat(65_536));
  expect(new TextDecoder().decode(out.take())).toBe('b');
});
