/** What is in no seal is found all the same: of a store of before there were any, or of a damaged one. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Stream } from '#core/stream.ts';
import type { Change } from '../../../../src/store/lmdb.ts';
import { recordsOf } from '../../../../src/store/reading/walk.ts';
import { encodeRecord, eventRecord } from '../../../../src/store/record.ts';
import { BUS, Consumer, ENOUGH, MARKS, QueueWorld, RPM } from '../../../support/queue-world.ts';

const SEALS = 6;
const EACH = 20;
const SLOT_S = 300;
const KINDS = [RPM, BUS, MARKS] as const;

let world: QueueWorld;

beforeEach(async () => {
  world = new QueueWorld();
  await world.open();
});

afterEach(async () => {
  await world.close();
});

function takeSome(i: number): void {
  for (let k = 0; k < EACH; k++) {
    const t = world.now + k * 1000;
    const n = i * EACH + k;
    world.take({ kind: 'sample', stream: RPM, t, v: n });
    const data = Uint8Array.of(n);
    world.take({ kind: 'frame', stream: BUS, t, id: k, extended: false, data });
    world.take({ kind: 'event', stream: MARKS, t, data: { n } });
  }
}

/** A seal each five minutes; every third has something late, of before the one before it. */
async function record(): Promise<void> {
  for (let i = 0; i < SEALS; i++) {
    takeSome(i);
    if (i % 3 === 2) world.take({ kind: 'sample', stream: RPM, t: world.now - 500e6, v: -i });
    await world.seal();
    world.now += SLOT_S * 1e6;
  }
}

async function change(changes: readonly Change[]): Promise<void> {
  await world.database.commit(changes);
  await world.open(); // Forgets what was read before.
}

const seals = () => [...recordsOf(world.database, 'seals')];

const removed = (table: 'seals' | 'samples', keys: readonly Uint8Array[]): Change[] =>
  keys.map((key) => ({ table, key, value: undefined }));

function damaged(n: number): Change[] {
  const { key, value } = seals()[n] ?? { key: new Uint8Array(), value: new Uint8Array() };
  const bytes = Uint8Array.from(value);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  return [{ table: 'seals', key, value: bytes }];
}

/** Everything is there, and is what was recorded. */
function expectWhole(stream: Stream, hints = true): void {
  const consumer = new Consumer(world, stream, { hints }).read({ ...ENOUGH, values: 7 });
  const known = world.recorded.get(stream.id) ?? new Map();
  const expected = [...known].map(([seq, value]) => [seq, { value }]);
  expect([...consumer.got]).toEqual(expected);
  expect(consumer.next).toBeGreaterThan(SEALS * EACH - 1);
}

function gapsOf(stream: Stream): unknown[] {
  const { stretches } = new Consumer(world, stream).read();
  return stretches.flatMap(({ first, n, content }) => {
    return content.kind === 'gap' ? [[first, n, content.reason]] : [];
  });
}

test.each([0, 2, SEALS - 1])('a seal that is damaged, number %i, hides nothing', async (n) => {
  await record();
  await change(damaged(n));
  for (const stream of KINDS) {
    expectWhole(stream);
    expectWhole(stream, false);
  }
});

test('blocks of before there were seals are given, and what came since then', async () => {
  await record();
  await change(
    removed(
      'seals',
      seals().map(({ key }) => key),
    ),
  );
  for (const stream of KINDS) expectWhole(stream);
  takeSome(SEALS);
  await world.seal();
  for (const stream of KINDS) expectWhole(stream);
  const [rpm] = world.queue.streams();
  expect(rpm).toMatchObject({ stream: RPM });
});

test('events that do not tell their place are told as gone, and only they', async () => {
  await record();
  const old = [...recordsOf(world.database, 'events')].map(({ key, value }): Change => {
    const { stream, data } = eventRecord(key, value);
    return { table: 'events', key, value: encodeRecord(key, { stream, data }) };
  });
  const keys = seals().map(({ key }) => key);
  await change([...removed('seals', keys), ...old]);
  takeSome(SEALS);
  await world.seal();
  expect(gapsOf(MARKS)).toEqual([[0, SEALS * EACH, 'evicted']]);
  expect(gapsOf(RPM)).toEqual([]);
});

test('what is neither in a seal nor stored is lost where a seal is damaged, and else evicted', async () => {
  await record();
  const blocks = [...recordsOf(world.database, 'samples')].map(({ key }) => key);
  await change([...damaged(3), ...removed('samples', blocks)]);
  // Two samples came late by then: that of the seal before, and none since.
  expect(gapsOf(RPM)).toEqual([
    [0, 3 * EACH + 1, 'evicted'],
    [3 * EACH + 1, EACH, 'lost'],
    [4 * EACH + 1, 2 * EACH + 1, 'evicted'],
  ]);
});

test('reading on in what no seal tells of does not begin anew each time', async () => {
  await record();
  await change(damaged(2));
  let asked = 0;
  const page = world.database.page.bind(world.database);
  world.database.page = (table, query) => {
    if (table === 'seals') asked++;
    return page(table, query);
  };
  const { stretches } = new Consumer(world, RPM).read({ ...ENOUGH, values: 1 });
  expect(stretches).toHaveLength(SEALS * EACH + 2);
  // One page has all seals here: a second look is for what a wrong hint would have hidden.
  expect(asked).toBeLessThan(stretches.length + 10);
});
