import { expect, test } from 'vitest';
import { BusyError, ConfigError, LinkError } from '#core/errors.ts';
import { exitCodeOf } from '../../../src/gateway/exit.ts';

test('each expected error has the code of sysexits(3) for it, and a bug has none', () => {
  expect(exitCodeOf(new ConfigError('x'))).toBe(78);
  expect(exitCodeOf(new BusyError('x'))).toBe(75);
  for (const bug of [new TypeError('x'), new LinkError('LINK_LOST', 'x'), 'x', undefined]) {
    expect(exitCodeOf(bug)).toBeUndefined();
  }
});
