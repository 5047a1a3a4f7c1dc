/**
 * What clients of the broker have to know of its limits. They are here as the broker keeps them and the
 * documents tell of them, and neither of the two knows the other.
 */

/** Connections at a time, those that have not logged in included; one more is closed at once. */
export const CONNECTIONS_MAX = 50;
/**
 * Of one account, or of one name in certificates; one more is refused. An account whose password is known
 * to many, or a program that forgets to close, leaves room for the others.
 */
export const ACCOUNT_CONNECTIONS_MAX = 20;
/** Filters of one client, of its session too; one more is refused with 0x80, MQTT 3.1.1 clause 3.9.3. */
export const FILTERS_MAX = 64;

/** A longer push is refused; a batch of EEG of many channels is long. */
export const PUSH_BYTES_MAX = 1024 * 1024;
/** Pushes of one log-in a second; what comes faster waits for its turn. */
export const PUSHES_RATE = { perS: 50, burst: 50 } as const;
/**
 * Pushes of one connection that are not stored yet; one more is not taken, and the connection closed.
 * Clients hold back 20 or so, some as many as they have.
 */
export const PUSHES_WAITING_MAX = 256;

/** A longer request is refused. */
export const REQUEST_BYTES_MAX = 16 * 1024;
/** Requests of one log-in a second; one more is refused with `too-many`. */
export const REQUESTS_RATE = { perS: 10, burst: 20 } as const;
/** Requests of one connection that are not answered yet; one more is refused with `busy`. */
export const REQUESTS_WAITING_MAX = 8;
/** The answer to a transaction is given again for so long. */
export const ANSWERS_MS_MAX = 60_000;
