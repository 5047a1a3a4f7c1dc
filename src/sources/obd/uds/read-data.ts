import { fault, hexOf, readAnswer, type UdsAnswer, unsigned } from './answer.ts';

/**
 * Service 22, ReadDataByIdentifier (ISO 14229-1, 10.2):
 *
 *   22 DID        one value
 *   62 DID data   all that follows is the value: the answer tells no lengths
 */
const READ_DATA = 0x22;
const DID_BYTES = 2;

/** @param did 0000 to FFFF. @throws RangeError for others */
export function readDataRequest(did: number): string {
  return `22${hexOf(did, DID_BYTES)}`;
}

/**
 * @param did as it was asked for
 * @returns the value, a view into the PDU
 */
export function parseReadData(pdu: Uint8Array, did: number): UdsAnswer<Uint8Array> {
  return readAnswer(pdu, [READ_DATA], (data) => {
    if (data.length < DID_BYTES) return { fault: fault('CUT_SHORT', 'no whole identifier') };
    const seen = unsigned(data, 0, DID_BYTES);
    if (seen === did) return { value: data.subarray(DID_BYTES) };
    return { fault: fault('OTHER_ANSWER', `the value of ${hexOf(seen, DID_BYTES)} came`) };
  });
}
