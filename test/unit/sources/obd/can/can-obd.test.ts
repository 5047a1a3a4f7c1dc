/** OBD-II over CAN from the bus to the readings, against the simulated car. */
import { expect, test } from 'vitest';
import { LinkError } from '#core/errors.ts';
import type { Reading } from '#core/stream.ts';
import { Guard } from '../../../../../src/sources/obd/can/guard.ts';
import { canObdSource } from '../../../../../src/sources/obd/obd.ts';
import { codesOf } from '../../../../../src/sources/obd/snapshot.ts';
import { FakeClock } from '../../../../support/fake-clock.ts';
import { PARKED_S, PARKS, READ_S, simulatedCar } from '../../../../support/simulated-car.ts';
import { carOnCan } from './car-on-can.ts';
import { ScriptedBus } from './scripted-bus.ts';

const never = (): AbortSignal => new AbortController().signal;
const now = () => ({ extended: false, signal: never() });

async function parked() {
  const car = await carOnCan({ car: PARKS, fromS: PARKED_S });
  await car.clock.advance(READ_S * 1_000);
  return car;
}

test.each([
  [11, 'can11', ['7e8', '7e9']],
  [29, 'can29', ['18daf110', '18daf111']],
] as const)('a car with %d bits is read within seconds', async (idBits, bus, ecus) => {
  const { clock, values, source, requests } = await carOnCan({
    ...{ idBits, car: { trouble: 'none' }, fromS: 1 },
  });
  await clock.advance(20_000);
  expect(values('obd.engine.rpm').some((rpm) => rpm > 600)).toBe(true);
  expect(values(`obd.${ecus[1]}.vehicle.speed`).length).toBeGreaterThan(10);
  expect(values('obd.ignition')).toContain(2);
  expect(source.protocol()).toBe(`${idBits === 11 ? 6 : 7} (${bus})`);
  expect(source.health()).toMatchObject({
    ...{ device: 'can0', bus: 'can0', idBits, bitRate: 500_000, ignition: 'running' },
    ecus: ecus.map((id) => ({ id })),
    answerMs: Object.fromEntries(ecus.map((ecu) => [ecu, expect.any(Number)])),
    guard: { ratePerS: 10, refused: { rate: 0, identifier: 0, service: 0, bus: 0 } },
    isoTp: { incomplete: 0, dropped: 0 },
    ...{ unasked: 0, strangers: 0, unsent: 0, malformed: 0, unexpected: 0 },
  });
  expect(requests().filter((request) => / 01(..){6}$/.test(request)).length).toBeGreaterThan(50);
});

test('the same car at the same time tells the same over CAN as through an adapter', async () => {
  const can = await carOnCan({ fromS: 1 });
  const elm = await simulatedCar({}, 1);
  await can.clock.advance(60_000);
  await elm.clock.advance(60_000);
  const streams = (readings: typeof can.readings) =>
    new Set(readings.map(({ stream }) => stream.id).filter((id) => !id.includes('adapter')));
  expect(streams(can.readings)).toEqual(streams(elm.readings));
  for (const signal of ['obd.engine.rpm', 'obd.vehicle.speed', 'obd.intake.maf']) {
    const samples = (readings: typeof can.readings) =>
      readings.flatMap((r) => (r.kind === 'sample' && r.stream.id === signal ? [r] : []));
    const through = samples(elm.readings);
    const pairs = samples(can.readings).flatMap((one) => {
      // The car moves on in steps of 20 ms: what was read within the same one has to be the same.
      const twin = through.find(({ t }) => Math.floor(t / 2e4) === Math.floor(one.t / 2e4));
      return twin ? [[one.v, twin.v]] : [];
    });
    expect(pairs.length, signal).toBeGreaterThan(5);
    const close = pairs.filter(([a = 0, b = 0]) => Math.abs(a - b) <= 0.05 * Math.abs(b) + 1);
    expect(close.length / pairs.length, signal).toBeGreaterThan(0.9);
  }
  const { vin } = can.source.report().vin ?? {};
  expect(vin).toBe(elm.source.report().vin?.vin);
  const told = (source: typeof can.source) =>
    source.report().ecus.map(({ name, calibrationIds, verificationNumbers, tests, monitors }) => ({
      ...{ name, calibrationIds, verificationNumbers },
      tests: [...tests.keys()],
      monitors: [...monitors.keys()],
    }));
  expect(told(can.source)).toEqual(told(elm.source));
});

test('the bus gets no more requests than it may', async () => {
  const { clock, sent } = await carOnCan({ ratePerS: 4 });
  await clock.advance(30_000);
  const times = sent()
    .filter(({ frame }) => (frame.data[0] ?? 0) < 0x10)
    .map(({ t }) => t);
  expect(times.length).toBeGreaterThan(100);
  expect(Math.min(...times.slice(1).map((t, i) => t - (times[i] ?? 0)))).toBeGreaterThanOrEqual(
    250_000,
  );
});

test('an ECU that takes one PID a request only is asked so, and stays on', async () => {
  const { clock, values } = await carOnCan({ vehicle: { singlePidOnly: true }, fromS: 1 });
  await clock.advance(60_000);
  expect(new Set(values('obd.ignition'))).toEqual(new Set([1, 2]));
  expect(values('obd.engine.rpm').length).toBeGreaterThan(40);
});

test('trouble codes come with what frozen frames and UDS add to them', async () => {
  const { clock, source, readings } = await carOnCan({ car: { trouble: 'P0301' } });
  await clock.advance(240_000);
  const told = readings.flatMap((reading) => (reading.kind === 'event' ? [reading.data] : []));
  expect(told).toContainEqual(expect.objectContaining({ code: 'P0301', status: 'confirmed' }));
  const [engine] = source.report().ecus;
  expect(engine?.freezeFrame?.code).toBe('P0301');
  expect(engine?.freezeFrame?.values.length).toBeGreaterThan(5);
  expect(engine?.udsCodes).toEqual([
    {
      code: 'P0301-00',
      failure: undefined,
      status: expect.arrayContaining(['confirmedDTC', 'warningIndicatorRequested']),
    },
  ]);
});

test('an answer that is announced is waited for', async () => {
  const { clock, source } = await carOnCan();
  await clock.advance(60_000);
  // The engine unit works on its verification number for 300 ms, and says within P2 that it does.
  const { '7e8': slowest } = Object(source.health())['answerMaxMs'];
  expect(slowest).toBeLessThan(50);
  expect(source.report().ecus[0]?.verificationNumbers).toEqual(['1C9A52E7']);
  expect(source.report().abandoned).toBe(0);
});

test('a parked car has its codes cleared, once and for all to see', async () => {
  const { source, requests, finish } = await parked();
  const report = source.report();
  expect(codesOf(report).map(({ code, state }) => `${code} ${state}`)).toContain('P0301 stored');
  expect(await finish(source.clearCodes(never()))).toEqual(['7e8', '7e9']);
  expect(requests().filter((request) => request.endsWith(' 04'))).toEqual(['7df 04']);
  await finish(source.refresh());
  expect(codesOf(report).map(({ code, state }) => `${code} ${state}`)).toEqual(['P0301 permanent']);
});

test('a car that moves is not cleared, and the bus does not even see it tried', async () => {
  const { clock, source, requests, guard, finish } = await carOnCan();
  await clock.advance(40_000);
  await expect(finish(source.clearCodes(never()))).rejects.toMatchObject({ code: 'MOVING' });
  expect(requests().filter((request) => request.endsWith(' 04'))).toEqual([]);
  expect(guard.health()['refused']).toMatchObject({ clearing: 0 });
});

test('an engine that runs has the control units refuse, and that is passed on', async () => {
  const { clock, source, finish } = await carOnCan();
  await clock.advance(5_000);
  await expect(finish(source.clearCodes(never()))).rejects.toMatchObject({
    code: 'REFUSED',
    message: expect.stringContaining('7e8 says conditions not correct (7F 04 22)'),
  });
});

test('one value of one control unit is read when its turn comes', async () => {
  const { clock, source, finish, requests } = await carOnCan();
  await expect(source.readDid('7e8', 0xf190, now())).rejects.toMatchObject({
    code: 'NO_VEHICLE',
  });
  await clock.advance(20_000);
  const { vin = '' } = source.report().vin ?? {};
  const { data } = await finish(source.readDid('7e8', 0xf190, now()));
  expect(Buffer.from(data).toString('latin1')).toBe(vin);
  expect(requests()).toContain('7e0 22F190');
  await expect(finish(source.readDid('7e9', 0xf190, now()))).rejects.toMatchObject({
    code: 'REFUSED',
    message: '7e9 says request out of range (7F 22 31)',
  });
  await expect(source.readDid('7ea', 0xf190, now())).rejects.toMatchObject({
    code: 'NO_ECU',
    message: 'the car has no control unit 7ea, but 7e8, 7e9',
  });
});

test('one value at a time; one that is taken back before its turn is not read', async () => {
  const { clock, source, requests, finish } = await carOnCan();
  await clock.advance(20_000);
  const late = new AbortController();
  const first = source.readDid('7e8', 0xf18c, { extended: false, signal: late.signal });
  await expect(source.readDid('7e8', 0xf190, now())).rejects.toMatchObject({ code: 'BUSY' });
  late.abort();
  await expect(first).rejects.toMatchObject({ code: 'TOO_SLOW' });
  await clock.advance(2_000);
  expect(requests()).not.toContain('7e0 22F18C');
  expect((await finish(source.readDid('7e8', 0xf18c, now()))).data.length).toBeGreaterThan(5);
});

test('live values go on while values are read without a pause', async () => {
  const { clock, source, values } = await carOnCan();
  await clock.advance(20_000);
  const before = values('obd.engine.rpm').length;
  let read = 0;
  const again = async (): Promise<void> => {
    for (;;) {
      await source.readDid('7e8', 0xf18c, now());
      read++;
    }
  };
  again().catch(() => {}); // Ends with the car.
  await clock.advance(20_000);
  expect(read).toBeGreaterThan(40);
  expect(values('obd.engine.rpm').length - before).toBeGreaterThan(40);
});

test('a car that is switched off is left in peace, and read again when its bus wakes up', async () => {
  const { clock, can, source, values, sent, statuses } = await carOnCan({
    car: { ignitionCycles: { onS: 60, offS: 3_600 } },
  });
  await clock.advance(70_000);
  expect(values('obd.ignition').at(-1)).toBe(0);
  expect(source.absence()).toMatch(/ignition/);
  const before = sent().length;
  await clock.advance(3_500_000);
  // Pauses double to five minutes; each probe asks with 11 and with 29 bits.
  expect(sent().length - before).toBeLessThan(2 * 25);
  // The driver opens the door, and control units begin to talk to each other.
  await clock.advance(60_000);
  const startsAt = (60 + 3_600) * 1e6;
  await clock.advance((startsAt - clock.now()) / 1_000 + 100);
  const body = can.node('body', () => undefined);
  const from = values('obd.engine.rpm').length;
  await body.send({ id: 0x123, extended: false, data: Uint8Array.of(1) });
  await clock.advance(3_000);
  expect(values('obd.engine.rpm').length).toBeGreaterThan(from);
  expect(source.absence()).toBeUndefined();
  expect(statuses.filter(({ state }) => state === 'waiting')).toEqual([]);
});

test('a silent bus is told as one, and is no fault of the link', async () => {
  const { clock, source, statuses, sent } = await carOnCan({ empty: true });
  await clock.advance(600_000);
  expect(source.note?.()).toBe("nothing is on can0; is the car's ignition off, is the plug in?");
  expect(statuses.filter(({ state }) => state === 'waiting')).toEqual([]);
  expect(sent().length).toBeLessThan(2 * 12);
});

test('a bus with traffic and without OBD-II is told as that', async () => {
  const { clock, node, source } = await carOnCan({ empty: true });
  for (let s = 0; s < 60; s++) {
    await node.send({ id: 0x123, extended: false, data: Uint8Array.of(s) });
    await clock.advance(1_000);
  }
  expect(source.note?.()).toMatch(/^there is traffic on can0, but no control unit answers/);
});

test('a bus that went off is not asked, and the car counts as off until it is back', async () => {
  const { clock, can, values, sent, source, statuses } = await carOnCan();
  await clock.advance(20_000);
  can.state = 'off';
  await clock.advance(100);
  const before = sent().length;
  await clock.advance(10_000);
  expect(sent().length).toBe(before);
  expect(values('obd.ignition').at(-1)).toBe(0);
  expect(source.health()).toMatchObject({ busState: 'off' });
  can.state = 'active';
  const from = values('obd.engine.rpm').length;
  await clock.advance(15_000);
  expect(values('obd.engine.rpm').length).toBeGreaterThan(from);
  expect(statuses.filter(({ state }) => state === 'waiting')).toEqual([]);
});

test('a bus with a burst of error frames is asked again when they have stopped', async () => {
  const { clock, can, sent, values } = await carOnCan();
  await clock.advance(20_000);
  can.fail(500);
  await clock.advance(100);
  const before = sent().length;
  await clock.advance(2_000);
  expect(sent().length).toBe(before);
  const from = values('obd.engine.rpm').length;
  await clock.advance(20_000);
  expect(values('obd.engine.rpm').length).toBeGreaterThan(from);
});

test('a link that is lost is opened again, and counters go on', async () => {
  const { clock, can, source, values, statuses, plug } = await carOnCan();
  await clock.advance(20_000);
  const { received } = Object(source.health()['isoTp']);
  const lost = new LinkError('LINK_LOST', 'can0: the interface is gone');
  can.cut(lost);
  plug();
  await clock.advance(400);
  expect(statuses).toContainEqual(expect.objectContaining({ state: 'waiting', error: lost }));
  expect(source.health()).toMatchObject({ bus: null, protocol: null, ecus: [] });
  expect(source.absence()).toBe('can0: nothing is connected');
  const from = values('obd.engine.rpm').length;
  await clock.advance(10_000);
  expect(values('obd.engine.rpm').length).toBeGreaterThan(from);
  expect(Object(source.health()['isoTp']).received).toBeGreaterThan(received);
});

test('a bus that only listens is told as a matter of the settings', async () => {
  const { clock, statuses, sent } = await carOnCan({ listenOnly: true });
  await clock.advance(5_000);
  expect(statuses).toContainEqual(
    expect.objectContaining({
      state: 'waiting',
      error: expect.objectContaining({
        code: 'OPEN_FAILED',
        message: expect.stringMatching(/canTransmit/),
      }),
    }),
  );
  expect(sent()).toEqual([]);
});

test('what is told of a car goes with it', async () => {
  const { clock, source, finish } = await carOnCan({ car: { ignitionOffAtS: 20 } });
  await clock.advance(20_100);
  const reading = expect(source.refresh()).rejects.toMatchObject({ code: 'NO_VEHICLE' });
  const value = expect(source.readDid('7e8', 0xf190, now())).rejects.toMatchObject({
    code: expect.stringMatching(/NO_VEHICLE|NO_ANSWER/),
  });
  await finish(Promise.all([reading, value]));
});

test.each([
  ['14.2 V', [1], '3778'],
  ['12.1 V', [1, 0], '2F44'],
])(
  'a car that stands and has %s at its control unit has the ignition states %o',
  async (_volts, states, hex) => {
    // PIDs 0D and 42; 20 and 40 lead from one list of PIDs to the next.
    const answers: Readonly<Record<string, string>> = {
      '7df 0100': '7e8 410000080001',
      '7df 0120': '7e8 412000000001',
      '7df 0140': '7e8 414040000000',
      '7df 010D': '7e8 410D00',
      '7df 0142': `7e8 4142${hex}`,
      '7df 010D42': `7e8 410D0042${hex}`,
    };
    const clock = new FakeClock();
    const guard = new Guard({ ratePerS: 10, clock });
    const bus = new ScriptedBus(clock, {
      permit: guard.permit,
      answers: (request) => [answers[request] ?? []].flat(),
    });
    const open = () => Promise.resolve(bus);
    const source = canObdSource({ id: 'obd', device: 'can0', open, guard });
    const stop = new AbortController();
    const told = new Set<number>();
    const emit = (reading: Reading): void => {
      if (reading.kind === 'sample' && reading.stream.id === 'obd.ignition') told.add(reading.v);
    };
    const done = source.run(emit, clock, stop.signal).catch(() => {});
    await clock.advance(11 * 60_000);
    expect(bus.requests).toContain('7df 010D42');
    expect([...told]).toEqual(states);
    stop.abort();
    await done;
    expect(bus.closed).toBe(true);
  },
);
