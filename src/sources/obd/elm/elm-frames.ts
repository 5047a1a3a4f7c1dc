import { IsoTpReceiver } from '../isotp/receiver.ts';
import { type BusKind, isCan, type Response } from '../scan-tool.ts';

/**
 * From an adapter's lines of hexadecimal digits (headers on, `ATH1`) to whole messages per ECU.
 *
 *   CAN 11-bit   7E8 06 41 00 BE 3F A8 13 00     3 digits of id, then up to 8 data bytes
 *   CAN 29-bit   18DAF110 06 41 00 BE 3F A8 13   8 digits of id, then up to 8 data bytes
 *   J1850, ISO 9141-2   48 6B 10 41 0C 1A F8 CC  priority, target, source, data, checksum
 *   ISO 14230 (KWP)     84 F1 10 41 0C 1A F8 CC  0x80 + length, target, source, data, checksum
 *                    80 F1 10 04 41 0C 1A F8 CC  the same with the length in a byte of its own
 *
 * CAN messages are put together by ISO-TP, each id on its own (ISO 15765-4, 6.4.3: up to eight ECUs
 * answer at once). On the older buses every line is a message. A line that does not add up is
 * dropped and counted.
 */
/** In the order to try them in on a line of an unknown bus: KWP checks more than ISO 9141-2 does. */
export const BUS_KINDS: readonly BusKind[] = ['can11', 'can29', 'j1850', 'kwp', 'iso9141'];

export interface FrameCounters {
  /** Lines that were no frame of this bus, or failed their checksum. */
  badLines: number;
  /** Frames dropped by ISO-TP, and messages that stayed incomplete. */
  incomplete: number;
}

/** The bus behind a protocol number of `ATDPN` (DSJ p. 36), or undefined for others. */
export function busOfProtocol(digit: string): BusKind | undefined {
  return PROTOCOLS[digit];
}

const PROTOCOLS: Readonly<Record<string, BusKind>> = {
  '1': 'j1850',
  '2': 'j1850',
  '3': 'iso9141',
  '4': 'kwp',
  '5': 'kwp',
  '6': 'can11',
  '7': 'can29',
  '8': 'can11',
  '9': 'can29',
};

/** Longest line: an id of 8 digits and 8 bytes on CAN; 3 + 255 + 1 bytes on KWP. */
const CAN_BYTES_MAX = 8;
const LEGACY_BYTES_MIN = 5;

/** Puts the messages of one answer together, in the order in which they were completed. */
export function readResponses(
  bus: BusKind,
  lines: readonly string[],
  counters: FrameCounters,
): Response[] {
  return isCan(bus) ? readCan(bus, lines, counters) : readLegacy(bus, lines, counters);
}

function readCan(
  bus: 'can11' | 'can29',
  lines: readonly string[],
  counters: FrameCounters,
): Response[] {
  const receivers = new Map<string, IsoTpReceiver>();
  const responses: Response[] = [];
  for (const line of lines) {
    const frame = splitCan(bus, line);
    if (frame === undefined) {
      counters.badLines++;
      continue;
    }
    const receiver = receivers.get(frame.ecu) ?? new IsoTpReceiver();
    receivers.set(frame.ecu, receiver);
    const pdu = receiver.push(frame.data);
    if (pdu) responses.push({ ecu: frame.ecu, pdu });
  }
  for (const receiver of receivers.values()) {
    counters.incomplete += receiver.dropped + (receiver.reset() ? 1 : 0);
  }
  return responses;
}

/** Answers come from 7E8 to 7EF, or from 18DAF1xx (ISO 15765-4, tables 3 and 4). */
function splitCan(
  bus: 'can11' | 'can29',
  line: string,
): { ecu: string; data: Uint8Array } | undefined {
  const match = (bus === 'can11' ? /^(7E[89A-F])(.*)$/ : /^(18DAF1..)(.*)$/).exec(line);
  const digits = match?.[2];
  if (match?.[1] === undefined || digits === undefined) return undefined;
  if (digits.length % 2 !== 0 || digits.length > 2 * CAN_BYTES_MAX) return undefined;
  return { ecu: match[1].toLowerCase(), data: Buffer.from(digits, 'hex') };
}

function readLegacy(
  bus: 'j1850' | 'iso9141' | 'kwp',
  lines: readonly string[],
  counters: FrameCounters,
): Response[] {
  const responses: Response[] = [];
  for (const line of lines) {
    const bytes = line.length % 2 === 0 ? Buffer.from(line, 'hex') : undefined;
    const pdu = bytes && legacyPdu(bus, bytes);
    if (pdu) responses.push({ ecu: line.slice(4, 6).toLowerCase(), pdu });
    else counters.badLines++;
  }
  return responses;
}

/** The message in a frame, or undefined when its checksum or its length is wrong. */
function legacyPdu(bus: 'j1850' | 'iso9141' | 'kwp', bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length < LEGACY_BYTES_MIN) return undefined;
  const checksum = bus === 'j1850' ? crcJ1850 : sum;
  if (checksum(bytes.subarray(0, -1)) !== bytes.at(-1)) return undefined;
  if (bus !== 'kwp') return bytes.subarray(3, -1);
  // The low six bits of a KWP format byte are the data length; 0 means that a fourth header byte
  // tells it (ISO 14230-2, 4.1.1).
  const length = (bytes[0] ?? 0) & 0x3f;
  const pdu = bytes.subarray(length === 0 ? 4 : 3, -1);
  return pdu.length > 0 && pdu.length === (length || bytes[3]) ? pdu : undefined;
}

/** ISO 9141-2 and ISO 14230-2: the low byte of the sum. */
function sum(bytes: Uint8Array): number {
  return bytes.reduce((total, byte) => (total + byte) & 0xff, 0);
}

/** SAE J1850, 5.4.1: polynomial 0x1D, start value 0xFF, inverted. */
function crcJ1850(bytes: Uint8Array): number {
  let crc = 0xff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x80 ? ((crc << 1) ^ 0x1d) & 0xff : crc << 1;
  }
  return ~crc & 0xff;
}
