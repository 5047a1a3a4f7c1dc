import { hexByte } from './hex.ts';
import type { Framing } from './j1979/answers.ts';
import {
  INFO_TYPE,
  joinRows,
  parseCalibrationIds,
  parseEcuName,
  parseInfoTypes,
  parseInUse,
  parseRowCount,
  parseVerificationNumbers,
  parseVin,
  type Vin,
} from './j1979/service09.ts';
import { type Job, pdusByEcu } from './job.ts';
import { type Response, SLOW_ANSWER_MS } from './scan-tool.ts';
import type { Vehicle } from './vehicle.ts';
import type { VehicleReport } from './vehicle-report.ts';

/** What is wanted of service 09; the VIN first, because another car's report is thrown away. */
const WANTED: readonly number[] = Object.values(INFO_TYPE).filter(
  (type) => type !== INFO_TYPE.supported,
);

/**
 * Reads what the vehicle and its ECUs are called (service 09): which types there are, then each.
 *
 * @param onAnotherCar called after the report of the car before was thrown away
 */
export function vehicleInfoJob(
  vehicle: Vehicle,
  report: VehicleReport,
  framing: Framing,
  onAnotherCar: () => void,
): Job {
  return new InfoReader(vehicle, report, framing, onAnotherCar).typesJob();
}

class InfoReader {
  readonly #vehicle: Vehicle;
  readonly #report: VehicleReport;
  readonly #framing: Framing;
  readonly #onAnotherCar: () => void;
  /** Rows that an ECU said it sends on an older bus, by ECU and type. */
  readonly #rows = new Map<string, number>();

  constructor(vehicle: Vehicle, report: VehicleReport, framing: Framing, onAnotherCar: () => void) {
    this.#vehicle = vehicle;
    this.#report = report;
    this.#framing = framing;
    this.#onAnotherCar = onAnotherCar;
  }

  typesJob(): Job {
    return job(INFO_TYPE.supported, (responses) => {
      const types = new Set(responses.flatMap(({ pdu }) => parseInfoTypes(pdu) ?? []));
      return WANTED.filter((type) => types.has(type)).flatMap((type) => {
        const counted = this.#framing === 'other' && types.has(type - 1);
        return counted ? [this.#rowsJob(type), this.#infoJob(type)] : [this.#infoJob(type)];
      });
    });
  }

  /** On the older buses the odd type before a type tells how many rows that one has. */
  #rowsJob(type: number): Job {
    return job(type - 1, (responses) => {
      for (const { ecu, pdu } of responses) {
        const rows = parseRowCount(pdu);
        if (rows !== undefined) this.#rows.set(`${ecu} ${type}`, rows);
      }
      return [];
    });
  }

  #infoJob(type: number): Job {
    return job(type, (responses) => {
      let whole = true;
      for (const [ecu, pdus] of pdusByEcu(responses)) {
        const rows = this.#rows.get(`${ecu} ${type}`);
        const pdu = this.#framing === 'can' ? pdus.at(-1) : joinRows(pdus, rows);
        if (pdu) this.#read(ecu, pdu);
        else whole = false;
      }
      return whole ? [] : undefined;
    });
  }

  #read(ecu: string, pdu: Uint8Array): void {
    const vin = parseVin(pdu);
    if (vin) this.#noteVin(ecu, vin);
    const report = this.#report.of(ecu);
    report.calibrationIds = parseCalibrationIds(pdu)?.items ?? report.calibrationIds;
    report.verificationNumbers = parseVerificationNumbers(pdu)?.items ?? report.verificationNumbers;
    report.inUse = parseInUse(pdu)?.items ?? report.inUse;
    report.name = parseEcuName(pdu) ?? report.name;
  }

  /** Only the engine's ECU speaks for the car: others may come from a scrapyard, or be blank. */
  #noteVin(ecu: string, vin: Vin): void {
    if (ecu === this.#vehicle.engine && vin.wellFormed) {
      const known = this.#report.vin?.vin;
      if (known !== undefined && known !== vin.vin) {
        this.#report.clear();
        this.#onAnotherCar();
      }
      this.#report.vin = vin;
    }
    this.#report.of(ecu).vin = vin;
  }
}

function job(type: number, read: (responses: readonly Response[]) => ReturnType<Job['read']>): Job {
  return { hex: `09${hexByte(type)}`, timeoutMs: SLOW_ANSWER_MS, once: true, read };
}
