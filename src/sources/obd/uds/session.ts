import { readAnswer, type UdsAnswer } from './answer.ts';

/**
 * The session with an ECU: services 10 and 3E of ISO 14229-1 (9.2 and 9.6). The default session is
 * there without being asked for; the extended one reads more, and ends 5 s after the last request
 * (S3server). Programming (10 02) is none of this gateway's business.
 */
const SESSION = { default: 0x01, extended: 0x03 } as const;
export type SessionName = keyof typeof SESSION;

const SESSION_CONTROL = 0x10;

export function sessionRequest(session: SessionName): string {
  return `100${SESSION[session]}`;
}

/** Whether the session has begun. The times that may follow are not looked at: the link is patient. */
export function parseSession(pdu: Uint8Array, session: SessionName): UdsAnswer<true> {
  return readAnswer(pdu, [SESSION_CONTROL, SESSION[session]], () => ({ value: true }));
}

/** Keeps the session, and is answered only if it is refused (suppressPosRspMsgIndicationBit). */
export function testerPresentRequest(): string {
  return '3E80';
}
