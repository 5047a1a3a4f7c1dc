import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Role } from '#core/account.ts';
import { Canning } from '../../../../src/gateway/canning.ts';
import { authorise } from '../../../../src/http/authorise.ts';
import { Problem, problemReply } from '../../../../src/http/problem.ts';
import { bodyLimit, dispatch } from '../../../../src/http/router.ts';
import { ROUTES } from '../../../../src/http/routes/index.ts';
import { MemoryCan } from '../../../../src/io/can/memory-can.ts';
import { canSource } from '../../../../src/sources/can/can.ts';
import { testAccounts } from '../../../support/accounts.ts';
import { bareGateway } from '../../../support/bare-gateway.ts';
import { FakeClock, settle } from '../../../support/fake-clock.ts';
import { SILENT_LOG } from '../../../support/silent-log.ts';
import { request } from '../fakes.ts';

const DBC = `BO_ 256 Drive: 4 ECU
 SG_ Speed : 8|16@1+ (0.01,0) [0|655.35] "km/h" ECU
 SG_ Broken 24|1@1+ (1,0) [0|1] "" ECU
`;

let data: string;

beforeEach(async () => {
  data = await mkdtemp(path.join(tmpdir(), 'can-routes-'));
});

afterEach(() => rm(data, { recursive: true }));

const PARTS = { log: SILENT_LOG, rest: turn };

/** A gateway that reads the bus `body`, asked as a client does. */
async function start() {
  const clock = new FakeClock();
  const can = new MemoryCan({ clock });
  const car = can.node('car', () => undefined);
  const source = canSource({ id: 'can', name: 'body', device: 'can0', open: can.opener('can0') });
  const canning = new Canning({ sources: [source], dbc: [], data, ...PARTS });
  await canning.open();
  const people = await testAccounts();
  const gateway = { ...bareGateway(people), can: canning };
  const ask = async (role: Role, method: string, at: string, body = '', type = 'text/plain') => {
    const headers = new Map([
      ['authorization', `Bearer ${await people.token(role)}`],
      ['content-type', type],
    ]);
    const bytes = new TextEncoder().encode(body);
    const sent = request(method, `/api/v1${at}`, { headers, body: bytes });
    const reply = await dispatch(ROUTES, gateway, sent, (access) =>
      authorise(people.accounts, access, sent),
    ).catch((error: unknown) => {
      if (error instanceof Problem) return problemReply(error);
      throw error;
    });
    const isText = reply?.headers?.['content-type'] === 'text/plain';
    const text = reply?.body instanceof Uint8Array ? reply.body : String(reply?.body ?? 'null');
    return {
      status: reply?.status,
      headers: reply?.headers,
      body: isText ? new TextDecoder().decode(text as Uint8Array) : JSON.parse(String(text)),
    };
  };
  return { clock, car, source, canning, ask, facts: people.facts };
}

test('the buses are told with how they are', async () => {
  const { ask, source, clock, car } = await start();
  const stop = new AbortController();
  const closed = await ask('viewer', 'GET', '/can');
  expect(closed.body).toMatchObject({
    items: [{ name: 'body', device: 'can0', open: false, state: 'unknown', load: null }],
    next: null,
  });
  const running = source.run(() => {}, clock, stop.signal);
  await settle();
  await car.send({ id: 1, extended: false, data: new Uint8Array(8) });
  await clock.advance(5_000);
  await ask('operator', 'PUT', '/can/body/dbc/car', DBC);
  const { status, body } = await ask('viewer', 'GET', '/can');
  expect(status).toBe(200);
  expect(body.items).toEqual([
    {
      ...{ name: 'body', device: 'can0', open: true, state: 'active', bitRate: 500_000 },
      ...{ listenOnly: true, framesHz: 0.2, load: 0, frames: 1 },
      ...{ lost: 0, lostBy: 'counted', ids: 1, unknownIds: 1 },
      files: [{ name: 'car', messages: 1, signals: 1, warnings: 1, shadowed: 0 }],
    },
  ]);
  stop.abort();
  await running;
});

test('a DBC file is sent, told with its lines, read again and removed, which is audited', async () => {
  const { ask, source, facts } = await start();
  const put = await ask('operator', 'PUT', '/can/body/dbc/car', DBC, 'text/plain; charset=utf-8');
  const file = {
    ...{ name: 'car', origin: 'upload', bytes: DBC.length, messages: 1, signals: 1 },
    warnings: [{ line: 3, text: expect.stringMatching(/left out/), seen: expect.any(String) }],
    ...{ unlisted: 0, problem: null },
  };
  expect(put).toMatchObject({ status: 200, body: file });
  expect(source.streams.map(({ id }) => id)).toContain('can.body.drive.speed');
  expect((await ask('viewer', 'GET', '/can/body/dbc')).body).toEqual({ items: [file], next: null });
  expect(await ask('operator', 'GET', '/can/body/dbc/car')).toMatchObject({
    headers: {
      'content-type': 'text/plain',
      'content-disposition': 'attachment; filename="car.dbc"',
    },
    body: DBC,
  });
  expect((await ask('operator', 'DELETE', '/can/body/dbc/car')).status).toBe(204);
  expect(source.streams.map(({ id }) => id)).not.toContain('can.body.drive.speed');
  const fact = { who: 'operator', target: 'body/car', result: 'done' };
  expect(facts).toMatchObject([
    { ...fact, action: 'can.dbc.put', details: { messages: 1, signals: 1, warnings: 1 } },
    { ...fact, action: 'can.dbc.delete' },
  ]);
});

test('what is no DBC file is told with the line, and changes nothing', async () => {
  const { ask, facts } = await start();
  const { status, body } = await ask('admin', 'PUT', '/can/body/dbc/car', '{"not":"one"}\n');
  expect(status).toBe(422);
  expect(body.detail).toMatch(/^There is no message in the file; line 1, /);
  expect((await ask('admin', 'GET', '/can/body/dbc')).body.items).toEqual([]);
  expect(facts).toEqual([]);
});

test.each([
  ['PUT', '/can/other/dbc/car', 404],
  ['PUT', '/can/body/dbc/Car%20', 422],
  ['PUT', '/can/body/dbc/..', 422],
  ['GET', '/can/other/dbc', 404],
  ['GET', '/can/body/dbc/car', 404],
  ['DELETE', '/can/body/dbc/car', 404],
])('%s %s is answered with %i', async (method, at, status) => {
  const { ask } = await start();
  const body = method === 'PUT' ? DBC : '';
  expect(await ask('admin', method, at, body)).toMatchObject({ status, body: { status } });
});

test('a file comes as text or as bytes, and as nothing else', async () => {
  const { ask } = await start();
  const as = async (type: string) =>
    (await ask('admin', 'PUT', '/can/body/dbc/a', DBC, type)).status;
  expect(await as('application/octet-stream')).toBe(200);
  expect(await as('TEXT/PLAIN;charset=windows-1252')).toBe(200);
  expect(await as('application/json')).toBe(415);
  expect(await as('')).toBe(415);
});

test('a file may have 4 MiB, which is known before it is read', () => {
  expect(bodyLimit(ROUTES, request('PUT', '/api/v1/can/body/dbc/car'))).toBe(4 * 2 ** 20);
});

test('those who only look may not read or change files', async () => {
  const { ask } = await start();
  for (const role of ['viewer', 'researcher', 'student'] as const) {
    expect((await ask(role, 'PUT', '/can/body/dbc/car', DBC)).status, role).toBe(403);
    expect((await ask(role, 'GET', '/can/body/dbc/car')).status, role).toBe(403);
    expect((await ask(role, 'DELETE', '/can/body/dbc/car')).status, role).toBe(403);
  }
});

test('a gateway that reads no bus says so', async () => {
  const gateway = bareGateway();
  const reply = await dispatch(ROUTES, gateway, request('GET', '/api/can'), async () => ({
    ...{ user: undefined, login: '', scope: 'all' },
    remote: request('GET', '/').remote,
  }));
  expect(JSON.parse(String(reply?.body))).toEqual({ items: [], next: null });
});

test('a file that cannot be used is told of by health', async () => {
  const { canning } = await start();
  expect(canning.health()).toMatchObject([{ id: 'dbc', status: 'ok', text: 'no DBC file' }]);
  const broken = new Canning({
    sources: [canSource({ id: 'can', name: 'body', device: 'can0', open: () => Promise.reject() })],
    dbc: ['a', 'b', 'c'].map((name) => {
      return { bus: 'body', file: path.join(data, `${name}.dbc`), origin: 'setting' as const };
    }),
    data,
    ...PARTS,
  });
  await broken.open();
  expect(broken.health()).toMatchObject([
    {
      status: 'waiting',
      text: expect.stringMatching(/^body\/a\.dbc: ENOENT.*; body\/b\.dbc: ENOENT.*; 1 more$/),
      details: { files: 3, problems: [expect.any(String), expect.any(String), expect.any(String)] },
    },
  ]);
  expect(new Canning({ sources: [], dbc: [], data, ...PARTS }).health()).toEqual([]);
});
