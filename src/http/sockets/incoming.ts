import * as v from 'valibot';

/** What the messages of clients have in common, whichever WebSocket they come by. */

/** Messages that make no sense before a client is closed. */
export const VIOLATIONS_MAX = 10;
const ID_CHARACTERS_MAX = 64;

/** It comes back in the answer. */
export const MessageId = v.optional(
  v.union(
    [v.number(), v.pipe(v.string(), v.maxLength(ID_CHARACTERS_MAX))],
    `expected a number, or text of at most ${ID_CHARACTERS_MAX} characters`,
  ),
);

/** The value, or undefined where the bytes are not JSON in UTF-8, which fits no shape either. */
export function parseMessage(data: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data));
  } catch {
    return undefined; // Whoever asked counts it against the client.
  }
}
