import type { EcuTalk } from './ecu-talk.ts';
import { parseReadData, readDataRequest } from './uds/read-data.ts';

/** One value of one control unit, as it was asked for by its identifier. */
export interface ReadDid {
  /** Address: `7e8`. */
  readonly ecu: string;
  /** 0000 to FFFF: DATA_IDS names the usual ones. */
  readonly did: number;
  readonly data: Uint8Array;
}

/**
 * Reads one value of one control unit (ISO 14229-1 service 22).
 *
 * @throws DiagnosisError REFUSED, NO_ANSWER; RangeError for what is no identifier
 */
export async function readDid(talk: EcuTalk, did: number): Promise<ReadDid> {
  const data = await talk.ask(readDataRequest(did), (pdu) => parseReadData(pdu, did));
  return { ecu: talk.ecu, did, data };
}
