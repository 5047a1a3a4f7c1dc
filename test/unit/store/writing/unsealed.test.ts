import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeBlock, readHeader } from '../../../../src/codec/block.ts';
import { type Columns, countOf } from '../../../../src/codec/columns.ts';
import { SLOT_US } from '../../../../src/codec/slot.ts';
import { parseBlockKey } from '../../../../src/store/keys.ts';
import { BlockKeys, type Sealed, Unsealed } from '../../../../src/store/writing/unsealed.ts';
import { MemoryReads } from '../../../support/memory-reads.ts';
import { scalars, stored, wave } from '../../../support/store-fixture.ts';
import { framesOf } from '../../codec/columns-arbitrary.ts';

const BUS = stored(3, { id: 'can.bus', kind: 'frame' });
const RPM = stored(1, { id: 'obd.rpm', kind: 'sample' });
const EEG = stored(2, { id: 'eeg.raw', kind: 'wave', hz: 512, lsb: 1 });

function unsealed(reads = new MemoryReads()): Unsealed {
  return new Unsealed(1, new BlockKeys(reads));
}

/** A second of the bus. */
function second(s: number, n = 100): Columns {
  return framesOf(
    Array.from({ length: n }, (_, i) => ({ t: s * 1e6 + i * 9000, id: i & 7, data: [s & 255, i] })),
    s * n,
  );
}

const ids = (all: readonly Columns[]): number[] =>
  all.flatMap((one) => (one.kind === 'frames' ? [...one.t] : [...one.v]));
const names = (sealed: readonly Sealed[]): string[] =>
  sealed.map(({ table, key }) => `${table} ${Buffer.from(key).toString('hex')}`);

test('frames become a block after five seconds, and the tail is what was added all along', () => {
  const content = unsealed();
  const added: Columns[] = [];
  const pieces: number[] = [];
  for (let s = 0; s < 14; s++) {
    added.push(second(s));
    content.add({ ...BUS, columns: [second(s)], events: [] });
    const tail = content.columns(BUS.number);
    expect(ids(tail)).toEqual(ids(added));
    pieces.push(tail.length);
  }
  expect(pieces).toEqual([1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 6, 2, 3, 4]);
  expect([content.count, content.end]).toEqual([1400, 13e6 + 99 * 9000]);
  const { sealed, columns } = content.seal(BUS.number);
  expect(sealed.map(({ block }) => readHeader(block).n)).toEqual([600, 600, 200]);
  expect(columns.map(countOf)).toEqual([200]); // The rest has been encoded before.
  expect(ids(sealed.map(({ key, block }) => decodeBlock(block, key)))).toEqual(ids(added));
});

test('samples and waves wait for the seal, and become a block a slot', () => {
  const content = unsealed();
  for (let s = 295; s < 305; s++) {
    content.add({ ...RPM, columns: [scalars(s * 1e6, 20, 50_000, s * 20)], events: [] });
    content.add({ ...EEG, columns: [wave(s * 1e6, 512, 512, s * 512)], events: [] });
  }
  expect(content.columns(RPM.number)).toHaveLength(10);
  const sealed = [RPM, EEG].flatMap(({ number }) => [...content.seal(number).sealed]);
  const places = sealed.map(({ table, key, block }) => {
    return [table, parseBlockKey(key).slot, readHeader(block).n];
  });
  expect(places).toEqual([
    ['samples', 0, 100],
    ['samples', 1, 100],
    ['waves', 0, 2560],
    ['waves', 1, 2560],
  ]);
  // What was sealed is still shown until the content as a whole is in the database.
  expect(ids(content.columns(RPM.number))).toHaveLength(200);
  expect(content.seal(77)).toEqual({ sealed: [], columns: [] });
});

test('events are counted and move the end', () => {
  const content = unsealed();
  expect(content.end).toBeUndefined();
  const event = { stream: 7, t: 9e6, seq: 0, ordinal: 0, data: {} };
  content.add({ ...stored(7, { id: 'marks', kind: 'event' }), columns: [], events: [event] });
  expect([content.count, content.end, content.events, content.streams()]).toEqual([
    1,
    9e6,
    [event],
    [],
  ]);
});

test('no two blocks have a key in common, wherever they begin and whatever is stored already', () => {
  // Few times, so that many begin together; and those at the very end of a slot.
  const time = fc.oneof(fc.constantFrom(0, 1, SLOT_US - 1, SLOT_US), fc.nat(20_000));
  fc.assert(
    fc.property(fc.array(fc.tuple(time, fc.boolean()), { maxLength: 80 }), (all) => {
      const reads = new MemoryReads();
      const keys = new BlockKeys(reads);
      const seen = new Set<string>();
      for (const [t, settles] of all) {
        const key = keys.next('frames', 1, 3, t);
        const { slot, stream, epoch } = parseBlockKey(key);
        expect([slot, stream, epoch]).toEqual([Math.floor(t / SLOT_US), 3, 1]);
        seen.add(Buffer.from(key).toString('hex'));
        reads.commit([{ table: 'frames', key, value: new Uint8Array(1) }]);
        if (settles) keys.settle();
      }
      expect(seen.size).toBe(all.length);
    }),
  );
});

test('pieces of one second with holes have keys of their own', () => {
  const content = unsealed();
  const pieces = [0, 10, 20].map((seq) => scalars(5e6, 5, 0, seq));
  content.add({ ...RPM, columns: pieces, events: [] });
  const { sealed } = content.seal(RPM.number);
  expect(new Set(names(sealed)).size).toBe(3);
});
