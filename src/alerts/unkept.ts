import type { Records } from '#core/ledger.ts';

/**
 * Records of a start of which nothing is to be kept: there is nothing to take up, and nobody waits for
 * a disk.
 */
export function unkept<K, T>(): Records<K, T> {
  return { list: () => [], put: () => Promise.resolve(), remove: () => Promise.resolve() };
}
