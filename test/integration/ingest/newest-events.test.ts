import { afterEach, beforeEach, expect, test } from 'vitest';
import { newestEvents } from '../../../src/store/reading/newest-events.ts';
import { EPOCH, StoreFixture, stored } from '../../support/store-fixture.ts';

const [ours, others] = [
  stored(1, { id: 'ingest.cam.face', kind: 'event' }),
  stored(2, { id: 'marker', kind: 'event' }),
];

let fixture: StoreFixture;

beforeEach(async () => {
  fixture = new StoreFixture();
  await fixture.declare(ours, others);
});

afterEach(async () => {
  await fixture.close();
});

const event = (stream: number, t: number, seq = 0) => {
  return { stream, t, seq, ordinal: 0, data: { t, seq } };
};

test('the newest come first: of the tail, then of LMDB, over its pages', async () => {
  const old = Array.from({ length: 200 }, (_, t) => event(1, t));
  await fixture.sealEvents([...old, event(2, 5), event(1, 100, 1)]);
  // They come in any order.
  const events = [event(1, 301), event(1, 300, 1), event(1, 300), event(2, 305)];
  const tail = fixture.tail([], { events });
  const range = { epoch: EPOCH, from: 10, to: 1_000 };
  const found = [...newestEvents({ reads: fixture.database, tail }, new Set([1]), [range])];
  const times = found.map(({ t }) => Number(t));
  expect(times.slice(0, 3)).toEqual([301, 300, 300]);
  expect(found.slice(1, 3).map(({ seq }) => seq)).toEqual([1, 0]);
  expect(times).toHaveLength(3 + 191);
  expect(times).toEqual(times.toSorted((a, b) => b - a));
});

test('a range ends before its end, and others are of other epochs', async () => {
  await fixture.sealEvents([event(1, 10), event(1, 20)]);
  const tail = fixture.tail([], { events: [event(1, 30)] });
  const at = (from: number, to: number, epoch = EPOCH) => {
    const range = { epoch, from, to };
    return [...newestEvents({ reads: fixture.database, tail }, new Set([1]), [range])].length;
  };
  expect([at(10, 20), at(10, 21), at(11, 30), at(11, 31)]).toEqual([1, 2, 1, 2]);
  expect(at(0, 100, EPOCH + 1)).toBe(0);
});
