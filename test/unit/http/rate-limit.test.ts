import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Limiter } from '../../../src/http/limits.ts';
import type { Request } from '../../../src/http/message.ts';
import { Problem } from '../../../src/http/problem.ts';
import { RateLimit } from '../../../src/http/rate-limit.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { request } from './fakes.ts';

const RATE = { perS: 50, burst: 100 };

test('a burst passes, and then the rate', async () => {
  const clock = new FakeClock();
  const limit = new RateLimit(clock, RATE);
  const taken = (n: number) =>
    Array.from({ length: n }, () => limit.take('a')).filter((wait) => wait === 0);
  expect(taken(150)).toHaveLength(100);
  expect(limit.take('a')).toBeCloseTo(0.02, 3);
  expect(limit.take('b')).toBe(0);
  await clock.advance(1000);
  expect(taken(150)).toHaveLength(50);
  await clock.advance(10_000);
  expect(taken(150)).toHaveLength(100);
});

test('no pattern of asking gets more than the burst and the rate', async () => {
  const steps = fc.array(fc.tuple(fc.nat(300), fc.nat(40)), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(steps, async (pattern) => {
      const clock = new FakeClock();
      const limit = new RateLimit(clock, RATE);
      let passed = 0;
      for (const [ms, asks] of pattern) {
        await clock.advance(ms);
        for (let i = 0; i < asks; i++) if (limit.take('a') === 0) passed++;
      }
      const most = RATE.burst + (clock.now() / 1e6) * RATE.perS;
      expect(passed).toBeLessThanOrEqual(Math.floor(most + 1e-6));
    }),
    { numRuns: 50 },
  );
});

test('what is full again is forgotten, and there are never too many', async () => {
  const clock = new FakeClock();
  const limit = new RateLimit(clock, RATE);
  for (let i = 0; i < 100_000; i++) limit.take(`address ${i}`);
  expect(limit.size).toBeLessThanOrEqual(4096);
  await clock.advance(2000);
  limit.take('one');
  expect(limit.size).toBe(1);
});

test('one too many is a 429 that says when to come again', () => {
  const limit = new RateLimit(new FakeClock(), { perS: 1, burst: 2 });
  limit.check('a');
  limit.check('a');
  const failure = (() => {
    try {
      return limit.check('a');
    } catch (error) {
      return error;
    }
  })();
  expect(failure).toBeInstanceOf(Problem);
  expect(failure).toMatchObject({
    status: 429,
    headers: {
      'retry-after': '1',
      ratelimit: '"api";r=0;t=1',
      'ratelimit-policy': '"api";q=2;w=2',
    },
  });
});

test('each address and each user is counted, health and files are not', () => {
  const limiter = new Limiter(new FakeClock(), { api: { perS: 1, burst: 1 } });
  const ask = (path: string, address: string) =>
    limiter.checkRequest(
      request('GET', path, { remote: { address, isLocal: false, isSecure: false } }),
    );
  for (const path of ['/', '/app.js', '/health', '/api/health', '/api/v1/health', '/trust']) {
    for (let i = 0; i < 3; i++) expect(() => ask(path, '192.0.2.1'), path).not.toThrow();
  }
  ask('/api/v1/sessions', '192.0.2.1');
  expect(() => ask('/api/sessions', '192.0.2.1')).toThrow(/requests a second/);
  ask('/api/sessions', '192.0.2.2');
  // A host of IPv6 has a whole network to itself.
  ask('/api/sessions', '2001:db8::1');
  expect(() => ask('/api/sessions', '2001:db8::2')).toThrow(/requests a second/);
  limiter.checkUser('u');
  expect(() => limiter.checkUser('u')).toThrow(/requests a second/);
  expect(limiter.stats).toEqual({ limited: 3, shed: 0 });
});

test('WebSockets are limited in number, in strangers and in haste', async () => {
  const clock = new FakeClock();
  const limiter = new Limiter(clock, { handshakes: { perS: 10, burst: 10 } });
  const headers = new Map([['authorization', 'Bearer x']]);
  const open = (strangers: number, more: Partial<Request> = {}) =>
    limiter.checkSocket(request('GET', '/ws/telemetry', more), strangers);
  open(63);
  expect(() => open(64)).toThrow(/logging in/);
  open(64, { headers });
  limiter.connections.now = 200;
  expect(() => open(0, { headers })).toThrow(/As many clients/);
  limiter.connections.now = 199;
  for (let i = 0; i < 6; i++) open(0);
  expect(() => open(0)).toThrow(/connecting at this moment/);
  expect(limiter.stats.shed).toBe(1);
  await clock.advance(100);
  open(0);
});
