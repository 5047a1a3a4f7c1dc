import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decoderFor } from '../../../../../src/sources/can/dbc/decode.ts';
import { parseDbc } from '../../../../../src/sources/can/dbc/parse.ts';
import { bitFields, signalLine } from '../../../../support/dbc-arbitrary.ts';
import { messageOf, valuesOf } from '../../../../support/dbc-decode.ts';
import { type BitField, decodeBits, encodeBits } from '../../../../support/dbc-encode.ts';

const frames = fc.uint8Array({ minLength: 8, maxLength: 8 });
const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));

const message = (...lines: readonly string[]) => messageOf(`BO_ 1 A: 8 X\n${lines.join('\n')}\n`);

/** Every place of a frame of eight bytes. */
const ALL: BitField[] = Array.from({ length: 64 * 64 * 2 }, (_, index) => ({
  startBit: index % 64,
  bits: 1 + (Math.floor(index / 64) % 64),
  byteOrder: index < 64 * 64 ? ('little' as const) : ('big' as const),
})).filter(({ startBit, bits, byteOrder }) =>
  byteOrder === 'little'
    ? startBit + bits <= 64
    : Math.floor(startBit / 8) * 8 + 7 - (startBit % 8) + bits <= 64,
);

/** The ends of what the bits can express, and some between. */
function rawsOf({ bits }: BitField, signed: boolean): bigint[] {
  const span = 1n << BigInt(bits);
  const low = signed ? -span / 2n : 0n;
  return [low, low + 1n, low + span / 3n, low + span / 2n, low + span - 1n];
}

test.each([false, true])(
  'every start, length and order, signed %s: what was put in comes out',
  (signed) => {
    expect(ALL).toHaveLength(2 * 2_080);
    for (const field of ALL) {
      const one = message(signalLine('s', field, { signed }));
      for (const raw of rawsOf(field, signed)) {
        // The bits around it are the opposite of its sign, so that one too many shows.
        const data = new Uint8Array(8).fill(raw < 0n ? 0 : 0xff);
        encodeBits(field, raw, data);
        const value = valuesOf(one, data)['s'];
        if (value !== Number(raw)) expect(value, JSON.stringify(field)).toBe(Number(raw));
      }
    }
  },
);

test('any frame: the double nearest to the integer that is in it', () => {
  fc.assert(
    fc.property(bitFields(8), fc.boolean(), frames, (field, signed, data) => {
      const raw = decodeBits(field, data, signed);
      expect(valuesOf(message(signalLine('s', field, { signed })), data)['s']).toBe(Number(raw));
    }),
    { numRuns: 2_000 },
  );
});

test('frames of CAN FD, up to their last bit', () => {
  const long = fc.uint8Array({ minLength: 64, maxLength: 64 });
  fc.assert(
    fc.property(bitFields(64), fc.boolean(), long, (field, signed, data) => {
      const line = signalLine('s', field, { signed });
      const one = messageOf(`BO_ 1 A: 64 X\n${line}\n`);
      expect(valuesOf(one, data)['s']).toBe(Number(decodeBits(field, data, signed)));
    }),
  );
});

test('floats and doubles of any place', () => {
  fc.assert(
    fc.property(
      bitFields(8),
      fc.double({ noDefaultInfinity: true, noNaN: true }),
      (field, value) => {
        for (const [bits, type] of [
          [32, 1],
          [64, 2],
        ] as const) {
          const view = new DataView(new ArrayBuffer(8));
          if (bits === 32) view.setFloat32(4, value);
          else view.setFloat64(0, value);
          const expected = bits === 32 ? view.getFloat32(4) : value;
          const place = { ...field, bits, startBit: field.byteOrder === 'little' ? 0 : 7 };
          const data = new Uint8Array(8);
          encodeBits(place, view.getBigUint64(0), data);
          const one = message(signalLine('s', place), `SIG_VALTYPE_ 1 s : ${type};`);
          // Zero has one sign: there is no -0 among values.
          const there = Number.isFinite(expected) ? { s: expected + 0 } : {};
          expect(valuesOf(one, data)).toEqual(there);
        }
      },
    ),
  );
});

test('a float that is no number is left out and counted', () => {
  const one = message(' SG_ s : 7|32@0+ (1,0) [0|0] "" X', 'SIG_VALTYPE_ 1 s : 1;');
  for (const hex of ['7fc00000', '7f800000', 'ff800000']) {
    let given = 0;
    expect(decoderFor(one).decode(bytes(`${hex}00000000`), () => given++)).toBe(1);
    expect(given).toBe(0);
  }
});

// biome-ignore format: a scale, a raw value, a value
test.each<[scale: string, signed: boolean, raw: number, value: number]>([
  ['0.1,0',          false, 3,      0.3],
  ['0.1,-40',        false, 655,    25.5],
  ['-0.5,10',        false, 0,      10],
  ['-0.5,0',         false, 0,      0],
  ['0.125,0',        false, 8_000,  1_000],
  ['1e-3,0',         true,  -1_001, -1.001],
  ['2.5E+02,1',      false, 2,      501],
  ['0.0166666667,0', false, 60,     1.000000002],
  ['1e300,0',        false, 1,      1e300],
])('scale %s, signed %s: %d is %d', (scale, signed, raw, value) => {
  const field = { startBit: 0, bits: 16, byteOrder: 'little' } as const;
  const data = new Uint8Array(8);
  encodeBits(field, BigInt(raw), data);
  expect(valuesOf(message(signalLine('s', field, { signed, scale })), data)).toEqual({ s: value });
});

test('a value too large for a double is left out and counted', () => {
  const one = message(' SG_ s : 0|16@1+ (1e305,0) [0|0] "" X');
  expect(decoderFor(one).decode(bytes('ffff000000000000'), () => undefined)).toBe(1);
});

test('beyond 2^53 an integer is the nearest double', () => {
  const one = message(' SG_ s : 0|64@1+ (1,0) [0|0] "" X');
  const data = new Uint8Array(8);
  for (const [raw, value] of [
    [2n ** 53n - 1n, 9_007_199_254_740_991],
    [2n ** 53n + 1n, 9_007_199_254_740_992],
    [2n ** 53n + 3n, 9_007_199_254_740_996],
    [2n ** 64n - 1n, 2 ** 64],
    [2n ** 64n - 1_025n, 2 ** 64 - 2_048],
  ] as const) {
    encodeBits({ startBit: 0, bits: 64, byteOrder: 'little' }, raw, data);
    expect(valuesOf(one, data)).toEqual({ s: value });
  }
});

test('of a shorter frame, the signals that are whole in it', () => {
  const one = message(
    ' SG_ a : 0|8@1+ (1,0) [0|0] "" X',
    ' SG_ b : 15|12@0+ (1,0) [0|0] "" X',
    ' SG_ c : 16|4@1+ (1,0) [0|0] "" X',
    ' SG_ d : 56|8@1+ (1,0) [0|0] "" X',
  );
  const decoder = decoderFor(one);
  for (let length = 0; length <= 8; length++) {
    const names: string[] = [];
    const leftOut = decoder.decode(new Uint8Array(length), (index) => {
      names.push(one.signals[index]?.name ?? '');
    });
    expect(names.join('')).toBe(['', 'a', 'a', 'abc', 'abc', 'abc', 'abc', 'abc', 'abcd'][length]);
    expect(leftOut).toBe(4 - names.length);
  }
});

const NESTED = parseDbc(`BO_ 1 A: 8 X
 SG_ top M : 0|8@1+ (1,0) [0|0] "" X
 SG_ always : 56|8@1+ (1,0) [0|0] "" X
 SG_ inner m1M : 8|8@1- (1,0) [0|0] "" X
 SG_ wide m2 : 16|8@1+ (1,0) [0|0] "" X
 SG_ deep m1 : 24|8@1+ (1,0) [0|0] "" X
 SG_ deeper m1 : 48|8@1+ (1,0) [0|0] "" X
SG_MUL_VAL_ 1 inner top 1-1, 5-5;
SG_MUL_VAL_ 1 wide top 2-200;
SG_MUL_VAL_ 1 deep inner 1-3;
SG_MUL_VAL_ 1 deeper inner 3-100, 127-127;
`).database.messages[0];

test.each([
  ['00', 'always'],
  ['01', 'always inner'],
  ['0101', 'always deep inner'],
  ['0103', 'always deep deeper inner'],
  ['0104', 'always deeper inner'],
  ['017f', 'always deeper inner'],
  ['01ff', 'always inner'],
  ['02', 'always wide'],
  ['0503', 'always deep deeper inner wide'],
  ['c8', 'always wide'],
  ['c9', 'always'],
])('multiplexed by multiplexers and ranges: %s', (hex, names) => {
  if (!NESTED) throw new Error('no message');
  const data = bytes(hex.padEnd(16, '0'));
  const { top, ...values } = valuesOf(NESTED, data);
  expect(top).toBe(data[0]);
  expect(Object.keys(values).toSorted().join(' ')).toBe(names);
});

test('without its multiplexer nothing that it chooses is decoded', () => {
  if (!NESTED) throw new Error('no message');
  expect(valuesOf(NESTED, new Uint8Array())).toEqual({});
  // Of two bytes: the multiplexers are there, what they choose is not, nor what is always there.
  const decoder = decoderFor(NESTED);
  expect(decoder.decode(bytes('0503'), () => undefined)).toBe(4);
});

test('a multiplexer chooses by its raw value, whatever its scale', () => {
  const one = message(
    ' SG_ top M : 0|8@1- (0.5,10) [0|0] "" X',
    ' SG_ a m3 : 8|8@1+ (1,0) [0|0] "" X',
  );
  expect(valuesOf(one, bytes('0307000000000000'))).toEqual({ top: 11.5, a: 7 });
});

test('positions are those of the signals in the message, chosen or not', () => {
  const one = message(
    ' SG_ a m1 : 8|8@1+ (1,0) [0|0] "" X',
    ' SG_ top M : 0|8@1+ (1,0) [0|0] "" X',
    ' SG_ b m2 : 8|8@1+ (1,0) [0|0] "" X',
  );
  const given: [number, number][] = [];
  decoderFor(one).decode(bytes('0209000000000000'), (index, value) => given.push([index, value]));
  expect(given).toEqual([
    [1, 2],
    [2, 9],
  ]);
});
