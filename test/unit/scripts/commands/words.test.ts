import { expect, test } from 'vitest';
import { errorText } from '../../../../scripts/commands/words.ts';

/** As Node makes them. */
function refused(
  code: string,
  errno: number,
  more: { path?: string; syscall?: string } = {},
): Error {
  const { path, syscall = 'open' } = more;
  const where = path === undefined ? '' : ` '${path}'`;
  const error = new Error(`${code}: something, ${syscall}${where}`);
  return Object.assign(error, { code, errno, syscall, ...(path === undefined ? {} : { path }) });
}

test.each([
  [
    refused('EACCES', -13, { path: '/x/data.mdb' }),
    '/x/data.mdb cannot be opened: permission denied; it may belong to another user',
  ],
  [
    refused('ENOSPC', -28, { syscall: 'write' }),
    'a file cannot be written: no space left on device',
  ],
  [refused('EIO', -5, { path: '/x/j0', syscall: 'fstat' }), '/x/j0 cannot be used: i/o error'],
])('%s is told as a sentence', (error, words) => {
  expect(errorText(error)).toBe(words);
});

test('what has words of its own keeps them', () => {
  expect(errorText(new Error('no session "9"'))).toBe('no session "9"');
  // Of a library, which took over the code and says more.
  const other = Object.assign(new Error('the map is full'), { code: 'ENOSPC', errno: -28 });
  expect(errorText(other)).toBe('the map is full');
  const unknown = Object.assign(new Error('X: y'), { code: 'X', errno: 12_345 });
  expect(errorText(unknown)).toBe('X: y');
});
