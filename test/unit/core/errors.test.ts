import { expect, test } from 'vitest';
import { ConfigError, LinkError } from '#core/errors.ts';

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
