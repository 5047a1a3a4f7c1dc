/** What single control units are asked, over the simulated car on a CAN bus. */
import * as v from 'valibot';
import { expect, test } from 'vitest';
import type { Role } from '#core/account.ts';
import { ROUTES } from '../../../../src/http/routes/index.ts';
import { PARKED_S, PARKS, READ_S, simulatedCar } from '../../../support/simulated-car.ts';
import { type CarOnCanOptions, carOnCan } from '../../sources/obd/can/car-on-can.ts';
import { gatewayIn } from './gateway-in-car.ts';

/** A gateway on the bus of a car that has been read. */
async function drive(options: CarOnCanOptions = {}) {
  const car = await gatewayIn(await carOnCan(options));
  await car.clock.advance(READ_S * 1_000);
  const get = (path: string, role: Role = 'operator') =>
    car.finish(car.ask(role, 'GET', `/diagnostics/${path}`));
  /** Requests to one control unit, from now on. */
  const fromNow = () => {
    const past = car.requests().length;
    return () =>
      car
        .requests()
        .slice(past)
        .filter((request) => request.startsWith('7e'));
  };
  return { ...car, get, fromNow };
}

/** In one that is parked, with a trouble. */
const park = () => drive({ car: PARKS, fromS: PARKED_S });

const EXTENDED = '?session=extended';

test('codes are told by each control unit, with failure type and status', async () => {
  const { get } = await park();
  const { body } = await get('dtc?maxAge=5');
  expect(body.uds).toMatchObject([
    {
      ...{ ecu: '7e8', format: 'SAE J2012-DA, two bytes and a failure type' },
      codes: [
        {
          ...{ code: 'P0301-00', text: 'Misfire in cylinder 1', specific: true, failure: null },
          states: ['failing', 'pending', 'confirmed', 'lamp'],
          status: expect.arrayContaining(['testFailed', 'warningIndicatorRequested']),
        },
      ],
    },
    { ecu: '7e9', codes: [] },
  ]);
  expect(body.uds[0].ageS).toBeLessThan(5);
  expect(body.items[0]).toMatchObject({ code: 'P0301', state: 'stored' });
});

test('what is read of a real dialogue has the shapes that the routes say', async () => {
  const { get } = await park();
  for (const [path, example] of [
    ['/diagnostics/dtc', 'dtc'],
    ['/diagnostics/ecus/:ecu/data', 'ecus/7e8/data'],
    ['/diagnostics/ecus/:ecu/data/:did', 'ecus/7e8/data/F18C'],
    ['/diagnostics/ecus/:ecu/dtc/:code', 'ecus/7e8/dtc/P0301-00'],
  ]) {
    const { status, body } = await get(example ?? '');
    const found = ROUTES.find((route) => route.method === 'GET' && route.path === path);
    expect(status, path).toBe(200);
    expect(found && v.parse(found.reply, body), path).toEqual(body);
  }
});

test('one value is read now, by its identifier in either case', async () => {
  const { get, source, fromNow } = await drive();
  const asked = fromNow();
  const { vin } = source.report().vin ?? {};
  const { body } = await get('ecus/7e8/data/f190');
  const hex = Buffer.from(vin ?? '', 'latin1')
    .toString('hex')
    .toUpperCase();
  const name = 'Vehicle identification number';
  expect(body).toEqual({ ecu: '7e8', id: 'F190', name, text: vin, hex });
  expect((await get('ecus/7e9/data/F40D')).body).toMatchObject({
    ...{
      ecu: '7e9',
      id: 'F40D',
      name: 'Vehicle speed',
      text: expect.stringMatching(/^\d+ km\/h$/),
    },
  });
  expect(asked()).toEqual(['7e0 22F190', '7e1 22F40D']);
});

test('the values that have a name are told without a question to the car', async () => {
  const { get, fromNow } = await drive();
  const asked = fromNow();
  const { status, body } = await get('ecus/7e9/data');
  expect([status, body.ecu]).toEqual([200, '7e9']);
  expect(body.items).toContainEqual({ id: 'F18C', name: 'ECU serial number' });
  expect(asked()).toEqual([]);
});

test('what is stored with a code is read, record by record', async () => {
  const { get, fromNow } = await park();
  const asked = fromNow();
  const { body } = await get('ecus/7e8/dtc/p0301-00');
  expect(body).toMatchObject({
    ...{ ecu: '7e8', code: 'P0301-00', failure: null },
    states: ['failing', 'pending', 'confirmed', 'lamp'],
    snapshots: {
      records: [
        {
          record: 1,
          values: [
            { id: 'F404', name: 'Calculated engine load' },
            { id: 'F405', text: expect.stringMatching(/^\d+ Cel$/) },
            { id: 'F40C', text: expect.stringMatching(/^[\d.]+ \/min$/) },
            { id: 'F40D', hex: expect.stringMatching(/^[0-9A-F]{2}$/) },
          ],
        },
      ],
      rest: '',
    },
    extendedData: { records: [{ record: 1, hex: '01' }], rest: '' },
  });
  expect(asked()).toEqual(['7e0 1904030100FF', '7e0 1906030100FF', '7e0 190603010001']);
});

test('in the extended session it is read while the car stands, and that is audited', async () => {
  const { get, fromNow, facts } = await park();
  const asked = fromNow();
  expect((await get('ecus/7e8/data/F186')).body.hex).toBe('01');
  expect(facts).toEqual([]);
  expect((await get(`ecus/7e8/data/F186${EXTENDED}`)).body.hex).toBe('03');
  expect((await get('ecus/7e8/data/F186')).body.hex).toBe('01');
  expect(asked()).toEqual(['7e0 22F186', '7e0 1003', '7e0 22F186', '7e0 1001', '7e0 22F186']);
  expect((await get(`ecus/7e8/dtc/P0301-00${EXTENDED}`)).status).toBe(200);
  expect(asked().slice(5).at(0)).toBe('7e0 1003');
  expect(asked().at(-1)).toBe('7e0 1001');
  const fact = { action: 'ecu.session', who: 'operator', from: '127.0.0.1', target: '7e8' };
  expect(facts).toEqual([
    { ...fact, result: 'done', details: { asked: 'F186' } },
    { ...fact, result: 'done', details: { asked: 'P0301-00' } },
  ]);
});

test('a car that moves is asked for nothing in that session, and that is audited', async () => {
  const { clock, get, fromNow, facts } = await drive();
  await clock.advance(20_000);
  const asked = fromNow();
  const { status, body } = await get(`ecus/7e8/data/F190${EXTENDED}`);
  expect([status, body.detail]).toEqual([409, expect.stringMatching(/^The car is moving: 7e8/)]);
  expect((await get(`ecus/7e8/dtc/P0301-00${EXTENDED}`)).status).toBe(409);
  expect(asked()).toEqual([]);
  expect(facts).toMatchObject([
    { action: 'ecu.session', result: 'refused', details: { asked: 'F190', code: 'MOVING' } },
    { action: 'ecu.session', result: 'refused', details: { asked: 'P0301-00', code: 'MOVING' } },
  ]);
  // Without it, a car that moves may be asked.
  expect((await get('ecus/7e8/data/F190')).status).toBe(200);
});

test.each([
  ['ecus/7ea/data', 404, 'The car has no control unit 7ea, but 7e8, 7e9.'],
  ['ecus/7ea/data/F190', 404, 'The car has no control unit 7ea, but 7e8, 7e9.'],
  ['ecus/7ea/dtc/P0301-00', 404, 'The car has no control unit 7ea, but 7e8, 7e9.'],
  ['ecus/7e8/data/F19', 404, '"F19" is not four hexadecimal digits.'],
  ['ecus/7e8/data/F1900', 404, '"F1900" is not four hexadecimal digits.'],
  ['ecus/7e8/dtc/P0301', 404, '"P0301" is no trouble code such as P0301-11.'],
  ['ecus/7e8/data/1234', 409, '7e8 says request out of range (7F 22 31).'],
  ['ecus/7e9/dtc/P0301-00', 409, '7e9 says request out of range (7F 19 31).'],
  ['ecus/7e8/data/F190?session=programming', 422, /session/],
  ['ecus/7e8/data/F190?extended=1', 422, /extended/],
])('%s is answered with %d', async (path, status, detail) => {
  const { get } = await drive();
  const reply = await get(path);
  expect(reply.status).toBe(status);
  expect(JSON.stringify(reply.body)).toMatch(
    typeof detail === 'string' ? JSON.stringify(detail) : detail,
  );
  expect(reply.headers['retry-after']).toBeUndefined();
});

test('only those who service the car ask it', async () => {
  const { get, fromNow } = await park();
  const asked = fromNow();
  for (const role of ['viewer', 'researcher', 'student'] as const) {
    for (const path of ['ecus/7e8/data', 'ecus/7e8/data/F190', 'ecus/7e8/dtc/P0301-00']) {
      expect((await get(path, role)).status, `${role} ${path}`).toBe(403);
    }
  }
  expect(asked()).toEqual([]);
});

test('nobody asks without a pause, and one at a time', async () => {
  const { clock, ask, finish, get } = await drive();
  const read = (role: Role) => ask(role, 'GET', '/diagnostics/ecus/7e8/data/F18C');
  const both = await finish(Promise.all([read('operator'), read('operator')]));
  expect(both.map(({ status }) => status)).toEqual([200, 503]);
  expect(both[1]?.body.detail).toBe('A control unit is being asked at this moment.');
  const statuses = [];
  for (let n = 0; n < 20; n++) statuses.push((await finish(read('operator'))).status);
  expect(statuses).toContain(429);
  expect(Number((await get('ecus/7e8/data/F18C')).headers['retry-after'])).toBe(1);
  // The questions of one are not those of another.
  expect((await finish(read('admin'))).status).toBe(200);
  await clock.advance(10_000);
  expect((await finish(read('operator'))).status).toBe(200);
});

test('through an adapter no single control unit can be asked', async () => {
  const car = await gatewayIn(await simulatedCar());
  await car.clock.advance(READ_S * 1_000);
  const get = (path: string) => car.finish(car.ask('operator', 'GET', `/diagnostics/${path}`));
  for (const path of ['ecus/7e8/data/F190', `ecus/7e8/data/F190${EXTENDED}`]) {
    const { status, body } = await get(path);
    expect([status, body.detail]).toEqual([409, expect.stringContaining('CAN bus itself')]);
  }
  expect((await get('dtc')).body.uds).toEqual([]);
});
