import * as v from 'valibot';
import { expect, test } from 'vitest';
import type { AlertRule } from '#core/alert.ts';
import type { Health } from '#core/health.ts';
import { dispatch } from '../../../../src/http/router.ts';
import { type Gateway, ROUTES } from '../../../../src/http/routes/index.ts';
import { alertOf, HOT } from '../../../support/alert-fixture.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { noReading } from '../../../support/no-reading.ts';
import { createAlerting } from '../alerting.ts';
import { request, stream } from '../fakes.ts';

const gear = stream('obd.gear', { states: { 0: 'neutral', 1: 'first' } });
const eeg = stream('eeg.raw', { kind: 'wave', lsb: 0.25 });

/** With a rule `oven` and its alert `7-1`. */
function alerting(): Gateway['alerting'] {
  const rule: AlertRule = { ...HOT, id: 'oven' };
  return createAlerting({ clock: new FakeClock(), rules: [rule], alerts: [alertOf()] }).alerting;
}

/** What the parts of paths stand for here. */
const IDS: Readonly<Record<string, string>> = {
  '/alerts/:id': '/alerts/oven',
  '/alerts/history/:id': '/alerts/history/7-1',
};

function gateway(status: Health['status'] = 'ok'): Gateway {
  const details = { baud: 38_400, nested: { list: [1, null, 'x'] } };
  return {
    reading: noReading(),
    alerting: alerting(),
    streams: () => [gear, eeg],
    health: () => ({
      status,
      version: '1.2.3',
      uptimeS: 12.5,
      epoch: 7,
      clockTrust: 'ntp',
      parts: [{ id: 'obd', status: 'waiting', text: 'no adapter', details }],
      consumers: [{ name: 'live', queued: 0, dropped: 1, delivered: 2 }],
    }),
  };
}

test('every route replies as it says it does', async () => {
  // Those over sessions are called in test/integration/reading.
  const plain = ROUTES.filter(({ path }) => !path.startsWith('/sessions'));
  const read = plain.filter(({ method }) => method === 'GET');
  for (const { path, reply: shape } of read) {
    const reply = await dispatch(ROUTES, gateway(), request('GET', `/api/v1${IDS[path] ?? path}`));
    const body: unknown = JSON.parse(String(reply?.body));
    expect(v.parse(shape, body), path).toEqual(body);
  }
  expect(read.map(({ path }) => path)).toEqual(expect.arrayContaining(Object.keys(IDS)));
});

test('every route has a summary, and none hides another', () => {
  expect(ROUTES.every(({ summary }) => summary.endsWith('.'))).toBe(true);
  const keys = ROUTES.map(({ method, path }) => `${method} ${path.replaceAll(/:\w+/g, ':')}`);
  expect(new Set(keys).size).toBe(keys.length);
});

test('health is 503 only when the gateway cannot do its job', async () => {
  for (const [status, code] of [
    ['ok', 200],
    ['degraded', 200],
    ['failed', 503],
  ] as const) {
    for (const path of ['/health', '/api/health', '/api/v1/health']) {
      const reply = await dispatch(ROUTES, gateway(status), request('GET', path));
      expect(reply?.status, `${path} ${status}`).toBe(code);
    }
  }
});

test('the catalogue has unit, range and rate, and the rest where there is one', async () => {
  const reply = await dispatch(ROUTES, gateway(), request('GET', '/api/streams'));
  expect(JSON.parse(String(reply?.body))).toEqual({ items: [gear, eeg] });
});
