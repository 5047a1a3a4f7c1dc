/** Readings through the bus, as the number of consumers grows, against calling them at once. */
import { setImmediate as turn } from 'node:timers/promises';
import { Bus } from '#core/bus.ts';
import type { Reading, Stream } from '#core/stream.ts';
import { type Bench, growth, interleave, Side, secondsOf } from './bench.ts';
import { significant } from './stats.ts';

const READINGS = 400_000;
/** Readings that one event brings: the values of a shared answer, and a block of EEG. */
const BURST = 20;
const CAPACITY = 20_000;
const CONSUMERS = [1, 2, 4, 8] as const;
const ROUNDS = 7;

const STREAM: Stream = {
  id: 'obd.engine.rpm',
  name: 'Engine speed',
  unit: '/min',
  range: [0, 16_384],
  hz: 10,
  kind: 'sample',
};

export const bus: Bench = {
  name: 'bus',
  async *run() {
    const direct = new Side(() => rate(callDirectly));
    // The load of this one is the number of consumers, so it has no other scale.
    const sides = new Map(
      CONSUMERS.map((consumers) => [consumers, new Side(() => rate(() => throughBus(consumers)))]),
    );
    await interleave(ROUNDS, [direct, ...sides.values()]);
    for (const [consumers, side] of sides) {
      yield {
        metric: `consumers ${consumers}`,
        value: Math.round(side.median),
        unit: 'readings/s',
        ...(consumers === 1 && { peer: { name: 'direct call', value: Math.round(direct.median) } }),
        n: ROUNDS,
      };
    }
    yield* growth('ns/reading/consumer', sides, (perS, consumers) => 1e9 / perS / consumers);
    const one = 1e9 / (sides.get(1)?.median ?? Number.NaN);
    const eight = 1e9 / (sides.get(8)?.median ?? Number.NaN);
    yield {
      metric: 'one more consumer',
      value: significant((eight - one) / 7, 3),
      unit: 'ns/reading',
      n: ROUNDS,
    };
  },
};

async function rate(work: () => Promise<number>): Promise<number> {
  let count = 0;
  const seconds = await secondsOf(async () => {
    count = await work();
  });
  return count / seconds;
}

async function throughBus(consumers: number): Promise<number> {
  const bus = new Bus(setImmediate);
  const sums = Array.from({ length: consumers }, () => new Sum());
  for (const [i, sum] of sums.entries()) {
    bus.attach({ name: `consumer ${i}`, capacity: CAPACITY, take: (batch) => sum.take(batch) });
  }
  for (let n = 0; n < READINGS; n += BURST) {
    for (let i = 0; i < BURST; i++) bus.emit(reading(n + i));
    await turn();
  }
  const count = Math.min(...sums.map((sum) => sum.count));
  if (count !== READINGS) throw new Error(`the bus delivered ${count} of ${READINGS} readings`);
  return count;
}

/** The same events with nothing between the source and one consumer. */
async function callDirectly(): Promise<number> {
  const sum = new Sum();
  for (let n = 0; n < READINGS; n += BURST) {
    for (let i = 0; i < BURST; i++) sum.take([reading(n + i)]);
    await turn();
  }
  return sum.count;
}

/** The least that a consumer can do with a reading. */
class Sum {
  count = 0;
  total = 0;

  take(batch: readonly Reading[]): void {
    for (const one of batch) {
      this.count++;
      if (one.kind === 'sample') this.total += one.v;
    }
  }
}

function reading(n: number): Reading {
  return { kind: 'sample', stream: STREAM, t: n, v: n & 0x3fff };
}
