/**
 * Requests through Elm327 and Adapter on a real pty, against the same dialogue in a bare loop of
 * write and wait for the prompt; and what six PIDs in a request are worth.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { SerialPort } from 'serialport';
import type { Clock } from '#core/clock.ts';
import { monotonicClock } from '../../src/io/clock.ts';
import type { Port } from '../../src/io/port.ts';
import { serialPort } from '../../src/io/serial.ts';
import { Adapter } from '../../src/sources/obd/elm/adapter.ts';
import { Elm327 } from '../../src/sources/obd/elm/elm327.ts';
import { Timing } from '../../src/sources/obd/elm/timing.ts';
import { IgnitionSense } from '../../src/sources/obd/ignition.ts';
import { LiveData } from '../../src/sources/obd/live-data.ts';
import { PollPlan } from '../../src/sources/obd/poll.ts';
import type { Outcome } from '../../src/sources/obd/scan-tool.ts';
import { discover, EcuStreams } from '../../src/sources/obd/vehicle.ts';
import { type Bench, type Figure, interleave, Side, secondsOf } from './bench.ts';
import { type FarEnd, startFarEnd } from './process.ts';
import { median, significant } from './stats.ts';

const REQUESTS = 1_500;
const ROUNDS = 9;
const CONNECT_TRIES = 10;
const CONNECT_MS = 500;
const PACKING_ROUNDS = 3;
/** What the bare loop sends first, so that both sides get the same answers. */
const SET_UP = ['ATZ', 'ATE0', 'ATL0', 'ATS0', 'ATH1', 'ATTP0'] as const;
/** How the engine unit's answer to 0100 begins. */
const ANSWER = '7E8064100';
/** Engine speed; the adapter answers at once after one line. */
const REQUEST = '010C1';
/** Twelve that the engine unit alone knows, one or two bytes each: two full requests. */
const PIDS = [0x04, 0x05, 0x06, 0x07, 0x0b, 0x0c, 0x0e, 0x0f, 0x10, 0x11, 0x1f, 0x2f] as const;
/** Questions to each PID before its length and its number of lines are known. */
const LEARNING_REQUESTS = 5 * PIDS.length;

/** Ways in which the far end may behave. */
const CARS = [
  { name: 'no delay', orders: { ecuMs: 0, paced: false }, requests: 1200, goal: '>= 4x' },
  { name: 'ECU 10 ms', orders: { ecuMs: 10, paced: false }, requests: 72, goal: '>= 4x' },
  { name: 'ECU 10 ms, 38,400 baud', orders: { ecuMs: 10, paced: true }, requests: 48, goal: '' },
] as const;

export const elm: Bench = {
  name: 'elm',
  async *run() {
    yield* dialogue();
    for (const car of CARS) yield await packing(car);
  },
};

async function* dialogue(): AsyncGenerator<Figure> {
  await using oursEnd = await farEnd({ ecuMs: 0, paced: false });
  await using bareEnd = await farEnd({ ecuMs: 0, paced: false });
  await using ours = await Ours.open(oursEnd.path, monotonicClock());
  await using bare = await Bare.open(bareEnd.path);
  await ours.connect();
  await bare.setUp();
  const cpu = { ours: [] as number[], bare: [] as number[] };
  const sides = {
    ours: new Side(() => timed((n) => ours.ask(n), cpu.ours)),
    bare: new Side(() => timed((n) => bare.ask(n), cpu.bare)),
  };
  await interleave(ROUNDS, [sides.ours, sides.bare]);
  yield {
    metric: 'requests',
    value: Math.round(sides.ours.median),
    unit: 'requests/s',
    peer: { name: 'bare loop', value: Math.round(sides.bare.median) },
    n: ROUNDS,
    goal: '>= 0.8x',
  };
  yield {
    metric: 'CPU of a request',
    value: significant(median(cpu.ours), 3),
    unit: 'us',
    peer: { name: 'bare loop', value: significant(median(cpu.bare), 3) },
    n: ROUNDS,
  };
}

/** Values a second with six PIDs in a request against one. */
async function packing({ name, orders, requests, goal }: (typeof CARS)[number]): Promise<Figure> {
  await using packedEnd = await farEnd(orders);
  await using singleEnd = await farEnd(orders);
  const clock = monotonicClock();
  await using packed = await Ours.open(packedEnd.path, clock);
  await using single = await Ours.open(singleEnd.path, clock);
  const six = await Poll.start(packed, clock, true);
  const one = await Poll.start(single, clock, false);
  const sides = {
    six: new Side(() => six.valuesPerS(requests)),
    one: new Side(() => one.valuesPerS(requests)),
  };
  await interleave(PACKING_ROUNDS, [sides.six, sides.one]);
  return {
    metric: `six PIDs a request, ${name}`,
    value: significant(sides.six.median),
    unit: 'values/s',
    peer: { name: 'one PID', value: significant(sides.one.median) },
    n: PACKING_ROUNDS,
    goal,
  };
}

function farEnd(orders: { ecuMs: number; paced: boolean }): Promise<FarEnd> {
  return startFarEnd('adapter.ts', { ...orders, counted: false, only: false });
}

/** Requests a second of one round; notes the CPU microseconds of each in `cpu`. */
async function timed(ask: (n: number) => Promise<void>, cpu: number[]): Promise<number> {
  const before = process.cpuUsage();
  const seconds = await secondsOf(() => ask(REQUESTS));
  const { user, system } = process.cpuUsage(before);
  cpu.push((user + system) / REQUESTS);
  return REQUESTS / seconds;
}

/** The gateway's own driver. */
class Ours implements AsyncDisposable {
  readonly adapter: Adapter;
  readonly #port: Port;

  private constructor(port: Port, clock: Clock) {
    this.#port = port;
    const elm = new Elm327(port, clock);
    void elm.listen();
    this.adapter = new Adapter(elm, new AbortController().signal, new Timing());
  }

  static async open(path: string, clock: Clock): Promise<Ours> {
    const port = await serialPort(path)(new AbortController().signal);
    const ours = new Ours(port, clock);
    await ours.adapter.setUp();
    return ours;
  }

  /** Finds the car, which switches its ignition on a moment after the far end has started. */
  async connect(): Promise<Outcome> {
    for (let tries = 0; tries < CONNECT_TRIES; tries++) {
      const outcome = await this.adapter.connect();
      if (outcome.kind === 'answered') return outcome;
      await delay(CONNECT_MS);
    }
    throw new Error('the simulated car does not answer');
  }

  async ask(requests: number): Promise<void> {
    for (let i = 0; i < requests; i++) {
      const { kind } = await this.adapter.request(REQUEST.slice(0, -1), 1000, 1);
      if (kind !== 'answered') throw new Error(`the car is ${kind}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#port[Symbol.asyncDispose]();
  }
}

/** The least that a dialogue takes: write, and wait for a chunk with the prompt. */
class Bare implements AsyncDisposable {
  readonly #serial: SerialPort;
  #answered: () => void = () => {};
  #text = '';

  private constructor(serial: SerialPort) {
    this.#serial = serial;
    serial.on('data', (chunk: Buffer) => {
      this.#text = chunk.toString('latin1');
      if (this.#text.includes('>')) this.#answered();
    });
  }

  static async open(path: string): Promise<Bare> {
    const serial = new SerialPort({ path, baudRate: 38_400, autoOpen: false });
    await new Promise<void>((resolve, reject) => {
      serial.open((error) => (error ? reject(error) : resolve()));
    });
    return new Bare(serial);
  }

  async setUp(): Promise<void> {
    for (const command of SET_UP) await this.#exchange(command);
    for (let tries = 0; tries < CONNECT_TRIES; tries++) {
      this.#text = '';
      await this.#exchange('0100');
      if (this.#text.includes(ANSWER)) return;
      await delay(CONNECT_MS);
    }
    throw new Error('the simulated car does not answer');
  }

  async ask(requests: number): Promise<void> {
    for (let i = 0; i < requests; i++) await this.#exchange(REQUEST);
  }

  #exchange(command: string): Promise<void> {
    return new Promise((resolve) => {
      this.#answered = resolve;
      this.#serial.write(`${command}\r`);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise((resolve) => {
      this.#serial.close(resolve);
    });
  }
}

/** Polls a few PIDs in turn, without pauses, through what the OBD source polls with. */
class Poll {
  readonly #live: LiveData;
  readonly #plan: PollPlan;
  readonly #clock: Clock;
  readonly #counters;

  private constructor(plan: PollPlan, clock: Clock, live: LiveData, counters: { values: number }) {
    this.#plan = plan;
    this.#clock = clock;
    this.#live = live;
    this.#counters = counters;
  }

  static async start(ours: Ours, clock: Clock, packs: boolean): Promise<Poll> {
    const { adapter } = ours;
    const vehicle = await discover(adapter, await ours.connect(), undefined);
    const rows = PIDS.map((pid) => ({ pid, hz: 10 }));
    const plan = new PollPlan(rows, packs, (pid) => vehicle.knowsLength(pid));
    const counters = {
      ...{ requests: 0, values: 0, silent: 0, disturbed: 0 },
      ...{ unexpected: 0, malformed: 0 },
    };
    const live = new LiveData({
      ...{ link: adapter, vehicle, plan, counters },
      ignition: new IgnitionSense(clock.now()),
      streams: new EcuStreams(),
      emit: () => {},
    });
    const poll = new Poll(plan, clock, live, counters);
    await poll.valuesPerS(LEARNING_REQUESTS);
    if (packs && plan.groups.length !== PIDS.length / 6) throw new Error('the PIDs did not pack');
    return poll;
  }

  async valuesPerS(requests: number): Promise<number> {
    const before = this.#counters.values;
    const now = (): number => this.#clock.now();
    const seconds = await secondsOf(async () => {
      for (let i = 0; i < requests; i++) {
        const { groups } = this.#plan; // Changes once all lengths are known.
        const group = groups[i % groups.length];
        if (group) await this.#live.ask(group, now);
      }
    });
    return (this.#counters.values - before) / seconds;
  }
}
