import { hexText } from '../hex.ts';
import type { Parsed } from './answers.ts';
import { supportedPids } from './pids.ts';

/**
 * Service 09 of SAE J1979: what the vehicle and its ECUs are called.
 *
 *   49 TYPE N item item ...   on CAN, N items
 *   49 TYPE SEQ data(4)       elsewhere, one message for every four bytes, SEQ 01 up: see `joinRows`
 *   49 ODD N                elsewhere: the type after this one has N messages
 *   49 TYPE bitmap(4) ...     type 00: what is supported
 *
 * Texts are ASCII, filled up with 00 at either end; an ECU that was never programmed may send FF.
 */
export const INFO_TYPE = {
  supported: 0x00,
  vin: 0x02,
  calibrationIds: 0x04,
  verificationNumbers: 0x06,
  inUseSpark: 0x08,
  ecuName: 0x0a,
  inUseCompression: 0x0b,
} as const;

const ANSWER = 0x49;
const VIN_CHARS = 17;
const CALIBRATION_ID_BYTES = 16;
const VERIFICATION_NUMBER_BYTES = 4;
const IN_USE_BYTES = 2;
/** The types that are lists: bytes of an item. All others are one item, however long. */
const ITEM_BYTES: Readonly<Record<number, number>> = {
  [INFO_TYPE.calibrationIds]: CALIBRATION_ID_BYTES,
  [INFO_TYPE.verificationNumbers]: VERIFICATION_NUMBER_BYTES,
  [INFO_TYPE.inUseSpark]: IN_USE_BYTES,
  [INFO_TYPE.inUseCompression]: IN_USE_BYTES,
};
/** Service, type and number: what stands before the data. */
const HEAD_BYTES = 3;
/** Data bytes in one message of the older buses. */
const ROW_BYTES = 4;

const VIN_ROWS = 5;
const ROWS_PER_CALIBRATION_ID = CALIBRATION_ID_BYTES / ROW_BYTES;

/**
 * Puts the messages of an older bus together to the PDU that CAN would have brought, whatever order
 * they came in; a row that came twice counts once. Rows do not tell how many items they hold: their
 * length does. Undefined when one is missing or malformed.
 *
 * @param count how many rows the ECU said it sends, where it did (`parseRowCount`)
 */
export function joinRows(rows: readonly Uint8Array[], count?: number): Uint8Array | undefined {
  const bySequence = new Map(rows.map((row) => [row[2] ?? 0, row]));
  const type = rows[0]?.[1] ?? 0;
  if (!isRowCount(type, bySequence.size, count)) return undefined;
  const bytes = bySequence.size * ROW_BYTES;
  const pdu = new Uint8Array(HEAD_BYTES + bytes);
  pdu.set([ANSWER, type, Math.floor(bytes / (ITEM_BYTES[type] ?? bytes))]);
  for (let sequence = 1; sequence <= bySequence.size; sequence++) {
    const row = bySequence.get(sequence);
    if (row?.length !== HEAD_BYTES + ROW_BYTES) return undefined;
    if (row[0] !== ANSWER || row[1] !== type) return undefined;
    pdu.set(row.subarray(HEAD_BYTES), HEAD_BYTES + (sequence - 1) * ROW_BYTES);
  }
  return pdu;
}

/** Whether so many rows can be all of a type: a last one that is lost leaves no gap. */
function isRowCount(type: number, rows: number, announced: number | undefined): boolean {
  if (type === INFO_TYPE.vin) return rows === VIN_ROWS;
  if (announced !== undefined) return rows === announced;
  return rows > 0 && (type !== INFO_TYPE.calibrationIds || rows % ROWS_PER_CALIBRATION_ID === 0);
}

/**
 * The rows that an older ECU announces for the type after this one, 1 to 255; undefined when `pdu` is
 * no answer to an odd type.
 */
export function parseRowCount(pdu: Uint8Array): number | undefined {
  const [sid, type = 0, count = 0] = pdu;
  return sid === ANSWER && type % 2 === 1 && pdu.length === HEAD_BYTES && count > 0
    ? count
    : undefined;
}

/** The types that an answer to type 00 names, ascending; undefined when it is none. */
export function parseInfoTypes(pdu: Uint8Array): number[] | undefined {
  if (pdu[0] !== ANSWER || pdu[1] !== INFO_TYPE.supported) return undefined;
  // On the older buses a sequence number stands before the bitmap.
  const bitmap = pdu.subarray(pdu.length === 7 ? HEAD_BYTES : HEAD_BYTES - 1);
  return bitmap.length < 4 ? undefined : supportedPids(0, bitmap.subarray(0, 4));
}

export interface Vin {
  readonly vin: string;
  /** 17 capital letters and digits without I, O and Q, as ISO 3779 wants them. */
  readonly wellFormed: boolean;
  /** The North American check digit fits. Elsewhere there is none, so false says nothing. */
  readonly checkDigit: boolean;
}

/** The vehicle identification number; undefined when there is none in the answer. */
export function parseVin(pdu: Uint8Array): Vin | undefined {
  const data = dataOf(pdu, INFO_TYPE.vin);
  const vin = data ? text(data) : '';
  if (vin === '') return undefined;
  return { vin, wellFormed: /^[A-HJ-NPR-Z0-9]{17}$/.test(vin), checkDigit: hasCheckDigit(vin) };
}

/** 49 CFR 565.15: position 9 is the weighted sum of all others, modulo 11; X is 10. */
const VIN_WEIGHTS = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
/** Three rows of nine; the place in its row is the letter's value. Dots are letters not in use. */
const VIN_LETTERS = 'ABCDEFGH.JKLMN.P.R.STUVWXYZ';

function hasCheckDigit(vin: string): boolean {
  if (vin.length !== VIN_CHARS) return false;
  let sum = 0;
  for (const [index, char] of [...vin].entries()) {
    const value = vinValue(char);
    if (value === undefined) return false;
    sum += value * (VIN_WEIGHTS[index] ?? 0);
  }
  return '0123456789X'.charAt(sum % 11) === vin.charAt(8);
}

function vinValue(char: string): number | undefined {
  if (/^\d$/.test(char)) return Number(char);
  const index = VIN_LETTERS.indexOf(char);
  return index < 0 || char === '.' ? undefined : (index % 9) + 1;
}

/** Calibration identifications, 16 characters each at most. */
export function parseCalibrationIds(pdu: Uint8Array): Parsed<string> | undefined {
  const items = itemsOf(pdu, INFO_TYPE.calibrationIds, CALIBRATION_ID_BYTES);
  return items && { ...items, items: items.items.map(text) };
}

/** Calibration verification numbers, eight hexadecimal digits each, in the order of the ids. */
export function parseVerificationNumbers(pdu: Uint8Array): Parsed<string> | undefined {
  const items = itemsOf(pdu, INFO_TYPE.verificationNumbers, VERIFICATION_NUMBER_BYTES);
  return items && { ...items, items: items.items.map(hexText) };
}

/** `ECM-EngineControl`: a short name, a dash and a long one. Undefined when there is none. */
export function parseEcuName(pdu: Uint8Array): string | undefined {
  const data = dataOf(pdu, INFO_TYPE.ecuName);
  return (data && text(data)) || undefined;
}

export interface InUseCounter {
  readonly name: string;
  /** 0 to 65535. */
  readonly count: number;
}

/** Pairs of "completed" and "conditions met" follow the two general counters. */
const IN_USE_GENERAL = ['Monitoring conditions met', 'Ignition cycles'];
const IN_USE_SPARK = [
  'Catalyst bank 1',
  'Catalyst bank 2',
  'Oxygen sensor bank 1',
  'Oxygen sensor bank 2',
  'EGR or VVT',
  'Secondary air',
  'Evaporative system',
  'Secondary oxygen sensor bank 1',
  'Secondary oxygen sensor bank 2',
];
const IN_USE_COMPRESSION = [
  'NMHC catalyst',
  'NOx or SCR catalyst',
  'NOx adsorber',
  'Particulate filter',
  'Exhaust gas sensor',
  'EGR or VVT',
  'Boost pressure',
  'Fuel system',
];

/** In-use performance counters of types 08 (spark) and 0B (compression). */
export function parseInUse(pdu: Uint8Array): Parsed<InUseCounter> | undefined {
  const compression = pdu[1] === INFO_TYPE.inUseCompression;
  const type = compression ? INFO_TYPE.inUseCompression : INFO_TYPE.inUseSpark;
  const words = itemsOf(pdu, type, IN_USE_BYTES);
  if (!words) return undefined;
  const monitors = compression ? IN_USE_COMPRESSION : IN_USE_SPARK;
  const items = words.items.map(([high = 0, low = 0], index) => ({
    name: inUseName(monitors, index),
    count: high * 256 + low,
  }));
  return { items, fault: words.fault };
}

function inUseName(monitors: readonly string[], index: number): string {
  const general = IN_USE_GENERAL[index];
  if (general) return general;
  const monitor = monitors[Math.floor(index / 2) - 1];
  if (!monitor) return `Counter ${index + 1}`;
  return `${monitor}, ${index % 2 === 0 ? 'completed' : 'conditions met'}`;
}

/** What stands behind the head, or undefined when `pdu` is no answer to this type. */
function dataOf(pdu: Uint8Array, type: number): Uint8Array | undefined {
  if (pdu[0] !== ANSWER || pdu[1] !== type || pdu.length < HEAD_BYTES) return undefined;
  return pdu.subarray(HEAD_BYTES);
}

/** As many items of `bytes` each as byte 2 announces, or as there are. */
function itemsOf(pdu: Uint8Array, type: number, bytes: number): Parsed<Uint8Array> | undefined {
  const data = dataOf(pdu, type);
  if (!data) return undefined;
  const announced = pdu[2] ?? 0;
  const count = Math.min(announced, Math.floor(data.length / bytes));
  const items = Array.from({ length: count }, (_, i) => data.subarray(i * bytes, (i + 1) * bytes));
  const fault = count < announced ? `${announced} items announced, ${count} came` : undefined;
  return { items, fault };
}

/** The printable characters, without fill and without spaces at the ends. */
function text(data: Uint8Array): string {
  let chars = '';
  for (const byte of data) if (byte >= 0x20 && byte < 0x7f) chars += String.fromCharCode(byte);
  return chars.trim();
}
