/** Who may send what to which session over HTTP, and what the routes answer. */
import { expect, test } from 'vitest';
import type { Role } from '#core/account.ts';
import { authorise } from '../../../src/http/authorise.ts';
import { Problem } from '../../../src/http/problem.ts';
import type { AnyRoute } from '../../../src/http/route.ts';
import { bodyLimit, dispatch } from '../../../src/http/router.ts';
import {
  exchangeTime,
  type IngestDeps,
  sendAlerts,
  sendEeg,
  sendFace,
  sendGame,
  tellClock,
} from '../../../src/http/routes/ingest.ts';
import { markSession, type SessionEventsDeps } from '../../../src/http/routes/session-events.ts';
import { SessionError } from '../../../src/sessions/errors.ts';
import { testAccounts } from '../../support/accounts.ts';
import { request } from '../http/fakes.ts';
import { after, createWorld, EPOCH, face, SESSION } from './world.ts';

const ROUTES: readonly AnyRoute<IngestDeps & SessionEventsDeps>[] = [
  sendEeg,
  sendFace,
  sendGame,
  sendAlerts,
  exchangeTime,
  tellClock,
  markSession,
];

async function start() {
  const people = await testAccounts();
  const world = createWorld();
  const { clock, ingest, session } = world;
  session.owner = people.user('student').id;
  await clock.advance(3_000);
  const get = (id: number) => {
    if (id === SESSION) return session;
    throw new SessionError('NOT_FOUND', `there is no session ${id}`);
  };
  const inTime = <T>(change: Promise<T>): Promise<T> => change;
  const deps = { ingest, reading: { sessions: () => ({ get }), inTime } };
  const post = async (
    role: Role,
    path: string,
    body: object,
    more: Record<string, string> = {},
  ) => {
    const headers = new Map(
      Object.entries({
        ...{ 'content-type': 'application/json', host: 'localhost', ...more },
        authorization: `Bearer ${await people.token(role)}`,
      }),
    );
    const sent = { headers, body: new TextEncoder().encode(JSON.stringify(body)) };
    const asked = request('POST', `/api/v1/sessions/${path}`, sent);
    const allow = (access: Parameters<typeof authorise>[1]) =>
      authorise(people.accounts, access, asked);
    const reply = await after(clock, dispatch(ROUTES, deps, asked, allow)).catch((error) => {
      if (error instanceof Problem) return { status: error.status, body: '{}' };
      throw error;
    });
    return { status: reply?.status, body: JSON.parse(String(reply?.body)) };
  };
  return { ...world, post };
}

const BODIES: readonly (readonly [string, object])[] = [
  ['face', face(0).body],
  ['game', { client: 'sim', seq: 0, epoch: EPOCH, items: [{ t: 2_000_000, event: 'lap' }] }],
  [
    'eeg',
    { client: 'm', seq: 0, epoch: EPOCH, t: 2e6, hz: 256, unit: 'counts', channels: { a: [1] } },
  ],
  [
    'alerts',
    { client: 'a', seq: 0, epoch: EPOCH, items: [{ t: 2e6, severity: 'info', text: 'x' }] },
  ],
  ['events', { type: 'marker', text: 'tired' }],
  ['time', { t1: 5 }],
  [
    'clock',
    { client: 'm', epoch: EPOCH, exchanges: [{ t1: 0, t2: 2_000_100, t3: 2_000_100, t4: 200 }] },
  ],
];

test.each(BODIES)(
  '%s: those who may send, a student to their own session only',
  async (kind, body) => {
    const { session, store, post } = await start();
    expect((await post('viewer', `${SESSION}/${kind}`, body)).status).toBe(403);
    expect((await post('operator', `99/${kind}`, body)).status).toBe(404);
    session.owner = 'another';
    expect((await post('student', `${SESSION}/${kind}`, body)).status).toBe(404);
    expect(store.kept).toEqual([]);
    expect((await post('researcher', `${SESSION}/${kind}`, body)).status).toBeLessThan(300);
  },
);

test('a student sends to their own session', async () => {
  const { post } = await start();
  const first = await post('student', `${SESSION}/face`, face(4).body);
  expect(first).toEqual({ status: 200, body: { seq: 4, duplicate: false } });
  const again = await post('student', `${SESSION}/face`, face(4).body);
  expect(again).toEqual({ status: 200, body: { seq: 4, duplicate: true } });
});

test('the time is told in the epoch that runs, whenever the session was', async () => {
  const { session, post } = await start();
  session.spans = [{ epoch: EPOCH - 1, from: 0, to: 1 }];
  const { body } = await post('operator', `${SESSION}/time`, { t1: 5 });
  expect(body).toMatchObject({ t1: 5, epoch: EPOCH });
});

test('a marker with a key is made once, and nothing else with that key', async () => {
  const { store, post } = await start();
  const key = { 'idempotency-key': '"8e03978e-40d5-43dd-bc93-6894a57f9324"' };
  const marker = { text: 'tired' };
  expect((await post('student', `${SESSION}/events`, marker, key)).status).toBe(201);
  expect((await post('student', `${SESSION}/events`, marker, key)).status).toBe(200);
  expect((await post('student', `${SESSION}/events`, { text: 'x' }, key)).status).toBe(422);
  const bad = { 'idempotency-key': 'a"b' };
  expect((await post('student', `${SESSION}/events`, marker, bad)).status).toBe(400);
  expect(store.data()).toHaveLength(1);
});

test('batches may be as long as 1 MiB', () => {
  for (const kind of ['eeg', 'face', 'game', 'alerts']) {
    const asked = request('POST', `/api/v1/sessions/${SESSION}/${kind}`);
    expect(bodyLimit(ROUTES, asked)).toBe(1024 * 1024);
  }
});
