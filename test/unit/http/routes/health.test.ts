import * as v from 'valibot';
import { expect, test } from 'vitest';
import { ROLES } from '#core/account.ts';
import type { Health } from '#core/health.ts';
import { dispatch } from '../../../../src/http/router.ts';
import { HealthShape, HealthSummary, readHealth } from '../../../../src/http/routes/health.ts';
import { LOCAL } from '../../../support/accounts.ts';
import { as } from '../callers.ts';
import { request } from '../fakes.ts';

const HEALTH: Health = {
  ...{ status: 'degraded', version: '1.2.3', uptimeS: 12.5, epoch: 7, clockTrust: 'ntp' },
  parts: [
    {
      id: 'obd',
      status: 'waiting',
      text: 'no ELM327 at /dev/x',
      details: { simulated: true, baud: 38_400 },
    },
  ],
  consumers: [{ name: 'live', queued: 0, dropped: 1, delivered: 2 }],
};
const deps = { health: () => HEALTH };
const nobody = async () => ({ user: undefined, login: '', scope: 'all', remote: LOCAL }) as const;

test('whoever has not logged in sees what works, and nothing that helps to look for a way in', async () => {
  const reply = await dispatch([readHealth], deps, request('GET', '/health'), nobody);
  const body = JSON.parse(String(reply?.body));
  expect(body).toEqual({ status: 'degraded', parts: [{ id: 'obd', status: 'waiting' }] });
  expect(v.parse(HealthSummary, body)).toEqual(body);
});

test('a student does not learn from it what the car is doing', async () => {
  const reply = await dispatch([readHealth], deps, request('GET', '/health'), as('student'));
  const body = JSON.parse(String(reply?.body));
  expect(body).toEqual({
    ...HEALTH,
    parts: [{ ...HEALTH.parts[0], details: { simulated: true } }],
  });
});

test.each(ROLES.filter((role) => role !== 'student'))('a %s sees all of it', async (role) => {
  const reply = await dispatch([readHealth], deps, request('GET', '/health'), as(role));
  const body = JSON.parse(String(reply?.body));
  expect(body).toEqual(HEALTH);
  expect(v.parse(HealthShape, body)).toEqual(body);
});

test('it is 503 for everybody when the gateway cannot do its job', async () => {
  const failed = { health: (): Health => ({ ...HEALTH, status: 'failed' }) };
  for (const who of [nobody, as('viewer')]) {
    const reply = await dispatch([readHealth], failed, request('GET', '/health'), who);
    expect(reply?.status).toBe(503);
  }
});
