import fc from 'fast-check';
import { expect, test } from 'vitest';
import { COUNTS, scalarForm } from '../../../../../src/codec/scalar-codec.ts';
import type { Signal } from '../../../../../src/sources/can/dbc/database.ts';
import { rawRange, scaleOf, stepOf, toValue } from '../../../../../src/sources/can/dbc/scale.ts';
import { messageOf } from '../../../../support/dbc-decode.ts';

function signalOf(scale: string, bits = 16, sign = '+', more = ''): Signal {
  const line = ` SG_ s : 0|${bits}@1${sign} (${scale}) [0|0] "" X\n`;
  const [signal] = messageOf(`BO_ 1 A: 8 X\n${line}${more}`).signals;
  if (!signal) throw new Error('no signal');
  return signal;
}

// biome-ignore format: a scale, a ratio
test.each<[scale: string, mul: number, div: number, add: number]>([
  ['1,0',          1,      1,                     0],
  ['0.1,-40',      1,      10,                    -40],
  ['0.25,0.5',     1,      4,                     0.5],
  ['-0.02,0',      -1,     50,                    0],
  ['0.03125,-273', 1,      32,                    -273],
  ['1.5e-7,0',     3,      20_000_000,            0],
  ['2.5E+02,0',    250,    1,                     0],
  ['1e21,0',       1e21,   1,                     0],
  ['0.39215686275,0', 1_568_627_451, 4_000_000_000, 0],
  // More digits than integers of a double have: the factor itself.
  ['0.12345678901234566,0', 0.12345678901234566, 1, 0],
  ['1e-300,0',     1e-300, 1,                     0],
])('the scale of %s', (scale, mul, div, add) => {
  expect(scaleOf(signalOf(scale))).toEqual({ mul, div, add });
});

test('no decimal factor is off by a rounding of its own', () => {
  const scale = scaleOf(signalOf('0.1,0'));
  for (let raw = 0; raw < 65_536; raw++) {
    expect(toValue(scale, raw)).toBe(Number(`${Math.floor(raw / 10)}.${raw % 10}`));
  }
});

const factors = fc.oneof(
  fc.constantFrom('1', '0.1', '0.01', '0.001', '0.05', '0.5', '0.25', '0.125', '0.03125'),
  fc.constantFrom('0.0078125', '-0.1', '4', '0.39215686275', '1e-7', '0.0054931640625'),
  fc.double({ min: 1e-6, max: 1e6, noNaN: true }).map(String),
);
const offsets = fc.oneof(
  fc.constantFrom('0', '-40', '-273', '0.5', '-32127.5', '1e9'),
  fc.double({ min: -1e6, max: 1e6, noNaN: true }).map(String),
);

test('where there is a step, the store keeps counts, and every value survives', () => {
  let steps = 0;
  fc.assert(
    fc.property(
      ...([factors, offsets, fc.integer({ min: 1, max: 64 }), fc.constantFrom('+', '-')] as const),
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 20 }),
      (factor, offset, bits, sign, parts) => {
        const signal = signalOf(`${factor},${offset}`, bits, sign);
        const step = stepOf(signal);
        if (!step) return;
        steps++;
        const [low, high] = rawRange(signal);
        const raws = [low, high, ...parts.map((part) => Math.floor(low + part * (high - low)))];
        const scale = scaleOf(signal);
        const values = Float64Array.from(raws, (raw) => toValue(scale, raw));
        expect(scalarForm(values, step)).toEqual({ codec: COUNTS, step });
      },
    ),
    { numRuns: 2_000 },
  );
  expect(steps).toBeGreaterThan(500);
});

// biome-ignore format: a scale, bits, a sign
test.each<[why: string, signal: Signal]>([
  ['a float',                            signalOf('1,0', 32, '+', 'SIG_VALTYPE_ 1 s : 1;')],
  ['more counts than the store has',     signalOf('1,0', 51)],
  ['a product that no double has',       signalOf('0.39215686275,0', 32)],
  ['a factor that is no ratio',          signalOf('0.12345678901234566,0')],
  ['steps that drown in the offset',     signalOf('1e-9,1e9')],
])('there is no step for %s', (_why, signal) => {
  expect(stepOf(signal)).toBeUndefined();
});
