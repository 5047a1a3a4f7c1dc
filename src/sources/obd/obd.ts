import type { Clock } from '#core/clock.ts';
import { LinkError } from '#core/errors.ts';
import type { Emit, Json, Micros, Stream } from '#core/stream.ts';
import type { OpenPort, Port } from '../../io/port.ts';
import type { Source } from '../source.ts';
import { Desk } from './desk.ts';
import { Diagnostics } from './diagnostics.ts';
import { Adapter, AdapterRestarted, type Outcome } from './elm/adapter.ts';
import { isCan } from './elm/elm-frames.ts';
import { Elm327, newDialogueCounters } from './elm/elm327.ts';
import { Timing } from './elm/timing.ts';
import { DiagnosisError } from './errors.ts';
import { IGNITION_STATES, IgnitionSense } from './ignition.ts';
import { PID_BY_NUMBER, PIDS } from './j1979/pid-table.ts';
import { LiveData } from './live-data.ts';
import { PollPlan } from './poll.ts';
import { Session } from './session.ts';
import { ADAPTER_VOLTAGE, IGNITION, TROUBLE } from './streams.ts';
import { discover, EcuStreams, type Vehicle } from './vehicle.ts';
import { VehicleReport } from './vehicle-report.ts';

/** Baud rates of ELM327 and STN adapters, the commonest first (DSJ p. 9; STN over USB: 115200). */
export const BAUD_RATES: readonly number[] = [38_400, 115_200, 9_600, 230_400, 500_000, 57_600];
/**
 * Voltage or ignition state are told more often than this, whether the car is on or off. Only the
 * search for its bus takes longer: 20 s, and some more for setting the adapter up.
 */
const SILENCE_MS = 30_000;
const VOLTAGE_MS = 5_000;
const PARKED_VOLTAGE_MS = 2_000;
/** The ignition state is told at every change, and this often anyway. */
const IGNITION_MS = 10_000;
/** The poll looks at what else there is to do at least this often. */
const PAUSE_MS_MAX = 1_000;
/** Restarts of the adapter in a row, without a value between them, before the link is given up. */
const RESTARTS_MAX = 5;
/** What is read once a drive is asked again this often, in case it was missed. */
const ONCE_HZ = 1 / 600;
/** PIDs 4F and 50 set the scale of others, so they have to come first. */
const SCALES: readonly number[] = [0x4f, 0x50];

export interface ObdOptions {
  readonly id: string;
  /** What to call the adapter's port in messages: `/dev/ttyUSB0`. */
  readonly device: string;
  readonly open: OpenPort;
  /** Baud rates to try, in order; empty where the link has none or its URL names one. */
  readonly bauds: readonly number[];
}

/** A car as people ask about it. What is known of it outlives the connection. */
export interface Diagnosed {
  /** The car that answers, or did last; undefined before one has. */
  vehicle(): Vehicle | undefined;
  /** The bus it answers on: `6 (can11)`; undefined while it does not. */
  protocol(): string | undefined;
  /** Codes, readiness and names; empty before they were read. */
  report(): VehicleReport;
  /** Why no car is connected, as a sentence; undefined while one is. */
  absence(): string | undefined;
  /** As `refresh` of desk.ts. @throws DiagnosisError */
  refresh(): Promise<void>;
  /** As `clear` of desk.ts. @throws DiagnosisError */
  clearCodes(signal: AbortSignal): Promise<readonly string[]>;
}

/** OBD as a source, and what else the car can be asked. */
export interface ObdSource extends Source, Diagnosed {}

/** OBD-II through an ELM327 or STN adapter. */
export function obdSource(options: ObdOptions): ObdSource {
  return new Obd(options);
}

class Obd implements ObdSource {
  readonly id: string;
  readonly silenceMs = SILENCE_MS;
  readonly #options: ObdOptions;
  readonly #ecuStreams = new EcuStreams();
  readonly #timing = new Timing();
  readonly #report = new VehicleReport();
  readonly #counters = {
    requests: 0,
    values: 0,
    silent: 0,
    disturbed: 0,
    unexpected: 0,
    malformed: 0,
    restarts: 0,
    badLines: 0,
    incomplete: 0,
  };
  readonly #dialogue = newDialogueCounters();
  /** What worked last is tried first. */
  #baud: number | undefined;
  #protocol: string | undefined;
  /** The car that answered last, whose answers need not be learned again. */
  #lastVehicle: Vehicle | undefined;
  /** The baud rate that is being tried, while no adapter has answered. */
  #looking: string | undefined;
  /** The connection while there is one. */
  #session: Session | undefined;

  constructor(options: ObdOptions) {
    this.id = options.id;
    this.#options = options;
  }

  get streams(): readonly Stream[] {
    return [...OWN_STREAMS, ...this.#ecuStreams.all];
  }

  async run(emit: Emit, clock: Clock, signal: AbortSignal): Promise<void> {
    try {
      const { port, elm, listening } = await this.#open(clock, signal);
      await using _ = port;
      this.#session = new Session(elm, emit, clock, signal);
      // A link that ends rejects the pending request; a bug in the listener must surface too.
      const bug = listening.then(() => new Promise<never>(() => {}));
      await Promise.race([this.#serve(this.#session), bug]);
    } catch (error) {
      throw withDevice(error, this.#options.device);
    } finally {
      this.#looking = undefined;
      this.#session = undefined;
    }
  }

  note(): string | undefined {
    const { adapter, vehicle, searching } = this.#session ?? {};
    if (adapter === undefined) return this.#looking;
    if (vehicle !== undefined) return undefined;
    if (searching) return 'the adapter answers; looking for the car on its bus';
    return adapter.foreign === undefined
      ? 'the adapter answers, the car does not; is its ignition off?'
      : `the adapter found a bus without OBD-II: ${adapter.foreign}`;
  }

  health(): { readonly [key: string]: Json } {
    const { adapter, vehicle, ignition } = this.#session ?? {};
    const { features } = adapter ?? {};
    return {
      device: this.#options.device,
      baud: this.#baud ?? null,
      adapter: adapter?.banner ?? null,
      stn: features?.stn ?? null,
      adaptiveTiming: features?.adaptiveTiming ?? null,
      spacesOff: features?.spacesOff ?? null,
      longMessages: features?.longMessages ?? null,
      protocol: this.protocol() ?? null,
      ignition: ignition?.state ?? null,
      ecus: [...(vehicle?.ecus.values() ?? [])].map(({ id, supported }) => ({
        id,
        pids: supported.size,
      })),
      diagnosis: this.#report.summary(),
      timing: this.#timing.health(),
      ...this.#counters,
      ...this.#dialogue,
    };
  }

  vehicle(): Vehicle | undefined {
    return this.#lastVehicle;
  }

  protocol(): string | undefined {
    const { protocol, bus } = this.#session?.adapter ?? {};
    return protocol === undefined ? undefined : `${protocol} (${bus})`;
  }

  report(): VehicleReport {
    return this.#report;
  }

  absence(): string | undefined {
    if (this.#session?.desk !== undefined) return undefined;
    return this.note() ?? `${this.#options.device}: no adapter is connected`;
  }

  async refresh(): Promise<void> {
    await this.#desk().refresh();
  }

  async clearCodes(signal: AbortSignal): Promise<readonly string[]> {
    return await this.#desk().clear(signal);
  }

  #desk(): Desk {
    const desk = this.#session?.desk;
    if (desk !== undefined) return desk;
    throw new DiagnosisError('NO_VEHICLE', `no vehicle is connected: ${this.absence()}`);
  }

  /** Opens the port at the first baud rate at which something answers. */
  async #open(
    clock: Clock,
    signal: AbortSignal,
  ): Promise<{ port: Port; elm: Elm327; listening: Promise<void> }> {
    const { bauds, open, device } = this.#options;
    const last = this.#baud === undefined ? [] : [this.#baud];
    const tries = bauds.length === 0 ? [undefined] : [...new Set([...last, ...bauds])];
    let heard = 0;
    for (const baud of tries) {
      this.#looking = `looking for an adapter${baud === undefined ? '' : ` at ${baud} baud`}`;
      const port = await open(signal, baud === undefined ? {} : { baud });
      const elm = new Elm327(port, clock, this.#dialogue);
      const listening = elm.listen();
      let awake = false;
      try {
        awake = await elm.wake(signal);
      } finally {
        if (!awake) await port[Symbol.asyncDispose]();
      }
      heard += elm.received;
      if (!awake) continue;
      this.#baud = baud;
      return { port, elm, listening };
    }
    const rates = bauds.length > 1 ? ` at ${bauds.join(', ')} baud` : '';
    const noise = heard === 0 ? '' : `, but ${heard} bytes came that are no ELM327's`;
    throw new LinkError('NO_ANSWER', `${device}: no adapter answers${rates}${noise}`);
  }

  /** Sets the adapter up, and again whenever it restarts by itself. */
  async #serve(session: Session): Promise<void> {
    for (let restarts = 0; restarts <= RESTARTS_MAX; restarts++) {
      const before = this.#counters.values;
      try {
        await this.#drive(session);
      } catch (error) {
        if (!(error instanceof AdapterRestarted)) throw error;
        this.#counters.restarts++;
        if (this.#counters.values > before) restarts = 0;
      }
    }
    const { device } = this.#options;
    throw new LinkError(
      'BAD_ANSWER',
      `${device}: the adapter keeps restarting; is its supply weak?`,
    );
  }

  /** Finds the car, polls it while it is on, waits while it is off, for ever. */
  async #drive(session: Session): Promise<never> {
    const { elm, clock, signal } = session;
    const adapter = new Adapter(elm, signal, this.#timing, this.#counters);
    const ignition = new IgnitionSense(clock.now());
    session.vehicle = undefined;
    session.desk = undefined;
    session.adapter = adapter;
    await adapter.setUp();
    session.ignition = ignition;
    let sameCar = false;
    while (true) {
      await this.#tellVoltage(session, adapter, ignition, VOLTAGE_MS);
      session.searching = true;
      const found = await adapter.connect(this.#protocol);
      session.searching = false;
      if (found.kind === 'answered') {
        sameCar = true;
        await this.#poll(session, adapter, ignition, found);
      } else if (!sameCar) this.#protocol = undefined; // The adapter may be in another car now.
      await this.#park(session, adapter, ignition);
    }
  }

  /** Reads the car until it is switched off. */
  async #poll(
    session: Session,
    adapter: Adapter,
    ignition: IgnitionSense,
    found: Outcome,
  ): Promise<void> {
    const { clock, signal, emit } = session;
    const vehicle = await discover(adapter, found, this.#lastVehicle);
    if (vehicle.ecus.size === 0) return; // Something answered, but not to the question.
    this.#protocol = adapter.protocol;
    ignition.answered(clock.now());
    session.vehicle = vehicle;
    this.#lastVehicle = vehicle;
    const diagnostics = new Diagnostics(adapter, vehicle, this.#report);
    const plan = planFor(vehicle, adapter);
    const live = new LiveData({
      adapter,
      vehicle,
      plan,
      ignition,
      streams: this.#ecuStreams,
      counters: this.#counters,
      emit,
    });
    const now = (): Micros => clock.now();
    using desk = new Desk(adapter, diagnostics, this.#report, now());
    session.desk = desk;
    while (ignition.state !== 'off') {
      await this.#tellVoltage(session, adapter, ignition, VOLTAGE_MS);
      this.#tellIgnition(session, ignition);
      await adapter.tune();
      if (await desk.serve(now, emit)) continue;
      const group = plan.next(now());
      if (group) await live.ask(group, now);
      else await clock.sleep(pauseMs(plan.dueAt() - now()), signal);
    }
  }

  /** Waits with the bus left in peace until the car is worth asking again. */
  async #park(session: Session, adapter: Adapter, ignition: IgnitionSense): Promise<void> {
    const { clock, signal } = session;
    session.vehicle = undefined;
    session.desk = undefined;
    while (!ignition.shouldProbe(clock.now())) {
      await this.#tellVoltage(session, adapter, ignition, PARKED_VOLTAGE_MS);
      this.#tellIgnition(session, ignition);
      await clock.sleep(PARKED_VOLTAGE_MS / 4, signal);
    }
  }

  /** Asks for the voltage and emits it, when it is due. */
  async #tellVoltage(
    session: Session,
    adapter: Adapter,
    ignition: IgnitionSense,
    periodMs: number,
  ): Promise<void> {
    const { clock, emit } = session;
    if (clock.now() < session.voltageAt) return;
    session.voltageAt = clock.now() + periodMs * 1000;
    const v = await adapter.voltage();
    if (v === undefined) return;
    ignition.voltage(v);
    emit({ kind: 'sample', stream: ADAPTER_VOLTAGE, t: clock.now(), v });
  }

  /** Emits the ignition state at a change, and when it is due. */
  #tellIgnition(session: Session, ignition: IgnitionSense): void {
    const { clock, emit } = session;
    const { state } = ignition;
    if (state === session.told && clock.now() < session.ignitionAt) return;
    session.told = state;
    session.ignitionAt = clock.now() + IGNITION_MS * 1000;
    const v = IGNITION_STATES.indexOf(state);
    emit({ kind: 'sample', stream: IGNITION, t: clock.now(), v });
  }
}

/** The dialogue does not know what its adapter is called; whoever reads of its failure wants to. */
function withDevice(error: unknown, device: string): unknown {
  if (!(error instanceof LinkError) || error.message.includes(device)) return error;
  return new LinkError(error.code, `${device}: ${error.message}`, { cause: error });
}

function planFor(vehicle: Vehicle, adapter: Adapter): PollPlan {
  const rows = vehicle.pids.flatMap((pid) => {
    const row = PID_BY_NUMBER.get(pid);
    return row && row.signals.length > 0 ? [{ pid, hz: row.hz > 0 ? row.hz : ONCE_HZ }] : [];
  });
  const isScale = ({ pid }: { pid: number }): boolean => SCALES.includes(pid);
  const values = rows.filter((row) => !isScale(row)).sort((a, b) => b.hz - a.hz);
  const ordered = [...rows.filter(isScale), ...values];
  return new PollPlan(ordered, isCan(adapter.bus), (pid) => vehicle.knowsLength(pid));
}

/** At most PAUSE_MS_MAX: voltage, ignition and diagnosis come due, whatever the plan holds. */
function pauseMs(us: number): number {
  return Math.min(Math.max(1, Math.ceil(us / 1000)), PAUSE_MS_MAX);
}

const OWN_STREAMS: readonly Stream[] = [
  IGNITION,
  ADAPTER_VOLTAGE,
  TROUBLE,
  ...new Set(PIDS.flatMap((row) => row.signals.map(({ stream }) => stream))),
];
