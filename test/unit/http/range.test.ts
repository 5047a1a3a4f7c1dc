import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Problem } from '../../../src/http/problem.ts';
import { parseRange } from '../../../src/http/range.ts';

const FILE = { etag: '"abc"', bytes: 100 };
const ask = (range: string, more: [string, string][] = []) =>
  parseRange(new Map([['range', range], ...more]), FILE);

test.each([
  ['bytes=0-0', 0, 1],
  ['bytes=0-', 0, 100],
  ['bytes=10-19', 10, 20],
  ['BYTES=10-19', 10, 20],
  ['bytes=90-1000', 90, 100],
  ['bytes=99-99', 99, 100],
  ['bytes=-1', 99, 100],
  ['bytes=-100', 0, 100],
  ['bytes=-1000', 0, 100],
])('%s', (text, from, to) => {
  expect(ask(text)).toEqual({ from, to });
});

test.each([
  'bytes=',
  'bytes=-',
  'bytes=20-10',
  'bytes=a-b',
  'items=0-1',
  'bytes=0-1,5-6',
  'bytes=1',
  '',
])('%j counts for nothing', (text) => {
  expect(ask(text)).toBeUndefined();
});

test.each(['bytes=100-', 'bytes=100-200', 'bytes=-0', 'bytes=999999999999999-'])(
  '%s is 416',
  (text) => {
    expect(() => ask(text)).toThrow(
      expect.objectContaining({ status: 416, headers: { 'content-range': 'bytes */100' } }),
    );
  },
);

test('a part of a file that has changed since is all of it', () => {
  expect(ask('bytes=0-1', [['if-range', '"abc"']])).toEqual({ from: 0, to: 2 });
  expect(ask('bytes=0-1', [['if-range', '"abd"']])).toBeUndefined();
  expect(ask('bytes=0-1', [['if-range', 'W/"abc"']])).toBeUndefined();
});

test('whatever is asked for, it is in the file', () => {
  const number = fc.option(fc.nat(200), { nil: undefined });
  fc.assert(
    fc.property(number, number, fc.integer({ min: 0, max: 150 }), (first, last, bytes) => {
      const headers = new Map([['range', `bytes=${first ?? ''}-${last ?? ''}`]]);
      try {
        const { from, to } = parseRange(headers, { etag: '"a"', bytes }) ?? { from: 0, to: 1 };
        if (first === undefined && last === undefined) return;
        if (first !== undefined && last !== undefined && last < first) return;
        expect(from).toBeGreaterThanOrEqual(0);
        expect(to).toBeGreaterThan(from);
        expect(to).toBeLessThanOrEqual(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(Problem);
      }
    }),
  );
});
