import { expect, test } from 'vitest';
import { isLoopback, isMailAddress } from '../../../src/io/mail.ts';

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
