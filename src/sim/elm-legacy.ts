/**
 * The buses before CAN as an ELM327 prints them: a message is one line.
 *
 *   ATH1   three header bytes, up to 7 data bytes, checksum: `48 6B 10 41 00 BE 3E B8 11 FA`
 *   ATH0   the data bytes alone
 *
 * ISO 9141-2 and ISO 14230 end with the sum of all bytes modulo 256, SAE J1850 with the CRC-8 of
 * polynomial 1D, start FF, inverted.
 */
import type { Protocol } from './elm-protocols.ts';
import { hex } from './elm-reply.ts';
import type { ElmSettings } from './elm-settings.ts';

type Legacy = Extract<Protocol, { kind: 'legacy' }>;

const NODE_ADDRESS = 0x10;
const CRC_POLYNOMIAL = 0x1d;

/** The printed line of one message from a control unit. */
export function legacyLine(
  settings: ElmSettings,
  protocol: Legacy,
  node: number,
  pdu: readonly number[],
): string {
  const space = settings.spaces ? ' ' : '';
  if (!settings.headers) return hex(pdu, space);
  const [format, target] = protocol.answer;
  const first = protocol.lengthInHeader ? format | pdu.length : format;
  const message = [first, target, NODE_ADDRESS + node, ...pdu];
  const check = protocol.checksum === 'sum' ? sum(message) : crc8(message);
  return hex([...message, check], space);
}

/** True when a request reaches the control unit: by the functional target, or by its own address. */
export function legacyReaches({ header }: ElmSettings, protocol: Legacy, node: number): boolean {
  const target = header === '' ? protocol.request[1] : Number.parseInt(header.slice(2, 4), 16);
  return target === protocol.request[1] || target === NODE_ADDRESS + node;
}

function sum(bytes: readonly number[]): number {
  return bytes.reduce((total, byte) => (total + byte) & 0xff, 0);
}

function crc8(bytes: readonly number[]): number {
  const crc = bytes.reduce((was, byte) => {
    let bits = was ^ byte;
    for (let i = 0; i < 8; i++)
      bits = bits & 0x80 ? ((bits << 1) ^ CRC_POLYNOMIAL) & 0xff : bits << 1;
    return bits;
  }, 0xff);
  return crc ^ 0xff;
}
