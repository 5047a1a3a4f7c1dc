/** 1,000 wrong log-ins at a gateway over a socket: few cost anything, and nothing else waits. */
import bcrypt from 'bcrypt';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Gateway, start } from '../http/harness.ts';

/** Log-ins that reach bcrypt in a minute, whatever comes. */
const CHECKED_MAX = 30;
/** Under way at once. */
const AT_ONCE = 50;

let gateway: Gateway;

beforeAll(async () => {
  gateway = await start([]);
});

afterAll(() => gateway[Symbol.asyncDispose]());

const login = (username: string) =>
  fetch(`${gateway.server.url}/api/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username, password: 'wrong as it is' }),
  });

test('1,000 wrong log-ins: at most 30 are looked at in a minute, the others told when to come', async () => {
  const compare = vi.spyOn(bcrypt, 'compare');
  const statuses = new Map<number, number>();
  const began = process.hrtime.bigint();
  for (let sent = 0; sent < 1_000; sent += AT_ONCE) {
    const names = Array.from({ length: AT_ONCE }, (_, i) => (i % 2 ? 'admin' : `user${i}`));
    for (const reply of await Promise.all(names.map(login))) {
      statuses.set(reply.status, (statuses.get(reply.status) ?? 0) + 1);
      if (reply.status === 429) {
        expect(Number(reply.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
      }
      await reply.arrayBuffer();
    }
  }
  const minutes = Math.ceil(Number(process.hrtime.bigint() - began) / 60e9);
  expect(compare.mock.calls.length).toBeGreaterThan(0);
  expect(compare.mock.calls.length).toBeLessThanOrEqual(CHECKED_MAX * minutes);
  compare.mockRestore();
  const { 401: wrong = 0, 429: later = 0 } = Object.fromEntries(statuses);
  expect(wrong + later).toBe(1_000);
  expect(wrong).toBeLessThanOrEqual(CHECKED_MAX * minutes);
});
