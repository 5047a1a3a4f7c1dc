import { expect, test } from 'vitest';
import { ConfigError } from '#core/errors.ts';
import { busNames, parseCanUrl } from '../../../../src/io/can/can-url.ts';

const EXPECTED =
  'expected can:can0, slcan+serial:///dev/ttyACM0?bitrate=500000, slcan+tcp://192.168.4.1:3333 or sim:';
const serial = { kind: 'serial', path: '/dev/ttyACM0' } as const;

test.each([
  ['sim:', { kind: 'sim' }],
  ['can:can0', { kind: 'can', interface: 'can0' }],
  ['can:can-obd.1', { kind: 'can', interface: 'can-obd.1' }],
  ['slcan+serial:///dev/ttyACM0', { kind: 'slcan', port: serial }],
  [
    'slcan+serial:///dev/ttyACM0?bitrate=500000&baud=3000000&name=body',
    { kind: 'slcan', port: { ...serial, baud: 3_000_000 }, bitRate: 500_000, name: 'body' },
  ],
  [
    'slcan+tcp://192.168.4.1:3333?bitrate=125000',
    { kind: 'slcan', port: { kind: 'tcp', host: '192.168.4.1', port: 3333 }, bitRate: 125_000 },
  ],
])('%s', (text, url) => expect(parseCanUrl(text)).toEqual(url));

test.each([
  ['', `${EXPECTED}, found ""`],
  ['can0', `${EXPECTED}, found "can0"`],
  ['can:', `no name of an interface after can:; ${EXPECTED}, found "can:"`],
  ['can:..', `no name of an interface after can:; ${EXPECTED}, found "can:.."`],
  ['can:a/b', `no name of an interface after can:; ${EXPECTED}, found "can:a/b"`],
  [
    'can:can0?bitrate=5',
    `no name of an interface after can:; ${EXPECTED}, found "can:can0?bitrate=5"`,
  ],
  ['can:a-name-of-16-chr', `no name of an interface after can:; ${EXPECTED}`],
  ['slcan+sim:', `${EXPECTED}, found "slcan+sim:"`],
  ['slcan+serial://dev/ttyACM0', `a serial port needs three slashes before its path; ${EXPECTED}`],
  ['slcan+tcp://host', `no port; ${EXPECTED}, found "tcp://host"`],
  ['slcan+tcp://host:1?speed=1', `unknown part "?speed=1"; ${EXPECTED}`],
  ['slcan+tcp://host:1?bitrate=1&bitrate=2', `a part twice; ${EXPECTED}`],
  [
    'slcan+tcp://host:1?bitrate=500k',
    'expected a bitrate of 10000, 20000, 50000, 100000, 125000, 250000, 500000, 800000, 1000000, found 500k',
  ],
  ['slcan+tcp://host:1?name=Body', `a name has up to 23 of a to z, 0 to 9, _ and -; ${EXPECTED}`],
])('%s is refused in words for a person', (text, message) => {
  expect(() => parseCanUrl(text)).toThrow(ConfigError);
  expect(() => parseCanUrl(text)).toThrow(message);
});

test('each bus has a name that a stream can have', () => {
  const urls = [
    'can:can0',
    'slcan+tcp://a:1',
    'slcan+tcp://b:1?name=body',
    'slcan+tcp://c:1',
    'can:CAN.Body',
    'sim:',
  ];
  expect(busNames(urls.map(parseCanUrl))).toEqual([
    'can0',
    'slcan0',
    'body',
    'slcan1',
    'can-body',
    'sim',
  ]);
});

test('two buses of one name are refused', () => {
  const urls = ['can:can0', 'slcan+tcp://b:1?name=can0'].map(parseCanUrl);
  expect(() => busNames(urls)).toThrow('expected buses of different names, found two called can0');
});
