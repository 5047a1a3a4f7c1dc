import { expect, test } from 'vitest';
import { FATIGUE_LEVEL } from '#core/gateway-streams.ts';
import type { Stream } from '#core/stream.ts';
import { Topics } from '../../../src/mqtt/topics.ts';
import { vssOf } from '../../../src/mqtt/vss.ts';
import { PIDS } from '../../../src/sources/obd/j1979/pid-table.ts';
import { ADAPTER_VOLTAGE, IGNITION } from '../../../src/sources/obd/streams.ts';
import { stream } from './publisher-world.ts';

/** From vss_release_6.0.json of COVESA: sensors, their datatypes, units, and what they allow. */
interface Entry {
  readonly datatype: 'float' | 'uint8' | 'uint16' | 'uint32' | 'string';
  readonly unit?: string;
  readonly max?: number;
  readonly allowed?: readonly string[];
}
const ENGINE = 'Vehicle.Powertrain.CombustionEngine';
// biome-ignore format: one signal a line
const CATALOGUE: Readonly<Record<string, Entry>> = {
  'Vehicle.Speed': { datatype: 'float', unit: 'km/h' },
  'Vehicle.TraveledDistance': { datatype: 'uint32', unit: 'm' },
  'Vehicle.LowVoltageSystemState': { datatype: 'string', allowed: ['UNDEFINED', 'LOCK', 'OFF', 'ACC', 'ON', 'START'] },
  'Vehicle.LowVoltageBattery.CurrentVoltage': { datatype: 'float', unit: 'V' },
  'Vehicle.Exterior.AirTemperature': { datatype: 'float', unit: 'Celsius' },
  'Vehicle.Chassis.Accelerator.PedalPosition': { datatype: 'uint8', unit: 'percent', max: 100 },
  'Vehicle.Powertrain.FuelSystem.RelativeLevel': { datatype: 'uint8', unit: 'percent', max: 100 },
  'Vehicle.Diagnostics.DTCCount': { datatype: 'uint8' },
  'Vehicle.Driver.HeartRate': { datatype: 'uint16', unit: 'bpm' },
  'Vehicle.Driver.FatigueLevel': { datatype: 'float', unit: 'percent', max: 100 },
  [`${ENGINE}.Speed`]: { datatype: 'float', unit: 'rpm' },
  [`${ENGINE}.EngineCoolant.Temperature`]: { datatype: 'float', unit: 'Celsius' },
  [`${ENGINE}.EngineOil.Temperature`]: { datatype: 'float', unit: 'Celsius' },
  [`${ENGINE}.TPS`]: { datatype: 'uint8', unit: 'percent', max: 100 },
  [`${ENGINE}.MAP`]: { datatype: 'uint16', unit: 'kPa' },
  [`${ENGINE}.MAF`]: { datatype: 'uint16', unit: 'g/s' },
  [`${ENGINE}.EngineHours`]: { datatype: 'float', unit: 'h' },
  [`${ENGINE}.IdleHours`]: { datatype: 'float', unit: 'h' },
  [`${ENGINE}.DieselExhaustFluid.Level`]: { datatype: 'uint8', unit: 'percent', max: 100 },
  [`${ENGINE}.DieselParticulateFilter.InletTemperature`]: { datatype: 'float', unit: 'Celsius' },
  [`${ENGINE}.DieselParticulateFilter.OutletTemperature`]: { datatype: 'float', unit: 'Celsius' },
  [`${ENGINE}.DieselParticulateFilter.DeltaPressure`]: { datatype: 'float', unit: 'Pa' },
};

/** How many of the second there are in one of the first. */
const FACTORS: Readonly<Record<string, number>> = {
  ...{ 'km/h km/h': 1, 'km m': 1_000, 'V V': 1, 'Cel Celsius': 1, '% percent': 1, '/min rpm': 1 },
  ...{ 'kPa kPa': 1, 'g/s g/s': 1, 's h': 1 / 3_600, 'kPa Pa': 1_000, '/min bpm': 1 },
};
const MAX = { uint8: 0xff, uint16: 0xffff, uint32: 0xffff_ffff, float: 3.4e38, string: 0 };

const heartRate = stream('eeg.heart_rate', { unit: '/min', range: [0, 255] });
const STREAMS = new Map<string, Stream>(
  [
    ...PIDS.flatMap(({ signals }) => signals.map((signal) => signal.stream)),
    ...[ADAPTER_VOLTAGE, IGNITION, FATIGUE_LEVEL, heartRate],
  ].map((one) => [one.id, one]),
);

/** What the gateway can measure that has a name, by its id. */
const VSS = new Map(
  [...STREAMS.values()].flatMap((one) => {
    const found = vssOf(one);
    return found ? [[one.id, found] as const] : [];
  }),
);

test('every name is one of the catalogue, stands for one stream, and makes a topic', () => {
  const paths = [...VSS.values()].map(({ path }) => path);
  expect(paths.toSorted()).toEqual(Object.keys(CATALOGUE).toSorted());
  for (const path of paths) {
    expect(new Topics('car1').vss(path)).toBe(`car/car1/vss/${path.replaceAll('.', '/')}`);
  }
});

function entryOf(path: string): Entry {
  const entry = CATALOGUE[path];
  if (entry === undefined) throw new Error(`${path} is in no catalogue`);
  return entry;
}

/** What may be said of a value of ours. */
function endsOf(id: string): readonly number[] {
  const { range, states } = STREAMS.get(id) ?? {};
  if (range === undefined) throw new Error(`${id} is unknown`);
  return states ? Object.keys(states).map(Number) : range;
}

/** Each value of a row at its ends, with what there should be. */
const ENDS = [...VSS].flatMap(([id, { path, unit, convert }]) =>
  endsOf(id).map((v) => ({ id, v, unit, entry: entryOf(path), value: convert(v) })),
);

test('both ends of the range of a stream become values that the catalogue allows', () => {
  for (const { id, v, entry, value } of ENDS) {
    const { datatype, allowed, max = MAX[datatype] } = entry;
    if (allowed) {
      expect(allowed, `${id} ${v}`).toContain(value);
      continue;
    }
    expect(Number(value), `${id} ${v}`).toBeLessThanOrEqual(max);
    expect(datatype === 'float' || /^\d+$/.test(String(value)), `${id} ${v}`).toBe(true);
  }
});

test('they are in the unit of the catalogue', () => {
  for (const { id, v, unit, entry, value } of ENDS) {
    const { datatype, max = MAX[datatype] } = entry;
    const factor = FACTORS[`${unit} ${entry.unit}`];
    if (factor === undefined || value === max) continue;
    const rounding = datatype === 'float' ? 1e-6 * Math.abs(v * factor) : 0.5;
    expect(Math.abs(Number(value) - v * factor), `${id} ${v}`).toBeLessThanOrEqual(rounding);
  }
});

test('units of all numbers are converted by the table of this test', () => {
  const pairs = [...VSS.values()].map(({ path, unit }) => `${unit} ${CATALOGUE[path]?.unit}`);
  const plain = ['1 undefined', '1 percent'];
  for (const pair of pairs) expect([...plain, ...Object.keys(FACTORS)]).toContain(pair);
});

test('a word that the catalogue does not have is null, and fatigue is a share of the worst', () => {
  expect(VSS.get('obd.ignition')?.convert(7)).toBeNull();
  const fatigue = VSS.get('fatigue.level');
  expect([0, 1, 3].map((v) => Math.round(Number(fatigue?.convert(v))))).toEqual([0, 33, 100]);
});

test('a stream of the same id in another unit has no name', () => {
  const mph = stream('obd.vehicle.speed', { unit: '[mi_i]/h' });
  expect(vssOf(mph)).toBeUndefined();
  expect(vssOf({ ...mph, unit: 'km/h' })?.path).toBe('Vehicle.Speed');
});
