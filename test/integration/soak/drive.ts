/** A drive with a bad adapter in virtual time: the real driver against the simulated car. */
import type { Reading } from '#core/stream.ts';
import { type CarOptions, createCar } from '../../../src/sim/car.ts';
import { createVehicle } from '../../../src/sim/ecu.ts';
import { ElmAdapter } from '../../../src/sim/elm.ts';
import { FAULT_NAMES, type Fault, randomFaults } from '../../../src/sim/elm-faults.ts';
import type { PersonalityName } from '../../../src/sim/elm-personality.ts';
import type { ProtocolDigit } from '../../../src/sim/elm-protocols.ts';
import { elmPort } from '../../../src/sim/ports.ts';
import { seededRandom } from '../../../src/sim/random.ts';
import type { ObdSource } from '../../../src/sources/obd/diagnosed.ts';
import { BAUD_RATES } from '../../../src/sources/obd/elm/elm-tool.ts';
import { obdSource } from '../../../src/sources/obd/obd.ts';
import { type Status, supervise } from '../../../src/sources/supervise.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { TruthLog } from './truth.ts';

/** Chance of each fault for every command that it can hit. */
const FAULT_CHANCE = 0.002;
/** Of those that hit settings only, or one of them: settings are few. */
const SETTING_FAULT_CHANCE = 0.02;
const ECHO_FAULT_CHANCE = 0.1;
/** Time moves on by so much between two looks at what has happened. */
const STEP_MS = 1_000;
/** Of virtual time without a request of the driver's: it is stuck. */
const STUCK_US = 60_000_000;
/** What the driver tells without asking the car. */
const OWN_STREAMS = ['obd.ignition', 'obd.adapter.voltage'];

/** A chance for each fault there is, or none for any. */
export const EVERY_FAULT: Partial<Record<Fault, number>> = {
  ...Object.fromEntries(FAULT_NAMES.map((fault) => [fault, FAULT_CHANCE])),
  unknown: SETTING_FAULT_CHANCE,
  echo: ECHO_FAULT_CHANCE,
};

export interface DriveOptions {
  readonly seed: number;
  readonly chances?: Partial<Record<Fault, number>>;
  readonly protocol?: ProtocolDigit;
  readonly personality?: PersonalityName;
  readonly car?: CarOptions;
}

/** One drive and everything that is to be known of it. */
export class Drive {
  readonly clock = new FakeClock();
  readonly source: ObdSource;
  /** How often each fault hit a command. */
  readonly faults = new Map<Fault, number>();
  /** Samples that were not true, in words. */
  readonly lies: string[] = [];
  /** Ids of the streams that brought something. */
  readonly streams = new Set<string>();
  /** Requests that reached the bus, by when they did, in virtual microseconds. */
  readonly busRequests: number[] = [];
  /** Reasons of the connections that ended. */
  readonly failures: string[] = [];
  /** The longest time without a value from the car, in microseconds. */
  silenceUsMax = 0;
  state: Status['state'] = 'starting';
  readonly #truth: TruthLog;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #bug: unknown;
  #valueAt = 0;

  constructor({ seed, chances = {}, car: carOptions, ...adapterOptions }: DriveOptions) {
    const { clock } = this;
    const car = createCar(seed, carOptions);
    this.#truth = new TruthLog(car);
    const adapter = new ElmAdapter({
      ...adapterOptions,
      vehicle: createVehicle(car),
      seed,
      faults: randomFaults(chances, seededRandom(seed)),
      record: (entry) => {
        this.#truth.note(entry);
        if (/^[0-9A-F]+$/.test(entry.command)) this.busRequests.push(entry.at);
        if (entry.fault) this.faults.set(entry.fault, (this.faults.get(entry.fault) ?? 0) + 1);
      },
    });
    const open = elmPort(adapter, clock);
    this.source = obdSource({ id: 'obd', device: 'sim', open, bauds: BAUD_RATES });
    this.#running = supervise(this.source, {
      clock,
      signal: this.#stop.signal,
      emit: (reading) => this.#take(reading),
      report: (status) => {
        this.state = status.state;
        if (status.state === 'waiting') this.failures.push(status.error.message);
      },
    }).catch((error) => {
      this.#bug = error;
    });
  }

  /** Drives until the driver has asked for so many groups of live values. Throws if it gets stuck. */
  async untilRequests(count: number): Promise<void> {
    let askedAt = this.clock.now();
    for (let asked = 0; asked < count; ) {
      await this.driveOn(STEP_MS);
      const now = Number(this.source.health()['requests']);
      if (now > asked) askedAt = this.clock.now();
      asked = now;
      if (this.clock.now() - askedAt < STUCK_US) continue;
      throw new Error(`stuck at ${askedAt / 1e6} s: ${JSON.stringify(this.source.health())}`);
    }
  }

  async driveOn(ms: number): Promise<void> {
    await this.clock.advance(ms);
    if (this.#bug !== undefined) throw this.#bug;
  }

  /** Stops the driver as the gateway does, and returns how many timers it has left behind. */
  async stop(): Promise<number> {
    this.#stop.abort();
    await this.driveOn(STEP_MS);
    await this.#running;
    return this.clock.sleepers;
  }

  #take(reading: Reading): void {
    this.streams.add(reading.stream.id);
    if (reading.kind !== 'sample' || OWN_STREAMS.includes(reading.stream.id)) return;
    this.silenceUsMax = Math.max(this.silenceUsMax, reading.t - this.#valueAt);
    this.#valueAt = reading.t;
    const lie = this.#truth.complaint(reading);
    if (lie !== undefined) this.lies.push(lie);
  }
}
