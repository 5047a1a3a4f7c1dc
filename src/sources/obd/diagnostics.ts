import type { Emit, Micros } from '#core/stream.ts';
import { freezeFrameJob } from './freeze-frame.ts';
import { hexByte } from './hex.ts';
import {
  type DtcStatus,
  type Framing,
  isAnswerTo,
  parseDtcs,
  parseNegative,
  singleService01,
} from './j1979/answers.ts';
import { dtcText } from './j1979/dtcs.ts';
import { decodeMonitors, type MonitorScope } from './j1979/monitors.ts';
import { parseMonitorTests } from './j1979/service06.ts';
import { type Job, JobQueue, pdusByEcu, type Waiting } from './job.ts';
import {
  ANSWER_MS,
  isCan,
  type Outcome,
  type Response,
  SLOW_ANSWER_MS,
  type VehicleLink,
} from './scan-tool.ts';
import { TROUBLE } from './streams.ts';
import { UdsCodes } from './uds-codes.ts';
import type { Vehicle } from './vehicle.ts';
import { vehicleInfoJob } from './vehicle-info.ts';
import type { VehicleReport } from './vehicle-report.ts';

/** Trouble codes and readiness are asked for this often; what never changes once a connection. */
const STATE_MS = 30_000;
/** Confirmed, pending and permanent trouble codes. */
const CODE_SERVICES: readonly string[] = ['03', '07', '0A'];
const MONITOR_PIDS: ReadonlyMap<number, MonitorScope> = new Map([
  [0x01, 'since-cleared'],
  [0x41, 'this-cycle'],
]);
/** MIDs 00, 20, .. E0 of service 06 name the next 32 (SAE J1979, 6.6). */
const MID_STEP = 0x20;
const MID_LAST = 0xff;
/** ISO 14229-1, table A.1: repeat the request; the answer follows. */
const BUSY = 0x21;
const PENDING = 0x78;

/** What diagnosis needs of a link. */
export type Asker = Pick<VehicleLink, 'bus' | 'request' | 'requestPatiently' | 'askEcu'>;

/**
 * The services that are not live values: trouble codes (03, 07, 0A), freeze frames (02), results of
 * on-board tests (06) and vehicle information (09). The caller runs one job now and then, so that
 * live values never wait long. What was not answered well is asked again, a few times; what was
 * read is kept meanwhile.
 */
export class Diagnostics {
  readonly #link: Asker;
  readonly #vehicle: Vehicle;
  readonly #report: VehicleReport;
  readonly #framing: Framing;
  readonly #queue = new JobQueue();
  readonly #udsCodes: UdsCodes | undefined;
  /** They are asked for once, and again when somebody wants to know; and when the others change. */
  #isUdsDue = true;
  #stateAt: Micros = 0;
  /** Somebody has answered in this round of codes and readiness. */
  #heard = false;

  constructor(link: Asker, vehicle: Vehicle, report: VehicleReport) {
    this.#link = link;
    this.#vehicle = vehicle;
    this.#report = report;
    this.#framing = isCan(link.bus) ? 'can' : 'other';
    this.#udsCodes = link.askEcu && new UdsCodes(vehicle, report);
    // A report that was thrown away has lost its codes too.
    const onAnotherCar = (): void => {
      this.#stateAt = 0;
    };
    this.#add([vehicleInfoJob(vehicle, report, this.#framing, onAnotherCar)]);
    // On the older buses service 06 has another form, which no table describes.
    if (this.#framing === 'can') this.#add([this.#tests(0x00)]);
  }

  /** Whether there is anything to ask. */
  due(now: Micros): boolean {
    return now >= this.#stateAt || this.#queue.ready(now);
  }

  /** Codes and readiness are due from now on, all of them. */
  refresh(): void {
    this.#stateAt = 0;
    this.#isUdsDue = true;
  }

  /** Codes and readiness have been asked for, and nothing of them is to be asked again. */
  get isSettled(): boolean {
    return this.#stateAt > 0 && !this.#queue.hasUrgent;
  }

  /** Runs one job. */
  async step(now: () => Micros, emit: Emit): Promise<void> {
    this.#refresh(now());
    const next = this.#queue.take(now());
    if (next === undefined) return;
    await this.#run(next, now, emit);
    if (next.job.urgent && this.#heard && this.isSettled) this.#report.readAt = now();
  }

  async #run(next: Waiting, now: () => Micros, emit: Emit): Promise<void> {
    const outcome = await this.#ask(next);
    // Silence means that no ECU of this car knows the service, or that the answer was late. What is
    // asked regularly needs no second try to tell.
    if (outcome.kind === 'silent') next.job.refused?.();
    if (outcome.kind === 'silent' && next.job.urgent) return;
    if (outcome.kind !== 'answered') this.#again(next, now(), false);
    else this.#read(next, outcome, now(), emit);
  }

  #ask({ job, patient }: Waiting): Promise<Outcome> {
    if (job.ecu !== undefined && this.#link.askEcu) return this.#link.askEcu(job.ecu, job.hex);
    return patient
      ? this.#link.requestPatiently(job.hex)
      : this.#link.request(job.hex, job.timeoutMs);
  }

  #read(
    next: Waiting,
    { responses, whole }: Outcome & { readonly kind: 'answered' },
    t: Micros,
    emit: Emit,
  ): void {
    const { job } = next;
    const answers = responses.filter(({ pdu }) => isAnswerTo(job.hex, pdu));
    // Whether a message is missing shows on CAN in each message, elsewhere in none.
    const readable = answers.length > 0 && (whole || this.#framing === 'can');
    if (readable && job.urgent) this.#heard = true;
    const more = readable ? job.read(answers, t, emit) : undefined;
    this.#add(more ?? []);
    const waits = unmetWaits(job.hex, responses, answers);
    const refused = responses.some(({ pdu }) => refusal(job.hex, pdu) !== undefined);
    if (refused && answers.length === 0 && waits.length === 0) job.refused?.();
    const settled = whole && waits.length === 0 && (answers.length > 0 ? !!more : refused);
    if (!settled) this.#again(next, t, waits.includes(PENDING));
  }

  #again(next: Waiting, now: Micros, patient: boolean): void {
    if (!this.#queue.retry(next, now, patient)) this.#report.abandoned++;
  }

  #add(jobs: readonly Job[]): void {
    this.#report.abandoned += this.#queue.add(jobs);
  }

  #refresh(now: Micros): void {
    if (now < this.#stateAt) return;
    this.#stateAt = now + STATE_MS * 1000;
    this.#heard = false;
    this.#add(CODE_SERVICES.map((hex) => this.#codes(hex)));
    this.#add([...MONITOR_PIDS].map(([pid, scope]) => this.#monitors(pid, scope)));
    if (this.#isUdsDue) this.#add(this.#udsCodes?.jobs() ?? []);
    this.#isUdsDue = false;
  }

  #codes(hex: string): Job {
    return {
      hex,
      timeoutMs: ANSWER_MS,
      urgent: true,
      read: (responses, t, emit) => this.#readCodes(responses, t, emit),
    };
  }

  #monitors(pid: number, scope: MonitorScope): Job {
    return {
      hex: `01${hexByte(pid)}`,
      timeoutMs: ANSWER_MS,
      urgent: true,
      read: (responses) => {
        for (const { ecu, pdu } of responses) {
          const data = singleService01(pdu)?.data;
          const status = data && decodeMonitors(data, scope);
          if (status) this.#report.of(ecu).monitors.set(scope, status);
        }
        return [];
      },
    };
  }

  /** An ECU answers in one message on CAN, and in one for each three codes elsewhere. */
  #readCodes(responses: readonly Response[], t: Micros, emit: Emit): readonly Job[] {
    const jobs: Job[] = [];
    for (const [ecu, pdus] of pdusByEcu(responses)) {
      const messages = this.#framing === 'can' ? pdus.slice(-1) : pdus;
      const lists = messages.flatMap((pdu) => parseDtcs(pdu, this.#framing) ?? []);
      const [first] = lists;
      // A list that was cut would look like codes that went away.
      if (first === undefined || lists.some(({ fault }) => fault !== undefined)) continue;
      const codes = [...new Set(lists.flatMap((list) => list.codes))];
      const fresh = this.#tell({ ecu, status: first.status, codes }, t, emit);
      if (fresh && first.status === 'confirmed') jobs.push(this.#freezeFrame());
    }
    return jobs.slice(0, 1);
  }

  /** Emits an event for each code that came or went; true when one came. */
  #tell(
    { ecu, status, codes }: { ecu: string; status: DtcStatus; codes: readonly string[] },
    t: Micros,
    emit: Emit,
  ): boolean {
    const report = this.#report.of(ecu);
    const before = report.codes.get(status) ?? [];
    report.codes.set(status, codes);
    const came = codes.filter((code) => !before.includes(code));
    const went = before.filter((code) => !codes.includes(code));
    report.note(status, came, went, t);
    if (came.length + went.length > 0) this.#add(this.#udsCodes?.jobs() ?? []);
    for (const code of [...came, ...went]) {
      const { text } = dtcText(code);
      const data = { code, status, ecu, text, present: came.includes(code) };
      emit({ kind: 'event', stream: TROUBLE, t, data });
    }
    return came.length > 0;
  }

  #freezeFrame(): Job {
    return freezeFrameJob(this.#vehicle, this.#report, this.#framing);
  }

  /** @param mid a monitor, or one of the bitmaps that name the monitors */
  #tests(mid: number): Job {
    return {
      hex: `06${hexByte(mid)}`,
      timeoutMs: SLOW_ANSWER_MS,
      once: true,
      read: (responses) => {
        const named = new Set<number>();
        for (const { ecu, pdu } of responses) {
          const tests = parseMonitorTests(pdu);
          for (const found of tests?.supported ?? []) named.add(found);
          const items = tests?.items.filter((item) => item.mid === mid) ?? [];
          if (items.length > 0) this.#report.of(ecu).tests.set(mid, items);
        }
        return [...named]
          .filter((found) => found > mid && found <= Math.min(mid + MID_STEP, MID_LAST))
          .map((found) => this.#tests(found));
      },
    };
  }
}

/** Why this PDU refuses this request, or undefined when it does not. */
function refusal(hex: string, pdu: Uint8Array): number | undefined {
  const negative = parseNegative(pdu);
  return negative?.service === Number.parseInt(hex.slice(0, 2), 16) ? negative.nrc : undefined;
}

/** The reasons, BUSY or PENDING, of the ECUs that asked for time and have not answered yet. */
function unmetWaits(
  hex: string,
  responses: readonly Response[],
  answers: readonly Response[],
): readonly number[] {
  return responses
    .filter(({ ecu }) => answers.every((answer) => answer.ecu !== ecu))
    .flatMap(({ pdu }) => refusal(hex, pdu) ?? [])
    .filter((nrc) => nrc === BUSY || nrc === PENDING);
}
