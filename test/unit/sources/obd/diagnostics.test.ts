import { expect, onTestFinished, test } from 'vitest';
import { createCar } from '../../../../src/sim/car.ts';
import { createVehicle, type VehicleOptions } from '../../../../src/sim/ecu.ts';
import { ElmAdapter } from '../../../../src/sim/elm.ts';
import { PERSONALITIES, type PersonalityName } from '../../../../src/sim/elm-personality.ts';
import { elmPort } from '../../../../src/sim/ports.ts';
import { Diagnostics } from '../../../../src/sources/obd/diagnostics.ts';
import { Adapter } from '../../../../src/sources/obd/elm/adapter.ts';
import { Elm327 } from '../../../../src/sources/obd/elm/elm327.ts';
import { Timing } from '../../../../src/sources/obd/elm/timing.ts';
import type { Outcome } from '../../../../src/sources/obd/scan-tool.ts';
import { Vehicle } from '../../../../src/sources/obd/vehicle.ts';
import { VehicleReport } from '../../../../src/sources/obd/vehicle-report.ts';
import {
  answers,
  damaged,
  diagnose,
  ENGINE,
  SILENT,
  TRANSMISSION,
} from '../../../support/diagnosis.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

/** Service 09 bitmap: types 02, 04, 06 and 0A. */
const TYPES = '54400000';
const text = (ascii: string): string => Buffer.from(ascii, 'latin1').toString('hex');
const VIN = '1G1YY22G965104367';
const OTHER_VIN = 'WVWZZZ1JZXW000001';
const vinAnswer = (ecu: string, vin: string): Outcome => answers(`${ecu} 490201${text(vin)}`);
/** The five rows of a VIN on an older bus, with three bytes of fill. */
const vinRows = (vin: string): string[] =>
  (`000000${text(vin)}`.match(/.{8}/g) ?? []).map((row, i) => `10 49020${i + 1}${row}`);

test('one silence ends nothing: types, VIN and monitors are asked again', async () => {
  const { report } = await diagnose({
    replies: {
      '0900': [SILENT, answers(`${ENGINE} 4900${TYPES}`)],
      '0902': [SILENT, vinAnswer(ENGINE, VIN)],
      '0600': [SILENT, answers(`${ENGINE} 460040000000`)],
      '0602': [SILENT, answers(`${ENGINE} 46020510003c00000078`)],
    },
  });
  expect(report.vin?.vin).toBe(VIN);
  expect([...report.of(ENGINE).tests.keys()]).toEqual([0x02]);
});

test('what nobody ever answers is given up after three tries, some seconds apart, and counted', async () => {
  const { report, asked, times } = await diagnose({ replies: {}, seconds: 200 });
  expect([times('0900'), times('0600')]).toEqual([3, 3]);
  expect(report.abandoned).toBe(2);
  const [first = 0, second = 0] = asked.flatMap((hex, at) => (hex === '0900' ? [at] : []));
  expect(second - first).toBeGreaterThan(1);
  // Codes are asked for all the same: the ECU may have been busy with starting the engine.
  expect(times('03')).toBe(7);
});

test('a request whose answer never ended is made again', async () => {
  const { times } = await diagnose({
    replies: {
      '0900': [{ kind: 'disturbed', alert: 'timeout' }, answers(`${ENGINE} 490000000000`)],
    },
  });
  expect(times('0900')).toBe(2);
});

test('a code does not go because a row was damaged on an older bus', async () => {
  const row = '10 43030103020303';
  const all = answers(row, '10 43030400000000');
  const { events, times } = await diagnose({
    bus: 'kwp',
    replies: { '03': [all, damaged(row), all] },
    seconds: 50,
  });
  expect(times('03')).toBe(3);
  expect(events.map(([code, , present]) => [code, present])).toEqual(
    ['P0301', 'P0302', 'P0303', 'P0304'].map((code) => [code, true]),
  );
});

test('on CAN a damaged answer costs only the ECU that sent it, and is asked for again', async () => {
  const { report, times } = await diagnose({
    replies: {
      '03': [
        damaged(`${ENGINE} 43010301`),
        answers(`${ENGINE} 43010301`, `${TRANSMISSION} 43010700`),
      ],
    },
    seconds: 20,
  });
  expect(times('03')).toBe(2);
  expect(report.of(TRANSMISSION).codes.get('confirmed')).toEqual(['P0700']);
});

test('a VIN with a lost last row is asked for again, and the report of the car is kept', async () => {
  const report = new VehicleReport();
  const types = answers(`10 49000140000000`);
  const rows = vinRows(VIN);
  await diagnose({ bus: 'kwp', replies: { '0900': types, '0902': answers(...rows) }, report });
  report.of('10').name = 'ECM';
  const cut = rows.slice(0, 4);
  const { times } = await diagnose({
    bus: 'kwp',
    replies: { '0900': types, '0902': [damaged(...cut), answers(...cut), answers(...rows)] },
    report,
  });
  expect(times('0902')).toBe(3);
  expect(report.vin?.vin).toBe(VIN);
  expect(report.of('10').name).toBe('ECM');
});

test('an older ECU says how many rows it sends, and fewer are not believed', async () => {
  const row = '10 49060111223344';
  const { report, times } = await diagnose({
    bus: 'iso9141',
    replies: {
      '0900': answers('10 4900010c000000'),
      '0905': answers('10 490502'),
      '0906': [answers(row), answers(row, '10 49060255667788')],
    },
  });
  expect(times('0906')).toBe(2);
  expect(report.of('10').verificationNumbers).toEqual(['11223344', '55667788']);
});

test('a late answer to another service does not change what a code is', async () => {
  const { report, events } = await diagnose({
    replies: {
      '03': answers(`${ENGINE} 4300`),
      '07': answers(`${ENGINE} 43010301`, `${ENGINE} 47010420`),
    },
  });
  expect(events).toEqual([['P0420', 'pending', true]]);
  expect(report.of(ENGINE).codes.get('pending')).toEqual(['P0420']);
  expect(report.of(ENGINE).codes.get('confirmed')).toEqual([]);
});

test('what an answer says of another monitor is left out', async () => {
  const { report } = await diagnose({
    replies: {
      '0600': answers(`${ENGINE} 460040000000`),
      '0602': answers(`${ENGINE} 46020510003c00000078010a0a000100000002`),
    },
  });
  expect(
    report
      .of(ENGINE)
      .tests.get(0x02)
      ?.map(({ mid }) => mid),
  ).toEqual([0x02]);
});

test('of two answers of one ECU on CAN the later one counts', async () => {
  const { report } = await diagnose({
    replies: { '03': answers(`${ENGINE} 43010301`, `${ENGINE} 43010420`) },
    seconds: 5,
  });
  expect(report.of(ENGINE).codes.get('confirmed')).toEqual(['P0420']);
});

test('an answer to another monitor, type or PID is not read, and the right one is asked for', async () => {
  const { report, times } = await diagnose({
    replies: {
      '0600': answers(`${ENGINE} 460040000000`),
      '0602': answers(`${ENGINE} 4601010a000100000002`),
      '0900': answers(`${ENGINE} 490040000000`),
      '0902': answers(`${ENGINE} 490a01${text('ECM-EngineControl')}`),
      '0101': answers(`${ENGINE} 4141000700e5`),
    },
    seconds: 29,
  });
  expect([times('0602'), times('0902'), times('0101')]).toEqual([3, 3, 3]);
  const { tests, name, monitors } = report.of(ENGINE);
  expect([tests.size, name, monitors.size]).toEqual([0, undefined, 0]);
});

test('while one ECU says "pending" it is asked again patiently, and what others said is kept', async () => {
  const pending = `${ENGINE} 7f0978`;
  const { report, times, patiently } = await diagnose({
    replies: {
      '0900': answers(`${ENGINE} 490004000000`),
      '0906': [
        answers(pending, `${TRANSMISSION} 490601aabbccdd`),
        answers(pending, `${ENGINE} 4906011c9a52e7`),
      ],
    },
  });
  expect(times('0906')).toBe(2);
  expect(patiently).toEqual(['0906']);
  expect(report.of(TRANSMISSION).verificationNumbers).toEqual(['AABBCCDD']);
  expect(report.of(ENGINE).verificationNumbers).toEqual(['1C9A52E7']);
  expect(report.abandoned).toBe(1); // Service 06, which this car does not know.
});

test('a refusal for good is not asked again', async () => {
  const { times } = await diagnose({
    replies: { '0900': answers(`${ENGINE} 7f0911`), '0600': answers(`${ENGINE} 7f0621`) },
  });
  expect([times('0900'), times('0600')]).toEqual([1, 3]);
});

test('only a well-formed VIN of the engine makes it another car', async () => {
  const report = new VehicleReport();
  const types = answers(`${ENGINE} 490040000000`);
  const with02 = (outcome: Outcome) =>
    diagnose({ replies: { '0900': types, '0902': outcome }, report, seconds: 20 });
  await with02(vinAnswer(ENGINE, VIN));
  report.of(ENGINE).name = 'ECM';
  await with02(vinAnswer(TRANSMISSION, OTHER_VIN));
  expect(report.of(TRANSMISSION).vin?.vin).toBe(OTHER_VIN);
  await with02(vinAnswer(ENGINE, '00000000OOOOOOOOO'));
  expect([report.vin?.vin, report.of(ENGINE).name]).toEqual([VIN, 'ECM']);
  await with02(vinAnswer(ENGINE, OTHER_VIN));
  expect([report.vin?.vin, report.of(ENGINE).name]).toEqual([OTHER_VIN, undefined]);
});

test('the codes of another car are read again once the report of the first is thrown away', async () => {
  const report = new VehicleReport();
  report.vin = { vin: OTHER_VIN, wellFormed: true, checkDigit: false };
  await diagnose({
    replies: {
      '03': answers(`${ENGINE} 43010301`),
      '0900': answers(`${ENGINE} 490040000000`),
      '0902': vinAnswer(ENGINE, VIN),
    },
    report,
    seconds: 20,
  });
  expect(report.vin.vin).toBe(VIN);
  expect(report.of(ENGINE).codes.get('confirmed')).toEqual(['P0301']);
});

test('an ECU that always names more monitors keeps nobody waiting', async () => {
  const { asked, times, report } = await diagnose({
    replies: {},
    services: { '06': answers(`${ENGINE} 4600ffffffff20ffffffffe0ffffffff`) },
    seconds: 3_000,
  });
  // Each monitor three times at most, and the codes every 30 s all the while.
  expect(asked.filter((hex) => hex.startsWith('06')).length).toBeLessThan(100);
  expect(asked.every((hex) => hex.length % 2 === 0)).toBe(true);
  expect(times('03')).toBe(100);
  expect(report.abandoned).toBeGreaterThan(0);
});

test('the summary tells the state of the car, and nothing by which it could be recognised', async () => {
  const { report } = await diagnose({
    replies: {
      '03': answers(`${ENGINE} 43010301`),
      '07': answers(`${ENGINE} 4700`),
      '0101': answers(`${ENGINE} 41018107e500`, `${TRANSMISSION} 410100000000`),
      '0900': answers(`${ENGINE} 4900${TYPES}`),
      '0902': vinAnswer(ENGINE, VIN),
      '0904': answers(`${ENGINE} 490401${text('VGLSIM20L4MT6A01')}`),
      '0906': answers(`${ENGINE} 4906011c9a52e7`),
      '090A': answers(`${ENGINE} 490a01${text('ECM-EngineControl')}`),
    },
  });
  expect(report.of(ENGINE).calibrationIds).toEqual(['VGLSIM20L4MT6A01']);
  expect(report.summary()).toEqual({
    abandoned: 2, // Service 06, and the frame of the code.
    ecus: [
      {
        ecu: ENGINE,
        name: 'ECM-EngineControl',
        stored: ['P0301'],
        pending: [],
        permanent: null,
        mil: true,
        readiness: { supported: 8, complete: 8 },
      },
      {
        ecu: TRANSMISSION,
        name: null,
        stored: null,
        pending: null,
        permanent: null,
        mil: false,
        readiness: { supported: 0, complete: 0 },
      },
    ],
  });
  const told = JSON.stringify(report.summary());
  for (const secret of [VIN, 'VGLSIM', '1C9A52E7']) expect(told).not.toContain(secret);
});

/** Diagnosis of a simulated car through a real driver, a step a second. */
async function drive(personality: PersonalityName, options: VehicleOptions = {}) {
  const clock = new FakeClock();
  const vehicle = createVehicle(createCar(1, { trouble: 'none' }), options);
  const simulated = new ElmAdapter({ vehicle, personality });
  const stop = new AbortController();
  const port = await elmPort(simulated, clock)(stop.signal, {});
  const elm = new Elm327(port, clock);
  const listening = elm.listen();
  const adapter = new Adapter(elm, stop.signal, new Timing());
  const report = new VehicleReport();
  const running = (async () => {
    await elm.wake(stop.signal);
    await adapter.setUp();
    await adapter.connect();
    const car = new Vehicle(
      new Map([
        [ENGINE, new Set([0x0c])],
        [TRANSMISSION, new Set([0x0d])],
      ]),
    );
    const diagnostics = new Diagnostics(adapter, car, report);
    for (let s = 0; s < 60; s++) {
      if (diagnostics.due(clock.now()))
        await diagnostics.step(
          () => clock.now(),
          () => {},
        );
      await clock.sleep(1_000);
    }
  })();
  onTestFinished(async () => {
    await port[Symbol.asyncDispose]();
    await listening;
  });
  await clock.advance(300_000);
  await running;
  return report;
}

test.each(Object.keys(PERSONALITIES) as PersonalityName[])(
  '%s: an answer that takes the ECU 300 ms is waited for',
  async (personality) => {
    const report = await drive(personality);
    expect(report.of(ENGINE).verificationNumbers).toEqual(['1C9A52E7']);
    expect(report.of(ENGINE).name).toBe('ECM-EngineControl');
  },
);

test('an ECU whose answer stays pending does not hide what the other one says', async () => {
  const report = await drive('elm327-2.1', { pendingOnly: 'transmission' });
  expect(report.of(ENGINE).verificationNumbers).toEqual(['1C9A52E7']);
  expect(report.abandoned).toBe(1);
});
