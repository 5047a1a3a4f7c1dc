/**
 * What a stream is called in the COVESA Vehicle Signal Specification, release 6.0 (its catalogue
 * vss_release_6.0.json), and what makes its value of ours. The branch `Vehicle.OBD` is no part of it any
 * more: what has no name elsewhere in the tree, as most of what an engine tells of itself, has none.
 *
 * Each name stands for one stream, or two would take turns under it. Whole numbers are rounded where the
 * catalogue has an integer, and kept within what it allows.
 */
import type { Stream } from '#core/stream.ts';

/** Of a value that the catalogue has no word for, null. */
type VssValue = number | string | boolean | null;

/** A name and the value under it. */
export interface Vss {
  /** With dots: `Vehicle.Speed`. */
  readonly path: string;
  /** What ours has to be in, UCUM: a client may have a stream of the same id in another unit. */
  readonly unit: string;
  convert(v: number): VssValue;
}

type Convert = Vss['convert'];

const same: Convert = (v) => v;

/** An integer of the catalogue. */
function whole(max: number, mul = 1): Convert {
  return (v) => Math.min(Math.max(Math.round(v * mul), 0), max);
}

function times(mul: number): Convert {
  return (v) => v * mul;
}

/** One of the words that the catalogue allows. */
function word(words: Readonly<Record<number, string>>): Convert {
  return (v) => words[v] ?? null;
}

const UINT8 = 0xff;
const UINT16 = 0xffff;
const UINT32 = 0xffff_ffff;
const PERCENT_MAX = 100;
/** The last of the states of `fatigue.level`: they become 0, 33, 67 and 100 %. */
const FATIGUE_MAX = 3;
const ENGINE = 'Vehicle.Powertrain.CombustionEngine';
const FILTER = `${ENGINE}.DieselParticulateFilter`;

// biome-ignore format: stream, its unit, name in VSS 6.0, and what makes the value (unit or type there), in columns
const ROWS: readonly (readonly [id: string, unit: string, path: string, convert: Convert])[] = [
  ['obd.vehicle.speed',         'km/h', 'Vehicle.Speed',                                same],                       // km/h
  ['obd.vehicle.odometer',      'km',   'Vehicle.TraveledDistance',                     whole(UINT32, 1_000)],       // m, uint32
  ['obd.ignition',              '1',    'Vehicle.LowVoltageSystemState',                word({ 0: 'OFF', 1: 'ON', 2: 'ON' })],
  ['obd.adapter.voltage',       'V',    'Vehicle.LowVoltageBattery.CurrentVoltage',     same],                       // V
  ['obd.ambient.temperature',   'Cel',  'Vehicle.Exterior.AirTemperature',              same],                       // Celsius
  ['obd.pedal.d',               '%',    'Vehicle.Chassis.Accelerator.PedalPosition',    whole(PERCENT_MAX)],         // percent, uint8
  ['obd.fuel.level',            '%',    'Vehicle.Powertrain.FuelSystem.RelativeLevel',  whole(PERCENT_MAX)],         // percent, uint8
  ['obd.monitor.dtcs',          '1',    'Vehicle.Diagnostics.DTCCount',                 whole(UINT8)],               // uint8
  ['obd.engine.rpm',            '/min', `${ENGINE}.Speed`,                              same],                       // rpm
  ['obd.engine.coolant',        'Cel',  `${ENGINE}.EngineCoolant.Temperature`,          same],                       // Celsius
  ['obd.engine.oil',            'Cel',  `${ENGINE}.EngineOil.Temperature`,              same],                       // Celsius
  ['obd.engine.throttle',       '%',    `${ENGINE}.TPS`,                                whole(PERCENT_MAX)],         // percent, uint8
  ['obd.intake.pressure',       'kPa',  `${ENGINE}.MAP`,                                whole(UINT16)],              // kPa, uint16
  ['obd.intake.maf',            'g/s',  `${ENGINE}.MAF`,                                whole(UINT16)],              // g/s, uint16
  ['obd.engine.total-runtime',  's',    `${ENGINE}.EngineHours`,                        times(1 / 3_600)],           // h
  ['obd.engine.total-idle',     's',    `${ENGINE}.IdleHours`,                          times(1 / 3_600)],           // h
  ['obd.reagent.level',         '%',    `${ENGINE}.DieselExhaustFluid.Level`,           whole(PERCENT_MAX)],         // percent, uint8
  ['obd.dpf.temp-in-bank1',     'Cel',  `${FILTER}.InletTemperature`,                   same],                       // Celsius
  ['obd.dpf.temp-out-bank1',    'Cel',  `${FILTER}.OutletTemperature`,                  same],                       // Celsius
  ['obd.dpf.delta-bank1',       'kPa',  `${FILTER}.DeltaPressure`,                      times(1_000)],               // Pa
  ['eeg.heart_rate',            '/min', 'Vehicle.Driver.HeartRate',                     whole(UINT16)],              // bpm, uint16
  ['fatigue.level',             '1',    'Vehicle.Driver.FatigueLevel',                  times(100 / FATIGUE_MAX)],   // percent
];

/** By the id of the stream. */
const VSS: ReadonlyMap<string, Vss> = new Map(
  ROWS.map(([id, unit, path, convert]) => [id, { path, unit, convert }]),
);

/** Undefined where the specification has no name for it. */
export function vssOf({ id, unit }: Stream): Vss | undefined {
  const found = VSS.get(id);
  return found?.unit === unit ? found : undefined;
}
