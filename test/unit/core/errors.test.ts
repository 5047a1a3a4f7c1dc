import { expect, test } from 'vitest';
import { ConfigError, codeOf, isExpected, isSystemError, LinkError } from '#core/errors.ts';

test('a link error carries a code for programs, a sentence for people and what caused it', () => {
  const cause = new Error('EIO');
  const error = new LinkError('LINK_LOST', '/dev/ttyUSB0: the link broke', { cause });
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({ name: 'LinkError', code: 'LINK_LOST', cause });
  expect(String(error)).toBe('LinkError: /dev/ttyUSB0: the link broke');
});

test('the two kinds of expected failure are told apart by class', () => {
  const error = new ConfigError('flag --http: expected HOST:PORT, found "x"');
  expect(error.name).toBe('ConfigError');
  expect(error).not.toBeInstanceOf(LinkError);
});

test('a failure of the world has a code; a misuse of Node and a bug are told apart', () => {
  const withCode = (code: unknown) => Object.assign(new Error('x'), { code });
  expect(isExpected(new LinkError('NO_DATA', 'silent'))).toBe(true);
  expect(isExpected(withCode('EIO'))).toBe(true);
  expect(isExpected(withCode(-30_795))).toBe(true);
  expect(isExpected(withCode('ERR_OUT_OF_RANGE'))).toBe(false);
  expect(isExpected(new RangeError('x'))).toBe(false);
  expect(isExpected({ code: 'EIO' })).toBe(false);
});

test('a code is told as text, of what is an error and has one', () => {
  expect(codeOf(new LinkError('NO_DATA', 'silent'))).toBe('NO_DATA');
  expect(codeOf(Object.assign(new Error('x'), { code: -30_795 }))).toBe('-30795');
  expect(codeOf(new Error('x'))).toBe('');
  expect(codeOf({ code: 'EIO' })).toBe('');
});

test('an error of the system has a number of it', () => {
  expect(isSystemError(Object.assign(new Error('x'), { code: 'EIO', errno: -5 }))).toBe(true);
  expect(isSystemError(new LinkError('NO_DATA', 'silent'))).toBe(false);
});
