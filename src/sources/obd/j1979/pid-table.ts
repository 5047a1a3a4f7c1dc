import type { Stream } from '#core/stream.ts';
import { hexByte } from '../hex.ts';
import {
  CONTROL_STATUS,
  EMISSION_REQUIREMENT,
  FUEL_SYSTEM,
  FUEL_TYPE,
  IN_GEAR,
  OBD_STANDARD,
  OFF_ON,
  REGENERATION_TYPE,
  SECONDARY_AIR,
  type States,
} from './enumerations.ts';
import {
  DEFAULT_SCALING,
  type Pid,
  type PidKind,
  type Scaling,
  type Signal,
  toValue,
} from './pids.ts';

/**
 * Every service 01 parameter that the gateway knows, as data: SAE J1979 (ISO 15031-5) up to PID 5E,
 * J1979-DA above.
 *
 * A row is: PID, data bytes, kind, polls per second, name, signals. A signal is: place, stream,
 * scale, name (that of the row where it is the only one), support bit. Places use the letters of
 * the standard: `A` is the first data byte, `BC` a 16-bit integer in the second and third, `A7` one
 * bit, `A0-6` a field of bits, bit 0 being the lowest.
 *
 * Support bits are bits of byte A, bit 0 for the first sensor. `if: 2` means "only where bit 2 is
 * set". A sensor with a wide-range twin has two signals and one stream: the twin's bit wins.
 *
 * Where editions differ in length, all lengths in use are listed, the usual one first:
 * - 06-09 and 55-58 carry a second byte in cars with four banks (PID 1D instead of 13);
 * - 68 had 3 bytes (two sensors) before it had 7.
 */
type Row = readonly [
  pid: number,
  bytes: number | readonly number[],
  kind: PidKind,
  hz: number,
  name: string,
  ...signals: readonly SignalRow[],
];
type SignalRow = readonly [place: string, id: string, scale: Scale, name?: string, when?: When];

interface Scale {
  readonly unit: string;
  readonly mul: number;
  readonly div: number;
  readonly add: number;
  readonly signed?: true;
  readonly states?: States;
  readonly maximum?: keyof Scaling;
  readonly unused?: number;
}

interface When {
  /** The bit of byte A that is set when the signal is there. */
  readonly if: number;
  /** The bit of byte A that is set when a wide-range sensor takes its place. */
  readonly unless?: number;
}

// biome-ignore format: value = raw * mul / div + add, in columns
const
  PERCENT: Scale     = { unit: '%',     mul: 100, div: 255,    add: 0 },
  TRIM: Scale        = { unit: '%',     mul: 100, div: 128,    add: -100 },
  O2_TRIM: Scale     = { unit: '%',     mul: 100, div: 128,    add: -100, unused: 0xff },
  TORQUE: Scale      = { unit: '%',     mul: 1,   div: 1,      add: -125 },
  HALF: Scale        = { unit: '%',     mul: 1,   div: 2,      add: 0 },
  OXYGEN: Scale      = { unit: '%',     mul: 100, div: 65_535, add: 0 },
  CELSIUS: Scale     = { unit: 'Cel',   mul: 1,   div: 1,      add: -40 },
  CELSIUS_X4: Scale  = { unit: 'Cel',   mul: 4,   div: 1,      add: -40 },
  CELSIUS_10: Scale  = { unit: 'Cel',   mul: 1,   div: 10,     add: -40 },
  KPA: Scale         = { unit: 'kPa',   mul: 1,   div: 1,      add: 0 },
  KPA_X3: Scale      = { unit: 'kPa',   mul: 3,   div: 1,      add: 0 },
  KPA_X8: Scale      = { unit: 'kPa',   mul: 8,   div: 1,      add: 0 },
  KPA_X10: Scale     = { unit: 'kPa',   mul: 10,  div: 1,      add: 0 },
  KPA_32: Scale      = { unit: 'kPa',   mul: 1,   div: 32,     add: 0 },
  KPA_100: Scale     = { unit: 'kPa',   mul: 1,   div: 100,    add: 0 },
  KPA_100_S: Scale   = { unit: 'kPa',   mul: 1,   div: 100,    add: 0, signed: true },
  KPA_200: Scale     = { unit: 'kPa',   mul: 1,   div: 200,    add: 0 },
  KPA_79: Scale      = { unit: 'kPa',   mul: 79,  div: 1000,   add: 0 },
  MANIFOLD: Scale    = { unit: 'kPa',   mul: 1,   div: 1,      add: 0, maximum: 'map' },
  PASCAL_4: Scale    = { unit: 'Pa',    mul: 1,   div: 4,      add: 0, signed: true },
  PASCAL: Scale      = { unit: 'Pa',    mul: 1,   div: 1,      add: 0, signed: true },
  RPM_4: Scale       = { unit: '/min',  mul: 1,   div: 4,      add: 0 },
  RPM_X10: Scale     = { unit: '/min',  mul: 10,  div: 1,      add: 0 },
  SPEED: Scale       = { unit: 'km/h',  mul: 1,   div: 1,      add: 0 },
  KM: Scale          = { unit: 'km',    mul: 1,   div: 1,      add: 0 },
  KM_10: Scale       = { unit: 'km',    mul: 1,   div: 10,     add: 0 },
  SECONDS: Scale     = { unit: 's',     mul: 1,   div: 1,      add: 0 },
  MINUTES: Scale     = { unit: 'min',   mul: 1,   div: 1,      add: 0 },
  ADVANCE: Scale     = { unit: 'deg',   mul: 1,   div: 2,      add: -64 },
  INJECTION: Scale   = { unit: 'deg',   mul: 1,   div: 128,    add: -210 },
  AIR_100: Scale     = { unit: 'g/s',   mul: 1,   div: 100,    add: 0, maximum: 'maf' },
  AIR_32: Scale      = { unit: 'g/s',   mul: 1,   div: 32,     add: 0 },
  AIR_X10: Scale     = { unit: 'g/s',   mul: 10,  div: 1,      add: 0 },
  VOLT: Scale        = { unit: 'V',     mul: 1,   div: 1,      add: 0 },
  VOLT_200: Scale    = { unit: 'V',     mul: 1,   div: 200,    add: 0 },
  VOLT_1000: Scale   = { unit: 'V',     mul: 1,   div: 1000,   add: 0 },
  VOLT_WIDE: Scale   = { unit: 'V',     mul: 8,   div: 65_536, add: 0, maximum: 'volts' },
  PUMP: Scale        = { unit: 'mA',    mul: 1,   div: 256,    add: -128, maximum: 'milliamps' },
  MILLIAMP: Scale    = { unit: 'mA',    mul: 1,   div: 1,      add: 0 },
  LAMBDA: Scale      = { unit: '1',     mul: 2,   div: 65_536, add: 0, maximum: 'lambda' },
  LAMBDA_8: Scale    = { unit: '1',     mul: 8,   div: 65_536, add: 0 },
  RATIO_1000: Scale  = { unit: '1',     mul: 1,   div: 1000,   add: 0 },
  LITRE_20: Scale    = { unit: 'L/h',   mul: 1,   div: 20,     add: 0 },
  LITRE_200: Scale   = { unit: 'L/h',   mul: 1,   div: 200,    add: 0 },
  STROKE_32: Scale   = { unit: 'mg',    mul: 1,   div: 32,     add: 0 },
  DUST_80: Scale     = { unit: 'mg/m3', mul: 1,   div: 80,     add: 0 },
  PPM: Scale         = { unit: '[ppm]', mul: 1,   div: 1,      add: 0 },
  NEWTON_M: Scale    = { unit: 'N.m',   mul: 1,   div: 1,      add: 0 },
  NUMBER: Scale      = { unit: '1',     mul: 1,   div: 1,      add: 0 };

const ONE_OF = (states: States): Scale => ({ ...NUMBER, states });
const SWITCH = ONE_OF(OFF_ON);
const GEAR = ONE_OF(IN_GEAR);
const LOOP = ONE_OF(CONTROL_STATUS);

const PLACE = /^([A-Q]+)(?:(\d)(?:-(\d))?)?$/;

const MAP_PAGES = [0x00, 0x20, 0x40, 0x60, 0x80, 0xa0, 0xc0];
const SENSORS = [1, 2, 3, 4, 5, 6, 7, 8];

// biome-ignore format: one PID a line, in columns
const ROWS: readonly Row[] = [
  ...MAP_PAGES.map((pid): Row => [pid, 4, 'bitmap', 0, `Supported PIDs ${hexByte(pid + 1)}-${hexByte(pid + 0x20)}`]),
  // Bytes B to D are the readiness bits, decoded by monitors.ts.
  [0x01, 4,      'bits',   0.2, 'Monitor status since codes were cleared',
    ['A7',  'obd.monitor.mil',               SWITCH,     'Malfunction indicator lamp'],
    ['A0-6', 'obd.monitor.dtcs',             NUMBER,     'Stored trouble codes'],
    ['BCD', 'obd.monitor.readiness',         NUMBER,     'Readiness bits since codes were cleared']],
  // Only meaningful in service 02; the value is the raw code, 0 for none.
  [0x02, 2,      'dtc',    0,   'Trouble code that stored the freeze frame', ['AB', 'obd.freeze.dtc', NUMBER]],
  [0x03, 2,      'enum',   1,   'Fuel system status',
    ['A',   'obd.fuel.system1',              ONE_OF(FUEL_SYSTEM), 'Fuel system 1 status'],
    ['B',   'obd.fuel.system2',              ONE_OF(FUEL_SYSTEM), 'Fuel system 2 status']],
  [0x04, 1,      'linear', 5,   'Calculated engine load',              ['A',  'obd.engine.load',           PERCENT]],
  [0x05, 1,      'linear', 0.2, 'Engine coolant temperature',          ['A',  'obd.engine.coolant',        CELSIUS]],
  fuelTrim(0x06, 'Short-term fuel trim', 'trim-short', [1, 3]),
  fuelTrim(0x07, 'Long-term fuel trim',  'trim-long',  [1, 3]),
  fuelTrim(0x08, 'Short-term fuel trim', 'trim-short', [2, 4]),
  fuelTrim(0x09, 'Long-term fuel trim',  'trim-long',  [2, 4]),
  [0x0a, 1,      'linear', 1,   'Fuel pressure (gauge)',               ['A',  'obd.fuel.pressure',         KPA_X3]],
  [0x0b, 1,      'linear', 5,   'Intake manifold absolute pressure',   ['A',  'obd.intake.pressure',       MANIFOLD]],
  [0x0c, 2,      'linear', 10,  'Engine speed',                        ['AB', 'obd.engine.rpm',            RPM_4]],
  [0x0d, 1,      'linear', 10,  'Vehicle speed',                       ['A',  'obd.vehicle.speed',         SPEED]],
  [0x0e, 1,      'linear', 5,   'Timing advance before top dead centre', ['A', 'obd.engine.timing-advance', ADVANCE]],
  [0x0f, 1,      'linear', 0.2, 'Intake air temperature',              ['A',  'obd.engine.intake',         CELSIUS]],
  [0x10, 2,      'linear', 5,   'Mass air flow',                       ['AB', 'obd.intake.maf',            AIR_100]],
  [0x11, 1,      'linear', 5,   'Throttle position',                   ['A',  'obd.engine.throttle',       PERCENT]],
  [0x12, 1,      'enum',   0.2, 'Commanded secondary air',             ['A',  'obd.emission.secondary-air', ONE_OF(SECONDARY_AIR)]],
  // Bits 0-3: sensors 1-4 of bank 1; bits 4-7: of bank 2.
  [0x13, 1,      'bits',   0,   'Oxygen sensors present, two banks',   ['A',  'obd.o2.present-2banks',     NUMBER]],
  ...SENSORS.map((n): Row => [0x13 + n, 2, 'linear', 2, `Oxygen sensor ${n}`,
    ['A',   `obd.o2-s${n}.voltage`,          VOLT_200,   `Oxygen sensor ${n} voltage`],
    ['B',   `obd.o2-s${n}.trim`,             O2_TRIM,    `Oxygen sensor ${n} short-term fuel trim`]]),
  [0x1c, 1,      'enum',   0,   'OBD standard',                        ['A',  'obd.ecu.standard',          ONE_OF(OBD_STANDARD)]],
  // Bits 0-1: sensors 1-2 of bank 1; 2-3: of bank 2; 4-5: of bank 3; 6-7: of bank 4.
  [0x1d, 1,      'bits',   0,   'Oxygen sensors present, four banks',  ['A',  'obd.o2.present-4banks',     NUMBER]],
  [0x1e, 1,      'bits',   1,   'Power take-off',                      ['A0', 'obd.engine.pto',            SWITCH]],
  [0x1f, 2,      'linear', 0.2, 'Run time since engine start',         ['AB', 'obd.engine.runtime',        SECONDS]],
  [0x21, 2,      'linear', 0.1, 'Distance with the indicator lamp on', ['AB', 'obd.monitor.mil-distance',  KM]],
  [0x22, 2,      'linear', 1,   'Fuel rail pressure above manifold vacuum', ['AB', 'obd.fuel.rail-relative', KPA_79]],
  [0x23, 2,      'linear', 1,   'Fuel rail pressure (gauge)',          ['AB', 'obd.fuel.rail-gauge',       KPA_X10]],
  ...SENSORS.map((n): Row => [0x23 + n, 4, 'linear', 2, `Oxygen sensor ${n}, wide range, voltage`,
    ['AB',  `obd.o2-s${n}.lambda`,           LAMBDA,     `Oxygen sensor ${n} lambda`],
    ['CD',  `obd.o2-s${n}.lambda-voltage`,   VOLT_WIDE,  `Oxygen sensor ${n} wide-range voltage`]]),
  [0x2c, 1,      'linear', 1,   'Commanded exhaust gas recirculation', ['A',  'obd.egr.commanded',         PERCENT]],
  [0x2d, 1,      'linear', 1,   'Exhaust gas recirculation error',     ['A',  'obd.egr.error',             TRIM]],
  [0x2e, 1,      'linear', 1,   'Commanded evaporative purge',         ['A',  'obd.evap.purge',            PERCENT]],
  [0x2f, 1,      'linear', 0.2, 'Fuel tank level',                     ['A',  'obd.fuel.level',            PERCENT]],
  [0x30, 1,      'linear', 0.1, 'Warm-ups since codes were cleared',   ['A',  'obd.monitor.warmups',       NUMBER]],
  [0x31, 2,      'linear', 0.1, 'Distance since codes were cleared',   ['AB', 'obd.monitor.clear-distance', KM]],
  [0x32, 2,      'linear', 1,   'Evaporative system vapour pressure',  ['AB', 'obd.evap.pressure',         PASCAL_4]],
  [0x33, 1,      'linear', 0.1, 'Barometric pressure',                 ['A',  'obd.ambient.pressure',      KPA]],
  ...SENSORS.map((n): Row => [0x33 + n, 4, 'linear', 2, `Oxygen sensor ${n}, wide range, current`,
    ['AB',  `obd.o2-s${n}.lambda-pump`,      LAMBDA,     `Oxygen sensor ${n} lambda, by pump current`],
    ['CD',  `obd.o2-s${n}.pump-current`,     PUMP,       `Oxygen sensor ${n} pump current`]]),
  [0x3c, 2,      'linear', 0.2, 'Catalyst temperature, bank 1 sensor 1', ['AB', 'obd.catalyst.b1s1',       CELSIUS_10]],
  [0x3d, 2,      'linear', 0.2, 'Catalyst temperature, bank 2 sensor 1', ['AB', 'obd.catalyst.b2s1',       CELSIUS_10]],
  [0x3e, 2,      'linear', 0.2, 'Catalyst temperature, bank 1 sensor 2', ['AB', 'obd.catalyst.b1s2',       CELSIUS_10]],
  [0x3f, 2,      'linear', 0.2, 'Catalyst temperature, bank 2 sensor 2', ['AB', 'obd.catalyst.b2s2',       CELSIUS_10]],
  // As 01, for this drive cycle: byte A is 0, C is "enabled", D is "not complete".
  [0x41, 4,      'bits',   0.1, 'Monitor status this drive cycle',     ['BCD', 'obd.monitor.cycle',        NUMBER]],
  [0x42, 2,      'linear', 1,   'Control module voltage',              ['AB', 'obd.ecu.voltage',           VOLT_1000]],
  [0x43, 2,      'linear', 2,   'Absolute load',                       ['AB', 'obd.engine.load-absolute',  PERCENT]],
  [0x44, 2,      'linear', 2,   'Commanded lambda',                    ['AB', 'obd.fuel.lambda-commanded', LAMBDA]],
  [0x45, 1,      'linear', 5,   'Relative throttle position',          ['A',  'obd.engine.throttle-relative', PERCENT]],
  [0x46, 1,      'linear', 0.1, 'Ambient air temperature',             ['A',  'obd.ambient.temperature',   CELSIUS]],
  [0x47, 1,      'linear', 2,   'Absolute throttle position B',        ['A',  'obd.engine.throttle-b',     PERCENT]],
  [0x48, 1,      'linear', 2,   'Absolute throttle position C',        ['A',  'obd.engine.throttle-c',     PERCENT]],
  [0x49, 1,      'linear', 5,   'Accelerator pedal position D',        ['A',  'obd.pedal.d',               PERCENT]],
  [0x4a, 1,      'linear', 2,   'Accelerator pedal position E',        ['A',  'obd.pedal.e',               PERCENT]],
  [0x4b, 1,      'linear', 2,   'Accelerator pedal position F',        ['A',  'obd.pedal.f',               PERCENT]],
  [0x4c, 1,      'linear', 2,   'Commanded throttle actuator',         ['A',  'obd.engine.throttle-commanded', PERCENT]],
  [0x4d, 2,      'linear', 0.1, 'Run time with the indicator lamp on', ['AB', 'obd.monitor.mil-time',      MINUTES]],
  [0x4e, 2,      'linear', 0.1, 'Run time since codes were cleared',   ['AB', 'obd.monitor.clear-time',    MINUTES]],
  // 0 is "default scale".
  [0x4f, 4,      'maxima', 0,   'Full scales of lambda, oxygen sensors and manifold pressure',
    ['A',   'obd.maximum.lambda',            NUMBER,     'Full scale of lambda'],
    ['B',   'obd.maximum.o2-voltage',        VOLT,       'Full scale of oxygen sensor voltage'],
    ['C',   'obd.maximum.o2-current',        MILLIAMP,   'Full scale of oxygen sensor current'],
    ['D',   'obd.maximum.map',               KPA_X10,    'Full scale of manifold pressure']],
  [0x50, 4,      'maxima', 0,   'Full scale of mass air flow',         ['A',  'obd.maximum.maf',           AIR_X10]],
  [0x51, 1,      'enum',   0.1, 'Fuel type',                           ['A',  'obd.fuel.type',             ONE_OF(FUEL_TYPE)]],
  [0x52, 1,      'linear', 0.1, 'Ethanol in the fuel',                 ['A',  'obd.fuel.ethanol',          PERCENT]],
  [0x53, 2,      'linear', 1,   'Absolute evaporative vapour pressure', ['AB', 'obd.evap.pressure-absolute', KPA_200]],
  [0x54, 2,      'linear', 1,   'Evaporative vapour pressure, wide range', ['AB', 'obd.evap.pressure-wide', PASCAL]],
  fuelTrim(0x55, 'Short-term secondary oxygen sensor trim', 'trim2-short', [1, 3]),
  fuelTrim(0x56, 'Long-term secondary oxygen sensor trim',  'trim2-long',  [1, 3]),
  fuelTrim(0x57, 'Short-term secondary oxygen sensor trim', 'trim2-short', [2, 4]),
  fuelTrim(0x58, 'Long-term secondary oxygen sensor trim',  'trim2-long',  [2, 4]),
  [0x59, 2,      'linear', 1,   'Fuel rail absolute pressure',         ['AB', 'obd.fuel.rail-absolute',    KPA_X10]],
  [0x5a, 1,      'linear', 5,   'Relative accelerator pedal position', ['A',  'obd.pedal.relative',        PERCENT]],
  [0x5b, 1,      'linear', 0.2, 'Hybrid battery remaining charge',     ['A',  'obd.hybrid.charge',         PERCENT]],
  [0x5c, 1,      'linear', 0.2, 'Engine oil temperature',              ['A',  'obd.engine.oil',            CELSIUS]],
  [0x5d, 2,      'linear', 2,   'Fuel injection timing',               ['AB', 'obd.fuel.injection-timing', INJECTION]],
  [0x5e, 2,      'linear', 2,   'Engine fuel rate',                    ['AB', 'obd.fuel.rate',             LITRE_20]],
  [0x5f, 1,      'enum',   0,   'Emission requirement',                ['A',  'obd.ecu.emission-standard', ONE_OF(EMISSION_REQUIREMENT)]],
  [0x61, 1,      'linear', 5,   "Driver's demand torque",              ['A',  'obd.engine.torque-demanded', TORQUE]],
  [0x62, 1,      'linear', 5,   'Actual engine torque',                ['A',  'obd.engine.torque-actual',  TORQUE]],
  [0x63, 2,      'linear', 0,   'Engine reference torque',             ['AB', 'obd.engine.torque-reference', NEWTON_M]],
  [0x64, 5,      'linear', 0,   'Engine torque map',
    ['A',   'obd.engine.torque-idle',        TORQUE,     'Engine torque at idle, point 1'],
    ['B',   'obd.engine.torque-point2',      TORQUE,     'Engine torque at point 2'],
    ['C',   'obd.engine.torque-point3',      TORQUE,     'Engine torque at point 3'],
    ['D',   'obd.engine.torque-point4',      TORQUE,     'Engine torque at point 4'],
    ['E',   'obd.engine.torque-point5',      TORQUE,     'Engine torque at point 5']],
  [0x65, 2,      'bits',   1,   'Auxiliary inputs and outputs',
    ['B0',  'obd.aux.pto',                   SWITCH,     'Power take-off output',           { if: 0 }],
    ['B1',  'obd.aux.automatic-in-gear',     GEAR,       'Automatic transmission in gear',  { if: 1 }],
    ['B2',  'obd.aux.manual-in-gear',        GEAR,       'Manual transmission in gear',     { if: 2 }],
    ['B3',  'obd.aux.glow-lamp',             SWITCH,     'Glow plug lamp',                  { if: 3 }],
    ['B4-7', 'obd.aux.recommended-gear',     NUMBER,     'Recommended gear',                { if: 4 }]],
  [0x66, 5,      'linear', 5,   'Mass air flow sensors',
    ['BC',  'obd.intake.maf-a',              AIR_32,     'Mass air flow, sensor A',         { if: 0 }],
    ['DE',  'obd.intake.maf-b',              AIR_32,     'Mass air flow, sensor B',         { if: 1 }]],
  [0x67, 3,      'linear', 0.2, 'Engine coolant temperatures',
    ['B',   'obd.engine.coolant1',           CELSIUS,    'Engine coolant temperature 1',    { if: 0 }],
    ['C',   'obd.engine.coolant2',           CELSIUS,    'Engine coolant temperature 2',    { if: 1 }]],
  [0x68, [7, 3], 'linear', 0.2, 'Intake air temperatures',
    ['B',   'obd.intake.temp-b1s1',          CELSIUS,    'Intake air temperature, bank 1 sensor 1', { if: 0 }],
    ['C',   'obd.intake.temp-b1s2',          CELSIUS,    'Intake air temperature, bank 1 sensor 2', { if: 1 }],
    ['D',   'obd.intake.temp-b1s3',          CELSIUS,    'Intake air temperature, bank 1 sensor 3', { if: 2 }],
    ['E',   'obd.intake.temp-b2s1',          CELSIUS,    'Intake air temperature, bank 2 sensor 1', { if: 3 }],
    ['F',   'obd.intake.temp-b2s2',          CELSIUS,    'Intake air temperature, bank 2 sensor 2', { if: 4 }],
    ['G',   'obd.intake.temp-b2s3',          CELSIUS,    'Intake air temperature, bank 2 sensor 3', { if: 5 }]],
  [0x69, 7,      'linear', 1,   'Exhaust gas recirculation, commanded and actual',
    ['B',   'obd.egr.a-commanded',           PERCENT,    'EGR A commanded',                 { if: 0 }],
    ['C',   'obd.egr.a-actual',              PERCENT,    'EGR A actual',                    { if: 1 }],
    ['D',   'obd.egr.a-error',               TRIM,       'EGR A error',                     { if: 2 }],
    ['E',   'obd.egr.b-commanded',           PERCENT,    'EGR B commanded',                 { if: 3 }],
    ['F',   'obd.egr.b-actual',              PERCENT,    'EGR B actual',                    { if: 4 }],
    ['G',   'obd.egr.b-error',               TRIM,       'EGR B error',                     { if: 5 }]],
  [0x6a, 5,      'linear', 2,   'Diesel intake air flow control',
    ['B',   'obd.intake.flow-a-commanded',   PERCENT,    'Intake air flow A commanded',     { if: 0 }],
    ['C',   'obd.intake.flow-a-position',    PERCENT,    'Intake air flow A relative position', { if: 1 }],
    ['D',   'obd.intake.flow-b-commanded',   PERCENT,    'Intake air flow B commanded',     { if: 2 }],
    ['E',   'obd.intake.flow-b-position',    PERCENT,    'Intake air flow B relative position', { if: 3 }]],
  [0x6b, 5,      'linear', 0.2, 'Exhaust gas recirculation temperatures',
    ...wideRange(['B', 'obd.egr.temp-b1s1', CELSIUS, 'EGR temperature, bank 1 sensor 1', { if: 0, unless: 4 }], CELSIUS_X4),
    ...wideRange(['C', 'obd.egr.temp-b1s2', CELSIUS, 'EGR temperature, bank 1 sensor 2', { if: 1, unless: 5 }], CELSIUS_X4),
    ...wideRange(['D', 'obd.egr.temp-b2s1', CELSIUS, 'EGR temperature, bank 2 sensor 1', { if: 2, unless: 6 }], CELSIUS_X4),
    ...wideRange(['E', 'obd.egr.temp-b2s2', CELSIUS, 'EGR temperature, bank 2 sensor 2', { if: 3, unless: 7 }], CELSIUS_X4)],
  [0x6c, 5,      'linear', 2,   'Throttle actuators',
    ['B',   'obd.throttle.a-commanded',      PERCENT,    'Throttle actuator A commanded',   { if: 0 }],
    ['C',   'obd.throttle.a-relative',       PERCENT,    'Throttle A relative position',    { if: 1 }],
    ['D',   'obd.throttle.b-commanded',      PERCENT,    'Throttle actuator B commanded',   { if: 2 }],
    ['E',   'obd.throttle.b-relative',       PERCENT,    'Throttle B relative position',    { if: 3 }]],
  [0x6d, 11,     'linear', 1,   'Fuel pressure control',
    ['BC',  'obd.rail-a.commanded',          KPA_X10,    'Fuel rail A commanded pressure',  { if: 0 }],
    ['DE',  'obd.rail-a.pressure',           KPA_X10,    'Fuel rail A pressure',            { if: 1 }],
    ['F',   'obd.rail-a.temperature',        CELSIUS,    'Fuel rail A temperature',         { if: 2 }],
    ['GH',  'obd.rail-b.commanded',          KPA_X10,    'Fuel rail B commanded pressure',  { if: 3 }],
    ['IJ',  'obd.rail-b.pressure',           KPA_X10,    'Fuel rail B pressure',            { if: 4 }],
    ['K',   'obd.rail-b.temperature',        CELSIUS,    'Fuel rail B temperature',         { if: 5 }]],
  [0x6e, 9,      'linear', 1,   'Injection pressure control',
    ['BC',  'obd.injection.a-commanded',     KPA_X10,    'Injection pressure A commanded',  { if: 0 }],
    ['DE',  'obd.injection.a-pressure',      KPA_X10,    'Injection pressure A',            { if: 1 }],
    ['FG',  'obd.injection.b-commanded',     KPA_X10,    'Injection pressure B commanded',  { if: 2 }],
    ['HI',  'obd.injection.b-pressure',      KPA_X10,    'Injection pressure B',            { if: 3 }]],
  [0x6f, 3,      'linear', 2,   'Turbocharger compressor inlet pressures',
    ...wideRange(['B', 'obd.turbo.a-inlet-pressure', KPA, 'Turbocharger A compressor inlet pressure', { if: 0, unless: 2 }], KPA_X8),
    ...wideRange(['C', 'obd.turbo.b-inlet-pressure', KPA, 'Turbocharger B compressor inlet pressure', { if: 1, unless: 3 }], KPA_X8)],
  [0x70, 10,     'linear', 2,   'Boost pressure control',
    ['BC',  'obd.boost.a-commanded',         KPA_32,     'Boost pressure A commanded',      { if: 0 }],
    ['DE',  'obd.boost.a-pressure',          KPA_32,     'Boost pressure A',                { if: 1 }],
    ['FG',  'obd.boost.b-commanded',         KPA_32,     'Boost pressure B commanded',      { if: 3 }],
    ['HI',  'obd.boost.b-pressure',          KPA_32,     'Boost pressure B',                { if: 4 }],
    ['J0-1', 'obd.boost.a-status',           LOOP,       'Boost pressure A control',        { if: 2 }],
    ['J2-3', 'obd.boost.b-status',           LOOP,       'Boost pressure B control',        { if: 5 }]],
  [0x71, 6,      'linear', 2,   'Variable geometry turbo control',
    ['B',   'obd.vgt.a-commanded',           PERCENT,    'Variable geometry turbo A commanded', { if: 0 }],
    ['C',   'obd.vgt.a-position',            PERCENT,    'Variable geometry turbo A position', { if: 1 }],
    ['D',   'obd.vgt.b-commanded',           PERCENT,    'Variable geometry turbo B commanded', { if: 3 }],
    ['E',   'obd.vgt.b-position',            PERCENT,    'Variable geometry turbo B position', { if: 4 }],
    ['F0-1', 'obd.vgt.a-status',             LOOP,       'Variable geometry turbo A control', { if: 2 }],
    ['F2-3', 'obd.vgt.b-status',             LOOP,       'Variable geometry turbo B control', { if: 5 }]],
  [0x72, 5,      'linear', 2,   'Wastegate control',
    ['B',   'obd.wastegate.a-commanded',     PERCENT,    'Wastegate A commanded',           { if: 0 }],
    ['C',   'obd.wastegate.a-position',      PERCENT,    'Wastegate A position',            { if: 1 }],
    ['D',   'obd.wastegate.b-commanded',     PERCENT,    'Wastegate B commanded',           { if: 2 }],
    ['E',   'obd.wastegate.b-position',      PERCENT,    'Wastegate B position',            { if: 3 }]],
  [0x73, 5,      'linear', 1,   'Exhaust pressure',
    ['BC',  'obd.exhaust.pressure-bank1',    KPA_100,    'Exhaust pressure, bank 1',        { if: 0 }],
    ['DE',  'obd.exhaust.pressure-bank2',    KPA_100,    'Exhaust pressure, bank 2',        { if: 1 }]],
  [0x74, 5,      'linear', 2,   'Turbocharger speed',
    ['BC',  'obd.turbo.a-speed',             RPM_X10,    'Turbocharger A speed',            { if: 0 }],
    ['DE',  'obd.turbo.b-speed',             RPM_X10,    'Turbocharger B speed',            { if: 1 }]],
  ...['a', 'b'].map((turbo, index): Row => [0x75 + index, 7, 'linear', 0.2, `Turbocharger ${turbo.toUpperCase()} temperatures`,
    ['B',   `obd.turbo.${turbo}-compressor-in`,  CELSIUS,    `Turbocharger ${turbo.toUpperCase()} compressor inlet temperature`, { if: 0 }],
    ['C',   `obd.turbo.${turbo}-compressor-out`, CELSIUS,    `Turbocharger ${turbo.toUpperCase()} compressor outlet temperature`, { if: 1 }],
    ['DE',  `obd.turbo.${turbo}-turbine-in`,     CELSIUS_10, `Turbocharger ${turbo.toUpperCase()} turbine inlet temperature`, { if: 2 }],
    ['FG',  `obd.turbo.${turbo}-turbine-out`,    CELSIUS_10, `Turbocharger ${turbo.toUpperCase()} turbine outlet temperature`, { if: 3 }]]),
  [0x77, 5,      'linear', 0.2, 'Charge air cooler temperatures',
    ['B',   'obd.charge-air.temp-b1s1',      CELSIUS,    'Charge air temperature, bank 1 sensor 1', { if: 0 }],
    ['C',   'obd.charge-air.temp-b1s2',      CELSIUS,    'Charge air temperature, bank 1 sensor 2', { if: 1 }],
    ['D',   'obd.charge-air.temp-b2s1',      CELSIUS,    'Charge air temperature, bank 2 sensor 1', { if: 2 }],
    ['E',   'obd.charge-air.temp-b2s2',      CELSIUS,    'Charge air temperature, bank 2 sensor 2', { if: 3 }]],
  exhaustTemperatures(0x78, 1, 1),
  exhaustTemperatures(0x79, 2, 1),
  ...[1, 2].map((bank): Row => [0x79 + bank, 7, 'linear', 0.5, `Diesel particulate filter pressures, bank ${bank}`,
    ['BC',  `obd.dpf.delta-bank${bank}`,     KPA_100_S,  `Particulate filter differential pressure, bank ${bank}`, { if: 0 }],
    ['DE',  `obd.dpf.inlet-bank${bank}`,     KPA_100,    `Particulate filter inlet pressure, bank ${bank}`, { if: 1 }],
    ['FG',  `obd.dpf.outlet-bank${bank}`,    KPA_100,    `Particulate filter outlet pressure, bank ${bank}`, { if: 2 }]]),
  [0x7c, 9,      'linear', 0.5, 'Diesel particulate filter temperatures',
    ['BC',  'obd.dpf.temp-in-bank1',         CELSIUS_10, 'Particulate filter inlet temperature, bank 1',  { if: 0 }],
    ['DE',  'obd.dpf.temp-out-bank1',        CELSIUS_10, 'Particulate filter outlet temperature, bank 1', { if: 1 }],
    ['FG',  'obd.dpf.temp-in-bank2',         CELSIUS_10, 'Particulate filter inlet temperature, bank 2',  { if: 2 }],
    ['HI',  'obd.dpf.temp-out-bank2',        CELSIUS_10, 'Particulate filter outlet temperature, bank 2', { if: 3 }]],
  // Not-to-exceed control areas. Bit 0: inside, 1: outside, 2: inside a manufacturer-specific
  // carve-out, 3: in an area with an accepted deficiency.
  [0x7d, 1,      'bits',   0.5, 'NOx not-to-exceed area status',       ['A',  'obd.nte.nox',               NUMBER]],
  [0x7e, 1,      'bits',   0.5, 'Particulate not-to-exceed area status', ['A', 'obd.nte.pm',               NUMBER]],
  [0x7f, 13,     'linear', 0.1, 'Engine run time',
    ['BCDE', 'obd.engine.total-runtime',     SECONDS,    'Engine run time, total',          { if: 0 }],
    ['FGHI', 'obd.engine.total-idle',        SECONDS,    'Engine run time at idle',         { if: 1 }],
    ['JKLM', 'obd.engine.total-pto',         SECONDS,    'Engine run time with power take-off', { if: 2 }]],
  [0x83, 9,      'linear', 0.5, 'NOx sensors',
    ['BC',  'obd.nox.b1s1',                  PPM,        'NOx, bank 1 sensor 1',            { if: 0 }],
    ['DE',  'obd.nox.b1s2',                  PPM,        'NOx, bank 1 sensor 2',            { if: 1 }],
    ['FG',  'obd.nox.b2s1',                  PPM,        'NOx, bank 2 sensor 1',            { if: 2 }],
    ['HI',  'obd.nox.b2s2',                  PPM,        'NOx, bank 2 sensor 2',            { if: 3 }]],
  [0x84, 1,      'linear', 0.2, 'Manifold surface temperature',        ['A',  'obd.intake.surface',        CELSIUS]],
  [0x85, 10,     'linear', 0.1, 'NOx reagent system',
    ['BC',  'obd.reagent.consumption',       LITRE_200,  'Average reagent consumption',     { if: 0 }],
    ['DE',  'obd.reagent.demand',            LITRE_200,  'Average demanded reagent consumption', { if: 1 }],
    ['F',   'obd.reagent.level',             PERCENT,    'Reagent tank level',              { if: 2 }],
    ['GHIJ', 'obd.reagent.warning-time',     SECONDS,    'Run time with NOx warning on',    { if: 3 }]],
  [0x86, 5,      'linear', 0.5, 'Particulate matter sensors',
    ['BC',  'obd.pm.bank1',                  DUST_80,    'Particulate matter, bank 1 sensor 1', { if: 0 }],
    ['DE',  'obd.pm.bank2',                  DUST_80,    'Particulate matter, bank 2 sensor 1', { if: 1 }]],
  [0x87, 5,      'linear', 5,   'Intake manifold absolute pressures',
    ['BC',  'obd.intake.pressure-a',         KPA_32,     'Intake manifold absolute pressure A', { if: 0 }],
    ['DE',  'obd.intake.pressure-b',         KPA_32,     'Intake manifold absolute pressure B', { if: 1 }]],
  [0x8b, 7,      'linear', 0.1, 'Diesel aftertreatment',
    ['B0',  'obd.dpf.regeneration',          SWITCH,     'Particulate filter regeneration', { if: 0 }],
    ['B1',  'obd.dpf.regeneration-type',     ONE_OF(REGENERATION_TYPE), 'Particulate filter regeneration type', { if: 1 }],
    ['B2',  'obd.nox.regeneration',          SWITCH,     'NOx adsorber regeneration',       { if: 2 }],
    ['B3',  'obd.nox.desulfurization',       SWITCH,     'NOx adsorber desulfurization',    { if: 3 }],
    ['C',   'obd.dpf.trigger',               PERCENT,    'Particulate filter regeneration trigger', { if: 4 }],
    ['DE',  'obd.dpf.interval-time',         MINUTES,    'Average time between regenerations', { if: 5 }],
    ['FG',  'obd.dpf.interval-distance',     KM,         'Average distance between regenerations', { if: 6 }]],
  [0x8c, 17,     'linear', 2,   'Wide-range oxygen sensors',
    ['BC',  'obd.o2-b1s1.oxygen',            OXYGEN,     'Oxygen concentration, bank 1 sensor 1', { if: 0 }],
    ['DE',  'obd.o2-b1s2.oxygen',            OXYGEN,     'Oxygen concentration, bank 1 sensor 2', { if: 1 }],
    ['FG',  'obd.o2-b2s1.oxygen',            OXYGEN,     'Oxygen concentration, bank 2 sensor 1', { if: 2 }],
    ['HI',  'obd.o2-b2s2.oxygen',            OXYGEN,     'Oxygen concentration, bank 2 sensor 2', { if: 3 }],
    ['JK',  'obd.o2-b1s1.lambda',            LAMBDA_8,   'Lambda, bank 1 sensor 1',         { if: 4 }],
    ['LM',  'obd.o2-b1s2.lambda',            LAMBDA_8,   'Lambda, bank 1 sensor 2',         { if: 5 }],
    ['NO',  'obd.o2-b2s1.lambda',            LAMBDA_8,   'Lambda, bank 2 sensor 1',         { if: 6 }],
    ['PQ',  'obd.o2-b2s2.lambda',            LAMBDA_8,   'Lambda, bank 2 sensor 2',         { if: 7 }]],
  [0x8d, 1,      'linear', 2,   'Absolute throttle position G',        ['A',  'obd.engine.throttle-g',     PERCENT]],
  [0x8e, 1,      'linear', 1,   'Engine friction torque',              ['A',  'obd.engine.torque-friction', TORQUE]],
  exhaustTemperatures(0x98, 1, 5),
  exhaustTemperatures(0x99, 2, 5),
  // Milligrams per stroke.
  [0xa2, 2,      'linear', 2,   'Cylinder fuel rate per stroke',       ['AB', 'obd.fuel.cylinder-rate',    STROKE_32]],
  // Byte B holds the gear, whose coding no source at hand tells for certain: it is left out.
  [0xa4, 4,      'linear', 1,   'Transmission actual gear ratio',      ['CD', 'obd.transmission.ratio',    RATIO_1000, 'Transmission actual gear ratio', { if: 1 }]],
  [0xa5, 4,      'linear', 0.2, 'Commanded reagent dosing',            ['B',  'obd.reagent.dosing',        HALF, 'Commanded reagent dosing', { if: 0 }]],
  [0xa6, 4,      'linear', 0.1, 'Odometer',                            ['ABCD', 'obd.vehicle.odometer',    KM_10]],
];

/** Fuel trim of one bank, and in cars with four banks of a second one. */
function fuelTrim(pid: number, name: string, id: string, banks: readonly [number, number]): Row {
  const trim = (place: string, bank: number): SignalRow => {
    return [place, `obd.fuel.${id}-bank${bank}`, TRIM, `${name}, bank ${bank}`];
  };
  // SAE J1979 gives 06-09 one byte and 55-58 two, each with the other length as the exception.
  const bytes = pid < 0x10 ? [1, 2] : [2, 1];
  const signals = [trim('A', banks[0]), trim('B', banks[1])];
  return [pid, bytes, 'linear', 1, `${name}, banks ${banks.join(' and ')}`, ...signals];
}

/** Four exhaust gas temperatures of one bank, from sensor `first` on. */
function exhaustTemperatures(pid: number, bank: number, first: number): Row {
  const signals = ['BC', 'DE', 'FG', 'HI'].map((place, index): SignalRow => {
    const name = `Exhaust gas temperature, bank ${bank} sensor ${first + index}`;
    return [place, `obd.exhaust.b${bank}s${first + index}`, CELSIUS_10, name, { if: index }];
  });
  return [pid, 9, 'linear', 0.5, `Exhaust gas temperatures, bank ${bank}`, ...signals];
}

/** A sensor and its wide-range twin, which share the byte and the stream. */
function wideRange(sensor: SignalRow, scale: Scale): readonly SignalRow[] {
  const [place, id, , name = '', when] = sensor;
  return [sensor, [place, id, scale, name, { if: when?.unless ?? 0 }]];
}

/** Every service 01 PID, ascending. */
export const PIDS: readonly Pid[] = ROWS.map(build).sort((a, b) => a.pid - b.pid);

export const PID_BY_NUMBER: ReadonlyMap<number, Pid> = new Map(PIDS.map((row) => [row.pid, row]));

/** Data bytes by PID, for taking answers to several PIDs apart. */
export const PID_LENGTHS: ReadonlyMap<number, number> = new Map(
  PIDS.map((row) => [row.pid, row.bytes]),
);

function build([pid, bytes, kind, hz, name, ...rows]: Row): Pid {
  const lengths = typeof bytes === 'number' ? [bytes] : bytes;
  const signals: Signal[] = [];
  for (const row of rows) {
    const signal = buildSignal(row, name, hz);
    const twin = signals.find((other) => other.stream.id === signal.stream.id);
    if (twin) {
      // One stream for both, with the range of the wider and the step of the first.
      const stream = { ...twin.stream, range: signal.stream.range };
      signals.splice(signals.indexOf(twin), 1, { ...twin, stream });
      signals.push({ ...signal, stream });
    } else {
      signals.push(signal);
    }
  }
  return { pid, name, kind, bytes: lengths[0] ?? 0, lengths, hz, signals };
}

function buildSignal(
  [place, id, scale, name, when]: SignalRow,
  pidName: string,
  hz: number,
): Signal {
  const [, letters = '', low, high] = PLACE.exec(place) ?? [];
  const shift = Number(low ?? 0);
  const mask = low === undefined ? 0 : 2 ** (Number(high ?? low) - shift + 1) - 1;
  const flags = when ? 1 << when.if : 0;
  const field = {
    offset: letters.charCodeAt(0) - 0x41,
    width: letters.length,
    signed: scale.signed ?? false,
    mul: scale.mul,
    div: scale.div,
    add: scale.add,
    mask,
    shift,
    flagMask: when?.unless === undefined ? flags : flags | (1 << when.unless),
    flags,
    unused: scale.unused,
    maximum: scale.maximum,
  };
  const plain = {
    id,
    name: name ?? pidName,
    unit: scale.unit,
    range: [0, 0],
    hz,
    kind: 'sample',
    step: { mul: scale.mul, div: scale.div, add: scale.add },
  } as const;
  const stream: Stream = scale.states ? { ...plain, states: scale.states } : plain;
  return { ...field, stream: { ...stream, range: rangeOf({ ...field, stream }) } };
}

/** What the smallest and the largest raw value mean; no scale has a negative slope. */
function rangeOf(signal: Signal): Stream['range'] {
  const span = signal.mask === 0 ? 256 ** signal.width : signal.mask + 1;
  const min = signal.signed ? -span / 2 : 0;
  const max = min + span - 1;
  // The value that means "unused" is the largest one, wherever there is one.
  const top = signal.unused === max ? max - 1 : max;
  return [toValue(signal, min, DEFAULT_SCALING), toValue(signal, top, DEFAULT_SCALING)];
}
