/** The routes of diagnosis, over the simulated car and its adapter. */
import * as v from 'valibot';
import { expect, test } from 'vitest';
import type { Role } from '#core/account.ts';
import { Diagnosing } from '../../../../src/gateway/diagnosing.ts';
import { type Gateway, ROUTES } from '../../../../src/http/routes/index.ts';
import type { CarOptions } from '../../../../src/sim/car.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { noReading } from '../../../support/no-reading.ts';
import { PARKED_S, parkedCar, READ_S, simulatedCar } from '../../../support/simulated-car.ts';
import { asking, EPOCH, gatewayIn, WALL_MS } from './gateway-in-car.ts';

const VIN = /^VGLZZZ1KZ\d{8}$/;
const CONFIRMED = { confirm: true };

/** A gateway in a simulated car. */
async function drive(car: CarOptions = {}, overrides: Partial<Gateway> = {}) {
  return await gatewayIn(await simulatedCar(car), overrides);
}

/** A gateway in one that is parked, with a trouble. */
async function park() {
  return await gatewayIn(await parkedCar());
}

/** One that has no car. */
async function without(replayed: boolean) {
  const clock = new FakeClock();
  const epoch = () => EPOCH;
  return await asking({
    diagnosis: new Diagnosing({ clock, realTime: clock, epoch, car: undefined, replayed }),
  });
}

const READS = ['pids', 'vehicle', 'readiness', 'freeze-frame', 'dtc'] as const;

test('what is read of a real dialogue has the shapes that the routes say', async () => {
  const { ask } = await park();
  for (const name of READS) {
    const path = `/diagnostics/${name}`;
    const { status, body } = await ask('admin', 'GET', path);
    const found = ROUTES.find((route) => route.method === 'GET' && route.path === path);
    expect(status, name).toBe(200);
    expect(found && v.parse(found.reply, body), name).toEqual(body);
    expect(body.connected, name).toBe(true);
  }
});

test('each control unit tells its parameters, with units, ages and the streams they are in', async () => {
  const { clock, ask, readings } = await drive();
  await clock.advance(30_000);
  const { body } = await ask('viewer', 'GET', '/diagnostics/pids');
  const [engine, transmission] = body.ecus;
  const pid = (ecu: typeof engine, id: string) =>
    ecu.pids.find((one: { pid: string }) => one.pid === id);
  const rpm = pid(engine, '0C').values[0];
  const last = readings.filter(({ stream }) => stream.id === 'obd.engine.rpm').at(-1);
  expect(rpm).toMatchObject({ stream: 'obd.engine.rpm', unit: '/min' });
  expect(rpm.value).toBe(last?.kind === 'sample' ? last.v : undefined);
  expect(rpm.ageS).toBeLessThan(1);
  expect(engine.ecu).toBe('7e8');
  expect(transmission.ecu).toBe('7e9');
  expect(pid(transmission, '0D').values[0].stream).toBe('obd.7e9.vehicle.speed');
  // Bitmaps are how the rest is announced.
  expect(pid(engine, '20')).toBeUndefined();
  const ids = engine.pids.map((one: { pid: string }) => one.pid);
  expect(ids).toEqual(ids.toSorted());
});

test('the VIN is told to those who service the car', async () => {
  const { clock, ask } = await drive();
  await clock.advance(60_000);
  for (const role of ['operator', 'admin'] as const) {
    const { body } = await ask(role, 'GET', '/diagnostics/vehicle');
    expect(body).toMatchObject({ vin: expect.stringMatching(VIN), vinHidden: false });
    expect(body.ecus[0].vin).toMatch(VIN);
  }
  for (const role of ['viewer', 'researcher'] as const) {
    const { body } = await ask(role, 'GET', '/diagnostics/vehicle');
    expect(body).toMatchObject({ vin: null, vinHidden: true, protocol: '6 (can11)' });
    expect(JSON.stringify(body)).not.toContain('VGLZZZ1KZ');
    expect(body.ecus[0].calibrationIds).toHaveLength(1);
    expect(body.ecus[0].verificationNumbers[0]).toMatch(/^[0-9A-F]{8}$/i);
  }
});

test('monitors, the lamp, the frozen values and codes are told with what they mean', async () => {
  const { clock, ask } = await park();
  // The frame is read in pieces, after what the car is called.
  await clock.advance(40_000);
  const readiness = await ask('viewer', 'GET', '/diagnostics/readiness');
  expect(readiness.body).toMatchObject({
    mil: true,
    sinceCleared: { distanceKm: expect.any(Number), minutes: 1_233, warmUps: 31 },
    ecus: [{ ecu: '7e8', mil: true, dtcCount: 1, ignition: 'spark' }, { ecu: '7e9' }],
  });
  expect(readiness.body.sinceCleared.distanceKm).toBeGreaterThanOrEqual(842);
  const monitors = readiness.body.ecus[0].monitors;
  expect(monitors.find(({ name }: { name: string }) => name === 'misfire').complete).toBe(true);

  const frame = await ask('viewer', 'GET', '/diagnostics/freeze-frame');
  expect(frame.body.items).toMatchObject([{ ecu: '7e8', code: 'P0301', ageS: expect.any(Number) }]);
  const streams = frame.body.items[0].values.map((one: { stream: string }) => one.stream);
  expect(streams).toContain('obd.engine.rpm');

  const codes = await ask('operator', 'GET', '/diagnostics/dtc');
  expect(codes.body).toMatchObject({
    clockTrust: 'gps',
    items: [
      { code: 'P0301', state: 'stored', specific: true, ecu: '7e8' },
      { code: 'P0301', state: 'pending' },
      { code: 'P0301', state: 'permanent' },
    ],
  });
  const since = Date.parse(codes.body.items[0].since) - WALL_MS;
  expect(since).toBeGreaterThan(PARKED_S * 1_000);
  expect(since).toBeLessThan((PARKED_S + READ_S) * 1_000);
});

test('what is older than it may be is read first, once for all who ask', async () => {
  const { clock, ask, times, finish } = await drive();
  await clock.advance(25_000);
  const before = times('03');
  const old = await ask('operator', 'GET', '/diagnostics/dtc');
  expect(old.body.ageS).toBeGreaterThan(5);
  expect(times('03')).toBe(before);
  const all = Array.from({ length: 50 }, () => ask('operator', 'GET', '/diagnostics/dtc?maxAge=5'));
  const fresh = await finish(Promise.all(all));
  expect(new Set(fresh.map(({ status }) => status))).toEqual(new Set([200]));
  expect(Math.max(...fresh.map(({ body }) => body.ageS))).toBeLessThan(1);
  expect(times('03')).toBe(before + 1);
  for (const wrong of ['0', '4', '1.5', 'x', '86401']) {
    const { status } = await ask('operator', 'GET', `/diagnostics/readiness?maxAge=${wrong}`);
    expect(status, wrong).toBe(422);
  }
});

test('a car that stops answering is told as it was; read anew it cannot be', async () => {
  const { clock, ask, finish } = await drive({ ignitionOffAtS: 30 });
  await clock.advance(45_000);
  const { status, body } = await ask('operator', 'GET', '/diagnostics/dtc');
  expect([status, body.connected]).toEqual([200, false]);
  const fresh = await finish(ask('operator', 'GET', '/diagnostics/dtc?maxAge=5'));
  expect(fresh).toMatchObject({ status: 503, headers: { 'retry-after': '5' } });
  const cleared = await finish(ask('operator', 'DELETE', '/diagnostics/dtc', CONFIRMED));
  expect(cleared).toMatchObject({ status: 503, headers: { 'retry-after': '5' } });
});

test('before a car has answered it is said why there is none', async () => {
  const { ask } = await drive();
  for (const name of READS) {
    const { status, headers, body } = await ask('admin', 'GET', `/diagnostics/${name}`);
    expect([name, status, headers['retry-after']]).toEqual([name, 503, '10']);
    expect(body.detail).toMatch(/^No vehicle is connected: /);
  }
});

test('without an adapter there is no vehicle, and in a replay nobody to ask', async () => {
  const none = await without(false);
  const replay = await without(true);
  for (const [method, name] of [
    ...READS.map((read) => ['GET', read] as const),
    ['DELETE', 'dtc'] as const,
  ]) {
    const body = method === 'DELETE' ? CONFIRMED : undefined;
    const path = `/diagnostics/${name}`;
    expect(await none.ask('admin', method, path, body), name).toMatchObject({
      status: 503,
      body: { detail: 'No vehicle is connected: no OBD adapter is configured.' },
    });
    expect(await replay.ask('admin', method, path, body), name).toMatchObject({
      status: 409,
      body: { detail: 'A recording is played: there is no car to ask.' },
    });
  }
});

test('codes are for those who service the car, and so is clearing them', async () => {
  const { ask, times, facts } = await park();
  for (const role of ['viewer', 'researcher', 'student'] as const) {
    expect((await ask(role, 'GET', '/diagnostics/dtc')).status, role).toBe(403);
    expect((await ask(role, 'DELETE', '/diagnostics/dtc', CONFIRMED)).status, role).toBe(403);
  }
  expect(times('04')).toBe(0);
  expect(facts).toEqual([]);
});

test('clearing wants to be confirmed, and who tries without is audited', async () => {
  const { ask, times, facts } = await park();
  const unconfirmed = [undefined, {}, { confirm: false }];
  for (const body of [...unconfirmed, { confirm: 'true' }, { confirm: 1 }]) {
    const reply = await ask('operator', 'DELETE', '/diagnostics/dtc', body);
    expect(reply, JSON.stringify(body)).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: '/confirm' }] },
    });
  }
  expect(times('04')).toBe(0);
  const refused = {
    ...{ action: 'dtc.clear', who: 'operator', from: '127.0.0.1', target: 'vehicle' },
    ...{ result: 'refused', details: { code: 'UNCONFIRMED', why: 'it was not confirmed' } },
  };
  // What is no such body at all is a slip of a program.
  expect(facts).toEqual(unconfirmed.map(() => refused));
});

test('a parked car is cleared, which is told with what is left, and audited', async () => {
  const { clock, ask, times, facts, finish } = await park();
  const { status, body } = await finish(ask('operator', 'DELETE', '/diagnostics/dtc', CONFIRMED));
  expect(status).toBe(200);
  expect(body).toMatchObject({
    cleared: ['7e8', '7e9'],
    remaining: [{ code: 'P0301', state: 'permanent' }],
  });
  expect(times('04')).toBe(1);
  expect(facts).toEqual([
    {
      action: 'dtc.clear',
      who: 'operator',
      from: '127.0.0.1',
      target: 'vehicle',
      result: 'done',
      details: {
        cleared: ['7e8', '7e9'],
        had: ['P0301 stored', 'P0301 pending', 'P0301 permanent'],
      },
    },
  ]);
  const { body: ready } = await ask('viewer', 'GET', '/diagnostics/readiness');
  expect(ready.mil).toBe(false);
  expect((await ask('viewer', 'GET', '/diagnostics/freeze-frame')).body.items).toEqual([]);
  await clock.advance(15_000);
  const { body: later } = await ask('viewer', 'GET', '/diagnostics/readiness');
  expect(later.sinceCleared).toMatchObject({ distanceKm: 0, minutes: 0, warmUps: 0 });
});

test('a car that moves, and one whose engine runs, is not cleared, which is audited', async () => {
  const { clock, ask, times, facts, finish } = await drive();
  await clock.advance(4_000);
  const running = await finish(ask('admin', 'DELETE', '/diagnostics/dtc', CONFIRMED));
  expect(running.status).toBe(409);
  expect(running.body.detail).toContain('7e8 says conditions not correct (7F 04 22)');
  await clock.advance(36_000);
  const moving = await finish(ask('admin', 'DELETE', '/diagnostics/dtc', CONFIRMED));
  expect(moving.status).toBe(409);
  expect(moving.body.detail).toMatch(/^The car is moving: 7e8 tells \d+ km\/h/);
  expect(times('04')).toBe(1);
  expect(facts).toMatchObject([
    { action: 'dtc.clear', result: 'refused', details: { code: 'REFUSED' } },
    { action: 'dtc.clear', result: 'refused', details: { code: 'MOVING' } },
  ]);
});

test('nobody has codes cleared without a pause', async () => {
  const { clock, ask, finish } = await drive();
  await clock.advance(40_000);
  const clear = (role: Role) => finish(ask(role, 'DELETE', '/diagnostics/dtc', CONFIRMED));
  const statuses = [];
  for (let n = 0; n < 4; n++) statuses.push((await clear('operator')).status);
  expect(statuses).toEqual([409, 409, 409, 429]);
  const { headers } = await clear('operator');
  expect(Number(headers['retry-after'])).toBeGreaterThan(0);
  // The tries of one are not those of another.
  expect((await clear('admin')).status).toBe(409);
});

test('who asks again under the same key has it done once, and only once audited', async () => {
  const { clock, send, finish, untilClearing, times, facts } = await park();
  const clear = (role: Role, key: string) =>
    send(role, ['DELETE', '/diagnostics/dtc'], CONFIRMED, { 'idempotency-key': key });
  const first = clear('operator', '"8e03978e"');
  await untilClearing();
  const replies = await finish(Promise.all([first, clear('operator', '"8e03978e"')]));
  expect(replies.map(({ status }) => status)).toEqual([200, 200]);
  expect(replies[1]?.body).toEqual(replies[0]?.body);
  expect((await finish(clear('operator', '8e03978e'))).body).toEqual(replies[0]?.body);
  expect(times('04')).toBe(1);
  expect(facts).toHaveLength(1);
  // A key is that of an account, and is wrong without its other quote.
  expect((await finish(clear('admin', '"8e03978e"'))).status).toBe(200);
  expect(times('04')).toBe(2);
  expect((await clear('operator', '"8e03978e')).status).toBe(400);
  expect(clock.now()).toBeLessThan((PARKED_S + 100) * 1e6);
});

test('who asks again under the same key for what fails is told twice, and audited once', async () => {
  const { clock, send, finish, facts } = await drive({ ignitionOffAtS: 30 });
  await clock.advance(45_000);
  const clear = () =>
    send('operator', ['DELETE', '/diagnostics/dtc'], CONFIRMED, {
      'idempotency-key': '"8e03978e"',
    });
  const replies = await finish(Promise.all([clear(), clear()]));
  expect(replies.map(({ status }) => status)).toEqual([503, 503]);
  expect(facts).toHaveLength(1);
  // It is tried again, as it was not done.
  await finish(clear());
  expect(facts).toHaveLength(2);
});

test('two who clear at once: one does, the other is told to wait', async () => {
  const { ask, finish, untilClearing, times, facts } = await park();
  const first = ask('operator', 'DELETE', '/diagnostics/dtc', CONFIRMED);
  await untilClearing();
  const second = await finish(ask('admin', 'DELETE', '/diagnostics/dtc', CONFIRMED));
  expect(second).toMatchObject({ status: 503, headers: { 'retry-after': '5' } });
  expect((await finish(first)).status).toBe(200);
  expect(times('04')).toBe(1);
  expect(facts).toMatchObject([
    { who: 'admin', result: 'refused', details: { code: 'BUSY' } },
    { who: 'operator', result: 'done' },
  ]);
});

test('a student sees the car while a session of theirs is going on', async () => {
  const owner = { own: '' };
  // All that is asked of sessions here.
  const sessions = () => ({ current: () => [{ id: 1, owner: owner.own }] });
  const reading = { ...noReading(), sessions } as unknown as Gateway['reading'];
  const { clock, ask } = await drive({}, { reading });
  await clock.advance(30_000);
  const paths = READS.filter((name) => name !== 'dtc').map((name) => `/diagnostics/${name}`);
  for (const path of paths) expect((await ask('student', 'GET', path)).status, path).toBe(403);
  owner.own = 'id-of-student'.padEnd(16, '-');
  for (const path of paths) expect((await ask('student', 'GET', path)).status, path).toBe(200);
  expect((await ask('student', 'GET', '/diagnostics/vehicle')).body).toMatchObject({ vin: null });
});
