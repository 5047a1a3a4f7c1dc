import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decodeRollup,
  emptyRollup,
  encodeRollup,
  type HourRollup,
  levelsOf,
  mergeRollup,
} from '../../../../src/store/rollup/rollup.ts';
import { RollupHours } from '../../../../src/store/rollup/rollup-hours.ts';
import { scalars, stored, wave } from '../../../support/store-fixture.ts';
import { streamOf } from '../../codec/columns-arbitrary.ts';

const HOUR = 3_600_000_000;
const KEY = { level: 0, epoch: 7, hour: 3, stream: 12 };

/** Some buckets of any level, with any values. */
const rollups = fc
  .tuple(
    fc.constantFrom(0, 1),
    fc.array(
      fc.record({
        bucket: fc.nat(719),
        a: fc.oneof(fc.integer(), fc.double({ noNaN: true }), fc.float({ noNaN: true })),
        b: fc.oneof(fc.integer(), fc.double({ noNaN: true })),
        n: fc.integer({ min: 1, max: 0xffff_ffff }),
      }),
    ),
  )
  .map(([level, rows]): HourRollup => {
    const rollup = emptyRollup({ ...KEY, level });
    for (const { bucket, a, b, n } of rows) {
      const i = bucket % rollup.n.length;
      rollup.min[i] = Math.min(a, b);
      rollup.max[i] = Math.max(a, b);
      rollup.sum[i] = a + b;
      rollup.n[i] = n;
    }
    return rollup;
  });

test('what is encoded comes back, to the last bit', () => {
  fc.assert(
    fc.property(rollups, (rollup) => {
      expect(decodeRollup(rollup, encodeRollup(rollup))).toEqual(rollup);
    }),
  );
});

test('a damaged byte, a missing one and another key are found out', () => {
  fc.assert(
    fc.property(rollups, fc.nat(), fc.integer({ min: 1, max: 255 }), (rollup, at, flip) => {
      const bytes = encodeRollup(rollup);
      const damaged = Uint8Array.from(bytes);
      damaged[at % bytes.length] = (damaged[at % bytes.length] ?? 0) ^ flip;
      expect(() => decodeRollup(rollup, damaged)).toThrow('damaged');
      expect(() => decodeRollup(rollup, bytes.subarray(0, at % bytes.length))).toThrow('damaged');
      expect(() => decodeRollup({ ...rollup, hour: rollup.hour + 1 }, bytes)).toThrow('damaged');
    }),
  );
});

test('merged, two parts are the whole', () => {
  const { number, stream } = stored(12, { id: 'a', kind: 'sample', hz: 20 });
  const [first, second] = [
    scalars(3 * HOUR, 400, 50_000),
    scalars(3 * HOUR + 7e6, 400, 50_000, 400),
  ];
  const [one, two, both] = [new RollupHours(), new RollupHours(), new RollupHours()];
  one.add(number, stream, 7, first);
  two.add(number, stream, 7, second);
  both.add(number, stream, 7, first);
  both.add(number, stream, 7, second);
  const merged = one.open().map((rollup, i) => mergeRollup(rollup, two.open()[i] ?? rollup));
  expect(merged).toEqual(both.open());
});

test('which streams have which levels', () => {
  const levels = (stream: Parameters<typeof levelsOf>[0]) =>
    levelsOf(stream).map(({ level }) => level);
  expect(levels(streamOf('wave', { hz: 1 }))).toEqual([1, 0]);
  expect(levels(streamOf('sample', { hz: 5 }))).toEqual([1, 0]);
  expect(levels(streamOf('sample', { hz: 4.9 }))).toEqual([1]);
  expect(levels(streamOf('frame', { hz: 4000 }))).toEqual([]);
  expect(levels(streamOf('event'))).toEqual([]);
  expect(() => emptyRollup({ ...KEY, level: 2 })).toThrow('level 2');
});

test('values that are no numbers are not counted, and an hour of them has no rollup', () => {
  const { number, stream } = stored(12, { id: 'a', kind: 'sample' });
  const hours = new RollupHours();
  const t = Float64Array.of(1000, 2000, 3000);
  hours.add(number, stream, 7, {
    kind: 'scalars',
    seq: 0,
    t,
    v: Float64Array.of(NaN, 4, Infinity),
  });
  hours.add(number, stream, 7, {
    kind: 'scalars',
    seq: 3,
    t: Float64Array.of(HOUR),
    v: Float64Array.of(NaN),
  });
  expect(hours.open().map(({ hour, n, min, max }) => [hour, n[0], min[0], max[0]])).toEqual([
    [0, 1, 4, 4],
  ]);
});

test('a wave is counted in its unit, over the end of an hour, and closed hour by hour', () => {
  const { number, stream } = stored(4, { id: 'w', kind: 'wave', hz: 100, lsb: 0.5 });
  const hours = new RollupHours();
  const samples = wave(HOUR - 2_000_000, 400, 100);
  hours.add(number, stream, 7, samples);
  const closed = hours.close(1);
  expect(closed.map(({ hour, level }) => [hour, level])).toEqual([
    [0, 1],
    [0, 0],
  ]);
  const fine = closed.at(-1);
  expect(fine?.n[719]).toBe(200);
  expect(fine?.max[719]).toBe(Math.max(...samples.v.subarray(0, 200)) / 2);
  expect(fine?.sum[719]).toBe(samples.v.subarray(0, 200).reduce((a, b) => a + b) / 2);
  expect(hours.open().map(({ hour, n }) => [hour, n[0]])).toEqual([
    [1, 200],
    [1, 200],
  ]);
  expect(hours.close(1)).toEqual([]);
});
