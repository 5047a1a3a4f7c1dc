import type { Micros } from '#core/stream.ts';
import type { Job } from './job.ts';
import { type Response, SLOW_ANSWER_MS } from './scan-tool.ts';
import {
  decodeUdsDtc,
  dtcFormatText,
  failureTypeText,
  statusBits,
  statusMask,
} from './uds/dtcs.ts';
import {
  dtcCountRequest,
  dtcsByStatusRequest,
  parseDtcCount,
  parseDtcsByStatus,
} from './uds/read-dtcs.ts';
import type { Vehicle } from './vehicle.ts';
import type { UdsCode, VehicleReport } from './vehicle-report.ts';

/** Codes that are there or were. All of them (FF) would be hundreds that were only never tested. */
const MASK = statusMask(['testFailed', 'pendingDTC', 'confirmedDTC']);
const REQUEST = dtcsByStatusRequest(MASK);
/** How many there are is known by then; what their bytes mean is told with it, and nowhere else. */
const FORMAT_REQUEST = dtcCountRequest(MASK);

/**
 * Trouble codes as each control unit tells them by UDS (ISO 14229-1 service 19 02): with the way in which
 * they failed and with all eight bits of their status, which the services of SAE J1979 do not tell; and
 * once for each control unit what its codes are made of (19 01). One that refuses, or is silent, is not
 * asked again.
 */
export class UdsCodes {
  readonly #vehicle: Vehicle;
  readonly #report: VehicleReport;
  readonly #refused = new Set<string>();
  /** Those that do not tell what their codes are made of. */
  readonly #formless = new Set<string>();

  constructor(vehicle: Vehicle, report: VehicleReport) {
    this.#vehicle = vehicle;
    this.#report = report;
  }

  /** One for each control unit that is worth asking. */
  jobs(): Job[] {
    return [...this.#vehicle.ecus.keys()]
      .filter((ecu) => !this.#refused.has(ecu))
      .map((ecu) => ({
        hex: REQUEST,
        ecu,
        timeoutMs: SLOW_ANSWER_MS,
        urgent: true,
        read: (responses, t) => this.#read(ecu, responses, t),
        refused: () => this.#refused.add(ecu),
      }));
  }

  #read(ecu: string, responses: readonly Response[], t: Micros): readonly Job[] | undefined {
    for (const { pdu } of responses) {
      const answer = parseDtcsByStatus(pdu);
      // A list that was cut would look like codes that went away.
      if (answer.kind !== 'positive' || answer.fault) continue;
      const report = this.#report.of(ecu);
      report.udsCodes = answer.value.dtcs.map(({ dtc, status }) => codeOf(dtc, status));
      report.udsCodesAt = t;
      return this.#formatJobs(ecu);
    }
    return undefined;
  }

  #formatJobs(ecu: string): readonly Job[] {
    if (this.#formless.has(ecu) || this.#report.of(ecu).udsFormat !== undefined) return [];
    return [
      {
        hex: FORMAT_REQUEST,
        ecu,
        timeoutMs: SLOW_ANSWER_MS,
        urgent: true,
        read: (responses) => this.#readFormat(ecu, responses),
        refused: () => this.#formless.add(ecu),
      },
    ];
  }

  #readFormat(ecu: string, responses: readonly Response[]): readonly Job[] | undefined {
    for (const { pdu } of responses) {
      const answer = parseDtcCount(pdu);
      if (answer.kind !== 'positive') continue;
      this.#report.of(ecu).udsFormat = dtcFormatText(answer.value.format);
      return [];
    }
    return undefined;
  }
}

function codeOf(dtc: number, status: number): UdsCode {
  return { code: decodeUdsDtc(dtc), failure: failureTypeText(dtc), status: statusBits(status) };
}
