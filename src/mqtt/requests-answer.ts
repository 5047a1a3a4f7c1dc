import { createHash } from 'node:crypto';
import type { Transaction } from '../ingest/pushes.ts';
import type { Guest } from './doorman.ts';

/** What an answer is, whether to a request or to what was pushed. */

/** One thing that is wrong, as a program and as a person read it. */
export interface Refusal {
  /** In small letters: `not-found`. */
  readonly code: string;
  /** One sentence. */
  readonly message: string;
  /** JSON pointer of what in the payload is wrong, RFC 6901. */
  readonly pointer?: string;
}

/** What a client gets back. `transaction` is what it has sent, null where that cannot be read. */
export type Answer = { readonly transaction: Transaction | null } & (
  | { readonly status: 'ok'; readonly data: unknown }
  | { readonly status: 'error'; readonly error: Refusal }
);

/**
 * Sends an answer to the client whose guest this is, and to nobody else, where it has subscribed to
 * the topic; to nobody where it has gone.
 */
export type AnswerTo = (
  guest: Guest,
  message: {
    readonly topic: string;
    readonly payload: string;
    readonly qos: 1;
    readonly retain: false;
  },
) => void;

/** The name under which it is counted how often somebody asks: that of the log-in. */
export function nameOf({ name, login }: Guest): string {
  return `${name} ${login}`;
}

/** The value; undefined where the bytes are not JSON in UTF-8, which fits no shape either. */
export function parseJson(payload: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch {
    return undefined; // The sender is told by the shape that it does not fit.
  }
}

/** Tells two payloads apart without keeping them. */
export function digestOf(payload: Uint8Array): string {
  return createHash('sha256').update(payload).digest('base64');
}
