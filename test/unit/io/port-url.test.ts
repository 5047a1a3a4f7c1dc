import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ConfigError } from '#core/errors.ts';
import { type PortUrl, parsePortUrl } from '../../../src/io/port-url.ts';

const GOOD: readonly (readonly [text: string, url: PortUrl])[] = [
  ['sim:', { kind: 'sim' }],
  ['serial:///dev/ttyUSB0', { kind: 'serial', path: '/dev/ttyUSB0' }],
  ['serial:///dev/ttyUSB0?baud=300', { kind: 'serial', path: '/dev/ttyUSB0', baud: 300 }],
  ['serial:///dev/rfcomm0?baud=4000000', { kind: 'serial', path: '/dev/rfcomm0', baud: 4_000_000 }],
  [
    'serial:///dev/serial/by-path/pci-0000:00:14.0-usb-0:2:1.0-port0',
    { kind: 'serial', path: '/dev/serial/by-path/pci-0000:00:14.0-usb-0:2:1.0-port0' },
  ],
  ['serial:///dev/my%20adapter', { kind: 'serial', path: '/dev/my adapter' }],
  ['serial:///dev/my adapter', { kind: 'serial', path: '/dev/my adapter' }],
  ['tcp://192.168.0.10:35000', { kind: 'tcp', host: '192.168.0.10', port: 35_000 }],
  ['tcp://obd.local:35000/', { kind: 'tcp', host: 'obd.local', port: 35_000 }],
  ['tcp://[fe80::1]:65535', { kind: 'tcp', host: 'fe80::1', port: 65_535 }],
  ['bt://00:1D:A5:68:98:8B', { kind: 'bluetooth', address: '00:1D:A5:68:98:8B', channel: 1 }],
  ['BT://00:1d:a5:68:98:8b/', { kind: 'bluetooth', address: '00:1D:A5:68:98:8B', channel: 1 }],
  [
    'bt://00:1d:a5:68:98:8b?channel=30',
    { kind: 'bluetooth', address: '00:1D:A5:68:98:8B', channel: 30 },
  ],
];

const BAD: readonly (readonly [text: string, fault: string])[] = [
  ['', 'nothing'],
  ['/dev/ttyUSB0', 'no scheme'],
  ['com3', 'no scheme'],
  ['usb:///dev/ttyUSB0', 'unknown scheme'],
  ['simulator', 'unknown scheme'],
  ['sim:1', 'the seed has an option of its own'],
  ['serial:', 'no path'],
  ['serial:///', 'no path'],
  ['serial://dev/ttyUSB0', 'two slashes make a host of dev'],
  ['serial:///dev/%', 'half an escape'],
  ['serial:///dev/%ff', 'an escape that is no UTF-8'],
  ['serial:///dev/ttyUSB0?baud=', 'no rate'],
  ['serial:///dev/ttyUSB0?baud=fast', 'rate of letters'],
  ['serial:///dev/ttyUSB0?baud=299', 'rate too low'],
  ['serial:///dev/ttyUSB0?baud=4000001', 'rate too high'],
  ['serial:///dev/ttyUSB0?baud=9600.5', 'half a baud'],
  ['serial:///dev/ttyUSB0?baud=9600&baud=19200', 'two rates'],
  ['serial:///dev/ttyUSB0?boud=9600', 'misspelt'],
  ['serial:///dev/ttyUSB0#baud=9600', 'a fragment'],
  ['tcp://192.168.0.10', 'no port'],
  ['tcp://192.168.0.10:0', 'port 0'],
  ['tcp://192.168.0.10:65536', 'no such port'],
  ['tcp://:35000', 'no host'],
  ['tcp://192.168.0.10:35000/path', 'a path'],
  ['tcp://192.168.0.10:35000?baud=9600', 'a query'],
  ['tcp://me@192.168.0.10:35000', 'a user'],
  ['tcp://:secret@192.168.0.10:35000', 'a password'],
  ['bt:', 'no address'],
  ['bt:00:1D:A5:68:98:8B', 'no slashes'],
  ['bt://00:1D:A5:68:98', 'half an address'],
  ['bt://00:1D:A5:68:98:8G', 'a digit that is none'],
  ['bt://00-1D-A5-68-98-8B', 'dashes'],
  ['bt://00:1D:A5:68:98:8B?channel=', 'no channel'],
  ['bt://00:1D:A5:68:98:8B?channel=0', 'channel 0'],
  ['bt://00:1D:A5:68:98:8B?channel=31', 'a channel too high'],
  ['bt://00:1D:A5:68:98:8B?channel=1&channel=2', 'two channels'],
  ['bt://00:1D:A5:68:98:8B/port', 'a path'],
  ['bt://00:1D:A5:68:98:8B#1', 'a fragment'],
];

test.each(GOOD)('%s is understood', (text, url) => {
  expect(parsePortUrl(text)).toEqual(url);
});

test.each(BAD)('%s is refused: %s', (text) => {
  expect(() => parsePortUrl(text)).toThrow(ConfigError);
});

test('the error shows what a URL looks like and what was found', () => {
  expect(() => parsePortUrl('/dev/ttyUSB0')).toThrow(
    'expected serial:///dev/ttyUSB0?baud=38400, bt://00:1D:A5:68:98:8B, ' +
      'tcp://192.168.0.10:35000 or sim:, found "/dev/ttyUSB0"',
  );
  expect(() => parsePortUrl('serial:///dev/x?baud=1')).toThrow(
    'expected a baud rate from 300 to 4000000, found 1',
  );
});

test.each([
  ['tcp://192.168.0.10', 'no port'],
  ['tcp://192.168.0.10:99999', 'port 99999 is not one of 1 to 65535'],
  ['tcp://192.168.0.10:0', 'port 0 is not one of 1 to 65535'],
  ['tcp://:35000', 'no host'],
  ['tcp://192.168.0.10:35000/path', 'unknown part "/path"'],
  ['tcp://me@192.168.0.10:35000', 'a user or a password'],
  ['bt://golf', '"golf" is no address of a Bluetooth device'],
  ['bt://00:1D:A5:68:98:8B?channel=31', 'channel 31 is not one of 1 to 30'],
  ['bt://00:1D:A5:68:98:8B?pin=1234', 'unknown part "pin=1234"'],
  ['bt://00:1D:A5:68:98:8B#1', 'unknown part "#1"'],
  ['serial:///dev/ttyUSB0?boud=9600', 'unknown part "boud"'],
  ['serial:///dev/ttyUSB0?baud=9600&parity=odd', 'unknown part "parity=odd"'],
  ['serial:///dev/ttyUSB0#x', 'unknown part "#x"'],
  ['serial://dev/ttyUSB0', 'a serial port needs three slashes before its path'],
  ['serial:', 'no path'],
  ['serial:dev/ttyUSB0', 'no path'],
  ['serial:///dev/%', 'a % that begins no character'],
  ['sim:1', 'unknown part "1"'],
])('the error for %s names the fault: %s', (text, fault) => {
  expect(() => parsePortUrl(text, 'this')).toThrow(
    new ConfigError(`${fault}; expected this, found ${JSON.stringify(text)}`),
  );
});

test('any text is a URL or a ConfigError, and a URL has all it needs', () => {
  const text = fc.oneof(
    fc.string(),
    fc.string().map((rest) => `serial:///${rest}`),
    fc.string().map((rest) => `tcp://${rest}`),
    fc.string().map((rest) => `bt:${rest}`),
    fc.tuple(fc.string(), fc.nat(99_999)).map(([host, port]) => `tcp://${host}:${port}`),
  );
  fc.assert(
    fc.property(text, (url) => {
      try {
        const parsed = parsePortUrl(url);
        if (parsed.kind === 'serial') expect(parsed.path).toMatch(/^\/./s);
        if (parsed.kind === 'tcp')
          expect([parsed.host !== '', parsed.port > 0]).not.toContain(false);
      } catch (error) {
        expect(error).toBeInstanceOf(ConfigError);
      }
    }),
    { numRuns: 500 },
  );
});

test('a Bluetooth device is found again by any address and channel', () => {
  const address = fc
    .uint8Array({ minLength: 6, maxLength: 6 })
    .map((bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':'));
  fc.assert(
    fc.property(address, fc.integer({ min: 1, max: 30 }), (text, channel) => {
      const found = { kind: 'bluetooth', address: text.toUpperCase(), channel };
      expect(parsePortUrl(`bt://${text}?channel=${channel}`)).toEqual(found);
    }),
  );
});
