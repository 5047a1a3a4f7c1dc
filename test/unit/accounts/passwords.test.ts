import bcrypt from 'bcrypt';
import { expect, test, vi } from 'vitest';
import { isOutdated, PASSWORD_BYTES_MAX, Passwords } from '../../../src/accounts/passwords.ts';

// Passwords take as long as they are to; more so where the computer has other things to do.
vi.setConfig({ testTimeout: 60_000 });

/** 2^12 rounds. */
const COST = 12;
const LONG = 'x'.repeat(PASSWORD_BYTES_MAX);

test('a password is the one, and none that begins or looks like it', async () => {
  const passwords = new Passwords();
  const hash = await passwords.hash(LONG);
  expect(bcrypt.getRounds(hash)).toBe(COST);
  expect(await passwords.matches(LONG, hash)).toBe(true);
  // bcrypt itself takes it for the same: what comes behind 72 bytes it does not see.
  expect(await bcrypt.compare(`${LONG}y`, hash)).toBe(true);
  expect(await passwords.matches(`${LONG}y`, hash)).toBe(false);
  expect(await passwords.matches(LONG.slice(1), hash)).toBe(false);
});

test('nothing is cut off at a NUL, and keyboards that write the same are alike', async () => {
  const passwords = new Passwords();
  const hash = await passwords.hash('grüße\u0000 vom see');
  expect(await passwords.matches('grüße\u0000 vom see'.normalize('NFD'), hash)).toBe(true);
  expect(await passwords.matches('grüße\u0000 von see', hash)).toBe(false);
  expect(await passwords.matches('grüße', hash)).toBe(false);
});

test('nobody’s password takes the same work, and is never right', async () => {
  const compare = vi.spyOn(bcrypt, 'compare');
  const passwords = new Passwords();
  expect(await passwords.matches('whatever it is', undefined)).toBe(false);
  expect(compare).toHaveBeenCalledTimes(1);
  const hash = String(compare.mock.calls[0]?.[1]);
  expect(bcrypt.getRounds(hash)).toBe(COST);
  expect(isOutdated(hash)).toBe(false);
  compare.mockRestore();
});

test('two are looked at, ten wait, and the next is told to come again', async () => {
  const quick = await bcrypt.hash('x', 4);
  const passwords = new Passwords();
  const checks = Array.from({ length: 14 }, () => passwords.matches('x', quick));
  const results = await Promise.allSettled(checks);
  const told = results.map((one) => (one.status === 'fulfilled' ? one.value : one.reason.code));
  expect(told).toEqual([...Array(12).fill(true), 'BUSY', 'BUSY']);
  expect(passwords.refused).toBe(2);
  expect(await passwords.matches('x', quick)).toBe(true);
});

test('a check that fails gives its place to the next', async () => {
  const passwords = new Passwords();
  const noHash = 5 as unknown as string;
  for (let i = 0; i < 5; i++) await expect(passwords.matches('x', noHash)).rejects.toThrow();
  expect(await passwords.matches('x', '')).toBe(false);
});
