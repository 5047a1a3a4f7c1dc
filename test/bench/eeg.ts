/**
 * ThinkGear: bytes through the framer, and values from bytes to a consumer of the bus, both against
 * what one headset sends; and that a clean line loses nothing that is not explained.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { Bus } from '#core/bus.ts';
import type { Clock } from '#core/clock.ts';
import type { Micros, Reading } from '#core/stream.ts';
import { type MemoryDevice, memoryPort } from '../../src/io/memory.ts';
import { seededRandom } from '../../src/sim/random.ts';
import { HeadBytes } from '../../src/sim/thinkgear-head.ts';
import { thinkgearSource } from '../../src/sources/eeg/eeg.ts';
import { ThinkGearFramer } from '../../src/sources/eeg/thinkgear.ts';
import type { Source } from '../../src/sources/source.ts';
import { type Bench, growth, interleave, Side, secondsOf } from './bench.ts';

/** 512 packets of 8 bytes and one of 36 a second. */
const HEADSET_BYTES_PER_S = 512 * 8 + 36;
const HEADSET_S = 120;
/** Pauses between the chunks that a Bluetooth link delivers. */
const CHUNK_MS = [20, 60] as const;
const FRAMER_BYTES = 16e6;
const CAPACITY = 20_000;
const ROUNDS = 7;

interface Chunk {
  /** When it arrives. */
  readonly t: Micros;
  readonly bytes: Uint8Array;
}

export const eeg: Bench = {
  name: 'eeg',
  async *run({ scales }) {
    const chunks = record(HEADSET_S);
    const framer = new Side(() => frame(chunks));
    const last = { unexplained: 0, values: 0 };
    const sides = new Map(
      scales.map((headsets) => [
        headsets,
        new Side(async () => {
          const seconds = await secondsOf(async () => {
            Object.assign(last, await listen(chunks, headsets));
          });
          return last.values / seconds;
        }),
      ]),
    );
    await interleave(ROUNDS, [framer, ...sides.values()]);
    yield {
      metric: 'framer',
      value: Math.round(framer.median),
      unit: 'B/s',
      peer: { name: 'one headset', value: HEADSET_BYTES_PER_S },
      n: ROUNDS,
      goal: '>= 20,000x',
    };
    for (const [headsets, side] of sides) {
      yield {
        metric: `bytes to consumer, headsets ${headsets}`,
        value: Math.round(side.median),
        unit: 'values/s',
        n: ROUNDS,
        goal: '>= 20,000/s',
      };
    }
    yield* growth('ns/value', sides, (perS) => 1e9 / perS);
    const { unexplained: value, values: n } = last;
    yield { metric: 'losses unexplained', value, unit: 'values', n, goal: '0' };
  },
};

/** What one headset sends, in the chunks in which it arrives. */
function record(seconds: number): Chunk[] {
  const headset = new HeadBytes({ seed: 1 }, 0);
  const random = seededRandom(2);
  const [min, max] = CHUNK_MS;
  const chunks: Chunk[] = [];
  for (let t = 0; t < seconds * 1e6; ) {
    t += Math.round(1000 * (min + (max - min) * random()));
    chunks.push({ t, bytes: headset.until(t) });
  }
  return chunks;
}

/** Bytes a second through the framer alone. */
async function frame(chunks: readonly Chunk[]): Promise<number> {
  const framer = new ThinkGearFramer();
  let bytes = 0;
  let sum = 0;
  const seconds = await secondsOf(() => {
    while (bytes < FRAMER_BYTES) {
      for (const chunk of chunks) {
        framer.push(chunk.bytes, (payload) => {
          sum += payload.length;
        });
        bytes += chunk.bytes.length;
      }
    }
  });
  if (framer.badChecksums > 0 || sum === 0) throw new Error('the framer lost packets');
  return bytes / seconds;
}

/** Lets sources read the chunks, each chunk in a turn of its own, until a consumer has everything. */
async function listen(
  chunks: readonly Chunk[],
  headsets: number,
): Promise<{ values: number; unexplained: number }> {
  const bus = new Bus(setImmediate);
  let values = 0;
  const take = (batch: readonly Reading[]): void => {
    for (const reading of batch) values += reading.kind === 'wave' ? reading.v.length : 1;
  };
  bus.attach({ name: 'consumer', capacity: CAPACITY, take });
  const stop = new AbortController();
  const clock = new SetClock();
  const lines = Array.from({ length: headsets }, (_, i) => new Line(`eeg${i + 1}`));
  const running = lines.map(({ source }) => source.run(bus.emit, clock, stop.signal));
  for (const { t, bytes } of chunks) {
    clock.t = t;
    for (const { device } of lines) device.feed(bytes);
    await turn();
  }
  for (const { device } of lines) device.hangUp();
  await Promise.allSettled(running);
  await turn();
  return { values, unexplained: lines.reduce((sum, line) => sum + line.unexplained, 0) };
}

/** A headset's source at the end of an in-memory link. */
class Line {
  readonly source: Source;
  readonly device: MemoryDevice;

  constructor(id: string) {
    const { port, device } = memoryPort(() => {});
    this.device = device;
    this.source = thinkgearSource({ id, device: 'memory', open: () => Promise.resolve(port) });
  }

  get unexplained(): number {
    const { lost } = this.source.health();
    if (typeof lost !== 'object' || lost === null || !('unexplained' in lost)) {
      throw new Error('the source tells nothing of losses');
    }
    return Number(lost['unexplained']);
  }
}

/** Stands still until it is set. */
class SetClock implements Clock {
  t: Micros = 0;

  now(): Micros {
    return this.t;
  }

  sleep(): Promise<void> {
    return Promise.resolve();
  }
}
