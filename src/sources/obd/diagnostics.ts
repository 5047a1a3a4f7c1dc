import type { Emit, Micros } from '#core/stream.ts';
import { type Adapter, ANSWER_MS, SLOW_ANSWER_MS } from './elm/adapter.ts';
import type { Response } from './elm/elm-frames.ts';
import { freezeFrameJob } from './freeze-frame.ts';
import {
  type DtcStatus,
  parseDtcs,
  parseNegative,
  singleService01,
  type Transport,
} from './j1979/answers.ts';
import { dtcText } from './j1979/dtcs.ts';
import { decodeMonitors, type MonitorScope } from './j1979/monitors.ts';
import { parseMonitorTests } from './j1979/service06.ts';
import {
  INFO_TYPE,
  joinRows,
  parseCalibrationIds,
  parseEcuName,
  parseInfoTypes,
  parseInUse,
  parseVerificationNumbers,
  parseVin,
} from './j1979/service09.ts';
import type { Job } from './job.ts';
import { TROUBLE } from './streams.ts';
import type { Vehicle } from './vehicle.ts';
import type { VehicleReport } from './vehicle-report.ts';

/** Trouble codes and readiness are asked for this often; what never changes once a connection. */
const STATE_MS = 30_000;
const MONITOR_PIDS: ReadonlyMap<number, MonitorScope> = new Map([
  [0x01, 'since-cleared'],
  [0x41, 'this-cycle'],
]);
/** Times a job is asked before it is given up for this connection. */
const TRIES_MAX = 3;
/** Jobs that may wait; a car has some 60 monitors, and each ECU a freeze frame. */
const JOBS_MAX = 500;
/** MIDs 00, 20, .. E0 of service 06 name the others (SAE J1979, 6.6). */
const MID_BITMAPS: readonly number[] = [0x00, 0x20, 0x40, 0x60, 0x80, 0xa0, 0xc0, 0xe0];

/**
 * The services that are not live values: trouble codes (03, 07, 0A), freeze frames (02), results of
 * on-board tests (06) and vehicle information (09). The caller runs one job now and then, so that
 * live values never wait long.
 */
export class Diagnostics {
  /** Jobs given up or left out. */
  abandoned = 0;
  readonly #adapter: Adapter;
  readonly #vehicle: Vehicle;
  readonly #report: VehicleReport;
  readonly #transport: Transport;
  readonly #queue: { job: Job; tries: number }[] = [];
  #stateAt: Micros = 0;

  constructor(adapter: Adapter, vehicle: Vehicle, report: VehicleReport) {
    this.#adapter = adapter;
    this.#vehicle = vehicle;
    this.#report = report;
    this.#transport = adapter.bus === 'can11' || adapter.bus === 'can29' ? 'can' : 'other';
    this.#add(this.#state());
    this.#add([this.#infoTypes()]);
    // On the older buses service 06 has another form, which no table describes.
    if (this.#transport === 'can') this.#add([this.#tests(0x00)]);
  }

  /** Whether there is anything to ask. */
  due(now: Micros): boolean {
    if (now >= this.#stateAt) {
      if (this.#stateAt > 0) this.#add(this.#state());
      this.#stateAt = now + STATE_MS * 1000;
    }
    return this.#queue.length > 0;
  }

  /** Runs one job. */
  async step(now: () => Micros, emit: Emit): Promise<void> {
    const next = this.#queue.shift();
    if (next === undefined) return;
    const outcome = await this.#adapter.request(next.job.hex, next.job.timeoutMs);
    // Nobody answers: no ECU of this car knows the service.
    if (outcome.kind === 'silent') return;
    const responses = outcome.kind === 'answered' ? outcome.responses : [];
    if (responses.every(({ pdu }) => isWait(pdu))) this.#again(next);
    else this.#add(next.job.read(responses, now(), emit));
  }

  #again(entry: { job: Job; tries: number }): void {
    entry.tries++;
    if (entry.tries < TRIES_MAX) this.#queue.push(entry);
    else this.abandoned++;
  }

  #add(jobs: readonly Job[]): void {
    const room = JOBS_MAX - this.#queue.length;
    this.#queue.push(...jobs.slice(0, room).map((job) => ({ job, tries: 0 })));
    this.abandoned += Math.max(0, jobs.length - room);
  }

  /** What may change during a drive. */
  #state(): Job[] {
    const codes = ['03', '07', '0A'].map((hex) => ({
      hex,
      timeoutMs: ANSWER_MS,
      read: (responses: readonly Response[], t: Micros, emit: Emit) =>
        this.#readCodes(responses, t, emit),
    }));
    return [...codes, ...[...MONITOR_PIDS].map(([pid, scope]) => this.#monitors(pid, scope))];
  }

  #monitors(pid: number, scope: MonitorScope): Job {
    return {
      hex: `01${hexByte(pid)}`,
      timeoutMs: ANSWER_MS,
      read: (responses) => {
        for (const { ecu, pdu } of responses) {
          const data = singleService01(pdu);
          const status = data?.pid === pid ? decodeMonitors(data.data, scope) : undefined;
          if (status) this.#report.of(ecu).monitors.set(scope, status);
        }
        return [];
      },
    };
  }

  /** An ECU answers in one message on CAN, and in one for each three codes elsewhere. */
  #readCodes(responses: readonly Response[], t: Micros, emit: Emit): readonly Job[] {
    const jobs: Job[] = [];
    for (const [ecu, pdus] of byEcu(responses)) {
      const lists = pdus.flatMap((pdu) => parseDtcs(pdu, this.#transport) ?? []);
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
    for (const code of [...came, ...went]) {
      const { text } = dtcText(code);
      const data = { code, status, ecu, text, present: came.includes(code) };
      emit({ kind: 'event', stream: TROUBLE, t, data });
    }
    return came.length > 0;
  }

  #freezeFrame(): Job {
    return freezeFrameJob(this.#vehicle, this.#report, this.#transport);
  }

  #infoTypes(): Job {
    return {
      hex: '0900',
      timeoutMs: SLOW_ANSWER_MS,
      read: (responses) => {
        const types = new Set(responses.flatMap(({ pdu }) => parseInfoTypes(pdu) ?? []));
        return Object.values(INFO_TYPE)
          .filter((type) => type !== INFO_TYPE.supported && types.has(type))
          .map((type) => this.#info(type));
      },
    };
  }

  #info(type: number): Job {
    return {
      hex: `09${hexByte(type)}`,
      timeoutMs: SLOW_ANSWER_MS,
      read: (responses) => {
        for (const [ecu, pdus] of byEcu(responses)) {
          const pdu = this.#transport === 'can' ? pdus.at(-1) : joinRows(pdus);
          if (pdu) this.#readInfo(ecu, pdu);
        }
        return [];
      },
    };
  }

  #readInfo(ecu: string, pdu: Uint8Array): void {
    const vin = parseVin(pdu);
    if (vin) {
      const known = this.#report.vin?.vin;
      if (known !== undefined && known !== vin.vin) this.#report.clear();
      this.#report.vin = vin;
    }
    const report = this.#report.of(ecu);
    report.calibrationIds = parseCalibrationIds(pdu)?.items ?? report.calibrationIds;
    report.verificationNumbers = parseVerificationNumbers(pdu)?.items ?? report.verificationNumbers;
    report.inUse = parseInUse(pdu)?.items ?? report.inUse;
    report.name = parseEcuName(pdu) ?? report.name;
  }

  /** @param mid a monitor, or one of the bitmaps that name the monitors */
  #tests(mid: number): Job {
    return {
      hex: `06${hexByte(mid)}`,
      timeoutMs: SLOW_ANSWER_MS,
      read: (responses) => {
        const supported = new Set<number>();
        for (const { ecu, pdu } of responses) {
          const tests = parseMonitorTests(pdu);
          if (tests === undefined) continue;
          for (const found of tests.supported) supported.add(found);
          if (!MID_BITMAPS.includes(mid)) this.#report.of(ecu).tests.set(mid, tests.items);
        }
        return [...supported].map((found) => this.#tests(found));
      },
    };
  }
}

/** The PDUs of each ECU, refusals left out. */
function byEcu(responses: readonly Response[]): Map<string, Uint8Array[]> {
  const groups = new Map<string, Uint8Array[]>();
  for (const { ecu, pdu } of responses) {
    if (parseNegative(pdu)) continue;
    groups.set(ecu, [...(groups.get(ecu) ?? []), pdu]);
  }
  return groups;
}

/** "Busy" and "answer pending" (ISO 14229-1, NRC 21 and 78): worth asking again. */
function isWait(pdu: Uint8Array): boolean {
  const nrc = parseNegative(pdu)?.nrc;
  return nrc === 0x21 || nrc === 0x78;
}

function hexByte(byte: number): string {
  return byte.toString(16).toUpperCase().padStart(2, '0');
}
