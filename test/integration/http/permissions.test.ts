/**
 * Who may do what: every route and every WebSocket with every role, against a table of its own, which
 * is that of the design and not made from the code.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROLES, type Role } from '#core/account.ts';
import { ROUTES } from '../../../src/http/routes/index.ts';
import { Talk } from '../../support/talk.ts';
import { type Gateway, start } from './harness.ts';

/** Who may, in the order of ROLES: viewer, operator, researcher, student, admin. */
const EVERYBODY = 'yyyyy';
const WORKERS = '-yyyy';
const STAFF = '-yy-y';
const GARAGE = '-y--y';
const ADMINS = '----y';
/** Nobody needs to be logged in. */
const OPEN = 'open';
/** Nobody either, but a refresh token is asked for, or any token. */
const BY_TOKEN = 'by token';

const MATRIX: Readonly<Record<string, string>> = {
  'GET /health': OPEN,
  'GET /openapi.json': OPEN,
  'GET /asyncapi.json': OPEN,
  'GET /docs': OPEN,
  'GET /trust': OPEN,
  'GET /trust/ca.crt': OPEN,
  'GET /trust/ca.pem': OPEN,
  'GET /trust/ca.mobileconfig': OPEN,
  'GET /metrics': ADMINS,
  'POST /setup': OPEN,
  'POST /auth/token': OPEN,
  'POST /auth/login': OPEN,
  'POST /auth/refresh': BY_TOKEN,
  'POST /auth/logout': BY_TOKEN,
  'POST /auth/register': OPEN,
  'GET /auth/me': EVERYBODY,
  'PATCH /auth/me': EVERYBODY,
  'DELETE /auth/me': EVERYBODY,
  'GET /auth/sessions': EVERYBODY,
  'DELETE /auth/sessions/:id': EVERYBODY,
  'GET /users': ADMINS,
  'POST /users': ADMINS,
  'GET /users/:id': ADMINS,
  'PATCH /users/:id': ADMINS,
  'DELETE /users/:id': ADMINS,
  'GET /invites': ADMINS,
  'POST /invites': ADMINS,
  'DELETE /invites/:id': ADMINS,
  'GET /audit': ADMINS,
  'GET /audit/check': ADMINS,
  'GET /streams': EVERYBODY,
  'GET /sessions': EVERYBODY,
  'POST /sessions': WORKERS,
  'GET /sessions/current': EVERYBODY,
  'GET /sessions/current/recent': EVERYBODY,
  'GET /sessions/:id': EVERYBODY,
  'PATCH /sessions/:id': WORKERS,
  'DELETE /sessions/:id': WORKERS,
  'GET /sessions/:id/data': EVERYBODY,
  'GET /sessions/:id/events': EVERYBODY,
  'POST /sessions/:id/events': WORKERS,
  'POST /sessions/:id/eeg': WORKERS,
  'POST /sessions/:id/face': WORKERS,
  'POST /sessions/:id/game': WORKERS,
  'POST /sessions/:id/alerts': WORKERS,
  'POST /sessions/:id/time': WORKERS,
  'POST /sessions/:id/clock': WORKERS,
  'POST /export': EVERYBODY,
  'GET /exports/:id': EVERYBODY,
  'GET /exports/:id/file': EVERYBODY,
  'DELETE /exports/:id': EVERYBODY,
  'GET /alerts': EVERYBODY,
  'POST /alerts': STAFF,
  'GET /alerts/:id': EVERYBODY,
  'PATCH /alerts/:id': STAFF,
  'DELETE /alerts/:id': STAFF,
  'GET /alerts/active': EVERYBODY,
  'GET /alerts/history': EVERYBODY,
  'GET /alerts/history/:id': EVERYBODY,
  'POST /alerts/history/:id/ack': STAFF,
  'POST /alerts/history/:id/silence': STAFF,
  'POST /alerts/history/:id/notes': STAFF,
  'GET /alerts/actions': EVERYBODY,
  'POST /alerts/actions/:id/test': STAFF,
  'POST /alerts/backtest': STAFF,
  'GET /diagnostics/pids': EVERYBODY,
  'GET /diagnostics/vehicle': EVERYBODY,
  'GET /diagnostics/readiness': EVERYBODY,
  'GET /diagnostics/freeze-frame': EVERYBODY,
  'GET /diagnostics/dtc': GARAGE,
  'DELETE /diagnostics/dtc': GARAGE,
  'GET /diagnostics/ecus/:ecu/data': GARAGE,
  'GET /diagnostics/ecus/:ecu/data/:did': GARAGE,
  'GET /diagnostics/ecus/:ecu/dtc/:code': GARAGE,
  'GET /diagnostics/system': GARAGE,
  'GET /sync': GARAGE,
  'GET /sources': GARAGE,
  'POST /sources/:id/restart': GARAGE,
  'GET /bluetooth': GARAGE,
  'POST /bluetooth/scan': GARAGE,
  'POST /bluetooth/devices/:address/pair': GARAGE,
  'DELETE /bluetooth/devices/:address': GARAGE,
  'GET /can': EVERYBODY,
  'GET /can/:bus/dbc': EVERYBODY,
  'PUT /can/:bus/dbc/:name': GARAGE,
  'GET /can/:bus/dbc/:name': GARAGE,
  'DELETE /can/:bus/dbc/:name': GARAGE,
  'GET /settings': ADMINS,
  'PATCH /settings': ADMINS,
  'GET /backup': ADMINS,
  'POST /restore': ADMINS,
  'POST /system/restart': ADMINS,
  'POST /system/poweroff': ADMINS,
};

const SOCKETS: Readonly<Record<string, string>> = {
  '/ws/telemetry': EVERYBODY,
  '/ws/session/1': EVERYBODY,
  '/ws/monitor': STAFF,
};

/** A proxy that nobody has configured: what comes through it is not of this computer. */
const FROM_ELSEWHERE = { 'x-forwarded-for': '192.0.2.7' };
const CLOSE_UNAUTHENTICATED = 4401;
const CLOSE_FORBIDDEN = 4403;

let gateway: Gateway;

beforeAll(async () => {
  const AT_ONCE = { perS: 1e6, burst: 1e6 };
  gateway = await start([], { limits: { api: AT_ONCE, handshakes: AT_ONCE } });
});

afterAll(() => gateway?.[Symbol.asyncDispose]());

/** Every second prefix, so that both are met. */
const PREFIXES = ['/api/v1', '/api'] as const;

async function statusOf(route: string, turn: number, headers: Record<string, string> = {}) {
  const [method = '', path = ''] = route.split(' ');
  const url = `${gateway.server.url}${PREFIXES[turn % 2]}${path.replaceAll(/:\w+/g, 'nothing')}`;
  const all = { ...FROM_ELSEWHERE, ...headers };
  const { status, body } = await fetch(url, { method, headers: all });
  await body?.cancel();
  return status;
}

test('the table has every route, and no other', () => {
  const routes = ROUTES.map(({ method, path }) => `${method} ${path}`);
  expect(Object.keys(MATRIX).toSorted()).toEqual(routes.toSorted());
});

describe.each(Object.entries(MATRIX))('%s', (route, who) => {
  test.each(ROLES.map((role, turn) => [role, turn] as const))('as %s', async (role, turn) => {
    const authorization = `Bearer ${await gateway.people.token(role)}`;
    const status = await statusOf(route, turn, { authorization });
    // What somebody may do is not done: there is no body, and nothing with this id.
    if (who === BY_TOKEN) expect(status).not.toBe(403);
    else if (who === OPEN || who[ROLES.indexOf(role)] === 'y')
      expect([401, 403]).not.toContain(status);
    else expect(status).toBe(403);
  });

  test('as nobody', async () => {
    const status = await statusOf(route, 0);
    expect(status === 401).toBe(who !== OPEN);
  });
});

describe.each(Object.entries(SOCKETS))('WebSocket %s', (path, who) => {
  const codeFor = async (token: string): Promise<number | undefined> => {
    await using talk = await Talk.open(`${gateway.server.url}${path}`, token);
    const inside = talk.next('authenticated').then(() => undefined);
    return await Promise.race([inside, talk.closed.then(({ code }) => code)]);
  };

  test.each(ROLES)('as %s', async (role: Role) => {
    const may = who[ROLES.indexOf(role)] === 'y';
    expect(await codeFor(await gateway.people.token(role))).toBe(may ? undefined : CLOSE_FORBIDDEN);
  });

  test('as nobody', async () => {
    expect(await codeFor('a.b.c')).toBe(CLOSE_UNAUTHENTICATED);
  });
});

test('from this computer itself the metrics need no token, through a stranger proxy they do', async () => {
  const url = `${gateway.server.url}/metrics`;
  expect((await fetch(url)).status).toBe(200);
  expect((await fetch(url, { headers: FROM_ELSEWHERE })).status).toBe(401);
});
