/**
 * The requests that the gateway may send on a CAN bus: those that read, as whole messages.
 *
 *   01 02 06 09   current data, freeze frames, test results, vehicle information: 1 to 6 bytes
 *   03 07 0A      stored, pending and permanent trouble codes: nothing more (SAE J1979)
 *   10 01, 10 03  default and extended diagnostic session (ISO 14229-1, 9.2), which change nothing
 *   19            trouble codes and what was stored with them, by what they are asked for (11.3)
 *   22            one value by its identifier (10.2)
 *   3E 80         keeps the session, without an answer (9.6)
 *
 * Those of ISO 14229-1 go to one ECU, never to all of them. Service 04 is not here: see guard.ts.
 */
export function isReadingPdu(pdu: Uint8Array, target: 'functional' | 'physical'): boolean {
  const [service = 0, ...data] = pdu;
  switch (service) {
    case 0x01:
    case 0x02:
    case 0x06:
    case 0x09:
      return data.length >= 1 && data.length <= 6;
    case 0x03:
    case 0x07:
    case 0x0a:
      return data.length === 0;
    default:
      return target === 'physical' && isReadingUds(service, data);
  }
}

/** Bytes behind the sub-functions of service 19 that are used (ISO 14229-1, table 316). */
const DTC_REPORTS: ReadonlyMap<number, number> = new Map([
  [0x01, 1], // number of codes, by status mask
  [0x02, 1], // codes, by status mask
  [0x04, 4], // snapshots: code and record
  [0x06, 4], // extended data: code and record
]);

function isReadingUds(service: number, data: readonly number[]): boolean {
  const [first = -1] = data;
  switch (service) {
    case 0x10:
      return data.length === 1 && (first === 0x01 || first === 0x03);
    case 0x19:
      return DTC_REPORTS.get(first) === data.length - 1;
    case 0x22:
      return data.length === 2;
    case 0x3e:
      return data.length === 1 && first === 0x80;
    default:
      return false;
  }
}
