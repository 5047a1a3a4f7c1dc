import { expect, test } from 'vitest';
import {
  ageS,
  codesOf,
  freezeFramesOf,
  identitiesOf,
  pidsOf,
  readinessOf,
} from '../../../../src/sources/obd/snapshot.ts';
import { Vehicle } from '../../../../src/sources/obd/vehicle.ts';
import { VehicleReport } from '../../../../src/sources/obd/vehicle-report.ts';
import { answers, diagnose, ENGINE, TRANSMISSION } from '../../../support/diagnosis.ts';

const S = 1e6;
const vehicle = new Vehicle(
  new Map([
    [ENGINE, new Set([0x0c, 0x20, 0x24, 0xa6, 0xff])],
    [TRANSMISSION, new Set([0x0d])],
  ]),
);

test('what was never read has no value and no age, and what is not known no name', () => {
  const report = new VehicleReport();
  const [engine, transmission] = pidsOf(vehicle, report, 0);
  expect(engine?.pids.map(({ pid }) => pid)).toEqual(['0C', '24', 'A6', 'FF']);
  expect(engine?.pids.at(-1)).toEqual({ pid: 'FF', name: null, values: [] });
  expect(engine?.pids[0]?.values).toMatchObject([{ value: null, ageS: null }]);
  expect(transmission?.pids[0]?.values[0]?.stream).toBe('obd.7e9.vehicle.speed');
  // Who looks does not make a control unit known.
  expect(report.ecus).toEqual([]);
});

test('values are the newest, with their age', () => {
  vehicle.ecus.get(ENGINE)?.latest.set('obd.engine.rpm', { t: 2 * S, v: 800 });
  const [engine] = pidsOf(vehicle, new VehicleReport(), 5.26 * S);
  expect(engine?.pids[0]?.values).toMatchObject([{ value: 800, unit: '/min', ageS: 3.3 }]);
});

test('a car of which nothing was read has nothing to tell', () => {
  const report = new VehicleReport();
  expect(readinessOf(undefined, report, 0)).toEqual({
    mil: null,
    sinceCleared: { distanceKm: null, minutes: null, warmUps: null, ageS: null },
    withMil: { distanceKm: null, minutes: null, ageS: null },
    ecus: [],
  });
  expect([codesOf(report), freezeFramesOf(report, 0), identitiesOf(report)]).toEqual([[], [], []]);
});

test('the lamp is lit when one control unit says so; monitors that a car lacks are left out', async () => {
  const { report } = await diagnose({
    replies: {
      '0101': answers(`${ENGINE} 410181070000`, `${TRANSMISSION} 410100040000`),
      '0141': answers(`${ENGINE} 414100022000`),
    },
  });
  const { mil, ecus } = readinessOf(vehicle, report, 60 * S);
  expect(mil).toBe(true);
  expect(ecus.map(({ ecu, mil: lit }) => [ecu, lit])).toEqual([
    [ENGINE, true],
    [TRANSMISSION, false],
  ]);
  expect(ecus[0]?.monitors).toEqual([
    { name: 'misfire', complete: true, thisCycle: { enabled: false, complete: true } },
    { name: 'fuel system', complete: true, thisCycle: { enabled: true, complete: true } },
    { name: 'components', complete: true, thisCycle: { enabled: false, complete: true } },
  ]);
  expect(ecus[1]?.monitors).toEqual([{ name: 'components', complete: true, thisCycle: null }]);
});

test('a code has been there since it came, and anew when it comes again', async () => {
  const has = answers(`${ENGINE} 43010301`);
  const none = answers(`${ENGINE} 4300`);
  const report = new VehicleReport();
  await diagnose({ replies: { '03': has }, report, seconds: 40 });
  const [first] = codesOf(report);
  expect(first).toMatchObject({ code: 'P0301', state: 'stored', specific: true, ecu: ENGINE });
  expect(first?.since).toBeLessThan(10 * S);
  expect(report.readAt).toBeGreaterThan(25 * S);
  await diagnose({ replies: { '03': [none, has] }, report, seconds: 40 });
  expect(codesOf(report)[0]?.since).toBeGreaterThan(25 * S);
});

test('a round that nobody answers does not count as read', async () => {
  const { report } = await diagnose({ replies: {} });
  expect(report.readAt).toBeUndefined();
});

test('ages are tenths of a second, and never below zero', () => {
  expect([ageS(undefined, 5), ageS(1 * S, 1.04 * S), ageS(2 * S, 1 * S)]).toEqual([null, 0, 0]);
});
