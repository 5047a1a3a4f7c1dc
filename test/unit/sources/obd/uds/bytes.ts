import type { UdsAnswer } from '../../../../../src/sources/obd/uds/answer.ts';

export const bytes = (text: string): Uint8Array =>
  Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));

export const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex').toUpperCase();

/** An answer in short: the value, and the code of the fault if there is one. */
export function inShort<T>(answer: UdsAnswer<T>): T | string | readonly [T, string] {
  switch (answer.kind) {
    case 'positive':
      return answer.fault ? [answer.value, answer.fault.code] : answer.value;
    case 'negative':
      return answer.negative.text;
    case 'unreadable':
      return answer.fault.code;
  }
}
