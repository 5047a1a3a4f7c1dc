import { expect, onTestFinished, test } from 'vitest';
import { LinkError } from '#core/errors.ts';
import type { Micros } from '#core/stream.ts';
import { memoryPort } from '../../../../src/io/memory.ts';
import { type CarOptions, createCar } from '../../../../src/sim/car.ts';
import { createVehicle, type VehicleOptions } from '../../../../src/sim/ecu.ts';
import { ElmAdapter, type ElmOptions } from '../../../../src/sim/elm.ts';
import { elmPort } from '../../../../src/sim/ports.ts';
import { BAUD_RATES } from '../../../../src/sources/obd/elm/elm-tool.ts';
import { type ObdOptions, obdSource } from '../../../../src/sources/obd/obd.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { supervised } from '../../../support/supervised.ts';

interface Setup {
  readonly car?: CarOptions;
  readonly vehicle?: VehicleOptions;
  readonly adapter?: Omit<ElmOptions, 'vehicle'>;
  readonly obd?: Partial<ObdOptions>;
}

/** The source on a simulated adapter, under the supervisor, on a clock moved by the test. */
function drive({ car, vehicle, adapter, obd }: Setup = {}) {
  const clock = new FakeClock();
  const asked: { at: Micros; command: string }[] = [];
  const elm = new ElmAdapter({
    ...adapter,
    vehicle: createVehicle(createCar(1, car), vehicle),
    record: ({ at, command }) => asked.push({ at, command }),
  });
  const open = elmPort(elm, clock);
  const source = obdSource({ id: 'obd', device: '/dev/elm', open, bauds: [], ...obd });
  const { stop, done, readings, statuses, values } = supervised(source, clock);
  onTestFinished(async () => {
    stop.abort();
    await done;
    expect(clock.sleepers, 'timers left behind').toBe(0);
  });
  const events = () => readings.filter((reading) => reading.kind === 'event');
  return { clock, source, asked, readings, statuses, values, events };
}

/** Commands that put something on the car's bus. */
const onBus = ({ command }: { command: string }): boolean => /^[0-9A-F]+$/.test(command);

test('a car is read within seconds of its ignition, in units that the streams declare', async () => {
  const { clock, values, source } = drive({ car: { trouble: 'none' } });
  await clock.advance(20_000);
  expect(values('obd.engine.rpm').some((rpm) => rpm > 600)).toBe(true);
  expect(values('obd.ecu.voltage').at(-1)).toBeGreaterThan(13.5);
  expect(values('obd.ignition')).toContain(2);
  expect(source.health()).toMatchObject({
    device: '/dev/elm',
    adapter: 'ELM327 v2.1',
    protocol: '6 (can11)',
    adaptiveTiming: true,
    longMessages: true,
    spacesOff: true,
    ignition: 'running',
  });
});

test('several ECUs are kept apart', async () => {
  const { clock, readings, values, source } = drive();
  await clock.advance(20_000);
  expect(values('obd.vehicle.speed').length).toBeGreaterThan(10);
  expect(values('obd.7e9.vehicle.speed').length).toBeGreaterThan(10);
  const ids = new Set(readings.map(({ stream }) => stream.id));
  expect([...ids].filter((id) => id.startsWith('obd.7e8.'))).toEqual([]);
  const declared = new Set(source.streams.map(({ id }) => id));
  expect([...ids].filter((id) => !declared.has(id))).toEqual([]);
});

test('on CAN most values share a request, on older buses none does', async () => {
  const can = drive();
  await can.clock.advance(20_000);
  const shared = can.asked.filter(({ command }) => /^01(..){6}/.test(command));
  expect(shared.length).toBeGreaterThan(50);
  const kwp = drive({ adapter: { protocol: '5' } });
  await kwp.clock.advance(20_000);
  expect(kwp.values('obd.engine.rpm').length).toBeGreaterThan(10);
  expect(kwp.asked.filter(({ command }) => /^01(..){2}/.test(command))).toEqual([]);
});

test('full scales of PIDs 4F and 50 are asked for first and applied', async () => {
  const scaled = drive({ vehicle: { scaling: { lambdaMax: 4, mafMaxGs: 1300 } } });
  const plain = drive();
  await scaled.clock.advance(15_000);
  await plain.clock.advance(15_000);
  const last = (values: number[]): number => values.at(-1) ?? Number.NaN;
  // The same car at the same moment: only the coding of the bytes differs.
  const lambda = 'obd.fuel.lambda-commanded';
  expect(last(scaled.values(lambda))).toBeCloseTo(last(plain.values(lambda)), 2);
  const air = 'obd.intake.maf';
  expect(last(scaled.values(air))).toBeCloseTo(last(plain.values(air)), 0);
});

test('an adapter at another baud rate is found', async () => {
  const { clock, source, values } = drive({
    adapter: { personality: 'obdlink' },
    obd: { bauds: BAUD_RATES },
  });
  await clock.advance(20_000);
  expect(values('obd.engine.rpm').length).toBeGreaterThan(10);
  expect(source.health()).toMatchObject({ baud: 115_200, stn: expect.stringMatching(/^STN/) });
});

test('a port where nothing answers says so, with the rates that were tried', async () => {
  const { clock, statuses, source } = drive({
    obd: {
      open: () => Promise.resolve(memoryPort(() => {}).port),
      bauds: [38_400, 9_600],
    },
  });
  await clock.advance(100);
  expect(source.note?.()).toBe('looking for an adapter at 38400 baud');
  await clock.advance(10_000);
  const errors = statuses.flatMap((status) => (status.state === 'waiting' ? [status.error] : []));
  expect(errors[0]).toEqual(
    new LinkError('NO_ANSWER', '/dev/elm: no adapter answers at 38400, 9600 baud'),
  );
});

test('a bus that takes long to be found is waited for', async () => {
  const { clock, source, statuses, values } = drive({
    adapter: { protocol: '3', timing: { searchMs: 18_000 } },
  });
  await clock.advance(15_000);
  expect(source.note?.()).toBe('the adapter answers; looking for the car on its bus');
  await clock.advance(15_000);
  expect(values('obd.engine.rpm').length).toBeGreaterThan(0);
  expect(source.note?.()).toBeUndefined();
  expect(statuses.filter(({ state }) => state === 'waiting')).toEqual([]);
});

test('settings lost in mid-drive are set again, and the drive goes on', async () => {
  let resetAt: string | undefined;
  const { clock, source, values, statuses } = drive({
    adapter: {
      faults: (command) => {
        // The 100th request for live values browns out the adapter, once.
        if (!/^01(..){5}/.test(command) || resetAt !== undefined) return undefined;
        resetAt = command;
        return 'lv-reset';
      },
    },
  });
  await clock.advance(10_000);
  expect(resetAt).toBeDefined();
  const before = values('obd.engine.rpm').length;
  await clock.advance(10_000);
  expect(values('obd.engine.rpm').length).toBeGreaterThan(before + 50);
  expect(source.health()).toMatchObject({ restarts: 1 });
  // The link was never given up for it.
  expect(statuses.filter(({ state }) => state === 'waiting')).toEqual([]);
});

test('an adapter that keeps restarting is given up with a guess at the reason', async () => {
  const { clock, statuses } = drive({
    adapter: { faults: (command) => (command === '0100' ? 'lv-reset' : undefined) },
  });
  await clock.advance(60_000);
  expect(statuses).toContainEqual(
    expect.objectContaining({
      state: 'waiting',
      error: new LinkError(
        'BAD_ANSWER',
        '/dev/elm: the adapter keeps restarting; is its supply weak?',
      ),
    }),
  );
});

test('a parked car is left in peace', async () => {
  const { clock, asked, values, statuses, source } = drive({ car: { ignitionOffAtS: 60 } });
  await clock.advance(70_000);
  expect(values('obd.ignition').at(-1)).toBe(0);
  expect(source.note?.()).toBe('the adapter answers, the car does not; is its ignition off?');
  const off = clock.now();
  await clock.advance(3_600_000);
  const probes = asked.filter((entry) => entry.at > off && onBus(entry));
  // Pauses double to five minutes: an hour has room for some twenty probes of one request each.
  expect(new Set(probes.map(({ command }) => command))).toEqual(new Set(['0100']));
  expect(probes.length).toBeLessThan(25);
  // The voltage is still watched, and the silence is not taken for a dead link.
  expect(asked.filter(({ at, command }) => at > off && command === 'ATRV').length).toBeGreaterThan(
    1000,
  );
  expect(statuses.filter(({ state }) => state === 'waiting')).toEqual([]);
});

test('a car that is started again is read again within seconds', async () => {
  const { clock, readings } = drive({ car: { ignitionCycles: { onS: 60, offS: 600 } } });
  await clock.advance(660_000);
  const startedAt = clock.now();
  await clock.advance(10_000);
  const again = readings.find(({ stream, t }) => t > startedAt && stream.id === 'obd.engine.rpm');
  expect(again).toBeDefined();
});

test('trouble codes come as events, with their text and the frame that was frozen', async () => {
  const { clock, events, source } = drive({ car: { trouble: 'P0301' } });
  await clock.advance(240_000);
  const told = events().map(({ data }) => [data['code'], data['status'], data['present']]);
  expect(told).toEqual(
    expect.arrayContaining([
      ['P0301', 'pending', true],
      ['P0301', 'confirmed', true],
    ]),
  );
  expect(events()[0]?.data['text']).toMatch(/cylinder 1/i);
  const [engine] = source.report().ecus;
  expect(source.health()['diagnosis']).toMatchObject({
    ecus: expect.arrayContaining([expect.objectContaining({ stored: ['P0301'], mil: true })]),
  });
  expect(engine?.codes.get('confirmed')).toEqual(['P0301']);
  expect(engine?.freezeFrame?.code).toBe('P0301');
  const frozen = new Map(engine?.freezeFrame?.values.map(({ stream, value }) => [stream, value]));
  expect(frozen.get('obd.engine.rpm')).toBeGreaterThan(500);
});

test('the car says who it is, to the report and to nobody else', async () => {
  const { clock, readings, source } = drive();
  await clock.advance(60_000);
  const report = source.report();
  expect(report.vin).toMatchObject({ wellFormed: true });
  expect(report.ecus.map(({ ecu, name }) => [ecu, name?.slice(0, 3)])).toEqual([
    ['7e8', 'ECM'],
    ['7e9', 'TCM'],
  ]);
  expect(report.ecus[0]?.verificationNumbers).toHaveLength(1);
  expect(report.ecus[0]?.tests.size).toBeGreaterThan(3);
  const monitors = report.ecus[0]?.monitors.get('since-cleared')?.monitors ?? [];
  expect(monitors.filter(({ supported }) => supported).map(({ name }) => name)).toContain(
    'catalyst',
  );
  // Everything on the bus is seen by every client, and the VIN is not for every client.
  const vin = report.vin?.vin ?? 'none';
  expect(JSON.stringify(readings)).not.toContain(vin);
  expect(JSON.stringify(source.health())).not.toContain(vin);
});

test('an ECU that takes one PID a request only is asked so, and stays on', async () => {
  const { clock, values, asked } = drive({ vehicle: { singlePidOnly: true } });
  await clock.advance(60_000);
  expect(new Set(values('obd.ignition'))).toEqual(new Set([1, 2]));
  expect(values('obd.engine.rpm').length).toBeGreaterThan(150);
  const shared = asked.filter(({ at, command }) => at > 45e6 && /^01(..){2}/.test(command));
  expect(shared).toEqual([]);
});

test('a bus without OBD-II is left in peace like a parked car', async () => {
  const { port, commands } = truck();
  const { clock, statuses, source } = drive({ obd: { open: () => Promise.resolve(port) } });
  await clock.advance(600_000);
  expect(source.note?.()).toBe('the adapter found a bus without OBD-II: protocol A');
  expect(statuses.filter(({ state }) => state === 'waiting')).toEqual([]);
  // Pauses double from 2 s to 5 min.
  expect(commands.filter((command) => command === '0100').length).toBeLessThan(12);
});

test('what is told of a connection goes with it, and counters go on', async () => {
  let cut = false;
  const { clock, source } = drive({
    adapter: {
      faults: (command) => {
        if (cut || !/^01(..){5}/.test(command)) return undefined;
        cut = true;
        return 'disconnect';
      },
    },
  });
  const commands = (): number => Number(source.health()['commands']);
  while (!cut) await clock.advance(100);
  const before = commands();
  await clock.advance(100);
  expect(source.health()).toMatchObject({ ignition: null, ecus: [], protocol: null });
  await clock.advance(10_000);
  expect(source.health()).toMatchObject({ ignition: 'running' });
  expect(commands()).toBeGreaterThan(before);
});

/** An adapter in a truck: it finds a bus, but one that speaks SAE J1939. */
function truck() {
  const answers: Readonly<Record<string, string>> = {
    ATZ: 'ELM327 v2.1',
    ATDPN: 'AA',
    ATRV: '24.1V',
    '0100': '18FEF100FFFFFFFFFFFFFFFF',
    STI: '?',
  };
  const commands: string[] = [];
  const { port, device } = memoryPort((bytes) => {
    const command = Buffer.from(bytes).toString('latin1').trim();
    commands.push(command);
    device.feed(Buffer.from(`${answers[command] ?? 'OK'}\r\r>`, 'latin1'));
  });
  return { port, commands };
}
