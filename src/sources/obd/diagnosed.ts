import type { Source } from '../source.ts';
import type { HowAsked } from './desk.ts';
import type { ReadDid } from './did-reading.ts';
import type { ReadDtc } from './dtc-reading.ts';
import type { Vehicle } from './vehicle.ts';
import type { VehicleReport } from './vehicle-report.ts';

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
  /** As `readDid` of desk.ts. @throws DiagnosisError */
  readDid(ecu: string, did: number, how: HowAsked): Promise<ReadDid>;
  /** As `readDtc` of desk.ts. @throws DiagnosisError */
  readDtc(ecu: string, dtc: number, how: HowAsked): Promise<ReadDtc>;
}

/** OBD as a source, and what else the car can be asked. */
export interface ObdSource extends Source, Diagnosed {}
