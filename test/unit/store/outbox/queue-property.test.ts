/**
 * Whatever is recorded, comes late, is sealed, evicted, erased or lost with the power: who reads the queue
 * gets every `seq` once and in order, with what is recorded under it, or hears why there is nothing.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Stream } from '#core/stream.ts';
import { recordsOf } from '../../../../src/store/reading/walk.ts';
import {
  BUS,
  Consumer,
  ENOUGH,
  MARKS,
  NOTES,
  QueueWorld,
  RPM,
  STREAMS,
} from '../../../support/queue-world.ts';

const LATE_S_MAX = 700;
const RUNS = 120;

type Step =
  | { readonly kind: 'take'; readonly what: number; readonly n: number; readonly late: number }
  | { readonly kind: 'pass'; readonly seconds: number }
  | { readonly kind: 'read'; readonly values: number; readonly stretches: number }
  | { readonly kind: 'erase'; readonly from: number; readonly seconds: number }
  | { readonly kind: 'evict'; readonly share: number }
  | { readonly kind: 'unlist'; readonly which: number; readonly isDamaged: boolean }
  | { readonly kind: 'crash'; readonly seed: number; readonly sameEpoch: boolean }
  | { readonly kind: 'flush' | 'failFlush' | 'seal' | 'failSeal' | 'restart' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('take' as const),
      what: fc.nat(4),
      n: fc.integer({ min: 1, max: 40 }),
      late: fc.oneof(fc.constant(0), fc.nat(LATE_S_MAX)),
    }),
  },
  { weight: 5, arbitrary: fc.constantFrom<Step>({ kind: 'flush' }, { kind: 'seal' }) },
  { weight: 1, arbitrary: fc.constantFrom<Step>({ kind: 'failFlush' }, { kind: 'failSeal' }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('pass' as const), seconds: fc.nat(400) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('read' as const),
      values: fc.integer({ min: 1, max: 50 }),
      stretches: fc.integer({ min: 1, max: 5 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('erase' as const),
      from: fc.nat(2_000),
      seconds: fc.integer({ min: 1, max: 600 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('evict' as const),
      share: fc.double({ min: 0.2, max: 0.9, noNaN: true }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('crash' as const),
      seed: fc.nat(1e6),
      sameEpoch: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('unlist' as const),
      which: fc.nat(100),
      isDamaged: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'restart' }) },
);

/** What the steps allow to be missing. */
interface Allowed {
  evicted: boolean;
  /** What the journal refused waits in memory only, while what comes later may be on the disk. */
  lost: boolean;
  erased: boolean;
  /** Without its seal what is found is whole, and why the rest is not there is not known. */
  unlisted: boolean;
}

let count = 0;

function take(world: QueueWorld, { what, n, late }: Extract<Step, { kind: 'take' }>): void {
  const t = Math.max(0, world.now - late * 1e6);
  const stream: Stream = STREAMS[what] ?? RPM;
  if (stream.kind === 'wave') {
    const v = Array.from({ length: n }, () => count++ % 30_000);
    world.takeWave(t, v, late % 7 === 1 ? late : 0);
    return;
  }
  for (let i = 0; i < n; i++) {
    const at = t + i * 1000;
    if (stream === RPM) world.take({ kind: 'sample', stream, t: at, v: count++ });
    else if (stream === BUS) {
      const data = Uint8Array.of(count++ & 255, i);
      world.take({ kind: 'frame', stream, t: at, id: i, extended: false, data });
    } else world.take({ kind: 'event', stream, t: at, data: { n: count++ } });
  }
}

async function apply(
  world: QueueWorld,
  one: Step,
  consumers: readonly Consumer[],
  allowed: Allowed,
) {
  switch (one.kind) {
    case 'take':
      return take(world, one);
    case 'pass':
      world.now += one.seconds * 1e6;
      return;
    case 'read':
      for (const consumer of consumers) {
        consumer.read({ ...ENOUGH, values: one.values, spanUs: 60e6 }, one.stretches);
      }
      return;
    case 'flush':
      // Of a disk that was to fail, and had nothing to do at that time.
      return await flushed(world);
    case 'failFlush':
      allowed.lost = true;
      world.disk.failNext('write', 'EIO');
      return await world.flush().catch(() => {});
    case 'seal':
      return await world.seal();
    case 'failSeal':
      world.failCommit();
      return await world.seal().catch(() => {});
    case 'erase': {
      allowed.erased = true;
      world.place();
      const from = one.from * 1e6;
      const to = from + one.seconds * 1e6;
      return await world.recorder.erase([{ epoch: world.epoch, from, to }]);
    }
    case 'evict':
      allowed.evicted = true;
      world.limit = world.database.use().used * one.share;
      await world.seal();
      world.limit = 2 ** 30;
      return;
    case 'unlist':
      allowed.unlisted = true;
      return await unlist(world, one);
    case 'restart':
      await world.finish();
      world.epoch++;
      world.now = 0;
      return await world.open();
    case 'crash': {
      let state = one.seed;
      if (one.sameEpoch) await flushed(world);
      world.place(); // A record whose write failed may be there all the same.
      world.disk = world.disk.crash(() => {
        state = (state * 48_271 + 11) % 2_147_483_647;
        return state / 2_147_483_647;
      });
      if (one.sameEpoch) return await world.open({ again: true });
      world.epoch++;
      world.now = 0;
      return await world.open();
    }
  }
}

/** A seal is damaged or gone. */
async function unlist(
  world: QueueWorld,
  { which, isDamaged }: Extract<Step, { kind: 'unlist' }>,
): Promise<void> {
  const seals = [...recordsOf(world.database, 'seals')];
  const key = seals[which % Math.max(1, seals.length)]?.key;
  const value = isDamaged ? Uint8Array.of(1, 2, 3) : undefined;
  if (key) await world.database.commit([{ table: 'seals', key, value }]);
}

/** All is durable, however often the disk was to fail while there was nothing to write. */
async function flushed(world: QueueWorld): Promise<void> {
  for (let failed = true; failed; ) {
    world.place();
    failed = await world.recorder.durable().then(
      () => false,
      () => true,
    );
  }
}

function isAllowed(gap: string, isKnown: boolean, allowed: Allowed): boolean {
  const { lost, erased, evicted, unlisted } = allowed;
  if (unlisted) return !isKnown || lost || erased || evicted;
  if (gap === 'lost') return !isKnown || lost;
  return gap === 'erased' ? erased : evicted;
}

function check(world: QueueWorld, stream: Stream, consumer: Consumer, allowed: Allowed): void {
  const known = world.recorded.get(stream.id) ?? new Map<number, string>();
  for (const [seq, got] of consumer.got) {
    const value = known.get(seq);
    const place = `${stream.id} ${seq}`;
    if ('value' in got) expect(got.value, place).toBe(value);
    else expect(isAllowed(got.gap, value !== undefined, allowed), place).toBe(true);
  }
  expect(consumer.next, stream.id).toBe(Math.max(-1, ...known.keys()) + 1);
}

test(`reading gives each seq once, whatever happens meanwhile`, { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
      const world = new QueueWorld();
      try {
        await world.open();
        const allowed: Allowed = {
          ...{ evicted: false, lost: false, erased: false, unlisted: false },
        };
        const consumers = STREAMS.map((stream) => new Consumer(world, stream));
        for (const one of steps) await apply(world, one, consumers, allowed);
        await flushed(world);
        for (const [i, stream] of STREAMS.entries()) {
          const consumer = consumers[i] ?? new Consumer(world, stream);
          check(world, stream, consumer.read(), allowed);
          check(world, stream, new Consumer(world, stream, { hints: false }).read(), allowed);
        }
        await world.finish();
        for (const stream of STREAMS) {
          check(world, stream, new Consumer(world, stream).read({ ...ENOUGH, values: 7 }), allowed);
        }
      } finally {
        await world.close();
      }
    }),
    { numRuns: RUNS },
  );
});

test('events that are kept are not evicted, those that were sent are', async () => {
  const world = new QueueWorld();
  try {
    await world.open();
    for (let i = 0; i < 600; i++) {
      const data = { i, text: 'x'.repeat(200) };
      world.take({ kind: 'event', stream: MARKS, t: i * 1000, data });
      world.take({ kind: 'event', stream: NOTES, t: i * 1000, data });
    }
    await world.seal();
    const marks = world.numberOf(MARKS) ?? 0;
    const notes = world.numberOf(NOTES) ?? 0;
    world.queue.keep(new Map([[marks, 400]])); // Of notes all are to be kept.
    // Large enough that what is kept is below four times its share, and still too small.
    const { used, tables } = world.database.use();
    const events = tables.events.bytes + tables.eventIndex.bytes;
    world.limit = events / 0.15;
    world.take({ kind: 'sample', stream: RPM, t: 0, v: 1 });
    const use = world.database.use.bind(world.database);
    world.database.use = () => ({ ...use(), used: world.limit + used });
    await world.seal();
    const gaps = (stream: Stream) =>
      new Consumer(world, stream).read().stretches.flatMap(({ first, n, content }) => {
        return content.kind === 'gap' ? [[first, n, content.reason]] : [];
      });
    expect(gaps(MARKS)).toEqual([[0, 400, 'evicted']]);
    expect(gaps(NOTES)).toEqual([]);
    expect(world.recorder.stats.unsentEvicted).toBe(0);

    world.limit = events / 100; // What is kept is far above its share: the oldest go after all.
    await world.seal();
    world.take({ kind: 'sample', stream: RPM, t: 1, v: 1 });
    await world.seal();
    expect(gaps(NOTES)[0]?.slice(0, 1)).toEqual([0]);
    expect(world.recorder.stats.unsentEvicted).toBeGreaterThan(0);
    expect(notes).toBeGreaterThan(0);
  } finally {
    await world.close();
  }
});
