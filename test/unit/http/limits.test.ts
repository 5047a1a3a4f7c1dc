import { expect, test } from 'vitest';
import { Limiter } from '../../../src/http/limits.ts';
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
