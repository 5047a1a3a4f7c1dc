import { hexByte } from '../hex.ts';
import { type NegativeResponse, parseNegative } from '../j1979/answers.ts';

/**
 * What ISO 14229-1 (UDS) services have in common: a positive answer begins with the request's service
 * plus 40 hex, and often repeats its sub-function; a refusal is 7F, the service and a reason.
 *
 * Requests are written as those of SAE J1979 are, service and data in hexadecimal digits. Only services
 * that read are in this folder: 10 (01 and 03), 19, 22 and 3E. Answers are whole reassembled messages;
 * nothing here throws at what a car sends or reads past its end.
 */

export type UdsFaultCode =
  /** It answers another request. */
  | 'OTHER_ANSWER'
  /** It ends too soon. */
  | 'CUT_SHORT'
  /** There are more bytes than the standard or the known lengths account for. */
  | 'LEFT_OVER'
  /** Data follow whose length nobody knows, so that nothing after them can be found. */
  | 'UNKNOWN_LENGTH';

export interface UdsFault {
  readonly code: UdsFaultCode;
  /** For a person. */
  readonly text: string;
}

/** What an ECU said to a request. */
export type UdsAnswer<T> =
  /** What could be read of it, and why the rest, if any, could not be. */
  | { readonly kind: 'positive'; readonly value: T; readonly fault: UdsFault | undefined }
  /** It was refused, or the answer is still to come (`pending`). */
  | { readonly kind: 'negative'; readonly negative: NegativeResponse }
  | { readonly kind: 'unreadable'; readonly fault: UdsFault };

/** What a service makes of its own positive answer. */
export type Content<T> =
  | { readonly value: T; readonly fault?: UdsFault | undefined }
  | { readonly fault: UdsFault };

const POSITIVE = 0x40;

/**
 * Tells refusals and answers to something else from the answer that was asked for.
 *
 * @param head the request's service, and its sub-function where the answer repeats it
 * @param read takes the bytes behind them
 */
export function readAnswer<T>(
  pdu: Uint8Array,
  [service, ...repeated]: readonly [service: number, subFunction?: number],
  read: (data: Uint8Array) => Content<T>,
): UdsAnswer<T> {
  const negative = parseNegative(pdu);
  if (negative?.service === service) return { kind: 'negative', negative };
  const head = [service + POSITIVE, ...repeated];
  if (!head.every((byte, i) => pdu[i] === byte)) {
    const seen = Array.from(pdu.subarray(0, head.length), hexByte).join(' ') || 'nothing';
    return { kind: 'unreadable', fault: fault('OTHER_ANSWER', `an answer beginning ${seen} came`) };
  }
  const content = read(pdu.subarray(head.length));
  if (!('value' in content)) return { kind: 'unreadable', fault: content.fault };
  return { kind: 'positive', value: content.value, fault: content.fault };
}

export function fault(code: UdsFaultCode, text: string): UdsFault {
  return { code, text };
}

/** The fault of an answer that has another length than it must; undefined for the right one. */
export function lengthFault(data: Uint8Array, bytes: number): UdsFault | undefined {
  if (data.length === bytes) return undefined;
  const code = data.length < bytes ? 'CUT_SHORT' : 'LEFT_OVER';
  return fault(code, `${data.length} bytes of data came in place of ${bytes}`);
}

/** Big-endian. The caller has checked that all bytes are there. */
export function unsigned(data: Uint8Array, at: number, bytes: 1 | 2 | 3): number {
  let value = 0;
  for (let i = at; i < at + bytes; i++) value = value * 256 + (data[i] ?? 0);
  return value;
}

/** A number of so many bytes as requests are written. @throws RangeError when it does not fit */
export function hexOf(value: number, bytes: 1 | 2 | 3): string {
  if (!Number.isInteger(value) || value < 0 || value >= 256 ** bytes) {
    throw new RangeError(`${value} is no number of ${bytes} bytes`);
  }
  return value
    .toString(16)
    .toUpperCase()
    .padStart(2 * bytes, '0');
}
