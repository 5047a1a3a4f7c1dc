import * as v from 'valibot';
import { expect, test } from 'vitest';
import type { Health } from '#core/health.ts';
import { dispatch } from '../../../../src/http/router.ts';
import { type Gateway, ROUTES } from '../../../../src/http/routes/index.ts';
import { noReading } from '../../../support/no-reading.ts';
import { request, stream } from '../fakes.ts';

const gear = stream('obd.gear', { states: { 0: 'neutral', 1: 'first' } });
const eeg = stream('eeg.raw', { kind: 'wave', lsb: 0.25 });

function gateway(status: Health['status'] = 'ok'): Gateway {
  const details = { baud: 38_400, nested: { list: [1, null, 'x'] } };
  return {
    reading: noReading(),
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
  for (const route of plain.filter(({ method, query }) => method === 'GET' && !query)) {
    const reply = await dispatch(ROUTES, gateway(), request('GET', `/api/v1${route.path}`));
    const body: unknown = JSON.parse(String(reply?.body));
    expect(v.parse(route.reply, body), route.path).toEqual(body);
  }
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
