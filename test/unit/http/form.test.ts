import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseForm } from '../../../src/http/form.ts';
import { Problem } from '../../../src/http/problem.ts';

const parse = (text: string) => parseForm(new TextEncoder().encode(text));

test('what URLSearchParams writes is read again', () => {
  const text = fc.string({ unit: 'binary', minLength: 1 }).filter((one) => one.isWellFormed());
  fc.assert(
    fc.property(fc.dictionary(text, text), (fields) => {
      expect(parse(String(new URLSearchParams(fields)))).toEqual({ ...fields });
    }),
  );
});

test('what has no value is not there', () => {
  expect(parse('')).toEqual({});
  expect(parse('a=&b&c=1&=&&')).toEqual({ c: '1' });
  expect(parse('a=b=c&d=+%2B')).toEqual({ a: 'b=c', d: ' +' });
});

test('what would be ignored or misread is refused', () => {
  for (const text of ['a=1&a=2', 'a=%', 'a=%zz', 'a=%ff', '%ff=a']) {
    expect(() => parse(text), text).toThrow(Problem);
  }
  expect(() => parseForm(Uint8Array.of(0x61, 0x3d, 0xff))).toThrow(Problem);
  expect(parse('__proto__=1')).toEqual(JSON.parse('{"__proto__":"1"}'));
});
