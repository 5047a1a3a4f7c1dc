import type { Micros } from '#core/stream.ts';
import type { ReadDid } from './did-reading.ts';
import type { ReadDtc, Stored } from './dtc-reading.ts';
import { hexText } from './hex.ts';
import { dtcText } from './j1979/dtcs.ts';
import { ageS } from './snapshot.ts';
import { hexOf } from './uds/answer.ts';
import { dataName, dataText } from './uds/data-text.ts';
import { type DtcStatusBit, decodeUdsDtc, failureTypeText, statusBits } from './uds/dtcs.ts';
import type { SnapshotData } from './uds/read-dtcs.ts';
import type { VehicleReport } from './vehicle-report.ts';

/**
 * What control units have told by ISO 14229-1, as clients get it. Null stands for what has no name or was
 * not told.
 */

/** What of a status matters to a person. */
export const UDS_STATES = ['failing', 'pending', 'confirmed', 'lamp'] as const;
export type UdsState = (typeof UDS_STATES)[number];

const STATE_OF: Readonly<Partial<Record<DtcStatusBit, UdsState>>> = {
  testFailed: 'failing',
  pendingDTC: 'pending',
  confirmedDTC: 'confirmed',
  warningIndicatorRequested: 'lamp',
};

/** A code with its failure type. */
export interface ToldUdsCode {
  /** `P0301-11` */
  readonly code: string;
  /** Of the first five characters, as for those of SAE J1979. */
  readonly text: string;
  readonly specific: boolean;
  /** How it failed; null where the type tells none. */
  readonly failure: string | null;
  readonly states: readonly UdsState[];
  /** All bits that are set, by the names of the standard. */
  readonly status: readonly DtcStatusBit[];
}

/** The codes of one control unit. */
export interface ToldUdsEcu {
  readonly ecu: string;
  readonly ageS: number | null;
  /** What the bytes of its codes mean. */
  readonly format: string | null;
  readonly codes: readonly ToldUdsCode[];
}

/** Service 19 02, of the control units that tell it. */
export function udsCodesOf({ ecus }: VehicleReport, now: Micros): ToldUdsEcu[] {
  return ecus.flatMap(({ ecu, udsCodes, udsCodesAt, udsFormat }) =>
    udsCodes === undefined
      ? []
      : [
          {
            ...{ ecu, ageS: ageS(udsCodesAt, now), format: udsFormat ?? null },
            codes: udsCodes.map(({ code, failure, status }) => toldCode(code, failure, status)),
          },
        ],
  );
}

function toldCode(
  code: string,
  failure: string | undefined,
  status: readonly DtcStatusBit[],
): ToldUdsCode {
  const states = status.flatMap((bit) => STATE_OF[bit] ?? []);
  const [base = ''] = code.split('-');
  return { code, ...dtcText(base), failure: failure ?? null, states, status };
}

/** A value of a control unit. */
export interface ToldValue {
  /** Four hexadecimal digits: `F190`. */
  readonly id: string;
  readonly name: string | null;
  /** What was measured, or a text; else as `hex`. */
  readonly text: string;
  /** Two digits a byte. */
  readonly hex: string;
}

/** Service 22. */
export function toldDid({ ecu, did, data }: ReadDid): ToldValue & { readonly ecu: string } {
  return { ecu, ...toldValue(did, data) };
}

function toldValue(id: number, data: Uint8Array): ToldValue {
  return {
    id: hexOf(id, 2),
    name: dataName(id) ?? null,
    text: dataText(id, data),
    hex: hexText(data),
  };
}

/** What is stored with a code, each kind null where the control unit refuses to tell. */
export interface ToldStored extends ToldUdsCode {
  readonly ecu: string;
  readonly snapshots: {
    readonly records: readonly { readonly record: number; readonly values: readonly ToldValue[] }[];
    /** What could not be taken apart; empty where everything could be. */
    readonly rest: string;
  } | null;
  readonly extendedData: {
    readonly records: readonly { readonly record: number; readonly hex: string }[];
    readonly rest: string;
  } | null;
}

/** Services 19 04 and 19 06. */
export function toldDtc({ ecu, dtc, status, snapshots, extendedData }: ReadDtc): ToldStored {
  return {
    ecu,
    ...toldCode(decodeUdsDtc(dtc), failureTypeText(dtc), statusBits(status)),
    snapshots: stored(snapshots, (content) => ({ values: valuesOf(content) })),
    extendedData: stored(extendedData, (content) => ({ hex: hexText(content) })),
  };
}

function stored<T, R>(found: Stored<T> | undefined, told: (content: T) => R) {
  if (found === undefined) return null;
  return {
    records: found.records.map(({ record, content }) => ({ record, ...told(content) })),
    rest: hexText(found.rest),
  };
}

function valuesOf(content: SnapshotData): ToldValue[] {
  return [...content].map(([id, data]) => toldValue(id, data));
}
