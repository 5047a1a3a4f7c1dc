import { expect, test } from 'vitest';
import { deviceWrites } from '../../bench/block-stat.ts';

/** The kernel's 17 numbers: reads, writes, queue, discards, flushes. */
const STAT =
  '     120        0     4000       12      345        7     2048       99        0      200      111        1        2        3        4       56       78\n';

test('sectors of 512 bytes and flushes are told', () => {
  expect(deviceWrites(STAT)).toEqual({ bytes: 2048 * 512, flushes: 56 });
});

test('a kernel that does not count flushes is refused, with what it said', () => {
  const old = STAT.trim().split(/\s+/).slice(0, 11).join(' ');
  expect(() => deviceWrites(old)).toThrow('11 numbers, too few: 120 0 4000');
});
