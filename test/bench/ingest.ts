/**
 * How many samples one core records: readings of a whole car, from the bus through the store to the
 * disk with a sync a second and with the live feed beside it, against a row a sample in SQLite.
 * Processor time is what is measured, of all threads: the disk's own time is nobody's design.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { Bus } from '#core/bus.ts';
import type { Reading } from '#core/stream.ts';
import { Live } from '../../src/http/live.ts';
import { type Bench, growth, interleave, Side } from './bench.ts';
import { temporary } from './directory.ts';
import { significant } from './stats.ts';
import { canLoad, eegLoad, type Load, obdLoad, samplesIn, times, together } from './store-load.ts';
import { SqliteRecording } from './store-peers.ts';
import { VigilRecording } from './store-vigil.ts';

/** A slot of the store, so that each round has all that a seal costs. */
const RECORDED_S = 300;
/** Turns of the event loop that bring readings. */
const TURNS_PER_S = 100;
const SECOND_US = 1_000_000;
const ROUNDS = 3;

/** What was recorded within what was measured. */
class Meter {
  samples = 0;
  cpuUs = 0;
  wallNs = 0n;

  /** Adds one piece of work. */
  async measure(samples: number, work: () => void | Promise<void>): Promise<void> {
    const [cpu, wall] = [process.cpuUsage(), process.hrtime.bigint()];
    await work();
    const { user, system } = process.cpuUsage(cpu);
    this.cpuUs += user + system;
    this.wallNs += process.hrtime.bigint() - wall;
    this.samples += samples;
  }

  get perCpuSecond(): number {
    return this.samples / (this.cpuUs / 1e6);
  }

  get perSecond(): number {
    return this.samples / (Number(this.wallNs) / 1e9);
  }
}

export const ingest: Bench = {
  name: 'ingest',
  async *run({ scales }) {
    const car = together('all', [obdLoad(), eegLoad(), canLoad()]);
    const [wall, peerWall] = [new Map<number, number[]>(), [] as number[]];
    const side = (scale: number): Side =>
      new Side(async () => {
        const meter = await recordOurs(times(car, scale));
        wall.set(scale, [...(wall.get(scale) ?? []), meter.perSecond]);
        return meter.perCpuSecond;
      });
    const sides = new Map(scales.map((scale) => [scale, side(scale)]));
    const peer = new Side(async () => {
      const meter = await recordSqlite(car);
      peerWall.push(meter.perSecond);
      return meter.perCpuSecond;
    });
    await interleave(ROUNDS, [peer, ...sides.values()]);
    for (const [scale, { median }] of sides) {
      yield {
        metric: `cars ${scale}`,
        value: Math.round(median),
        unit: 'samples/CPU s',
        peer: { name: 'SQLite', value: Math.round(peer.median) },
        n: ROUNDS,
        goal: '>= 10x, >= 300,000',
      };
      yield {
        metric: `cars ${scale}, waits for the disk included`,
        value: Math.round(Math.max(...(wall.get(scale) ?? []))),
        unit: 'samples/s',
        peer: { name: 'SQLite', value: Math.round(Math.max(...peerWall)) },
        n: ROUNDS,
      };
      yield {
        metric: `cars ${scale}, share of a core`,
        value: significant((perSecondOf(car) * scale * 100) / median, 3),
        unit: '%',
        n: ROUNDS,
      };
    }
    yield* growth('ns/sample', sides, (perS) => 1e9 / perS);
  },
};

async function recordOurs(load: Load): Promise<Meter> {
  await using directory = await temporary();
  const recording = await VigilRecording.open(directory.path);
  const bus = new Bus(setImmediate);
  bus.attach(recording.store);
  bus.attach(
    new Live({ clock: recording.clock, realTime: recording.clock, streams: () => load.streams }),
  );
  const meter = new Meter();
  for (let n = 0; n < RECORDED_S; n++) {
    const second = load.second(n);
    const turns = Array.from({ length: TURNS_PER_S }, (): Reading[] => []);
    for (const one of second) turns[turnOf(one)]?.push(one);
    await meter.measure(samplesIn(second), async () => {
      for (const readings of turns) {
        for (const reading of readings) bus.emit(reading);
        await turn();
      }
      await recording.endOf(n);
    });
  }
  await meter.measure(0, () => recording.close());
  const dropped = bus.health().reduce((sum, one) => sum + one.dropped, 0);
  if (dropped > 0) throw new Error(`the bus dropped ${dropped} readings`);
  return meter;
}

async function recordSqlite(load: Load): Promise<Meter> {
  await using directory = await temporary();
  const recording = new SqliteRecording(directory.path);
  const meter = new Meter();
  for (let n = 0; n < RECORDED_S; n++) {
    const second = load.second(n);
    await meter.measure(samplesIn(second), () => recording.second(n, second));
  }
  await meter.measure(0, () => recording.close());
  return meter;
}

function turnOf({ t }: Reading): number {
  return Math.floor(((t % SECOND_US) * TURNS_PER_S) / SECOND_US);
}

function perSecondOf(load: Load): number {
  return samplesIn(load.second(0));
}
