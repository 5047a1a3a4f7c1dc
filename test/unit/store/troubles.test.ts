import { expect, test } from 'vitest';
import { Troubles } from '../../../src/store/troubles.ts';

function setUp() {
  const lines: string[] = [];
  const line = (level: string) => (_: unknown, text: string) => void lines.push(`${level} ${text}`);
  const log = {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
  };
  return { lines, troubles: new Troubles('store', log) };
}

test('each trouble is told when it begins, when it changes, and when it is over', () => {
  const { lines, troubles } = setUp();
  troubles.failed('flush', 'EIO');
  troubles.failed('seal', 'EROFS');
  troubles.failed('flush', 'EIO');
  expect(troubles.text).toBe('EIO; EROFS');
  troubles.failed('flush', 'ENOSPC');
  troubles.works('flush', 'works again');
  troubles.works('flush', 'works again');
  expect(troubles.text).toBe('EROFS');
  troubles.works('seal', 'sealed');
  expect(troubles.text).toBe('');
  expect(troubles.failures).toBe(4);
  expect(lines).toEqual([
    ...['error EIO', 'error EROFS', 'error ENOSPC'],
    ...['info works again', 'info sealed'],
  ]);
});
