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
import { BAUD_RATES, type ObdSource, obdSource } from '../../../src/sources/obd/obd.ts';
import { type Status, supervise } from '../../../src/sources/supervise.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { TruthLog } from './truth.ts';

/** Chance of a fault for every command that it can hit. */
const FAULT_CHANCE = 0.002;
/** The two that hit settings only are made likelier: settings are few. */
const CHANCES: Partial<Record<Fault, number>> = {
  ...Object.fromEntries(FAULT_NAMES.map((fault) => [fault, FAULT_CHANCE])),
  unknown: 0.02,
  echo: 0.05,
};
/** Time moves on by so much between two looks at what has happened. */
const STEP_MS = 1_000;

export interface DriveOptions {
  readonly seed: number;
  readonly requests: number;
  readonly protocol?: ProtocolDigit;
  readonly personality?: PersonalityName;
  readonly car?: CarOptions;
}

export interface Drive {
  readonly source: ObdSource;
  /** How often each fault hit a command. */
  readonly faults: ReadonlyMap<Fault, number>;
  /** Samples that were not true, in words. */
  readonly lies: readonly string[];
  /** Ids of all streams that brought something. */
  readonly streams: ReadonlySet<string>;
  /** Values out of the car, and the longest time between two of them. */
  readonly values: number;
  readonly silenceUsMax: number;
  /** Reasons of the connections that ended. */
  readonly failures: readonly string[];
  readonly virtualS: number;
}

/**
 * Drives until the driver has made so many requests and says what came of it.
 * Throws when virtual time goes on and requests do not.
 */
export async function drive(options: DriveOptions): Promise<Drive> {
  const { seed, requests } = options;
  const clock = new FakeClock();
  const car = createCar(seed, options.car);
  const truth = new TruthLog(car);
  const faults = new Map<Fault, number>();
  const adapter = new ElmAdapter({
    vehicle: createVehicle(car),
    seed,
    ...(options.protocol ? { protocol: options.protocol } : {}),
    ...(options.personality ? { personality: options.personality } : {}),
    faults: randomFaults(CHANCES, seededRandom(seed)),
    record: (entry) => {
      truth.note(entry); if (process.env.TR) { const [a,b]=process.env.TR.split(','); if (entry.at/1e6>+a && entry.at/1e6<+b) console.log((entry.at/1e6).toFixed(3), entry.command, entry.fault??''); }
      if (entry.fault) faults.set(entry.fault, (faults.get(entry.fault) ?? 0) + 1);
    },
  });
  const source = obdSource({ id: 'obd', device: 'sim', open: elmPort(adapter, clock), bauds: BAUD_RATES });
  const listener = new DriveListener(truth, clock);
  const stop = new AbortController();
  const context = { clock, signal: stop.signal, emit: listener.emit, report: listener.report };
  let bug: unknown;
  const done = supervise(source, context).catch((error) => { bug = error; });
  const asked = (): number => Number(source.health()['requests']);
  while (asked() < requests && bug === undefined) await clock.advance(STEP_MS);
  stop.abort();
  await clock.advance(STEP_MS);
  await done;
  if (bug !== undefined) throw bug;
  return { ...listener, source, faults, virtualS: clock.now() / 1e6 };
}

class DriveListener {
  readonly lies: string[] = [];
  readonly streams = new Set<string>();
  readonly failures: string[] = [];
  values = 0;
  silenceUsMax = 0;
  lastAt = 0;
  readonly #truth: TruthLog;
  constructor(truth: TruthLog, _clock: FakeClock) { this.#truth = truth; }
  readonly emit = (reading: Reading): void => {
    this.streams.add(reading.stream.id);
    if (reading.kind !== 'sample' || ['obd.ignition', 'obd.adapter.voltage'].includes(reading.stream.id)) return;
    this.values++;
    if (reading.t - this.lastAt > this.silenceUsMax) { this.silenceUsMax = reading.t - this.lastAt; 
     if (this.silenceUsMax>3e6) console.log('gap', this.silenceUsMax/1e6, 'until', reading.t/1e6);}
    this.lastAt = reading.t;
    const lie = this.#truth.complaint(reading);
    if (lie) this.lies.push(lie);
  };
  readonly report = (status: Status): void => {
    if (status.state === 'waiting') this.failures.push(status.error.message);
  };
}
