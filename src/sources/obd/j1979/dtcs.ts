import { DTC_TEXTS } from './dtc-texts.ts';

/**
 * Diagnostic trouble codes, SAE J2012 / ISO 15031-6.
 *
 * Two bytes: bits 15-14 are the system (P powertrain, C chassis, B body, U network), bits 13-12 the
 * first digit, the rest three hexadecimal digits. `D016` is `U1016`. All 65,536 values are codes.
 * 0000 is P0000, which means "no code" and fills up lists.
 */
export const NO_DTC = 0x0000;

const SYSTEMS = 'PCBU';
const CODE = /^([PCBU])([0-3][0-9A-F]{3})$/;

/** @param raw 0 to FFFF */
export function decodeDtc(raw: number): string {
  const digits = (raw & 0x3fff).toString(16).toUpperCase().padStart(4, '0');
  return `${SYSTEMS.charAt((raw >> 14) & 3)}${digits}`;
}

/** The 16 bits of a code, or undefined when `code` is none. */
export function encodeDtc(code: string): number | undefined {
  const [, system, digits] = CODE.exec(code) ?? [];
  if (system === undefined || digits === undefined) return undefined;
  return (SYSTEMS.indexOf(system) << 14) | Number.parseInt(digits, 16);
}

export interface DtcText {
  readonly text: string;
  /** False when the text only names the group of the code. */
  readonly specific: boolean;
}

/** What a code means, in English. A code without a text of its own is described by its group. */
export function dtcText(code: string): DtcText {
  const text = DTC_TEXTS.get(code);
  if (text !== undefined) return { text, specific: true };
  return { text: CODE.test(code) ? groupText(code) : 'Not a trouble code', specific: false };
}

/** By the second and third character; SAE J2012 table 1, groups of the powertrain. */
const POWERTRAIN: Readonly<Record<string, string>> = {
  '00': 'Fuel, air or emission control',
  '01': 'Fuel and air metering',
  '02': 'Fuel and air metering, injectors',
  '03': 'Ignition or misfire',
  '04': 'Auxiliary emission control',
  '05': 'Vehicle speed, idle control or auxiliary inputs',
  '06': 'Computer and outputs',
  '07': 'Transmission',
  '08': 'Transmission',
  '09': 'Transmission',
  '0A': 'Hybrid propulsion',
  '0B': 'Hybrid propulsion',
  '0C': 'Hybrid propulsion',
  '20': 'Fuel, air or emission control',
  '21': 'Fuel and air metering',
  '22': 'Fuel and air metering',
  '23': 'Ignition or misfire',
  '24': 'Auxiliary emission control',
  '25': 'Auxiliary inputs',
  '26': 'Computer and outputs',
  '27': 'Transmission',
  '2A': 'Fuel, air or emission control',
  '34': 'Cylinder deactivation',
};

const SYSTEM_NAMES: Readonly<Record<string, string>> = {
  P: 'Powertrain',
  C: 'Chassis',
  B: 'Body',
  U: 'Network',
};

function groupText(code: string): string {
  const group = code.startsWith('P') ? POWERTRAIN[code.slice(1, 3)] : undefined;
  if (group) return `${group} fault`;
  const system = SYSTEM_NAMES[code.charAt(0)] ?? '';
  return isManufacturers(code)
    ? `${system} fault, manufacturer-specific`
    : `${system} fault, not in this table`;
}

/** P1 and P30-P33, and the digits 1 and 2 of the other systems, are left to the manufacturer. */
function isManufacturers(code: string): boolean {
  return /^(P1|P3[0-3]|[CBU][12])/.test(code);
}
