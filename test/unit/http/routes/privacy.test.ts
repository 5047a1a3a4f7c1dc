/** What a researcher gets to see of people, with the grant `names` and without. */
import { expect, test } from 'vitest';
import type { Grant } from '#core/account.ts';
import type { AlertRule, Comparison } from '#core/alert.ts';
import type { Session, SessionStats } from '#core/session.ts';
import { Problem, problemReply } from '../../../../src/http/problem.ts';
import type { Caller } from '../../../../src/http/route.ts';
import { dispatch } from '../../../../src/http/router.ts';
import { type Gateway, ROUTES } from '../../../../src/http/routes/index.ts';
import { page, type SessionQuery } from '../../../../src/sessions/listing.ts';
import { NO_NOTES } from '../../../../src/sessions/notes.ts';
import { LOCAL } from '../../../support/accounts.ts';
import { alertOf, EVIDENCE, HOT } from '../../../support/alert-fixture.ts';
import { bareGateway } from '../../../support/bare-gateway.ts';
import { noAlerting } from '../../../support/no-alerting.ts';
import { noReading } from '../../../support/no-reading.ts';
import { userOf } from '../callers.ts';
import { request, rpm, stream } from '../fakes.ts';

const gps = stream('gps.position', { kind: 'event' });
const latitude = stream('gps.lat');
const near = stream('gpsd.state');
const QUALITY = { n: 1, lost: 0, coverage: 1 };
const STATS: SessionStats = {
  ...{ durationS: 20, distanceKm: 1, alerts: 0 },
  streams: Object.fromEntries([rpm, gps, latitude, near].map(({ id }) => [id, QUALITY])),
};
const STUDENT = userOf('student').id;

function session(id: number, change: Partial<Session>): Session {
  const spans = [{ epoch: 1, from: 0, to: 20e6 }];
  return {
    ...NO_NOTES,
    id,
    startedBy: 'manual',
    endedBy: 'manual',
    spans,
    stats: STATS,
    ...change,
  };
}

const SESSIONS = [
  session(1, { owner: STUDENT, driver: 'Ada', notes: 'Ada is late', consent: 'I, Ada, agree' }),
  session(2, { driver: 'Bob' }),
  session(3, { driver: 'ada ', owner: userOf('researcher').id, notes: 'mine', consent: 'yes' }),
];

/** A rule about where the car is, within another condition. */
const { stream: _stream, when: _when, unit: _unit, ...TERMS } = HOT as typeof HOT & Comparison;
const HOME = { lat: 48.1, lon: 11.5, radiusM: 50 };
const AT_HOME: Comparison = { stream: 'gps.position', when: { op: 'within', value: HOME } };
const FENCE: AlertRule = { ...TERMS, id: 'home', name: 'Ada is home', all: [{ not: [AT_HOME] }] };
const FENCED = alertOf({
  id: '7-2',
  rule: { id: FENCE.id, name: FENCE.name },
  evidence: { ...EVIDENCE, readings: [{ stream: 'gps.position', t: 1, v: null }] },
});
const NOTE = { at: { epoch: 7, t: 1 } };
const NOTED = alertOf({
  notes: [
    { ...NOTE, by: 'operator', text: 'Ada called' },
    { ...NOTE, by: 'researcher', text: 'seen' },
  ],
});
const ALERTS = [FENCED, NOTED];
const EVENTS = [
  { t: 1, stream: 'alert', data: { stream: 'gps.speed', text: 'Ada is fast' } },
  { t: 2, stream: 'marker', data: { stream: 'gps.speed' } },
];

function open() {
  const asked: unknown[] = [];
  const changes: unknown[] = [];
  const keep = async (...what: unknown[]) => {
    asked.push(what);
    return new TextEncoder().encode('{"streams":{}}');
  };
  const get = (id: number) => SESSIONS[id - 1] ?? session(id, {});
  const gateway: Gateway = {
    ...bareGateway(),
    streams: () => [rpm, gps, latitude, near],
    alerting: {
      ...noAlerting(),
      rules: {
        ...noAlerting().rules,
        list: () => [HOT, FENCE],
        get: (id) => (id === FENCE.id ? FENCE : HOT),
        create: async (draft) => ({ ...draft, id: 'new' }),
        update: async () => HOT,
        remove: async () => {},
      },
      ongoing: () => ALERTS,
      list: ({ limit }) => ({ items: ALERTS.slice(0, limit), next: null }),
      get: (id) => ALERTS.find((alert) => alert.id === id) ?? alertOf(),
      note: async () => alertOf(),
    },
    reading: {
      ...noReading(),
      backtest: async () => ({ fileName: '', mime: 'application/json', pieces: nothing() }),
      sessions: () => ({
        get,
        current: () => [],
        list: (query: SessionQuery) => page(SESSIONS, query, { epochs: new Map(), now: 0 }),
        start: async (notes) => session(9, { ...notes, stats: null } as Partial<Session>),
        end: async (id) => get(id),
        update: async (id, change) => {
          changes.push(change);
          return get(id);
        },
        remove: async () => {},
      }),
      data: keep,
      events: async (...what) => {
        asked.push(what);
        return { items: EVENTS, next: null };
      },
      export: async (what) => {
        asked.push(what);
        return { fileName: 'a.csv', mime: 'text/csv', pieces: nothing() };
      },
    },
  };
  const ask = async (grants: readonly Grant[], method: string, path: string, body?: unknown) => {
    const user = { ...userOf('researcher'), grants };
    const caller: Caller = { user, login: 'login', scope: 'all', remote: LOCAL };
    const bytes = new TextEncoder().encode(body === undefined ? '' : JSON.stringify(body));
    const headers = new Map(body === undefined ? [] : [['content-type', 'application/json']]);
    const sent = request(method, `/api/v1${path}`, { body: bytes, headers });
    const reply = await dispatch(ROUTES, gateway, sent, async () => caller).catch(
      (error: unknown) => {
        if (error instanceof Problem) return problemReply(error);
        throw error;
      },
    );
    const text = typeof reply?.body === 'string' ? reply.body : 'null';
    return { status: reply?.status, body: JSON.parse(text) };
  };
  return { ask, asked, changes };
}

async function* nothing(): AsyncGenerator<Uint8Array, undefined> {
  yield new Uint8Array();
  return undefined;
}

const ADA = bareGateway().accounts.pseudonym('Ada');

test('sessions have pseudonyms in place of names, and no words', async () => {
  const { ask } = open();
  const { body } = await ask([], 'GET', '/sessions');
  const [third, second, first] = body.items;
  expect(first).toMatchObject({ driver: ADA, notes: '', consent: '' });
  expect(first.owner).toEqual({ id: STUDENT, username: expect.stringMatching(/^P-/) });
  expect(second).toMatchObject({
    driver: expect.stringMatching(/^P-/),
    consent: null,
    owner: null,
  });
  // What they wrote themselves they have seen.
  expect(third).toMatchObject({ driver: 'ada ', notes: 'mine', consent: 'yes' });
  expect(third.owner.username).toBe('researcher');
  expect(JSON.stringify(body)).not.toMatch(/Ada|Bob|"student"/);
  const named = await ask(['names'], 'GET', '/sessions');
  expect(named.body.items[2]).toMatchObject({
    ...{ driver: 'Ada', notes: 'Ada is late', consent: 'I, Ada, agree' },
    owner: { id: STUDENT, username: 'student' },
  });
});

test('a list is filtered by what drivers are called there', async () => {
  const { ask } = open();
  const ids = async (grants: readonly Grant[], driver: string) => {
    const { body } = await ask(grants, 'GET', `/sessions?driver=${driver}`);
    return body.items.map(({ id }: { id: number }) => id);
  };
  // Their own name of 3 is no pseudonym: they could try names until one fits.
  expect(await ids([], ADA)).toEqual([1]);
  expect(await ids([], 'ada%20')).toEqual([3]);
  expect(await ids([], 'Ada')).toEqual([]);
  expect(await ids(['names'], 'Ada')).toEqual([1]);
  expect(await ids(['names'], ADA)).toEqual([]);
});

test('streams that tell where the car was are nowhere', async () => {
  const { ask, asked } = open();
  const idsOf = (items: readonly { id: string }[]) => items.map(({ id }) => id);
  expect(idsOf((await ask([], 'GET', '/streams')).body.items)).toEqual([rpm.id, near.id]);
  expect(idsOf((await ask(['names'], 'GET', '/streams')).body.items)).toHaveLength(4);
  const { body } = await ask([], 'GET', '/sessions/1');
  expect(Object.keys(body.stats.streams)).toEqual([rpm.id, near.id]);
  await ask([], 'GET', '/sessions/1/data?streams=*');
  await ask([], 'GET', '/sessions/1/events');
  await ask([], 'POST', '/export', { session: 1, format: 'csv' });
  await ask(['names'], 'POST', '/export', { session: 1, format: 'csv' });
  expect(asked).toEqual([
    [1, { streams: [rpm.id, near.id] }],
    [1, expect.objectContaining({ without: ['gps'] })],
    { session: 1, format: 'csv', without: ['gps'], said: { driver: ADA, notes: '', consent: '' } },
    { session: 1, format: 'csv' },
  ]);
});

test.each([
  ['GET', '/sessions/1/data?streams=gps.lat'],
  ['GET', '/sessions/1/data?streams=gps'],
  ['GET', '/sessions/1/data?streams=gps.lat.3'],
  ['GET', '/sessions/1/events?types=gps'],
  ['POST', '/export', { session: 1, format: 'csv', streams: [rpm.id, 'gps.lat'] }],
])('%s %s is refused, as it names one', async (method, path, body?: unknown) => {
  const { ask, asked } = open();
  expect(await ask([], method, path, body)).toMatchObject({
    status: 403,
    body: { detail: expect.stringMatching(/^gps.* tells where the car was/) },
  });
  expect(asked).toEqual([]);
  expect((await ask(['names'], method, path, body)).status).toBe(200);
});

test('a form that is sent back as it was shown changes nothing that was not', async () => {
  const { ask, changes } = open();
  const shown = { driver: ADA, notes: '', consent: '', tags: ['a'] };
  expect((await ask([], 'PATCH', '/sessions/1', shown)).status).toBe(200);
  expect((await ask([], 'PATCH', '/sessions/3', { driver: 'Eve' })).status).toBe(200);
  expect((await ask([], 'PATCH', '/sessions/2', { notes: 'first' })).status).toBe(200);
  expect(changes).toEqual([{ tags: ['a'] }, { driver: 'Eve' }, { notes: 'first' }]);
});

test.each([
  ['/sessions/1', { notes: 'over it' }, 403],
  ['/sessions/1', { consent: 'over it' }, 403],
  ['/sessions/1', { consent: null }, 403],
  ['/sessions/1', { driver: 'Eve' }, 403],
  ['/sessions/2', { driver: ADA }, 403],
  ['/sessions/3', { driver: ADA }, 422],
  // They would see what the name that they wrote is called.
  ['/sessions/3', { owner: null }, 403],
  ['/sessions/3', { owner: STUDENT, driver: 'Eve' }, 403],
  // Who has it would be shown its words.
  ['/sessions/1', { owner: userOf('researcher').id }, 403],
])('%s is not changed by %j', async (path, body, status) => {
  const { ask, changes } = open();
  expect((await ask([], 'PATCH', path, body)).status).toBe(status);
  expect(changes).toEqual([]);
});

test('rules about positions, and alerts of such, are nowhere', async () => {
  const { ask } = open();
  const idsOf = async (grants: readonly Grant[], path: string) =>
    (await ask(grants, 'GET', path)).body.items.map(({ id }: { id: string }) => id);
  expect(await idsOf([], '/alerts')).toEqual([HOT.id]);
  expect(await idsOf(['names'], '/alerts')).toEqual([HOT.id, FENCE.id]);
  for (const path of ['/alerts/active', '/alerts/history']) {
    expect(await idsOf([], path)).toEqual([NOTED.id]);
    expect(await idsOf(['names'], path)).toEqual([FENCED.id, NOTED.id]);
  }
  const { body } = await ask([], 'GET', '/sessions/1/events');
  expect(body.items).toEqual(EVENTS.slice(1));
  expect((await ask(['names'], 'GET', '/sessions/1/events')).body.items).toEqual(EVENTS);
});

const DRAFT = { ...HOT, id: undefined };
test.each([
  ['GET', '/alerts/home', undefined, 404],
  ['PATCH', '/alerts/home', { name: 'Ada' }, 404],
  ['DELETE', '/alerts/home', undefined, 404],
  ['PATCH', '/alerts/hot', AT_HOME, 403],
  ['POST', '/alerts', { name: 'New', any: [AT_HOME], severity: 'warn' }, 403],
  ['POST', '/alerts/backtest', { sessions: [1], rule: 'home' }, 403],
  [
    'POST',
    '/alerts/backtest',
    { sessions: [1], rules: [{ ...DRAFT, ...AT_HOME, unit: undefined }] },
    403,
  ],
  ['GET', '/alerts/history/7-2', undefined, 404],
  ['POST', '/alerts/history/7-2/notes', { text: 'x' }, 404],
])(
  '%s %s with %j is refused, as it would tell where the car was',
  async (method, path, body, status) => {
    const { ask } = open();
    expect((await ask([], method, path, body)).status).toBe(status);
    expect((await ask(['names'], method, path, body)).status).toBeLessThan(300);
  },
);

test('notes of alerts are those that they wrote', async () => {
  const { ask } = open();
  const textsOf = async (grants: readonly Grant[]) =>
    (await ask(grants, 'GET', '/alerts/history/7-1')).body.notes.map(
      ({ text }: { text: string }) => text,
    );
  expect(await textsOf([])).toEqual(['seen']);
  expect(await textsOf(['names'])).toEqual(['Ada called', 'seen']);
});
