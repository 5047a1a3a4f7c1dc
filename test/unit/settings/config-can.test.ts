import { expect, test } from 'vitest';
import { read, refusal } from './read-config.ts';

const config = (...flags: readonly string[]) => read({ flags }).config;

test('buses are listened to unless somebody says otherwise', () => {
  const { can, canTransmit, obd } = config(
    '--can',
    'can:can0',
    '--can',
    'slcan+tcp://10.0.0.2:3333',
  );
  expect(can).toEqual([
    { kind: 'can', interface: 'can0' },
    { kind: 'slcan', port: { kind: 'tcp', host: '10.0.0.2', port: 3333 } },
  ]);
  expect({ canTransmit, obd }).toEqual({ canTransmit: 'none', obd: undefined });
});

test('a car that is asked over CAN needs no simulated adapter', () => {
  const simulated = config('--sim', '1', '--can', 'sim:');
  expect(simulated.obd).toEqual({ kind: 'sim' });
  const asked = config('--sim', '1', '--can', 'sim:', '--can-transmit', 'diagnostic');
  expect(asked.obd).toBeUndefined();
});

test('a file says what the frames of a bus mean, which there has to be', () => {
  const { dbc } = config('--can', 'can:can0', '--dbc', 'can0=/etc/vigil/car=2.dbc');
  expect(dbc).toEqual([{ bus: 'can0', file: '/etc/vigil/car=2.dbc' }]);
  expect(refusal({ flags: ['--dbc', 'can0=a.dbc'] })).toBe(
    'dbc: expected one of the CAN buses (none is configured), found "can0"',
  );
  expect(refusal({ flags: ['--can', 'can:can1', '--can', 'sim:', '--dbc', 'can0=a.dbc'] })).toBe(
    'dbc: expected one of the CAN buses (can1, sim), found "can0"',
  );
});

test.each([
  [
    ['--can', 'can0'],
    'flag --can: expected can:can0, slcan+serial:///dev/ttyACM0?bitrate=500000, ' +
      'slcan+tcp://192.168.4.1:3333 or sim:, found "can0"',
  ],
  [
    ['--can', 'can:can0', '--can', 'can:CAN0'],
    'can: expected buses of different names, found two called can0',
  ],
  [
    [1, 2, 3, 4, 5].flatMap((n) => ['--can', `can:can${n}`]),
    'flag --can: expected at most 4, found ["can:can1","can:can2","can:can3","can:can4","can:can5"]',
  ],
  [['--can-transmit', 'all'], 'flag --can-transmit: expected none or diagnostic, found "all"'],
  [
    ['--can-transmit', 'diagnostic'],
    'canTransmit: expected none, as no CAN bus is configured, found diagnostic',
  ],
  [
    ['--can-rate', '11'],
    'flag --can-rate: expected requests a second: a whole number from 1 to 10, found 11',
  ],
  [
    ['--dbc', 'car.dbc'],
    'flag --dbc: expected BUS=FILE such as can0=/etc/vigil/car.dbc, found "car.dbc"',
  ],
  [
    ['--can', 'can:can0', '--speed', '2'],
    'speed: expected 1, as only a simulation or a replay can be faster, found 2',
  ],
])('%j is refused', (flags, message) => {
  expect(refusal({ flags })).toBe(message);
});
