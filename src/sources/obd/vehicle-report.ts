import type { Json, Micros } from '#core/stream.ts';
import type { DtcStatus } from './j1979/answers.ts';
import type { MonitorScope, MonitorStatus } from './j1979/monitors.ts';
import type { MonitorTest } from './j1979/service06.ts';
import type { InUseCounter, Vin } from './j1979/service09.ts';
import type { DtcStatusBit } from './uds/dtcs.ts';

/** A value of a freeze frame. */
export interface FrozenValue {
  readonly stream: string;
  readonly unit: string;
  readonly value: number;
}

/** The state of the car at the moment a code was stored. */
export interface FreezeFrame {
  readonly code: string;
  readonly values: readonly FrozenValue[];
}

/** A trouble code as its ECU tells it by UDS. */
export interface UdsCode {
  /** With its failure type: `P0301-11`. */
  readonly code: string;
  /** How it failed, in English; undefined where the type has no name. */
  readonly failure: string | undefined;
  readonly status: readonly DtcStatusBit[];
}

/** What one ECU says of itself and its faults. */
export class EcuReport {
  /** Address: `7e8`. */
  readonly ecu: string;
  name: string | undefined;
  /** As this ECU has it: a replaced one may have another car's, or an odd one. */
  vin: Vin | undefined;
  calibrationIds: readonly string[] = [];
  /** In the order of the calibrations; eight hexadecimal digits. */
  verificationNumbers: readonly string[] = [];
  inUse: readonly InUseCounter[] = [];
  /** Results of the on-board tests of service 06, by monitor. */
  readonly tests = new Map<number, readonly MonitorTest[]>();
  readonly codes = new Map<DtcStatus, readonly string[]>();
  /** Readiness of the emission monitors, since codes were cleared and in this drive cycle. */
  readonly monitors = new Map<MonitorScope, MonitorStatus>();
  /** Beside those of SAE J1979 above; undefined where they were not told. */
  udsCodes: readonly UdsCode[] | undefined;
  /** When they were read. */
  udsCodesAt: Micros | undefined;
  /** What the bytes of such a code mean, in English; undefined where it was not told. */
  udsFormat: string | undefined;
  freezeFrame: FreezeFrame | undefined;
  /** When it was read. */
  freezeFrameAt: Micros | undefined;
  readonly #since = new Map<string, Micros>();

  constructor(ecu: string) {
    this.ecu = ecu;
  }

  /** When a code that it has was first seen; of one that was there at the start, then. */
  since(status: DtcStatus, code: string): Micros | undefined {
    return this.#since.get(`${status} ${code}`);
  }

  /** Notes which codes have come and gone at `t`. */
  note(status: DtcStatus, came: readonly string[], went: readonly string[], t: Micros): void {
    for (const code of came) this.#since.set(`${status} ${code}`, t);
    for (const code of went) this.#since.delete(`${status} ${code}`);
  }

  /**
   * Its memory was cleared. Codes stay until they are read again, so that it is told that they went;
   * those of UDS do not, as nobody is told, and who is silent on them is not asked again.
   */
  cleared(): void {
    this.udsCodes = undefined;
    this.udsCodesAt = undefined;
    this.freezeFrame = undefined;
    this.freezeFrameAt = undefined;
    this.tests.clear();
  }
}

/** Everything known of the car beside its live values. It outlives connections. */
export class VehicleReport {
  /** Of the engine's ECU, and well-formed. */
  vin: Vin | undefined;
  /** When codes and readiness were last read, all of them; undefined before. */
  readAt: Micros | undefined;
  /** Requests of diagnosis given up or left out, in all connections. */
  abandoned = 0;
  readonly #ecus = new Map<string, EcuReport>();

  /** In the order of their addresses: who answers first is a matter of chance. */
  get ecus(): readonly EcuReport[] {
    return [...this.#ecus.values()].sort((a, b) => a.ecu.localeCompare(b.ecu));
  }

  /** The report of an ECU, made when it is first heard of. */
  of(ecu: string): EcuReport {
    const known = this.#ecus.get(ecu);
    if (known) return known;
    const report = new EcuReport(ecu);
    this.#ecus.set(ecu, report);
    return report;
  }

  /** Another car: what was known is of no use. */
  clear(): void {
    this.vin = undefined;
    this.readAt = undefined;
    this.#ecus.clear();
  }

  /**
   * The state of the car for anyone who may see its health: neither the VIN nor calibrations, by
   * which a car could be recognised. Null is what has not been read.
   */
  summary(): { readonly [key: string]: Json } {
    return { abandoned: this.abandoned, ecus: this.ecus.map(summaryOf) };
  }
}

function summaryOf({ ecu, name, codes, udsCodes, monitors }: EcuReport): Json {
  const status = monitors.get('since-cleared');
  const supported = status?.monitors.filter((monitor) => monitor.supported);
  return {
    ecu,
    name: name ?? null,
    stored: codes.get('confirmed') ?? null,
    pending: codes.get('pending') ?? null,
    permanent: codes.get('permanent') ?? null,
    ...(udsCodes && { uds: udsCodes.map(({ code, status }) => ({ code, status })) }),
    mil: status?.mil ?? null,
    readiness: supported
      ? {
          supported: supported.length,
          complete: supported.filter(({ complete }) => complete).length,
        }
      : null,
  };
}
