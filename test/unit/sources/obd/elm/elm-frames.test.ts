import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  BUS_KINDS,
  busOfProtocol,
  readResponses,
} from '../../../../../src/sources/obd/elm/elm-frames.ts';
import type { BusKind } from '../../../../../src/sources/obd/scan-tool.ts';
import { segment } from '../../../../support/isotp-frames.ts';

const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex').toUpperCase();

/** Reads lines written with spaces; the messages come back as `ecu: hex`. */
function read(bus: BusKind, ...lines: string[]) {
  const counters = { badLines: 0, incomplete: 0 };
  const compact = lines.map((line) => line.replaceAll(' ', ''));
  const responses = readResponses(bus, compact, counters);
  return { messages: responses.map(({ ecu, pdu }) => `${ecu}: ${toHex(pdu)}`), ...counters };
}

const GOOD = { badLines: 0, incomplete: 0 };
const BAD = { messages: [], badLines: 1, incomplete: 0 };

describe('golden lines', () => {
  test('CAN with 11 bits', () => {
    expect(read('can11', '7E8 06 41 00 BE 3F A8 13 00')).toEqual({
      messages: ['7e8: 4100BE3FA813'],
      ...GOOD,
    });
  });

  test('CAN with 29 bits', () => {
    expect(read('can29', '18 DA F1 10 06 41 00 BE 3F A8 13 AA')).toEqual({
      messages: ['18daf110: 4100BE3FA813'],
      ...GOOD,
    });
  });

  test('J1850 with its CRC', () => {
    expect(read('j1850', '48 6B 10 41 00 BE 3E B8 11 FA')).toEqual({
      messages: ['10: 4100BE3EB811'],
      ...GOOD,
    });
  });

  test('ISO 9141-2 with its sum', () => {
    expect(read('iso9141', '48 6B 10 41 00 BE 3E B8 11 C9')).toEqual({
      messages: ['10: 4100BE3EB811'],
      ...GOOD,
    });
  });

  test('KWP with the length in its format byte', () => {
    expect(read('kwp', '86 F1 10 41 00 BF 9F F9 91 B0')).toEqual({
      messages: ['10: 4100BF9FF991'],
      ...GOOD,
    });
  });

  test('KWP with the length in a byte of its own', () => {
    expect(read('kwp', '80 F1 10 03 41 0D 20 F2')).toEqual({ messages: ['10: 410D20'], ...GOOD });
  });

  test('of an answer in several lines on an older bus, each of which is a message', () => {
    const vin = ['48 6B 10 49 02 01 00 00 00 31 69', '48 6B 10 49 02 02 44 34 47 50 B9'];
    expect(read('j1850', ...vin)).toEqual({
      messages: ['10: 49020100000031', '10: 49020244344750'],
      ...GOOD,
    });
  });
});

describe('two ECUs that answer at once', () => {
  const engine = ['10 14 49 02 01 31 44 34', '21 47 50 30 30 52 35 35', '22 42 31 32 33 34 35 36'];
  const message = '49020131443447503030523535423132333435'.concat('36');

  test('with 11 bits are kept apart frame by frame', () => {
    const lines = engine.flatMap((frame) => [`7E8 ${frame}`, `7E9 ${frame}`]);
    expect(read('can11', ...lines)).toEqual({
      messages: [`7e8: ${message}`, `7e9: ${message}`],
      ...GOOD,
    });
  });

  test('with 29 bits are kept apart, in the order in which they finish', () => {
    const lines = ['18DAF118 03 41 0D 20', ...engine.map((frame) => `18DAF110 ${frame}`)];
    const mixed = [lines[1], lines[2], lines[0], lines[3]].map(String);
    expect(read('can29', ...mixed).messages).toEqual(['18daf118: 410D20', `18daf110: ${message}`]);
  });

  test('a frame that one of them lost is no loss to the other', () => {
    const [first = '', second = '', third = ''] = engine;
    const lines = [`7E8 ${first}`, `7E9 ${first}`, `7E9 ${second}`, `7E8 ${third}`, `7E9 ${third}`];
    expect(read('can11', ...lines)).toEqual({
      messages: [`7e9: ${message}`],
      badLines: 0,
      incomplete: 1,
    });
  });

  test('on an older bus are told by their source address', () => {
    expect(read('kwp', '83 F1 10 41 0D 20 F2', '83 F1 18 41 0D 20 FA').messages).toEqual([
      '10: 410D20',
      '18: 410D20',
    ]);
  });
});

describe('lines that do not add up are dropped and counted', () => {
  test.each<[string, BusKind, string]>([
    ['a wrong CRC', 'j1850', '48 6B 10 41 00 BE 3E B8 11 FB'],
    ['a sum where a CRC belongs', 'j1850', '48 6B 10 41 00 BE 3E B8 11 C9'],
    ['a wrong sum', 'iso9141', '48 6B 10 41 00 BE 3E B8 11 CA'],
    ['a wrong sum on KWP', 'kwp', '83 F1 10 41 0D 20 F3'],
    ['a length that is not the frame’s', 'kwp', '84 F1 10 41 0D 20 F3'],
    ['a length byte that is not the frame’s', 'kwp', '80 F1 10 04 41 0D 20 F3'],
    ['no data at all', 'kwp', '80 F1 10 00 81'],
    ['a header and nothing else', 'iso9141', '48 6B 10 C3'],
    ['an odd number of digits', 'iso9141', '48 6B 10 41 00 BE 3E B8 11 C'],
    ['an odd number of digits on CAN', 'can11', '7E8 06 41 00 BE 3F A8 13 0'],
    ['more than eight bytes', 'can11', '7E8 06 41 00 BE 3F A8 13 00 00'],
    ['the address of a request', 'can11', '7DF 02 01 0C 00 00 00 00 00'],
    ['the address of a request to one ECU', 'can11', '7E0 02 01 0C 00 00 00 00 00'],
    ['an address of no ECU', 'can11', '5F8 03 41 0D 20 00 00 00 00'],
    ['the address of another tester', 'can29', '18 DA F2 10 03 41 0D 20'],
    ['an id cut short', 'can29', '18 DA F1'],
    ['11 bits on a bus of 29', 'can29', '7E8 03 41 0D 20 00 00 00 00'],
    ['29 bits on a bus of 11', 'can11', '18 DA F1 10 03 41 0D 20'],
    ['nothing', 'can11', ''],
    ['nothing on an older bus', 'j1850', ''],
  ])('%s', (_, bus, line) => {
    expect(read(bus, line)).toEqual(BAD);
  });

  test('an id without a byte counts as a frame that was cut', () => {
    expect(read('can11', '7E8')).toEqual({ messages: [], badLines: 0, incomplete: 1 });
  });

  test('a message cut off by the end of the answer is counted', () => {
    const { messages, incomplete } = read('can11', '7E8 10 14 49 02 01 31 44 34');
    expect({ messages, incomplete }).toEqual({ messages: [], incomplete: 1 });
  });

  test('the lines around them are read', () => {
    const good = '7E8 03 41 0D 20 00 00 00 00';
    const { messages, badLines } = read('can11', good, '7E8 03 41 0', good);
    expect({ messages, badLines }).toEqual({
      messages: ['7e8: 410D20', '7e8: 410D20'],
      badLines: 1,
    });
  });
});

test('protocol numbers stand for the bus behind them', () => {
  expect(['1', '2', '3', '4', '5', '6', '7', '8', '9'].map(busOfProtocol)).toEqual([
    ...['j1850', 'j1850', 'iso9141', 'kwp', 'kwp'],
    ...['can11', 'can29', 'can11', 'can29'],
  ]);
  expect(['0', 'A', 'B', 'C', ''].filter(busOfProtocol)).toEqual([]);
});

describe('for every message', () => {
  const pdu = fc.uint8Array({ minLength: 1, maxLength: 60, size: 'max' });
  const line = (id: string, frame: Uint8Array): string => id + toHex(frame);

  test('what two ECUs send is read back, however their frames mix', () => {
    fc.assert(
      fc.property(pdu, pdu, fc.infiniteStream(fc.boolean()), (a, b, coins) => {
        const queues = [
          segment(a).map((frame) => line('7E8', frame)),
          segment(b).map((frame) => line('7EF', frame)),
        ];
        const lines: string[] = [];
        for (const coin of coins) {
          const next = queues[coin ? 0 : 1]?.shift();
          if (next !== undefined) lines.push(next);
          if (queues.every(({ length }) => length === 0)) break;
        }
        const { messages, ...counters } = read('can11', ...lines);
        expect(messages.toSorted()).toEqual([`7e8: ${toHex(a)}`, `7ef: ${toHex(b)}`]);
        expect(counters).toEqual(GOOD);
      }),
    );
  });

  test('a line cut short never gives a message that was not sent', () => {
    const id = fc.constantFrom<[BusKind, string]>(['can11', '7E8'], ['can29', '18DAF110']);
    fc.assert(
      fc.property(pdu, id, fc.nat(), fc.nat(), ([...data], [bus, header], which, cut) => {
        const lines = segment(Uint8Array.from(data)).map((frame) => line(header, frame));
        const i = which % lines.length;
        const whole = lines[i] ?? '';
        lines[i] = whole.slice(0, cut % whole.length);
        // Only padding may be missing without harm.
        const sent = `${header.toLowerCase()}: ${toHex(Uint8Array.from(data))}`;
        for (const message of read(bus, ...lines).messages) expect(message).toBe(sent);
      }),
    );
  });

  test('a KWP line cut short is never a message', () => {
    const short = fc.uint8Array({ minLength: 1, maxLength: 63 });
    fc.assert(
      fc.property(short, fc.nat(), (data, cut) => {
        const frame = withSum(Uint8Array.of(0x80 | data.length, 0xf1, 0x10, ...data));
        expect(read('kwp', frame).messages).toEqual([`10: ${toHex(data)}`]);
        expect(read('kwp', frame.slice(0, cut % frame.length)).messages).toEqual([]);
      }),
    );
  });

  test('one wrong bit on an older bus is always seen', () => {
    const bus = fc.constantFrom<'j1850' | 'iso9141'>('j1850', 'iso9141');
    const data = fc.uint8Array({ minLength: 1, maxLength: 7 });
    fc.assert(
      fc.property(bus, data, fc.nat(), (kind, bytes, at) => {
        const body = Uint8Array.of(0x48, 0x6b, 0x10, ...bytes);
        const frame = kind === 'j1850' ? withCrc(`${toHex(body)}00`) : withSum(body);
        expect(read(kind, frame).messages).toEqual([`10: ${toHex(bytes)}`]);
        const broken = Buffer.from(frame, 'hex');
        const bit = at % (broken.length * 8);
        broken[bit >> 3] = (broken[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(read(kind, toHex(broken))).toEqual(BAD);
      }),
    );
  });
});

test('random lines never throw, and each is either read or counted', () => {
  const digits = fc
    .uint8Array({ maxLength: 14 })
    .chain((bytes) => fc.constantFrom('', '7E8', '18DAF110').map((id) => id + toHex(bytes)));
  const lines = fc.array(fc.oneof(digits, fc.string({ maxLength: 30 })), { maxLength: 20 });
  fc.assert(
    fc.property(fc.constantFrom(...BUS_KINDS), lines, (bus, list) => {
      const counters = { badLines: 0, incomplete: 0 };
      const responses = readResponses(bus, list, counters);
      expect(responses.length + counters.badLines).toBeLessThanOrEqual(list.length);
      for (const { pdu } of responses) expect(pdu.length).toBeGreaterThan(0);
    }),
  );
});

/** The line with its last byte made the CRC of the others: SAE J1850, 5.4.1, bit by bit. */
function withCrc(line: string): string {
  const body = Buffer.from(line.replaceAll(' ', ''), 'hex').subarray(0, -1);
  let crc = 0xff;
  for (const byte of body) {
    for (let bit = 7; bit >= 0; bit--) {
      const carry = (crc >> 7) ^ ((byte >> bit) & 1);
      crc = ((crc << 1) & 0xff) ^ (carry ? 0x1d : 0);
    }
  }
  return toHex(Uint8Array.of(...body, ~crc & 0xff));
}

function withSum(bytes: Uint8Array): string {
  return toHex(Uint8Array.of(...bytes, bytes.reduce((total, byte) => total + byte, 0) & 0xff));
}
