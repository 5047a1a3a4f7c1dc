import { expect, test } from 'vitest';
import { Limiter } from '../../../src/http/limits.ts';
import type { Request } from '../../../src/http/message.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { request } from './fakes.ts';

test('a path that is written otherwise counts as well', () => {
  const limiter = new Limiter(new FakeClock(), { api: { perS: 1, burst: 3 } });
  const ask = (path: string): void => limiter.checkRequest(request('GET', path));
  ask('/api/v1/users');
  ask('/%61pi/v1/users');
  ask('/app.css');
  ask('/api/v1/health');
  ask('/ap%69/users');
  expect(() => ask('/%61pi/v1/users')).toThrow(expect.objectContaining({ status: 429 }));
  expect(limiter.stats.limited).toBe(1);
});

test('one too many is a 429 that says when to come again', () => {
  const limiter = new Limiter(new FakeClock(), { api: { perS: 1, burst: 2 } });
  for (let i = 0; i < 2; i++) limiter.checkUser('a');
  expect(() => limiter.checkUser('a')).toThrow(
    expect.objectContaining({
      status: 429,
      headers: {
        'retry-after': '1',
        ratelimit: '"api";r=0;t=1',
        'ratelimit-policy': '"api";q=2;w=2',
      },
    }),
  );
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
