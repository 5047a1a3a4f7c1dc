import * as v from 'valibot';
import { expect, test } from 'vitest';
import type { AlertRule } from '#core/alert.ts';
import type { Health } from '#core/health.ts';
import type { Reply } from '../../../../src/http/message.ts';
import { Problem, problemReply } from '../../../../src/http/problem.ts';
import { dispatch } from '../../../../src/http/router.ts';
import { type Gateway, ROUTES } from '../../../../src/http/routes/index.ts';
import { alertOf, HOT } from '../../../support/alert-fixture.ts';
import { bareGateway } from '../../../support/bare-gateway.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { createAlerting } from '../alerting.ts';
import { asAdmin, userOf } from '../callers.ts';
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
  '/diagnostics/ecus/:ecu/data/:did': '/diagnostics/ecus/7e8/data/F187',
  '/diagnostics/ecus/:ecu/dtc/:code': '/diagnostics/ecus/7e8/dtc/P0301-11',
  '/users/:id': `/users/${userOf('viewer').id}`,
};
/** What a gateway without TLS, kept files and accounts of its own answers. */
const REFUSED: Readonly<Record<string, number>> = {
  '/trust': 404,
  '/trust/ca.crt': 404,
  '/trust/ca.pem': 404,
  '/trust/ca.mobileconfig': 404,
  '/exports/:id': 404,
  '/exports/:id/file': 404,
  '/bluetooth': 503,
  '/can/:bus/dbc': 404,
  '/can/:bus/dbc/:name': 404,
  '/backup': 503,
};
/** Those of a reply that documents need not tell of. */
const COMMON = ['cache-control', 'content-encoding', 'content-type', 'vary'];

function gateway(status: Health['status'] = 'ok'): Gateway {
  const details = { baud: 38_400, nested: { list: [1, null, 'x'] } };
  return {
    ...bareGateway(),
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

async function read(path: string): Promise<Reply> {
  const asked = request('GET', `/api/v1${IDS[path] ?? path}`);
  const reply = await dispatch(ROUTES, gateway(), asked, asAdmin).catch((error: unknown) => {
    if (error instanceof Problem) return problemReply(error);
    throw error;
  });
  return reply ?? expect.fail(`nothing is at ${path}`);
}

test('every route replies as it says it does', async () => {
  // Those over sessions are called in test/integration/reading.
  const plain = ROUTES.filter(({ path }) => !path.startsWith('/sessions'));
  const routes = plain.filter(({ method }) => method === 'GET');
  for (const { path, reply: shape, produces = [], problems = [], ...route } of routes) {
    const { status, headers, body } = await read(path);
    expect(status, path).toBe(REFUSED[path] ?? 200);
    if (status !== 200) {
      expect(path.includes(':') ? [404, ...problems] : problems, path).toContain(status);
      continue;
    }
    const told = Object.keys(route.tells ?? {}).map((name) => name.toLowerCase());
    expect([...COMMON, ...told], path).toEqual(expect.arrayContaining(Object.keys(headers)));
    if (shape.type === 'instance') {
      expect(produces, path).toContain(headers['content-type']?.replace(/;.*/, ''));
    } else {
      const json: unknown = JSON.parse(String(body));
      expect(v.parse(shape, json), path).toEqual(json);
    }
  }
  const paths = routes.map(({ path }) => path);
  expect(paths).toEqual(expect.arrayContaining([...Object.keys(IDS), ...Object.keys(REFUSED)]));
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
      const reply = await dispatch(ROUTES, gateway(status), request('GET', path), asAdmin);
      expect(reply?.status, `${path} ${status}`).toBe(code);
    }
  }
});

test('the catalogue has unit, range and rate, and the rest where there is one', async () => {
  const reply = await dispatch(ROUTES, gateway(), request('GET', '/api/streams'), asAdmin);
  expect(JSON.parse(String(reply?.body))).toEqual({ items: [gear, eeg], next: null });
});
