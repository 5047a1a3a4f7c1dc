/**
 * The two documents that the product started from: each of their routes at its own path, with what
 * each expects of it, called with curl at a gateway with a simulated car and driver.
 *
 * The first ("System Architecture") has its API below /api, the roles viewer, operator and admin, and
 * a WebSocket at /ws/telemetry. The second (sessions with EEG, face and game data) has it below
 * /api/v1, the roles admin, researcher and student, and WebSockets at /ws/session/{id} and /ws/monitor.
 */
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bearer, curl, json, upgrade } from '../support/curl.ts';
import { eventually, type Gateway, startGateway } from '../support/gateway.ts';
import { Talk } from '../support/talk.ts';
import { PASSWORD } from '../support/tokens.ts';

const Tokens = v.object({
  access_token: v.string(),
  token_type: v.literal('bearer'),
  expires_in: v.number(),
  refresh_token: v.string(),
});
const Named = v.object({ id: v.union([v.string(), v.number()]) });
const ROLES = ['viewer', 'operator', 'researcher', 'student'] as const;

let gateway: Gateway;
/** Of the session that the student starts. */
let id = 0;
/** Access tokens, by role. */
const tokens: Record<string, string> = {};

beforeAll(async () => {
  gateway = await startGateway({ args: ['--sim', '1', '--registration', 'open'] });
  tokens['admin'] = await logIn('admin');
  const drives = eventually('the car drives', async () => {
    const { json: list, body } = await curl(at('api/sessions/current'), ...as('admin'));
    return { done: v.is(v.object({ items: v.tuple([Named]) }), list), seen: body };
  });
  await Promise.all([drives, ...ROLES.map(addUser)]);
});

afterAll(() => gateway?.[Symbol.asyncDispose]());

const at = (path: string): string => `${gateway.url}${path}`;
const as = (role: string): string[] => bearer(tokens[role] ?? '');
const form = (fields: Readonly<Record<string, string>>): string[] => [
  ...['--data', new URLSearchParams(fields).toString()],
];

/** One account a role, with its name. */
async function addUser(role: (typeof ROLES)[number]): Promise<void> {
  const user = { username: role, password: PASSWORD, role };
  const made = await curl(at('api/v1/users'), ...as('admin'), ...json(user));
  expect(made.status, made.body).toBe(201);
  tokens[role] = await logIn(role);
}

/** How long the longest batch below lasts, and more. The session has been open for longer. */
const BATCH_US = 100_000;
const TIRED = { severity: 'warn', text: 'Eyes closed for 2 s', value: 0.31, kind: 'fatigue' };

/** One of each kind, by the stream of its message. */
function batchesAt(t: number) {
  const picture = { t, faceDetected: true, confidence: 0.9, perclos: 0.2, blink: true };
  return {
    eeg: { t, hz: 256, unit: 'uV', channels: { TP9: [1, 2, 3, 4] } },
    face: { items: [picture] },
    game: { items: [{ t, event: 'brake', data: { reaction_ms: 412 } }] },
    alert: { items: [{ t, ...TIRED }] },
  };
}

/** As OAuth 2 has it, with a form. */
async function logIn(username: string): Promise<string> {
  const fields = { grant_type: 'password', username, password: PASSWORD };
  const reply = await curl(at('api/auth/token'), ...form(fields));
  expect(reply.status, reply.body).toBe(200);
  return v.parse(Tokens, reply.json).access_token;
}

describe('the first document: who asks', () => {
  test('GET / is the dashboard, and GET /health the health', async () => {
    const page = await curl(at(''));
    expect(page).toMatchObject({ status: 200, type: expect.stringMatching(/^text\/html/) });
    expect(page.body).toContain('<title>Vigil</title>');
    const health = await curl(at('health'));
    expect(health).toMatchObject({ status: 200, json: { status: 'ok' } });
  });

  test('POST /api/auth/token logs in, and not with another password', async () => {
    const wrong = await curl(
      at('api/auth/token'),
      ...form({ username: 'viewer', password: 'not this one, no' }),
    );
    expect(wrong).toMatchObject({ status: 401, json: { error: 'invalid_grant' } });
  });

  test('GET /api/auth/me is who asks', async () => {
    const me = await curl(at('api/auth/me'), ...as('operator'));
    expect(me).toMatchObject({ status: 200, json: { username: 'operator', role: 'operator' } });
    expect((await curl(at('api/auth/me'))).status).toBe(401);
    expect((await curl(at('api/auth/me'), ...bearer('a.b.c'))).status).toBe(401);
  });

  test('POST /api/users is for admins', async () => {
    const user = json({ username: 'another', password: PASSWORD, role: 'viewer' });
    expect((await curl(at('api/users'), ...as('operator'), ...user)).status).toBe(403);
    const made = await curl(at('api/users'), ...as('admin'), ...user);
    expect(made).toMatchObject({ status: 201, json: { username: 'another', role: 'viewer' } });
    expect(made.body).not.toMatch(/password|\$2b\$/);
  });
});

describe('the first document: what is measured', () => {
  test('GET /api/sessions, /{id} and /current/recent are for viewers', async () => {
    const list = await curl(at('api/sessions'), ...as('viewer'));
    expect(list.status).toBe(200);
    const { items } = v.parse(v.object({ items: v.array(Named) }), list.json);
    const one = await curl(at(`api/sessions/${items[0]?.id}`), ...as('viewer'));
    expect(one).toMatchObject({ status: 200, json: { id: items[0]?.id, state: 'active' } });
    await eventually('something was measured', async () => {
      const {
        status,
        json: data,
        body,
      } = await curl(at('api/sessions/current/recent'), ...as('viewer'));
      const streams = Object(Object(data).streams);
      return { done: status === 200 && 'obd.engine.rpm' in streams, seen: body.slice(0, 300) };
    });
  });

  test('GET /api/alerts is for viewers, POST for operators; a threshold is crossed', async () => {
    const rule = {
      ...{ name: 'Engine runs', stream: 'obd.engine.rpm', severity: 'warn' },
      when: { op: '>', value: 300 },
    };
    expect((await curl(at('api/alerts'), ...as('viewer'))).status).toBe(200);
    expect((await curl(at('api/alerts'), ...as('viewer'), ...json(rule))).status).toBe(403);
    const made = await curl(at('api/alerts'), ...as('operator'), ...json(rule));
    expect(made.status, made.body).toBe(201);
    await eventually('the alert is in the history', async () => {
      const { body } = await curl(at('api/alerts/history'), ...as('viewer'));
      return { done: body.includes('Engine runs'), seen: body.slice(0, 300) };
    });
  });

  test('POST /api/export is for viewers, and a file', async () => {
    const order = json({ session: 1, format: 'csv', streams: ['obd.engine.rpm'] });
    const file = await curl(at('api/export'), ...as('viewer'), ...order);
    expect(file).toMatchObject({ status: 200, type: expect.stringMatching(/^text\/csv/) });
    expect(file.body).toMatch(/obd\.engine\.rpm/);
  });

  test('GET /api/diagnostics/pids is for viewers, /dtc for operators', async () => {
    await eventually('the PIDs are known', async () => {
      const { status, body } = await curl(at('api/diagnostics/pids'), ...as('viewer'));
      return { done: status === 200 && body.includes('obd.engine.rpm'), seen: body.slice(0, 300) };
    });
    expect((await curl(at('api/diagnostics/dtc'), ...as('viewer'))).status).toBe(403);
    const codes = await curl(at('api/diagnostics/dtc'), ...as('operator'));
    expect(codes.status, codes.body).toBe(200);
  });

  test('WS /ws/telemetry is the stream of what is measured', async () => {
    expect(await upgrade(at('ws/telemetry'), ...as('viewer'))).toMatch(/^HTTP\/1\.1 101 /);
    await using talk = await Talk.open(at('ws/telemetry'), tokens['viewer'] ?? '');
    talk.send({ type: 'subscribe', streams: ['obd.*'] });
    await talk.next('samples');
  });
});

describe('the second document: accounts and sessions', () => {
  test('POST /auth/register makes a student, /auth/login and /auth/refresh give tokens', async () => {
    const who = { username: 'newcomer', password: PASSWORD };
    const made = await curl(at('api/v1/auth/register'), ...json(who));
    expect(made).toMatchObject({ status: 201, json: { username: 'newcomer', role: 'student' } });
    const first = await curl(at('api/v1/auth/login'), ...json(who));
    expect(first.status, first.body).toBe(200);
    const { refresh_token } = v.parse(Tokens, first.json);
    const next = await curl(at('api/v1/auth/refresh'), ...json({ refresh_token }));
    expect(next.status, next.body).toBe(200);
    const { access_token } = v.parse(Tokens, next.json);
    const me = await curl(at('api/v1/auth/me'), ...bearer(access_token));
    expect(me).toMatchObject({ status: 200, json: { username: 'newcomer' } });
  });

  test('POST /sessions starts one, GET lists them page by page', async () => {
    const notes = json({ driver: 'P07', study: 'night', consent: 'I agree.' });
    const made = await curl(at('api/v1/sessions'), ...as('student'), ...notes);
    expect(made.status, made.body).toBe(201);
    id = Number(v.parse(Named, made.json).id);
    const Page = v.object({ items: v.array(Named), next: v.nullable(v.string()) });
    const all: unknown[] = [];
    for (let next: string | null = ''; next !== null; ) {
      const query = next === '' ? '' : `&cursor=${next}`;
      const page = await curl(at(`api/v1/sessions?limit=1${query}`), ...as('researcher'));
      const parsed: v.InferOutput<typeof Page> = v.parse(Page, page.json);
      expect(parsed.items.length).toBeLessThanOrEqual(1);
      all.push(...parsed.items.map((one) => one.id));
      ({ next } = parsed);
    }
    expect(all).toEqual([id, 1]);
    const own = await curl(at('api/v1/sessions'), ...as('student'));
    expect(own.json).toMatchObject({ items: [{ id }], next: null });
    const rule = {
      ...{ name: 'Tired, says a client', stream: 'client.alert', severity: 'warn' },
      when: { op: 'event', match: { kind: TIRED.kind } },
    };
    const watched = await curl(at('api/v1/alerts'), ...as('researcher'), ...json(rule));
    expect(watched.status, watched.body).toBe(201);
  });
});

describe('the second document: WebSockets', () => {
  test('WS /ws/session/{id} takes EEG, face and game data and alerts, and sends them to everybody', async () => {
    const path = `ws/session/${id}`;
    expect(await upgrade(at(path), ...as('student'))).toMatch(/^HTTP\/1\.1 101 /);
    await using sender = await Talk.open(at(path), tokens['student'] ?? '');
    await using watcher = await Talk.open(at(path), tokens['researcher'] ?? '');
    watcher.send({ type: 'subscribe', id: 'all', streams: ['*'] });
    await watcher.answer('subscribed', 'all');
    const { epoch } = v.parse(v.object({ epoch: v.number() }), await sender.next('hello'));
    sender.send({ type: 'time', id: 'now', t1: 0 });
    const { t2 } = v.parse(v.object({ t2: v.number() }), await sender.answer('time', 'now'));
    // What is sent has been measured: no value of it is of a time to come.
    const batches = batchesAt(t2 - BATCH_US);
    for (const [stream, batch] of Object.entries(batches)) {
      sender.send({ type: 'data', id: stream, stream, client: 'lab', seq: 1, epoch, ...batch });
    }
    for (const stream of Object.keys(batches)) {
      expect(await sender.answer('ack', stream)).toMatchObject({ stream, duplicate: false });
    }
    await watcher.next('wave', ({ stream }) => stream === 'eeg.lab.raw.tp9');
    await watcher.next('samples', ({ values }) => 'face.perclos60' in Object(values));
    await watcher.next('event', ({ stream }) => stream === 'game.brake');
    await watcher.next('event', ({ stream }) => stream === 'client.alert');
  });

  test('what was sent is kept, and a rule watches the alerts of clients', async () => {
    const events = await curl(
      at(`api/v1/sessions/${id}/events?types=game,client`),
      ...as('student'),
    );
    expect(events.body).toContain('brake');
    expect(events.body).toContain(TIRED.text);
    const path = `api/v1/sessions/${id}/data?streams=face.perclos60`;
    expect((await curl(at(path), ...as('student'))).json).toMatchObject({
      streams: { 'face.perclos60': { v: [expect.closeTo(0.2, 5)] } },
    });
    const order = json({ session: id, format: 'jsonl' });
    const file = await curl(at('api/v1/export'), ...as('student'), ...order);
    expect(file.body).toContain(TIRED.text);
    await eventually('the rule has found it', async () => {
      const { body } = await curl(at('api/v1/alerts/history'), ...as('researcher'));
      return { done: body.includes('Tired, says a client'), seen: body.slice(0, 300) };
    });
  });

  test('WS /ws/monitor shows all sessions to researchers, and to no student', async () => {
    expect(await upgrade(at('ws/monitor'), ...as('researcher'))).toMatch(/^HTTP\/1\.1 101 /);
    await using talk = await Talk.open(at('ws/monitor'), tokens['researcher'] ?? '');
    const { items } = v.parse(v.object({ items: v.array(Named) }), await talk.next('sessions'));
    expect(items.map((one) => one.id)).toEqual(expect.arrayContaining([1, id]));
    await using refused = await Talk.open(at('ws/monitor'), tokens['student'] ?? '');
    expect((await refused.closed).code).toBe(4403);
  });
});

describe('the second document: the end of a session, and admins', () => {
  test('PATCH /sessions/:id changes and ends one, DELETE deletes it', async () => {
    const patch = ['--request', 'PATCH', ...json({ notes: 'done', state: 'ended' })];
    const changed = await curl(at(`api/v1/sessions/${id}`), ...as('student'), ...patch);
    expect(changed).toMatchObject({ status: 200, json: { notes: 'done', state: 'ended' } });
    const other = await curl(at('api/v1/sessions/1'), ...as('student'), ...patch);
    expect(other.status).toBe(404);
    const gone = await curl(at(`api/v1/sessions/${id}`), ...as('student'), '--request', 'DELETE');
    expect(gone.status, gone.body).toBe(204);
    expect((await curl(at(`api/v1/sessions/${id}`), ...as('admin'))).status).toBe(404);
  });

  test('what is for admins is for nobody else', async () => {
    for (const role of ['researcher', 'student']) {
      expect((await curl(at('api/v1/users'), ...as(role))).status).toBe(403);
    }
    expect((await curl(at('api/v1/users'), ...as('admin'))).status).toBe(200);
  });
});
