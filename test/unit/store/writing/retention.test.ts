import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Span } from '#core/session.ts';
import { SLOT_US } from '../../../../src/codec/slot.ts';
import {
  blockKey,
  eventIndexKey,
  eventKey,
  HOUR_US,
  parseBlockKey,
  parseEventKey,
  parseRollupKey,
  rollupKey,
} from '../../../../src/store/keys.ts';
import type { Change, TableName } from '../../../../src/store/lmdb.ts';
import { encodeRecord } from '../../../../src/store/record.ts';
import { planEviction } from '../../../../src/store/writing/retention.ts';
import { MemoryReads } from '../../../support/memory-reads.ts';

type BlockTable = 'samples' | 'waves' | 'frames';

function block(table: BlockTable, slot: number, bytes: number, epoch = 1): Change {
  return { table, key: blockKey({ epoch, slot, stream: 1, sub: 0 }), value: new Uint8Array(bytes) };
}

function event(t: number, epoch = 1): Change[] {
  const key = eventKey({ epoch, t, seq: 0 });
  return [
    { table: 'events', key, value: encodeRecord(key, { stream: 7, data: {} }) },
    { table: 'eventIndex', key: eventIndexKey(7, { epoch, t, seq: 0 }), value: new Uint8Array() },
  ];
}

function rollup(hour: number, epoch = 1, level = 0): Change {
  const key = rollupKey({ level, epoch, hour, stream: 1 });
  return { table: 'rollups', key, value: new Uint8Array(100) };
}

function filled(changes: readonly Change[]): MemoryReads {
  const reads = new MemoryReads();
  reads.commit(changes);
  return reads;
}

function plan(reads: MemoryReads, over: number, pinned: readonly Span[] = []) {
  const use = reads.use();
  return planEviction(reads, use, { limit: use.used, needed: over }, pinned);
}

/** `frames 3` for the block of slot 3. */
function named(changes: readonly Change[]): string[] {
  return changes.map(({ table, key }) => `${table} ${parseBlockKey(key).slot}`);
}

const slots = (n: number): number[] => Array.from({ length: n }, (_, slot) => slot);

describe('what goes', () => {
  test('is nothing where there is room', () => {
    const reads = filled(slots(9).map((slot) => block('frames', slot, 1000)));
    expect(plan(reads, 0)).toEqual({
      ...{ changes: [], bytes: 0, pinnedBytes: 0, unsent: 0 },
      enough: true,
    });
    expect(plan(reads, -5000).changes).toEqual([]);
    expect(reads.looked + reads.values).toBe(0);
  });

  test('is the oldest of the class most over its share, and no more than is needed', () => {
    const frames = slots(9).map((slot) => block('frames', slot, 1000));
    const samples = slots(9).map((slot) => block('samples', slot, 400));
    const reads = filled([...frames, ...samples]);
    // 9,000 / 0.4 is more than 3,600 / 0.2, and after three of them it is not any more.
    expect(named(plan(reads, 1).changes)).toEqual(['frames 0']);
    const four = plan(reads, 3500);
    expect(named(four.changes)).toEqual(['frames 0', 'frames 1', 'samples 0', 'frames 2']);
    expect(four.enough).toBe(true);
    expect(four.bytes).toBeGreaterThanOrEqual(3500);
  });

  test('a whole slot goes at once, an epoch before the next', () => {
    const key = (epoch: number, stream: number) => blockKey({ epoch, slot: 0, stream, sub: 0 });
    const value = new Uint8Array(50);
    const keys = [key(1, 1), key(1, 2), key(2, 1)];
    const reads = filled(keys.map((key): Change => ({ table: 'waves', key, value })));
    expect(plan(reads, 1).changes.map(({ key }) => key)).toEqual(keys.slice(0, 2));
  });

  test('events go with their index, that of a damaged one stays', () => {
    const reads = filled([...event(5), ...event(6)]);
    const damaged = eventKey({ epoch: 1, t: 5, seq: 0 });
    reads.commit([{ table: 'events', key: damaged, value: new Uint8Array(30) }]);
    const { changes, enough } = plan(reads, 1e9);
    expect(enough).toBe(false);
    reads.commit(changes);
    expect(reads.list('events')).toEqual([]);
    expect(reads.list('eventIndex')).toHaveLength(1);
  });

  test('is everything that may go, and no more, where that is not enough', () => {
    const reads = filled([...event(5), rollup(0), ...slots(300).map((n) => block('waves', n, 10))]);
    const { changes, enough } = plan(reads, 1e9, [{ epoch: 1, from: SLOT_US, to: 2 * SLOT_US }]);
    expect(enough).toBe(false);
    reads.commit(changes);
    // A rollup of an hour of which a part is pinned stays.
    expect([reads.list('waves').length, reads.list('rollups').length]).toEqual([1, 1]);
    expect([reads.list('events'), reads.list('eventIndex')]).toEqual([[], []]);
  });
});

describe('what is pinned', () => {
  const day = slots(288).flatMap((slot) => {
    return slots(60).map((sub): Change => {
      const key = blockKey({ epoch: 1, slot, stream: 1, sub });
      return { table: 'frames', key, value: new Uint8Array(10) };
    });
  });

  test('is not read, and however much it is does not hide what is behind it', () => {
    const reads = filled([...day, block('frames', 300, 10)]);
    const kept = plan(reads, 1, [{ epoch: 1, from: 0, to: 288 * SLOT_US }]);
    expect(named(kept.changes)).toEqual(['frames 300']);
    expect(reads.values).toBe(1);
    expect(reads.looked).toBeLessThan(500); // One a slot for the estimate, and a page or two.
    const { bytes } = reads.use().tables.frames;
    expect(kept.pinnedBytes / bytes).toBeCloseTo(288 / 289, 6);
  });

  test('to the end of its epoch where it is open', () => {
    const reads = filled([...day, block('frames', 0, 10, 2)]);
    const open = { epoch: 1, from: 5 * SLOT_US + 1, to: null };
    const { changes } = plan(reads, 1e9, [open]);
    const left = new Set(
      changes.map(({ key }) => `${parseBlockKey(key).epoch}/${parseBlockKey(key).slot}`),
    );
    expect([...left]).toEqual(['1/0', '1/1', '1/2', '1/3', '1/4', '2/0']);
  });
});

interface Stored {
  readonly table: TableName;
  readonly epoch: number;
  readonly at: number;
}

/** The stretch of time that an entry stands for. */
function placeOf({ table, key }: Change): Stored & { readonly from: number; readonly to: number } {
  if (table === 'events') {
    const { epoch, t } = parseEventKey(key);
    return { table, epoch, at: t, from: t, to: t + 1 };
  }
  if (table === 'rollups') {
    const { epoch, hour } = parseRollupKey(key);
    return { table, epoch, at: hour, from: hour * HOUR_US, to: (hour + 1) * HOUR_US };
  }
  const { epoch, slot } = parseBlockKey(key);
  return { table, epoch, at: slot, from: slot * SLOT_US, to: (slot + 1) * SLOT_US };
}

function isPinned(spans: readonly Span[], change: Change): boolean {
  const { epoch, from, to } = placeOf(change);
  return spans.some(
    (span) =>
      span.epoch === epoch && span.from < to && (span.to ?? Number.POSITIVE_INFINITY) > from,
  );
}

const epoch = fc.integer({ min: 1, max: 3 });
const slot = fc.oneof(fc.nat(30), fc.constantFrom(0xffff, 0xfffe));
const change = fc.oneof(
  fc
    .tuple(fc.constantFrom<BlockTable>('samples', 'waves', 'frames'), slot, epoch, fc.nat(9000))
    .map(([table, slot, epoch, bytes]) => [block(table, slot, bytes, epoch)]),
  fc.tuple(fc.nat(30 * SLOT_US), epoch).map(([t, epoch]) => event(t, epoch)),
  fc.tuple(fc.nat(3), epoch, fc.nat(1)).map(([hour, epoch, level]) => [rollup(hour, epoch, level)]),
);
const span = fc.record({
  epoch,
  from: fc.nat(30 * SLOT_US),
  to: fc.oneof(fc.nat(31 * SLOT_US), fc.constantFrom(null, Number.MAX_SAFE_INTEGER)),
});

test('any ring: what is pinned stays, the oldest goes first, and it is enough or all', () => {
  fc.assert(
    fc.property(
      fc.array(change, { maxLength: 60 }),
      fc.array(span, { maxLength: 4 }),
      fc.integer({ min: -1000, max: 200_000 }),
      (changes, pinned, over) => {
        const reads = filled(changes.flat());
        const { changes: removed, enough, bytes } = plan(reads, over, pinned);
        const gone = removed.filter(({ table }) => table !== 'eventIndex');
        expect(gone.filter((one) => isPinned(pinned, one))).toEqual([]);
        expect(
          new Set(gone.map(({ table, key }) => `${table} ${Buffer.from(key).toString('hex')}`))
            .size,
        ).toBe(gone.length);
        expect(enough).toBe(bytes >= over);
        if (over <= 0) expect(gone).toEqual([]);
        reads.commit(removed);
        expect(reads.list('eventIndex')).toHaveLength(reads.list('events').length);
        for (const table of ['samples', 'waves', 'frames', 'rollups', 'events'] as const) {
          const left = reads.list(table).map((text): Change => {
            return { table, key: Buffer.from(text, 'hex'), value: undefined };
          });
          const free = left.filter((one) => !isPinned(pinned, one));
          if (!enough) expect(free).toEqual([]);
          const last = gone.filter((one) => one.table === table).at(-1);
          const [first] = free;
          if (last && first) expect(Buffer.compare(last.key, first.key)).toBe(-1);
        }
      },
    ),
  );
});
