import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isCode, isCodeShaped, makeCode } from '../../../src/accounts/codes.ts';

const bytes = fc.uint8Array({ minLength: 10, maxLength: 10 });

test('every 80 bits make a code of their own', () => {
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      const [one, two] = [a, b].map((random) => makeCode(() => random));
      expect(isCodeShaped(one ?? '')).toBe(true);
      expect(one === two).toBe(Buffer.compare(a, b) === 0);
    }),
  );
  expect(makeCode(() => new Uint8Array(10))).toBe('0000-0000-0000-0000');
  expect(makeCode(() => new Uint8Array(10).fill(255))).toBe('ZZZZ-ZZZZ-ZZZZ-ZZZZ');
});

test('a code is known as people type it', () => {
  const code = '7K3M-90QA-1111-ZZZZ';
  for (const typed of ['7k3m90qa1111zzzz', ' 7K3M 9OQA ILil zzzz ', '7-K-3M-90QA-1111-ZZZZ']) {
    expect(isCode(typed, code), typed).toBe(true);
  }
  for (const typed of ['', '7K3M-90QA-1111-ZZZ', '7K3M-90QA-1111-ZZZZZ', 'AAAA-AAAA-AAAA-AAAA']) {
    expect(isCode(typed, code), typed).toBe(false);
  }
});

test('before there is a code none is right', () => {
  // A gateway that is not ready has an empty one, which nobody must be able to type.
  for (const typed of ['', ' ', '-']) expect(isCode(typed, ''), JSON.stringify(typed)).toBe(false);
});
