/** The buses an ELM327 speaks, by the digit that ATSP takes (ELM327DSJ, ATSP). */
export type ProtocolDigit = '1' | '2' | '3' | '4' | '5' | '6' | '7' | '8' | '9';

export type Protocol =
  | { readonly kind: 'can'; readonly name: string; readonly idBits: 11 | 29 }
  | {
      readonly kind: 'legacy';
      readonly name: string;
      /** What is printed while the bus is being woken; J1850 needs no waking. */
      readonly init?: string;
      readonly checksum: 'sum' | 'crc';
      /** Request and answer headers: format, target, source. KWP puts the length into the first byte. */
      readonly request: readonly [number, number, number];
      readonly answer: readonly [number, number];
      readonly lengthInHeader: boolean;
    };

const VPW_HEADERS = { request: [0x68, 0x6a, 0xf1], answer: [0x48, 0x6b] } as const;
const KWP_HEADERS = { request: [0xc0, 0x33, 0xf1], answer: [0x80, 0xf1] } as const;

// biome-ignore format: one protocol a line, in columns
export const PROTOCOLS: Readonly<Record<ProtocolDigit, Protocol>> = {
  '1': { kind: 'legacy', name: 'SAE J1850 PWM', checksum: 'crc', request: [0x61, 0x6a, 0xf1], answer: [0x41, 0x6b], lengthInHeader: false },
  '2': { kind: 'legacy', name: 'SAE J1850 VPW', checksum: 'crc', ...VPW_HEADERS, lengthInHeader: false },
  '3': { kind: 'legacy', name: 'ISO 9141-2', init: 'BUS INIT: ...', checksum: 'sum', ...VPW_HEADERS, lengthInHeader: false },
  '4': { kind: 'legacy', name: 'ISO 14230-4 (KWP 5BAUD)', init: 'BUS INIT: ...', checksum: 'sum', ...KWP_HEADERS, lengthInHeader: true },
  '5': { kind: 'legacy', name: 'ISO 14230-4 (KWP FAST)', init: 'BUS INIT: ', checksum: 'sum', ...KWP_HEADERS, lengthInHeader: true },
  '6': { kind: 'can', name: 'ISO 15765-4 (CAN 11/500)', idBits: 11 },
  '7': { kind: 'can', name: 'ISO 15765-4 (CAN 29/500)', idBits: 29 },
  '8': { kind: 'can', name: 'ISO 15765-4 (CAN 11/250)', idBits: 11 },
  '9': { kind: 'can', name: 'ISO 15765-4 (CAN 29/250)', idBits: 29 },
};

/** True for the digits above; 0 means automatic and A to C are no passenger car's. */
export function isProtocol(digit: string): digit is ProtocolDigit {
  return Object.hasOwn(PROTOCOLS, digit);
}
