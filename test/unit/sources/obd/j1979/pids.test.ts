import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PID_BY_NUMBER, PIDS } from '../../../../../src/sources/obd/j1979/pid-table.ts';
import {
  DEFAULT_SCALING,
  decodePid,
  type Scaling,
  supportedPids,
  withMaxima,
} from '../../../../../src/sources/obd/j1979/pids.ts';

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));

/** The values of an answer by stream id; undefined when it was refused. */
function decode(pid: number, hex: string, scaling: Scaling = DEFAULT_SCALING) {
  const row = PID_BY_NUMBER.get(pid);
  if (!row) throw new Error(`no PID ${pid.toString(16)}`);
  const values: Record<string, number> = {};
  const accepted = decodePid(row, bytes(hex), scaling, (stream, value) => {
    values[stream.id] = value;
  });
  return accepted ? values : undefined;
}

// biome-ignore format: one answer a line
test.each<[name: string, pid: number, data: string, values: Record<string, number>]>([
  ['engine speed',             0x0c, '1AF8',     { 'obd.engine.rpm': 1726 }],
  ['coolant temperature',      0x05, '7B',       { 'obd.engine.coolant': 83 }],
  ['vehicle speed',            0x0d, '32',       { 'obd.vehicle.speed': 50 }],
  ['engine load',              0x04, 'FF',       { 'obd.engine.load': 100 }],
  ['throttle position',        0x11, '33',       { 'obd.engine.throttle': 20 }],
  ['fuel trim, middle',        0x06, '80',       { 'obd.fuel.trim-short-bank1': 0 }],
  ['fuel trim of two banks',   0x07, '80C0',     { 'obd.fuel.trim-long-bank1': 0, 'obd.fuel.trim-long-bank3': 50 }],
  ['mass air flow',            0x10, '0123',     { 'obd.intake.maf': 2.91 }],
  ['timing advance',           0x0e, '94',       { 'obd.engine.timing-advance': 10 }],
  ['oxygen sensor',            0x14, '5A80',     { 'obd.o2-s1.voltage': 0.45, 'obd.o2-s1.trim': 0 }],
  ['oxygen sensor, no trim',   0x15, '5AFF',     { 'obd.o2-s2.voltage': 0.45 }],
  ['lambda and voltage',       0x24, '80002000', { 'obd.o2-s1.lambda': 1, 'obd.o2-s1.lambda-voltage': 1 }],
  ['lambda and current',       0x34, '80008000', { 'obd.o2-s1.lambda-pump': 1, 'obd.o2-s1.pump-current': 0 }],
  ['negative vapour pressure', 0x32, 'FFFC',     { 'obd.evap.pressure': -1 }],
  ['module voltage',           0x42, '3840',     { 'obd.ecu.voltage': 14.4 }],
  ['oil temperature',          0x5c, '82',       { 'obd.engine.oil': 90 }],
  ['fuel rate',                0x5e, '0064',     { 'obd.fuel.rate': 5 }],
  ['odometer',                 0xa6, '00012D6F', { 'obd.vehicle.odometer': 7716.7 }],
  ['lamp and codes',           0x01, '83076504', { 'obd.monitor.mil': 1, 'obd.monitor.dtcs': 3, 'obd.monitor.readiness': 0x076504 }],
  ['fuel systems',             0x03, '0200',     { 'obd.fuel.system1': 2, 'obd.fuel.system2': 0 }],
  ['power take-off',           0x1e, '01',       { 'obd.engine.pto': 1 }],
])('%s', (_name, pid, data, values) => {
  expect(decode(pid, data)).toEqual(values);
});

test('an answer of any other length is refused, and nothing is emitted', () => {
  for (const row of PIDS) {
    for (let length = 0; length <= 20; length++) {
      const data = new Uint8Array(length).fill(0xff);
      let emitted = 0;
      const accepted = decodePid(row, data, DEFAULT_SCALING, () => emitted++);
      expect(accepted, `${row.name}, ${length} bytes`).toBe(row.lengths.includes(length));
      if (!accepted) expect(emitted).toBe(0);
    }
  }
});

test('only PIDs whose editions differ in length have more than one', () => {
  const several = PIDS.filter((row) => row.lengths.length > 1);
  expect(several.map((row) => [row.pid, row.lengths])).toEqual([
    [0x06, [1, 2]],
    [0x07, [1, 2]],
    [0x08, [1, 2]],
    [0x09, [1, 2]],
    [0x55, [2, 1]],
    [0x56, [2, 1]],
    [0x57, [2, 1]],
    [0x58, [2, 1]],
    [0x68, [7, 3]],
  ]);
});

test('sensors without their support bit are left out', () => {
  expect(decode(0x67, '007B7C')).toEqual({});
  expect(decode(0x67, '017B7C')).toEqual({ 'obd.engine.coolant1': 83 });
  expect(decode(0x67, '027B7C')).toEqual({ 'obd.engine.coolant2': 84 });
  expect(decode(0xa4, '00000DAC')).toEqual({});
  expect(decode(0xa4, '02000DAC')).toEqual({ 'obd.transmission.ratio': 3.5 });
  expect(decode(0xa5, '01C80000')).toEqual({ 'obd.reagent.dosing': 100 });
});

test('the old three-byte form of PID 68 has two sensors', () => {
  expect(decode(0x68, '035051')).toEqual({
    'obd.intake.temp-b1s1': 40,
    'obd.intake.temp-b1s2': 41,
  });
  expect(Object.keys(decode(0x68, '3F505152535455') ?? {})).toHaveLength(6);
});

test('a wide-range sensor takes the place of the plain one', () => {
  expect(decode(0x6b, '01FF000000')).toEqual({ 'obd.egr.temp-b1s1': 215 });
  expect(decode(0x6b, '10FF000000')).toEqual({ 'obd.egr.temp-b1s1': 980 });
  expect(decode(0x6b, '11FF000000')).toEqual({ 'obd.egr.temp-b1s1': 980 });
  expect(decode(0x6f, '0A0A0A')).toEqual({ 'obd.turbo.b-inlet-pressure': 80 });
});

test('the control status of boost pressure follows its own support bits', () => {
  expect(decode(0x70, '26064000000000000006')).toEqual({
    'obd.boost.a-pressure': 0,
    'obd.boost.a-status': 2,
    'obd.boost.b-status': 1,
  });
});

test('PID 4F changes the scale of lambda, oxygen sensors and manifold pressure', () => {
  const scaling = withMaxima(DEFAULT_SCALING, 0x4f, bytes('0410C833'));
  expect(decode(0x24, 'FFFFFFFF', scaling)).toEqual({
    'obd.o2-s1.lambda': 4,
    'obd.o2-s1.lambda-voltage': 16,
  });
  expect(decode(0x44, 'FFFF', scaling)).toEqual({ 'obd.fuel.lambda-commanded': 4 });
  expect(decode(0x34, '00000000', scaling)).toMatchObject({ 'obd.o2-s1.pump-current': -200 });
  expect(decode(0x34, '00008000', scaling)).toMatchObject({ 'obd.o2-s1.pump-current': 0 });
  expect(decode(0x0b, 'FF', scaling)).toEqual({ 'obd.intake.pressure': 510 });
  expect(decode(0x10, '0064', scaling)).toEqual({ 'obd.intake.maf': 1 });
});

test('PID 50 changes the scale of the air flow, and zeros keep the default', () => {
  const scaling = withMaxima(DEFAULT_SCALING, 0x50, bytes('64FFFFFF'));
  expect(decode(0x10, 'FFFF', scaling)).toEqual({ 'obd.intake.maf': 1000 });
  expect(decode(0x24, '80002000', scaling)).toMatchObject({ 'obd.o2-s1.lambda': 1 });
  expect(withMaxima(scaling, 0x50, bytes('00000000'))).toEqual(DEFAULT_SCALING);
});

test('no other answer, and none of the wrong length, changes a scale', () => {
  expect(withMaxima(DEFAULT_SCALING, 0x0c, bytes('01020304'))).toBe(DEFAULT_SCALING);
  expect(withMaxima(DEFAULT_SCALING, 0x4f, bytes('0102'))).toBe(DEFAULT_SCALING);
});

test('random data never throws and never leaves the declared range', () => {
  const answers = fc.constantFrom(...PIDS).chain((row) => {
    const length = fc.constantFrom(...row.lengths);
    const data = length.chain((n) => fc.uint8Array({ minLength: n, maxLength: n }));
    return fc.tuple(fc.constant(row), data);
  });
  const property = fc.property(answers, ([row, data]) => {
    const accepted = decodePid(row, data, DEFAULT_SCALING, (stream, value) => {
      expect(value, stream.id).toBeGreaterThanOrEqual(stream.range[0]);
      expect(value, stream.id).toBeLessThanOrEqual(stream.range[1]);
    });
    expect(accepted).toBe(true);
  });
  fc.assert(property, { numRuns: 2000 });
});

test('a bitmap names the supported PIDs from its highest bit on', () => {
  // The example of the ELM327 data sheet.
  expect(supportedPids(0x00, bytes('BE1FB810'))).toEqual([
    0x01, 0x03, 0x04, 0x05, 0x06, 0x07, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x13, 0x14, 0x15, 0x1c,
  ]);
  expect(supportedPids(0x20, bytes('80000001'))).toEqual([0x21, 0x40]);
  expect(supportedPids(0x00, bytes('FFFFFF'))).toEqual([]);
});
