/**
 * The way of frames within the gateway, as fast as it goes: from two buses that have no wire through their
 * sources and the bus of readings to the store and the live feed, against a loop that decodes every frame and
 * appends it to a file. Both put a second of frames on the disk at once. Processor time is what is measured.
 */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { Bus } from '#core/bus.ts';
import type { Clock } from '#core/clock.ts';
import type { Micros } from '#core/stream.ts';
import { Live } from '../../src/http/live.ts';
import type { BusHealth, CanBus, CanListener } from '../../src/io/can/bus.ts';
import { canSource } from '../../src/sources/can/can.ts';
import { decodersOf } from '../../src/sources/can/dbc/lookup.ts';
import { parseDbc } from '../../src/sources/can/dbc/parse.ts';
import { type Figure, interleave, Side } from './bench.ts';
import { BIT_RATE, busDbc, busFrames, FRAMES_PER_S, type TimedFrame } from './can-load.ts';
import { temporary } from './directory.ts';
import { VigilRecording } from './store-vigil.ts';

const SEEDS = [1, 2] as const;
const RECORDED_S = 30;
const TURNS_PER_S = 100;
const TURN_US = 1_000_000 / TURNS_PER_S;
const ROUNDS = 3;
/** Identifier, time and data, as SocketCAN lays a frame out, with its time. */
const RECORD_BYTES = 24;

const HEALTH: BusHealth = {
  ...{ state: 'active', bitRate: BIT_RATE, listenOnly: true, txErrors: 0, rxErrors: 0 },
  ...{ received: 0, sent: 0, unsent: 0, remote: 0, fd: 0, errorFrames: 0, busOffs: 0 },
  ...{ lost: 0, lostBy: 'counted', malformed: 0, warnings: [] },
};

/** Frames by seed, those of each turn together. */
type Turns = readonly (readonly (readonly TimedFrame[])[])[];

export async function* pathFigures(): AsyncGenerator<Figure> {
  const turns: Turns = SEEDS.map((seed) => inTurns(busFrames(RECORDED_S, seed)));
  const [ours, bare] = [
    new Side(() => framesPerCpuSecond((measure) => throughGateway(turns, measure))),
    new Side(() => framesPerCpuSecond((measure) => throughLoop(turns, measure))),
  ];
  await interleave(ROUNDS, [bare, ours]);
  yield {
    metric: 'bus to store and live',
    value: Math.round(ours.median),
    unit: 'frames/CPU s',
    peer: { name: 'decode and append', value: Math.round(bare.median) },
    n: ROUNDS,
  };
}

/** @param work tells what of it is to count */
async function framesPerCpuSecond(work: (measure: Measure) => Promise<void>): Promise<number> {
  let cpuUs = 0;
  await work(async (part) => {
    const before = process.cpuUsage();
    await part();
    const { user, system } = process.cpuUsage(before);
    cpuUs += user + system;
  });
  return (SEEDS.length * FRAMES_PER_S * RECORDED_S) / (cpuUs / 1e6);
}

type Measure = (part: () => Promise<void>) => Promise<void>;

async function throughGateway(turns: Turns, measure: Measure): Promise<void> {
  await using directory = await temporary();
  const recording = await VigilRecording.open(directory.path);
  const clock = new StepClock();
  const bus = new Bus(setImmediate);
  const wires = SEEDS.map((seed) => new Wire(`bus${seed}`));
  const sources = wires.map(({ name, open }, i) => {
    const database = { name, database: parseDbc(busDbc(SEEDS[i] ?? 0)).database, warnings: 0 };
    return canSource({ id: name, name, device: name, open, databases: [database] });
  });
  const streams = () => sources.flatMap((source) => source.streams);
  bus.attach(recording.store);
  bus.attach(new Live({ clock, realTime: clock, streams }));
  const stopping = new AbortController();
  const running = sources.map((source) => source.run(bus.emit, clock, stopping.signal));
  await measure(async () => {
    for (let n = 0; n < RECORDED_S * TURNS_PER_S; n++) {
      for (const [i, wire] of wires.entries()) wire.bring(turns[i]?.[n] ?? []);
      clock.moveTo((n + 1) * TURN_US);
      await turn();
      if (n % TURNS_PER_S === TURNS_PER_S - 1) await recording.endOf(Math.floor(n / TURNS_PER_S));
    }
  });
  stopping.abort();
  clock.moveTo(Number.POSITIVE_INFINITY);
  await Promise.all(running);
  await recording.close();
  const dropped = bus.health().reduce((sum, one) => sum + one.dropped, 0);
  if (dropped > 0) throw new Error(`the bus dropped ${dropped} readings`);
}

async function throughLoop(turns: Turns, measure: Measure): Promise<void> {
  await using directory = await temporary();
  await using file = await open(join(directory.path, 'frames'), 'w');
  const finds = SEEDS.map((seed) => decodersOf(parseDbc(busDbc(seed)).database.messages));
  const block = Buffer.alloc(SEEDS.length * FRAMES_PER_S * RECORD_BYTES * 2);
  let end = 0;
  let sum = 0;
  const add = (_signal: number, value: number): void => {
    sum += value;
  };
  await measure(async () => {
    for (let n = 0; n < RECORDED_S * TURNS_PER_S; n++) {
      for (const [i, find] of finds.entries()) {
        for (const { t, frame } of turns[i]?.[n] ?? []) {
          find(frame.id, frame.extended)?.decode(frame.data, add);
          block.writeDoubleLE(t, end);
          block.writeUInt32LE(frame.id, end + 8);
          block.set(frame.data, end + 16);
          end += RECORD_BYTES;
        }
      }
      await turn();
      if (n % TURNS_PER_S < TURNS_PER_S - 1) continue;
      await file.write(block, 0, end);
      await file.datasync();
      end = 0;
    }
  });
  if (sum === 0) throw new Error('the loop has decoded nothing');
}

function inTurns(frames: readonly TimedFrame[]): TimedFrame[][] {
  const turns = Array.from({ length: RECORDED_S * TURNS_PER_S }, (): TimedFrame[] => []);
  for (const one of frames) turns[Math.floor(one.t / TURN_US)]?.push(one);
  return turns;
}

/** A bus whose frames come when it is told. */
class Wire {
  readonly name: string;
  #listener: CanListener = () => {};

  constructor(name: string) {
    this.name = name;
  }

  /** As they come from a driver: in objects and bytes of their own. */
  bring(frames: readonly TimedFrame[]): void {
    for (const { t, frame } of frames) {
      const { id, extended, data } = frame;
      this.#listener({ id, extended, data: data.slice() }, t);
    }
  }

  readonly open = (): Promise<CanBus> =>
    Promise.resolve({
      name: this.name,
      lost: new Promise<never>(() => {}),
      listen: (listener: CanListener) => {
        this.#listener = listener;
        return () => {};
      },
      send: () => Promise.reject(new Error('nothing is sent here')),
      health: () => HEALTH,
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
}

/** Stands still between two turns. */
class StepClock implements Clock {
  #now: Micros = 0;
  #asleep: { readonly until: Micros; readonly wake: () => void }[] = [];

  readonly now = (): Micros => this.#now;

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#asleep.push({ until: this.#now + ms * 1000, wake: resolve });
    });
  }

  moveTo(t: Micros): void {
    if (Number.isFinite(t)) this.#now = t;
    const due = this.#asleep.filter(({ until }) => until <= t);
    this.#asleep = this.#asleep.filter(({ until }) => until > t);
    for (const { wake } of due) wake();
  }
}
