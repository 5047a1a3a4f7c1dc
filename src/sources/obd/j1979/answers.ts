import { hexByte } from '../hex.ts';
import { decodeDtc, NO_DTC } from './dtcs.ts';

/**
 * Answers of SAE J1979 (ISO 15031-5) services 01, 02, 03, 07 and 0A, and negative ones, as whole
 * reassembled PDUs: byte 0 is the response service, which is the request's plus 40 hex.
 *
 *   41 PID data [PID data ...]              01, up to six parameters on CAN, without their lengths
 *   42 PID FRAME data [PID FRAME data ...]  02, the same of a freeze frame
 *   43 NN dtc dtc ...                       03 on CAN: NN codes of two bytes (47: 07, 4A: 0A)
 *   43 dtc dtc dtc                          03 elsewhere: three codes a message, filled up with 0000
 *   7F SID NRC                              refusal
 *
 * Nothing here throws or reads past the end. What is another kind of answer gives undefined; what
 * is cut short or does not add up gives the good part and the reason in `fault`.
 * Service 06 is in service06.ts, 09 in service09.ts, the monitor bits of PID 01 in monitors.ts.
 */

const NEGATIVE = 0x7f;
/** What a positive answer adds to the service that was asked. */
const POSITIVE = 0x40;

/**
 * Whether a PDU is the positive answer to a request, and not a late one to another.
 *
 * @param hex service and data of the request: `0902`; of several PIDs any may be the first one
 */
export function isAnswerTo(hex: string, pdu: Uint8Array): boolean {
  const [service = 0, ...ids] = Buffer.from(hex, 'hex');
  if (pdu[0] !== service + POSITIVE) return false;
  return ids.length === 0 || (pdu[1] !== undefined && ids.includes(pdu[1]));
}

export interface PidData {
  readonly pid: number;
  /** A view into the PDU, not a copy. */
  readonly data: Uint8Array;
}

export interface FrameData extends PidData {
  /** Number of the freeze frame; 00 is the one that the regulations require. */
  readonly frame: number;
}

/** The part of an answer that could be read. */
export interface Parsed<T> {
  readonly items: readonly T[];
  /** Why the rest, if any, could not be; for a person. */
  readonly fault: string | undefined;
}

/**
 * Takes a service 01 answer apart. It tells no lengths, so `lengths` (data bytes by PID) has to:
 * PID_LENGTHS, or what this ECU was seen to send. The walk ends at the first PID without a length.
 */
export function splitService01(
  pdu: Uint8Array,
  lengths: ReadonlyMap<number, number>,
): Parsed<PidData> | undefined {
  if (pdu[0] !== 0x41) return undefined;
  const items: PidData[] = [];
  const fault = walk(pdu, 1, lengths, (pid, data) => items.push({ pid, data }));
  return { items, fault };
}

/** The answer to a request for one PID, whatever its length: how lengths are learned. */
export function singleService01(pdu: Uint8Array): PidData | undefined {
  const [sid, pid] = pdu;
  if (sid !== 0x41 || pid === undefined) return undefined;
  return { pid, data: pdu.subarray(2) };
}

/** As `splitService01`, for a freeze frame. PID 02 is the code that stored it; 0000 means none. */
export function splitService02(
  pdu: Uint8Array,
  lengths: ReadonlyMap<number, number>,
): Parsed<FrameData> | undefined {
  if (pdu[0] !== 0x42) return undefined;
  const items: FrameData[] = [];
  const fault = walk(pdu, 2, lengths, (pid, data, start) => {
    items.push({ pid, frame: pdu[start + 1] ?? 0, data });
  });
  return { items, fault };
}

/** Calls `found` for each PID of an answer whose data begin `head` bytes after the PID's place. */
function walk(
  pdu: Uint8Array,
  head: number,
  lengths: ReadonlyMap<number, number>,
  found: (pid: number, data: Uint8Array, start: number) => void,
): string | undefined {
  let start = 1;
  while (start < pdu.length) {
    const pid = pdu[start] ?? 0;
    const length = lengths.get(pid);
    const rest = pdu.length - start;
    if (length === undefined)
      return `PID ${hexByte(pid)} has no known length, ${rest} bytes left over`;
    const end = start + head + length;
    if (end > pdu.length) return `PID ${hexByte(pid)} is cut short`;
    found(pid, pdu.subarray(start + head, end), start);
    start = end;
  }
  return start === 1 ? 'no PID in the answer' : undefined;
}

/**
 * How messages are cut: on CAN one of any length, which counts its items; on the older buses rows of
 * seven bytes, filled up with 00.
 */
export type Framing = 'can' | 'other';

export type DtcStatus = 'confirmed' | 'pending' | 'permanent';

export interface DtcList {
  readonly status: DtcStatus;
  /** `P0301`, in the order of the answer. */
  readonly codes: readonly string[];
  readonly fault: string | undefined;
}

const DTC_STATUS: ReadonlyMap<number, DtcStatus> = new Map([
  [0x43, 'confirmed'],
  [0x47, 'pending'],
  [0x4a, 'permanent'],
]);

/** The codes of one answer to service 03, 07 or 0A. An empty list is an answer too: `43 00`. */
export function parseDtcs(pdu: Uint8Array, framing: Framing): DtcList | undefined {
  const status = DTC_STATUS.get(pdu[0] ?? 0);
  if (!status) return undefined;
  const start = framing === 'can' ? 2 : 1;
  const bytes = pdu.length - start;
  if (bytes < 0) return { status, codes: [], fault: 'no count of codes' };
  const whole = Math.floor(bytes / 2);
  const announced = framing === 'can' ? (pdu[1] ?? 0) : Math.ceil(bytes / 2);
  const codes: string[] = [];
  // More than announced is padding that some adapters pass on.
  for (let i = 0; i < Math.min(announced, whole); i++) {
    const raw = word(pdu, start + 2 * i);
    if (raw !== NO_DTC) codes.push(decodeDtc(raw));
  }
  const fault = whole < announced ? `${announced} codes announced, ${whole} came whole` : undefined;
  return { status, codes, fault };
}

export interface NegativeResponse {
  /** The service that was refused. */
  readonly service: number;
  /** Negative response code. */
  readonly nrc: number;
  readonly text: string;
  /** The answer is still to come, within P2* (5 s on CAN; ISO 15765-4, 6.3.2): wait on. */
  readonly pending: boolean;
}

/** ISO 14229-1 table A.1; legislated OBD uses 10, 11, 12, 21, 22, 31 and 78 of them. */
const NRC_TEXTS: Readonly<Record<number, string>> = {
  16: 'general reject',
  17: 'service not supported',
  18: 'sub-function not supported',
  19: 'wrong length or format',
  20: 'answer too long',
  33: 'busy, repeat the request',
  34: 'conditions not correct',
  36: 'request out of sequence',
  49: 'request out of range',
  51: 'security access denied',
  53: 'wrong key',
  54: 'too many attempts',
  55: 'time delay not over',
  120: 'answer pending',
  126: 'sub-function not supported in this session',
  127: 'service not supported in this session',
};

/** A refusal, or undefined when `pdu` is something else or too short to tell. */
export function parseNegative(pdu: Uint8Array): NegativeResponse | undefined {
  const [sid, service, nrc] = pdu;
  if (sid !== NEGATIVE || service === undefined || nrc === undefined) return undefined;
  const text = NRC_TEXTS[nrc] ?? `reason ${hexByte(nrc)}`;
  return { service, nrc, text, pending: nrc === 0x78 };
}

/** Big-endian, 0 to FFFF. The caller has checked that both bytes are there. */
function word(pdu: Uint8Array, at: number): number {
  return (pdu[at] ?? 0) * 256 + (pdu[at + 1] ?? 0);
}
