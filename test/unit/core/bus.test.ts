import { expect, test } from 'vitest';
import { Bus, type Consumer } from '#core/bus.ts';
import type { Reading, Sample, Stream } from '#core/stream.ts';
import { settle } from '../../support/fake-clock.ts';

const stream: Stream = {
  id: 'test.number',
  name: 'Number',
  unit: '1',
  range: [0, 1e6],
  hz: 0,
  kind: 'sample',
};

function reading(v: number): Sample {
  return { kind: 'sample', stream, t: v, v };
}

/** A bus whose later turns come when the test says so. */
function createBus() {
  const turns: (() => void)[] = [];
  const bus = new Bus((run) => turns.push(run));
  return {
    bus,
    turns,
    emit: (...values: number[]) => {
      for (const v of values) bus.emit(reading(v));
    },
    turn: () => {
      for (const run of turns.splice(0)) run();
    },
  };
}

/** Keeps the values of every batch it takes. */
function collector(name: string, options: Partial<Consumer> = {}) {
  const batches: number[][] = [];
  const consumer: Consumer = {
    name,
    capacity: 100,
    take: (batch) => void batches.push(valuesOf(batch)),
    ...options,
  };
  return { consumer, batches };
}

function valuesOf(batch: readonly Reading[]): number[] {
  return batch.map((one) => (one.kind === 'sample' ? one.v : Number.NaN));
}

test('every consumer gets every reading once, in order, in one batch a turn', () => {
  const { bus, turns, emit, turn } = createBus();
  const [a, b] = [collector('a'), collector('b')];
  bus.attach(a.consumer);
  bus.attach(b.consumer);
  emit(1, 2, 3);
  expect([a.batches, turns.length]).toEqual([[], 1]);
  turn();
  emit(4);
  turn();
  expect(a.batches).toEqual([[1, 2, 3], [4]]);
  expect(b.batches).toEqual(a.batches);
  expect(bus.received).toBe(4);
});

test('a turn without new readings calls nobody', () => {
  const { bus, turns, emit, turn } = createBus();
  const { consumer, batches } = collector('a', { capacity: 1 });
  bus.attach(consumer);
  emit(1);
  turn();
  expect([batches, turns]).toEqual([[[1]], []]);
});

test('a full queue drops its oldest readings, counts them, and leaves other queues alone', () => {
  const { bus, emit, turn } = createBus();
  const [small, large] = [collector('small', { capacity: 2 }), collector('large')];
  bus.attach(small.consumer);
  bus.attach(large.consumer);
  emit(1, 2, 3, 4, 5);
  turn();
  expect(small.batches).toEqual([[4, 5]]);
  expect(large.batches).toEqual([[1, 2, 3, 4, 5]]);
  expect(bus.health()).toEqual([
    { name: 'small', queued: 0, dropped: 3, delivered: 2 },
    { name: 'large', queued: 0, dropped: 0, delivered: 5 },
  ]);
});

test('a pending consumer waits alone, within its bound, and then gets what queued up', async () => {
  const { bus, emit, turn } = createBus();
  const gates: (() => void)[] = [];
  const slow = collector('slow', { capacity: 3 });
  bus.attach({
    ...slow.consumer,
    take: (batch) => {
      slow.batches.push(valuesOf(batch));
      return new Promise((resolve) => gates.push(resolve));
    },
  });
  const quick = collector('quick');
  bus.attach(quick.consumer);
  for (const v of [1, 2, 3, 4, 5]) {
    emit(v);
    turn();
  }
  expect(slow.batches).toEqual([[1]]);
  expect(quick.batches).toEqual([[1], [2], [3], [4], [5]]);
  expect(bus.health()[0]).toEqual({ name: 'slow', queued: 3, dropped: 1, delivered: 1 });
  gates[0]?.();
  await settle();
  expect(slow.batches).toEqual([[1], [3, 4, 5]]);
  gates[1]?.();
  await settle();
  expect(slow.batches).toHaveLength(2);
});

test('a handler that comes first runs within the emit, before any consumer', () => {
  const { bus, emit, turn } = createBus();
  const seen: string[] = [];
  bus.attach({ name: 'store', capacity: 9, take: () => void seen.push('store') });
  bus.first(({ t }) => void seen.push(`alerts ${t}`));
  bus.first(({ t }) => void seen.push(`buzzer ${t}`));
  emit(1);
  expect(seen).toEqual(['alerts 1', 'buzzer 1']);
  turn();
  expect(seen).toEqual(['alerts 1', 'buzzer 1', 'store']);
});

test('what a consumer emits while it takes a batch is delivered in a later turn', () => {
  const { bus, turns, emit, turn } = createBus();
  const { consumer, batches } = collector('all');
  bus.attach({
    name: 'fatigue',
    capacity: 9,
    take: (batch) => {
      if (valuesOf(batch).includes(1)) emit(100);
    },
  });
  bus.attach(consumer);
  emit(1);
  turn();
  // The second consumer had not taken its batch yet, so it finds both in it.
  expect(batches).toEqual([[1, 100]]);
  expect(turns).toHaveLength(1);
});

test('a consumer that throws ends the turn with its error', () => {
  const { bus, emit, turn } = createBus();
  const bug = new TypeError('bug');
  bus.attach({
    name: 'broken',
    capacity: 9,
    take: () => {
      throw bug;
    },
  });
  emit(1);
  expect(turn).toThrow(bug);
});

test('a consumer that rejects ends the process, as an unhandled rejection', async () => {
  const { bus, emit, turn } = createBus();
  const bug = new TypeError('bug');
  bus.attach({ name: 'broken', capacity: 9, take: () => Promise.reject(bug) });
  // The test runner listens as well, and would call it a failure of this test.
  const others = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection');
  try {
    const seen = new Promise((resolve) => process.once('unhandledRejection', resolve));
    emit(1);
    turn();
    expect(await seen).toBe(bug);
  } finally {
    for (const listener of others) process.on('unhandledRejection', listener);
  }
});
