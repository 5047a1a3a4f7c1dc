import type { Clock } from '#core/clock.ts';
import { LinkError } from '#core/errors.ts';
import type { Emit, Json, Micros, Stream } from '#core/stream.ts';
import { Desk, type HowAsked } from './desk.ts';
import type { ObdSource } from './diagnosed.ts';
import { Diagnostics } from './diagnostics.ts';
import type { ReadDid } from './did-reading.ts';
import type { ReadDtc } from './dtc-reading.ts';
import { DiagnosisError } from './errors.ts';
import { IGNITION_STATES, IgnitionSense } from './ignition.ts';
import { PID_BY_NUMBER, PIDS } from './j1979/pid-table.ts';
import { LiveData } from './live-data.ts';
import { PollPlan } from './poll.ts';
import { isCan, type Outcome, type ScanTool, type VehicleLink } from './scan-tool.ts';
import { Session } from './session.ts';
import { ADAPTER_VOLTAGE, IGNITION, TROUBLE } from './streams.ts';
import { discover, EcuStreams, type Vehicle } from './vehicle.ts';
import { VehicleReport } from './vehicle-report.ts';

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
/** What is read once a drive is asked again this often, in case it was missed. */
const ONCE_HZ = 1 / 600;
/** PIDs 4F and 50 set the scale of others, so they have to come first. */
const SCALES: readonly number[] = [0x4f, 0x50];

/**
 * OBD-II as a source: finds the car behind a scan tool, polls it while it is on, leaves it in peace
 * while it is off, and lets people ask it more.
 */
export class CarReader implements ObdSource {
  readonly id: string;
  readonly silenceMs = SILENCE_MS;
  readonly #tool: ScanTool;
  readonly #ecuStreams = new EcuStreams();
  readonly #report = new VehicleReport();
  readonly #counters = {
    requests: 0,
    values: 0,
    silent: 0,
    disturbed: 0,
    unexpected: 0,
    malformed: 0,
  };
  /** What worked last is tried first. */
  #protocol: string | undefined;
  /** The car that answered last, whose answers need not be learned again. */
  #lastVehicle: Vehicle | undefined;
  /** The connection while there is one. */
  #session: Session | undefined;

  constructor(id: string, tool: ScanTool) {
    this.id = id;
    this.#tool = tool;
  }

  get streams(): readonly Stream[] {
    return [...OWN_STREAMS, ...this.#ecuStreams.all];
  }

  async run(emit: Emit, clock: Clock, signal: AbortSignal): Promise<void> {
    try {
      await using connection = await this.#tool.open(clock, signal);
      const session = new Session(emit, clock, signal);
      this.#session = session;
      await connection.serve(
        (link) => this.#drive(session, link),
        () => this.#counters.values,
      );
    } catch (error) {
      throw withDevice(error, this.#tool.name);
    } finally {
      this.#session = undefined;
    }
  }

  note(): string | undefined {
    const { link, vehicle, searching = false } = this.#session ?? {};
    if (link === undefined) return this.#tool.note();
    return vehicle === undefined ? link.note(searching) : undefined;
  }

  health(): { readonly [key: string]: Json } {
    const { vehicle, ignition } = this.#session ?? {};
    return {
      device: this.#tool.name,
      ...this.#tool.health(),
      protocol: this.protocol() ?? null,
      ignition: ignition?.state ?? null,
      ecus: [...(vehicle?.ecus.values() ?? [])].map(({ id, supported }) => ({
        id,
        pids: supported.size,
      })),
      diagnosis: this.#report.summary(),
      ...this.#counters,
    };
  }

  vehicle(): Vehicle | undefined {
    return this.#lastVehicle;
  }

  protocol(): string | undefined {
    const { protocol, bus } = this.#session?.link ?? {};
    return protocol === undefined ? undefined : `${protocol} (${bus})`;
  }

  report(): VehicleReport {
    return this.#report;
  }

  absence(): string | undefined {
    if (this.#session?.desk !== undefined) return undefined;
    return this.note() ?? `${this.#tool.name}: nothing is connected`;
  }

  async refresh(): Promise<void> {
    await this.#desk().refresh();
  }

  async clearCodes(signal: AbortSignal): Promise<readonly string[]> {
    return await this.#desk().clear(signal);
  }

  async readDid(ecu: string, did: number, how: HowAsked): Promise<ReadDid> {
    return await this.#desk().readDid(ecu, did, how);
  }

  async readDtc(ecu: string, dtc: number, how: HowAsked): Promise<ReadDtc> {
    return await this.#desk().readDtc(ecu, dtc, how);
  }

  #desk(): Desk {
    const desk = this.#session?.desk;
    if (desk !== undefined) return desk;
    throw new DiagnosisError('NO_VEHICLE', `no vehicle is connected: ${this.absence()}`);
  }

  /** Finds the car, polls it while it is on, waits while it is off, for ever. */
  async #drive(session: Session, link: VehicleLink): Promise<never> {
    const { clock } = session;
    const ignition = new IgnitionSense(clock.now());
    session.vehicle = undefined;
    session.desk = undefined;
    session.link = link;
    await link.setUp();
    session.ignition = ignition;
    let sameCar = false;
    while (true) {
      await this.#tellVoltage(session, link, ignition, VOLTAGE_MS);
      session.searching = true;
      const found = await link.connect(this.#protocol);
      session.searching = false;
      if (found.kind === 'answered') {
        sameCar = true;
        await this.#poll(session, link, ignition, found);
      } else if (!sameCar) this.#protocol = undefined; // The adapter may be in another car now.
      await this.#park(session, link, ignition);
    }
  }

  /** Reads the car until it is switched off. */
  async #poll(
    session: Session,
    link: VehicleLink,
    ignition: IgnitionSense,
    found: Outcome,
  ): Promise<void> {
    const { clock, signal, emit } = session;
    const vehicle = await discover(link, found, this.#lastVehicle);
    if (vehicle.ecus.size === 0) return; // Something answered, but not to the question.
    this.#protocol = link.protocol;
    ignition.answered(clock.now());
    session.vehicle = vehicle;
    this.#lastVehicle = vehicle;
    const diagnostics = new Diagnostics(link, vehicle, this.#report);
    const plan = planFor(vehicle, link);
    const live = new LiveData({
      link,
      vehicle,
      plan,
      ignition,
      streams: this.#ecuStreams,
      counters: this.#counters,
      emit,
    });
    const now = (): Micros => clock.now();
    using desk = new Desk({ link, vehicle, diagnostics, report: this.#report, now });
    session.desk = desk;
    while (ignition.state !== 'off') {
      await this.#tellVoltage(session, link, ignition, VOLTAGE_MS);
      this.#tellIgnition(session, ignition);
      await link.tune();
      if (await desk.serve(emit)) continue;
      const group = plan.next(now());
      if (group) await live.ask(group, now);
      else await clock.sleep(pauseMs(plan.dueAt() - now()), signal);
    }
  }

  /** Waits with the bus left in peace until the car is worth asking again. */
  async #park(session: Session, link: VehicleLink, ignition: IgnitionSense): Promise<void> {
    const { clock, signal } = session;
    session.vehicle = undefined;
    session.desk = undefined;
    while (!ignition.shouldProbe(clock.now())) {
      if (link.stirred()) ignition.stirred(clock.now());
      await this.#tellVoltage(session, link, ignition, PARKED_VOLTAGE_MS);
      this.#tellIgnition(session, ignition);
      await clock.sleep(PARKED_VOLTAGE_MS / 4, signal);
    }
  }

  /** Asks for the voltage and emits it, when it is due. */
  async #tellVoltage(
    session: Session,
    link: VehicleLink,
    ignition: IgnitionSense,
    periodMs: number,
  ): Promise<void> {
    const { clock, emit } = session;
    if (clock.now() < session.voltageAt) return;
    session.voltageAt = clock.now() + periodMs * 1000;
    const v = await link.voltage();
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

/** A link does not know what its tool is called; whoever reads of its failure wants to. */
function withDevice(error: unknown, device: string): unknown {
  if (!(error instanceof LinkError) || error.message.includes(device)) return error;
  return new LinkError(error.code, `${device}: ${error.message}`, { cause: error });
}

function planFor(vehicle: Vehicle, link: VehicleLink): PollPlan {
  const rows = vehicle.pids.flatMap((pid) => {
    const row = PID_BY_NUMBER.get(pid);
    return row && row.signals.length > 0 ? [{ pid, hz: row.hz > 0 ? row.hz : ONCE_HZ }] : [];
  });
  const isScale = ({ pid }: { pid: number }): boolean => SCALES.includes(pid);
  const values = rows.filter((row) => !isScale(row)).sort((a, b) => b.hz - a.hz);
  const ordered = [...rows.filter(isScale), ...values];
  return new PollPlan(ordered, isCan(link.bus), (pid) => vehicle.knowsLength(pid));
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
