import { expect, test } from 'vitest';
import { kept } from '../../../web/account.js';

function memory(): Storage {
  const texts = new Map<string, string>();
  return {
    length: 0,
    key: () => null,
    getItem: (key) => texts.get(key) ?? null,
    setItem: (key, text) => void texts.set(key, text),
    removeItem: (key) => void texts.delete(key),
    clear: () => texts.clear(),
  };
}

test('a text is kept until it is forgotten', () => {
  const storage = memory();
  const entry = kept('entry', () => storage);
  expect(entry.read()).toBe(null);
  entry.keep('#setup/ABCD');
  expect(kept('entry', () => storage).read()).toBe('#setup/ABCD');
  expect(kept('theme', () => storage).read()).toBe(null);
  entry.forget();
  expect(entry.read()).toBe(null);
});

test('a browser that blocks storage keeps nothing, and nobody minds', () => {
  const blocked = kept('entry', () => {
    throw new DOMException('The operation is insecure.', 'SecurityError');
  });
  expect([blocked.keep('dark'), blocked.read(), blocked.forget()]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  const broken = kept('entry', () => {
    throw new TypeError('a bug');
  });
  expect(() => broken.read()).toThrow('a bug');
});
