import type { EcuTalk } from './ecu-talk.ts';
import { DiagnosisError } from './errors.ts';
import { KNOWN_LENGTHS } from './uds/data-text.ts';
import {
  ALL_RECORDS,
  type DtcRecord,
  type DtcRecords,
  extendedDataRequest,
  parseExtendedData,
  parseSnapshots,
  type SnapshotData,
  snapshotsRequest,
} from './uds/read-dtcs.ts';

/** Records of extended data that are asked for one by one. More than a control unit usually has. */
const SINGLES_MAX = 6;

/** What a control unit has stored with a code; undefined where it refuses to tell. */
export interface ReadDtc {
  /** Address: `7e8`. */
  readonly ecu: string;
  /** 000000 to FFFFFF: see decodeUdsDtc. */
  readonly dtc: number;
  /** See statusBits. */
  readonly status: number;
  readonly snapshots: Stored<SnapshotData> | undefined;
  readonly extendedData: Stored<Uint8Array> | undefined;
}

/** Records as far as their lengths are known, and the bytes behind them. */
export type Stored<T> = Pick<DtcRecords<T>, 'records' | 'rest'>;

/**
 * Reads what one control unit has stored with one code: what was measured when it came, and what is
 * counted since (ISO 14229-1 services 19 04 and 19 06). Many know only one of the two.
 *
 * @param dtc 000000 to FFFFFF
 * @throws DiagnosisError REFUSED where both are refused; NO_ANSWER
 */
export async function readDtc(talk: EcuTalk, dtc: number): Promise<ReadDtc> {
  const snapshots = await unlessRefused(() =>
    talk.ask(snapshotsRequest(dtc), (pdu) => parseSnapshots(pdu, dtc, KNOWN_LENGTHS)),
  );
  const extended = await unlessRefused(() => readExtendedData(talk, dtc));
  const told = [snapshots, extended].find((one) => !(one instanceof DiagnosisError));
  if (told === undefined || told instanceof DiagnosisError) throw snapshots;
  const { ecu } = talk;
  return {
    ...{ ecu, dtc, status: told.status },
    snapshots: snapshots instanceof DiagnosisError ? undefined : snapshots,
    extendedData: extended instanceof DiagnosisError ? undefined : extended,
  };
}

/**
 * An answer with all records does not tell where one ends, but it begins with the number of the first:
 * asked for alone, that one tells how long it is, and so where the next begins.
 */
async function readExtendedData(talk: EcuTalk, dtc: number): Promise<DtcRecords<Uint8Array>> {
  const ask = (record: number) =>
    talk.ask(extendedDataRequest(dtc, record), (pdu) => parseExtendedData(pdu, dtc));
  const { status, data } = await ask(ALL_RECORDS);
  const records: DtcRecord<Uint8Array>[] = [];
  let rest = data;
  while (records.length < SINGLES_MAX) {
    const [record] = rest;
    if (record === undefined) break;
    const single = await unlessRefused(() => ask(record));
    if (single instanceof DiagnosisError) break;
    const end = single.data.length;
    if (single.data[0] !== record || end > rest.length) break;
    records.push({ record, content: rest.subarray(1, end) });
    rest = rest.subarray(end);
  }
  return { dtc, status, records, rest };
}

/** A refusal is an answer too, where something else may still be told. */
async function unlessRefused<T>(work: () => Promise<T>): Promise<T | DiagnosisError> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DiagnosisError && error.code === 'REFUSED') return error;
    throw error;
  }
}
