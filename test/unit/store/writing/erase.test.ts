import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeBlock } from '../../../../src/codec/block.ts';
import type { Columns, Range, Scalars, StoredStream } from '../../../../src/codec/columns.ts';
import { joinPieces, startOf } from '../../../../src/codec/join.ts';
import { SLOT_US } from '../../../../src/codec/slot.ts';
import {
  eventIndexKey,
  eventKey,
  numberKey,
  parseRollupKey,
  rollupKey,
} from '../../../../src/store/keys.ts';
import type { Change } from '../../../../src/store/lmdb.ts';
import { StoreReader } from '../../../../src/store/reading/reader.ts';
import { encodeRecord } from '../../../../src/store/record.ts';
import { erasures } from '../../../../src/store/writing/erase.ts';
import { StreamRegistry } from '../../../../src/store/writing/registry.ts';
import { BlockKeys } from '../../../../src/store/writing/unsealed.ts';
import { MemoryReads } from '../../../support/memory-reads.ts';
import { stored } from '../../../support/store-fixture.ts';
import { framesOf } from '../../codec/columns-arbitrary.ts';

const RPM = stored(1, { id: 'obd.rpm', kind: 'sample' });
const EEG = stored(2, { id: 'eeg.raw', kind: 'wave', hz: 512, lsb: 1 });
const BUS = stored(3, { id: 'can.bus', kind: 'frame' });
const MARKS = stored(4, { id: 'marks', kind: 'event' });
const ALWAYS = { epoch: 1, from: 0, to: 1e15 };

class Ground {
  readonly reads = new MemoryReads();
  readonly registry = new StreamRegistry();
  readonly #keys = new BlockKeys(this.reads);

  constructor() {
    for (const one of [RPM, EEG, BUS, MARKS]) {
      this.registry.restore(one, 0);
      const key = numberKey(one.number);
      const value = encodeRecord(key, { stream: one.stream, nextSeq: 0 });
      this.reads.commit([{ table: 'streams', key, value }]);
    }
  }

  seal({ number, stream }: StoredStream, pieces: readonly Columns[], epoch = 1): this {
    for (const part of joinPieces(pieces)) {
      const table = part.kind === 'scalars' ? 'samples' : part.kind;
      const key = this.#keys.next(table, epoch, number, startOf(part));
      this.reads.commit([{ table, key, value: encodeBlock(part, key, { stream }) }]);
    }
    return this;
  }

  /** Returns the changes of each commit. */
  erase(range: Range): number[] {
    const sizes: number[] = [];
    for (const changes of erasures(this.reads, this.registry, range)) {
      this.reads.commit(changes);
      sizes.push(changes.length);
    }
    return sizes;
  }

  /** `seq t value` of each, by seq. */
  rows({ number }: StoredStream, epoch = 1): (readonly [number, number, number])[] {
    const reader = new StoreReader(this.reads, undefined);
    const pieces = [...reader.columns(number, { ...ALWAYS, epoch })];
    expect(reader.damaged.count).toBe(0);
    return pieces.flatMap(rowsOf).sort((a, b) => a[0] - b[0]);
  }
}

function rowsOf(piece: Columns): (readonly [number, number, number])[] {
  const period = piece.kind === 'waves' ? piece.span / Math.max(1, piece.v.length - 1) : 0;
  if (piece.kind === 'waves') {
    return [...piece.v].map((v, i) => [piece.seq + i, piece.t0 + i * period, v]);
  }
  const values = piece.kind === 'frames' ? piece.id : piece.v;
  return [...piece.t].map((t, i) => [piece.seq + i, t, values[i] ?? 0]);
}

const MS_MAX = 900_000;
const range = fc
  .tuple(fc.nat(MS_MAX * 1000), fc.nat(MS_MAX * 1000))
  .map(([a, b]): Range => ({ epoch: 1, from: Math.min(a, b), to: Math.max(a, b) }));
const times = fc.array(fc.nat(MS_MAX), { minLength: 1, maxLength: 80 });

function scalarsAt(ms: readonly number[]): Scalars {
  const t = Float64Array.from(ms, (at) => at * 1000);
  return { kind: 'scalars', seq: 0, t, v: t.map((_, i) => i) };
}

describe('to the sample', () => {
  test('values, whatever order they came in', () => {
    fc.assert(
      fc.property(times, range, (ms, erased) => {
        const ground = new Ground().seal(RPM, [scalarsAt(ms)]);
        const before = ground.rows(RPM);
        ground.erase(erased);
        const { from, to } = erased;
        expect(ground.rows(RPM)).toEqual(before.filter(([, t]) => t < from || t >= to));
      }),
    );
  });

  test('frames', () => {
    fc.assert(
      fc.property(times, range, (ms, erased) => {
        const all = framesOf(ms.map((at, id) => ({ t: at * 1000 + 7, id, data: [1, 2] })));
        const ground = new Ground().seal(BUS, [all]);
        const before = ground.rows(BUS);
        ground.erase(erased);
        const { from, to } = erased;
        expect(ground.rows(BUS)).toEqual(before.filter(([, t]) => t < from || t >= to));
      }),
    );
  });

  test('waves: what is left keeps its position, its value and its time', () => {
    const n = 2000;
    const v = Int32Array.from({ length: n }, (_, i) => i);
    const start = SLOT_US - 2_000_000;
    const piece = { kind: 'waves', seq: 50, t0: start, span: Math.round(((n - 1) * 1e6) / 512), v };
    fc.assert(
      fc.property(fc.nat(5_000_000), fc.nat(3_000_000), (offset, length) => {
        const ground = new Ground().seal(EEG, [{ ...piece, kind: 'waves' }]);
        const before = ground.rows(EEG);
        const from = start - 500_000 + offset;
        ground.erase({ epoch: 1, from, to: from + length });
        const after = ground.rows(EEG);
        const left = before.filter(
          ([, t]) => Math.round(t) < from || Math.round(t) >= from + length,
        );
        expect(after.map(([seq, , value]) => [seq, value])).toEqual(
          left.map(([seq, , value]) => [seq, value]),
        );
        for (const [k, [, t]] of after.entries()) {
          expect(Math.abs(t - (left[k]?.[1] ?? 0))).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  test('an edge that is written again, twice at the same place', () => {
    const ground = new Ground().seal(RPM, [scalarsAt([0, 1, 2, 3, 4, 5, 6, 7])]);
    ground.erase({ epoch: 1, from: 2000, to: 3000 });
    ground.erase({ epoch: 1, from: 5000, to: 6000 });
    ground.erase({ epoch: 1, from: 0, to: 1000 });
    expect(ground.rows(RPM).map(([seq]) => seq)).toEqual([1, 3, 4, 6, 7]);
    expect(ground.reads.list('samples')).toHaveLength(3);
  });

  test('another epoch, and what is beside the range, are not touched', () => {
    const ground = new Ground().seal(RPM, [scalarsAt([5])]).seal(RPM, [scalarsAt([5])], 2);
    expect(ground.erase({ epoch: 1, from: 6000, to: 9e9 })).toEqual([]);
    expect(ground.erase({ epoch: 1, from: 0, to: 5000 })).toEqual([]);
    // The block, and that it was erased.
    expect(ground.erase({ epoch: 2, from: 5000, to: 5001 })).toEqual([2]);
    expect([ground.rows(RPM).length, ground.rows(RPM, 2).length]).toEqual([1, 0]);
  });
});

describe('ranges', () => {
  test.each([
    [0, Number.POSITIVE_INFINITY],
    [-1e30, Number.MAX_SAFE_INTEGER],
    [0.5, 1e300],
  ])('from %d to %d end', (from, to) => {
    const ground = new Ground().seal(RPM, [scalarsAt([1, 2, 900_000])]);
    ground.reads.commit(marks(1, 5));
    ground.erase({ epoch: 1, from, to });
    expect(ground.rows(RPM)).toEqual([]);
    expect(ground.reads.list('events')).toEqual([]);
  });

  test.each([
    [5, 5],
    [6, 5],
    [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
    [1000.5, 1000.9],
  ])('from %d to %d hold nothing', (from, to) => {
    const ground = new Ground().seal(RPM, [scalarsAt([0, 1, 2])]);
    expect(ground.erase({ epoch: 1, from, to })).toEqual([]);
  });
});

function marks(...times: number[]): Change[] {
  return times.flatMap((t): Change[] => {
    const key = eventKey({ epoch: 1, t, seq: 3 });
    const index = eventIndexKey(MARKS.number, { epoch: 1, t, seq: 3 });
    return [
      { table: 'events', key, value: encodeRecord(key, { stream: MARKS.number, data: { t } }) },
      { table: 'eventIndex', key: index, value: new Uint8Array() },
    ];
  });
}

test('events go with their index, and one that is damaged does not keep the rest', () => {
  const ground = new Ground();
  ground.reads.commit(marks(9, 10, 15, 19, 20));
  const key = eventKey({ epoch: 1, t: 15, seq: 3 });
  ground.reads.commit([{ table: 'events', key, value: Buffer.from('damaged') }]);
  ground.erase({ epoch: 1, from: 9.5, to: 19.5 });
  expect(ground.reads.list('events')).toEqual(
    [9, 20].map((t) => Buffer.from(eventKey({ epoch: 1, t, seq: 3 })).toString('hex')),
  );
  expect(ground.reads.list('eventIndex')).toHaveLength(3);
});

test('a block that is damaged, or of a stream that nobody knows, goes as a whole', () => {
  const ground = new Ground().seal(RPM, [scalarsAt([0, 1, 2, 3])]);
  ground.seal(stored(9, { id: 'gone', kind: 'sample' }), [scalarsAt([0, 1, 2, 3])]);
  const [known = ''] = ground.reads.list('samples');
  const value = Buffer.from('damaged');
  ground.reads.commit([{ table: 'samples', key: Buffer.from(known, 'hex'), value }]);
  ground.erase({ epoch: 1, from: 1000, to: 2000 });
  expect(ground.reads.list('samples')).toEqual([]);
});

test('the rollups of the hours touched go first, of every level and only of the epoch', () => {
  const hours = [0, 1, 2, 3].flatMap((hour) => {
    return [0, 1].flatMap((level) => [1, 2].map((epoch) => ({ level, epoch, hour, stream: 1 })));
  });
  const ground = new Ground().seal(RPM, [scalarsAt([3_700_000])]);
  const value = new Uint8Array();
  const rollups = hours.map((key): Change => ({ table: 'rollups', key: rollupKey(key), value }));
  ground.reads.commit(rollups);
  const range = { epoch: 1, from: 3_600_000_000, to: 2 * 3_600_000_000 + 1 };
  const [first] = erasures(ground.reads, ground.registry, range);
  expect(first?.map(({ table }) => table)).toEqual(['erased', 'rollups', 'rollups']);
  ground.erase(range);
  const left = ground.reads.list('rollups').map((key) => parseRollupKey(Buffer.from(key, 'hex')));
  const kept = hours.filter(({ epoch, hour }) => epoch === 2 || hour === 0 || hour === 3);
  expect(new Set(left.map((key) => JSON.stringify(key)))).toEqual(
    new Set(kept.map((key) => JSON.stringify(key))),
  );
});
