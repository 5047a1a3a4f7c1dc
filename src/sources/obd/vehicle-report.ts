import type { DtcStatus } from './j1979/answers.ts';
import type { MonitorScope, MonitorStatus } from './j1979/monitors.ts';
import type { MonitorTest } from './j1979/service06.ts';
import type { InUseCounter, Vin } from './j1979/service09.ts';

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

/** What one ECU says of itself and its faults. */
export interface EcuReport {
  /** Address: `7e8`. */
  readonly ecu: string;
  name: string | undefined;
  calibrationIds: readonly string[];
  /** In the order of the calibrations; eight hexadecimal digits. */
  verificationNumbers: readonly string[];
  inUse: readonly InUseCounter[];
  /** Results of the on-board tests of service 06, by monitor. */
  readonly tests: Map<number, readonly MonitorTest[]>;
  readonly codes: Map<DtcStatus, readonly string[]>;
  /** Readiness of the emission monitors, since codes were cleared and in this drive cycle. */
  readonly monitors: Map<MonitorScope, MonitorStatus>;
  freezeFrame: FreezeFrame | undefined;
}

/** Everything known of the car beside its live values. It outlives connections. */
export class VehicleReport {
  vin: Vin | undefined;
  readonly #ecus = new Map<string, EcuReport>();

  get ecus(): readonly EcuReport[] {
    return [...this.#ecus.values()];
  }

  /** The report of an ECU, made when it is first heard of. */
  of(ecu: string): EcuReport {
    const known = this.#ecus.get(ecu);
    if (known) return known;
    const report: EcuReport = {
      ecu,
      name: undefined,
      calibrationIds: [],
      verificationNumbers: [],
      inUse: [],
      tests: new Map(),
      codes: new Map(),
      monitors: new Map(),
      freezeFrame: undefined,
    };
    this.#ecus.set(ecu, report);
    return report;
  }

  /** Another car: what was known is of no use. */
  clear(): void {
    this.vin = undefined;
    this.#ecus.clear();
  }
}
