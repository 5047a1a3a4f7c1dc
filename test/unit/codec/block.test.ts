import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type BlockOptions,
  decodeBlock,
  encodeBlock,
  readHeader,
  verifyBlock,
} from '../../../src/codec/block.ts';
import { BlockError } from '../../../src/codec/block-error.ts';
import type { Columns, Scalars, Waves } from '../../../src/codec/columns.ts';
import { columns, framesOf, scalars, streamFor, streamOf, waves } from './columns-arbitrary.ts';

const KEY = Uint8Array.of(0, 0, 0, 1, 0, 2, 0, 3, 0, 0);

function encode(columns: Columns, options: Partial<BlockOptions> = {}): Uint8Array {
  return encodeBlock(columns, KEY, { stream: streamFor(columns), ...options });
}

/** Every block error has a code; anything else is a bug. */
function codeOf(decode: () => unknown): string {
  try {
    decode();
  } catch (error) {
    if (error instanceof BlockError) return error.code;
    throw error;
  }
  return 'none';
}

/** What the examples are about: evenly spaced values that pack well. */
function speeds(n = 300): Scalars {
  const t = Float64Array.from({ length: n }, (_, i) => 5_000_000 + i * 200_000);
  return { kind: 'scalars', seq: 42, t, v: t.map((_, i) => 50 + (i % 9)) };
}

const EXAMPLES: readonly (readonly [string, Columns])[] = [
  ['scalars', speeds()],
  ['a scalar', speeds(1)],
  ['waves', { kind: 'waves', seq: 7, t0: 12, span: 1e6, v: Int32Array.of(1, -70_000, 3) }],
  [
    'frames',
    framesOf(Array.from({ length: 40 }, (_, i) => ({ t: i, id: 1 + (i % 3), data: [i, 7] }))),
  ],
];

describe('a block', () => {
  test('gives back what went in', () => {
    fc.assert(
      fc.property(columns, fc.uint8Array({ maxLength: 12 }), (columns, key) => {
        const block = encodeBlock(columns, key, { stream: streamFor(columns) });
        expect(decodeBlock(block, key)).toEqual(columns);
      }),
      { numRuns: 500 },
    );
  });

  test('can be read where it lies, and is not touched', () => {
    const block = encode(speeds());
    const page = new Uint8Array(block.length + 11).fill(0xaa);
    page.set(block, 5);
    const before = page.slice();
    expect(decodeBlock(page.subarray(5, 5 + block.length), KEY)).toEqual(speeds());
    expect(page).toEqual(before);
  });

  test('is not what another one wrote before it', () => {
    const first = encode(speeds());
    const copy = first.slice();
    encode({ ...speeds(), v: speeds().v.map((v) => v * 3) });
    expect(first).toEqual(copy);
  });

  test('is packed where that is shorter', () => {
    expect(readHeader(encode(speeds())).packed).toBe(true);
    expect(encode(speeds()).length).toBeLessThan(72 + 300);
    expect(readHeader(encode(speeds(1))).packed).toBe(false);
  });
});

describe('the header', () => {
  test('has every field in its place', () => {
    const step = { mul: 1, div: 4, add: -40 };
    const values = Float64Array.of(10.25, -39.75, 0);
    const block = encodeBlock(
      { kind: 'scalars', seq: 2 ** 40, t: Float64Array.of(-3000, 2000, 1000), v: values },
      KEY,
      { stream: streamOf('sample', { step }), recovered: true },
    );
    const view = new DataView(block.buffer);
    expect([...block.subarray(0, 6)]).toEqual([0x56, 0x42, 1, 1, 1, 1]);
    expect(view.getUint16(6, true)).toBe(2);
    expect(view.getBigInt64(8, true)).toBe(-3000n);
    expect(view.getUint32(16, true)).toBe(5000);
    expect(view.getUint32(20, true)).toBe(3);
    expect(view.getFloat64(24, true)).toBe(0.25);
    expect(view.getFloat64(32, true)).toBe(-40);
    expect(view.getFloat32(40, true)).toBe(-39.75);
    expect(view.getFloat32(44, true)).toBe(10.25);
    expect(view.getFloat64(48, true)).toBe(-29.5);
    expect(view.getUint32(56, true)).toBe(block.length - 72);
    expect(view.getBigUint64(60, true)).toBe(2n ** 40n);
    expect(readHeader(block)).toEqual({
      ...{ version: 1, kind: 1, timeCodec: 1, codec: 1, packed: false, recovered: true },
      ...{ t0: -3000, span: 5000, n: 3, scale: 0.25, offset: -40, min: -39.75, max: 10.25 },
      ...{ sum: -29.5, payloadBytes: block.length - 72, seq: 2 ** 40 },
    });
  });

  test('tells 16-bit waves from larger ones, and frames', () => {
    const wave = (v: number): Waves => ({
      ...{ kind: 'waves', seq: 0, t0: 0, span: 0 },
      v: Int32Array.of(v),
    });
    const head = (columns: Columns) => readHeader(encode(columns));
    expect(head(wave(-0x8000))).toMatchObject({ kind: 2, timeCodec: 0, scale: 0.22, min: -0x8000 });
    expect(head(wave(0x8000))).toMatchObject({ kind: 3, sum: 0x8000 });
    const frames = framesOf([{ t: 9, id: 1, data: [1] }]);
    expect(head(frames)).toMatchObject({ kind: 4, timeCodec: 2, t0: 9, min: 0, max: 0, sum: 0 });
  });
});

describe('the bounds in the header', () => {
  test('hold every value', () => {
    fc.assert(
      fc.property(fc.oneof(scalars, waves), (columns) => {
        const { min, max } = readHeader(encode(columns));
        for (const v of columns.v) {
          if (Number.isNaN(v)) continue;
          expect(min).toBeLessThanOrEqual(v);
          expect(max).toBeGreaterThanOrEqual(v);
        }
      }),
    );
  });

  test('are the nearest single-precision numbers', () => {
    const bounds = (v: number) => {
      const { min, max } = readHeader(encode({ ...speeds(1), v: Float64Array.of(v) }));
      return [min, max];
    };
    const least = 2 ** -149;
    const most = (2 - 2 ** -23) * 2 ** 127;
    expect(bounds(0.25)).toEqual([0.25, 0.25]);
    expect(bounds(0)[0]).toBe(0);
    expect(bounds(16_777_217)).toEqual([16_777_216, 16_777_218]);
    expect(bounds(-16_777_217)).toEqual([-16_777_218, -16_777_216]);
    expect(bounds(1e-300)[1]).toBe(least);
    expect(bounds(-1e-300)[0]).toBe(-least);
    expect(bounds(1e300)).toEqual([most, Number.POSITIVE_INFINITY]);
    expect(bounds(-1e300)).toEqual([Number.NEGATIVE_INFINITY, -most]);
  });

  test('leave a NaN out', () => {
    const of = (...v: number[]) =>
      readHeader(encode({ ...speeds(v.length), v: Float64Array.from(v) }));
    expect(of(1, Number.NaN, 2)).toMatchObject({ min: 1, max: 2, sum: 3 });
    expect(of(Number.NaN)).toMatchObject({ min: Infinity, max: -Infinity, sum: 0 });
  });
});

describe.each(EXAMPLES)('damage to %s', (_, columns) => {
  const block = encode(columns);

  test('of any byte is found', () => {
    for (let at = 0; at < block.length; at++) {
      for (const flip of [1, 0x80, 0xff]) {
        const damaged = block.slice();
        damaged[at] = (damaged[at] ?? 0) ^ flip;
        expect(codeOf(() => decodeBlock(damaged, KEY))).not.toBe('none');
      }
    }
  });

  test('by cutting it short, or by more behind it, is found', () => {
    for (let length = 0; length < block.length; length++) {
      expect(codeOf(() => decodeBlock(block.subarray(0, length), KEY))).toBe('SHORT_BLOCK');
    }
    const longer = new Uint8Array(block.length + 1);
    longer.set(block);
    expect(codeOf(() => decodeBlock(longer, KEY))).toBe('SHORT_BLOCK');
  });

  test('by moving it to another key is found', () => {
    expect(codeOf(() => verifyBlock(block, KEY))).toBe('none');
    expect(codeOf(() => verifyBlock(block, KEY.with(3, 2)))).toBe('BAD_CRC');
    expect(codeOf(() => decodeBlock(block, KEY.subarray(1)))).toBe('BAD_CRC');
  });
});

test('an error says what was seen', () => {
  const block = encode(speeds());
  expect(() => readHeader(block.subarray(0, 71))).toThrow('71 bytes, a header has 72');
  expect(() => readHeader(block.with(0, 0))).toThrow('begins with 0x4200, not 0x4256');
  const newer = block.with(2, 2);
  expect(codeOf(() => readHeader(newer))).toBe('NEWER_VERSION');
  expect(() => readHeader(newer)).toThrow('block version 2, 1 is known here');
});

test('what no source delivers is refused', () => {
  const refused = (columns: Columns) => expect(() => encode(columns)).toThrow(RangeError);
  const wave: Waves = { kind: 'waves', seq: 0, t0: 0, span: 0, v: Int32Array.of(1) };
  refused({ ...speeds(1), t: new Float64Array(), v: new Float64Array() });
  refused({ ...wave, v: new Int32Array() });
  refused(framesOf([]));
  refused({ ...speeds(1), seq: -1 });
  refused({ ...speeds(1), t: Float64Array.of(1) });
  refused({ ...speeds(2), v: Float64Array.of(1) });
  refused({ ...wave, t0: 0.5 });
  refused({ ...wave, span: 2 ** 32 });
  refused({ ...wave, v: new Int32Array(2 ** 22 + 1) });
  refused({ ...framesOf([{ t: 0, id: 1, data: [] }]), data: new Uint8Array(7) });
});
