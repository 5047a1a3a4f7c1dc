import type { Step } from '#core/stream.ts';
import type { Signal } from './database.ts';

/** Counts of the store end here: scalar-codec.ts. */
const COUNT_MAX = 2 ** 50;

/**
 * value = raw * mul / div + add.
 *
 * A factor of a DBC file is a decimal fraction, as 0.1, which no double is. Multiplying by 1 and dividing
 * by 10 gives the double nearest to each value, and 0.3 instead of 0.30000000000000004.
 */
export function scaleOf({ factor, offset }: Pick<Signal, 'factor' | 'offset'>): Step {
  return { ...(fractionOf(factor) ?? { mul: factor, div: 1 }), add: offset };
}

/**
 * The scale where every value gives its raw count back, so that counts can be stored instead of values;
 * undefined for floats, and where doubles are too coarse for it.
 */
export function stepOf(signal: Signal): Step | undefined {
  const fraction = fractionOf(signal.factor);
  if (signal.type === 'float' || !fraction) return undefined;
  const step = { ...fraction, add: signal.offset };
  const [low, high] = rawRange(signal);
  const count = Math.max(-low, high);
  if (count > COUNT_MAX || count * Math.abs(step.mul) > Number.MAX_SAFE_INTEGER) return undefined;
  // What each of the three roundings of a value may be off, against the distance of two values.
  const coarsest = Math.max(
    Math.abs(toValue(step, low)),
    Math.abs(toValue(step, high)),
    Math.abs(step.add),
  );
  return coarsest * Number.EPSILON * 8 < Math.abs(signal.factor) ? step : undefined;
}

export function toValue({ mul, div, add }: Step, raw: number): number {
  return (raw * mul) / div + add;
}

/** The smallest and the largest raw value that the bits can express. */
export function rawRange({ type, bits }: Pick<Signal, 'type' | 'bits'>): [number, number] {
  if (type === 'unsigned') return [0, 2 ** bits - 1];
  if (type === 'signed') return [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
  const max = bits === 32 ? (2 - 2 ** -23) * 2 ** 127 : Number.MAX_VALUE;
  return [-max, max];
}

/** A factor as a ratio of integers, cancelled down; undefined where those would not be exact. */
function fractionOf(factor: number): { mul: number; div: number } | undefined {
  // The shortest decimal that is this double, which is what the file says: 0.1, 1e-7, 1.5e-7.
  const [, sign = '', whole = '', decimals = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(factor)) ?? [];
  const places = decimals.length - Number(exponent);
  const digits = Number(whole + decimals);
  const mul = places < 0 ? digits * 10 ** -places : digits;
  const div = places > 0 ? 10 ** places : 1;
  if (mul > Number.MAX_SAFE_INTEGER || div > Number.MAX_SAFE_INTEGER) return undefined;
  const common = greatestDivisor(mul, div);
  return { mul: (sign === '-' ? -mul : mul) / common, div: div / common };
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}
