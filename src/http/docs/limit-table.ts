import { AGE_MS_MAX, IDLE_MS_MAX, LOGINS_MAX } from '../../accounts/logins.ts';
import { PASSWORD_BYTES_MAX, PASSWORD_BYTES_MIN } from '../../accounts/passwords.ts';
import { ACCESS_S } from '../../accounts/tokens.ts';
import { BODY_BYTES_MAX } from '../bodies.ts';
import { LIMITS } from '../limits.ts';
import { AUTH_S_MAX } from '../sockets/gate.ts';
import { MESSAGE_BYTES_MAX, MESSAGES_HZ_MAX, PATTERNS_MAX } from '../sockets/telemetry.ts';

const DAY_MS = 86_400_000;
const { api, clientsMax, strangersMax, handshakes } = LIMITS;

/** What a client has to know of the limits, with the numbers that are in force. */
// biome-ignore format: a table
export const LIMIT_TABLE: readonly (readonly [what: string, most: string, then: string])[] = [
  ['Body of a request',              `${BODY_BYTES_MAX / 1024} KiB, where the route says no other`, 'longer ones get 413'],
  ['Requests of an address, or a user', `${api.perS} a second, ${api.burst} at once`, 'more get 429 with Retry-After'],
  ['Password',                       `${PASSWORD_BYTES_MIN} to ${PASSWORD_BYTES_MAX} bytes`, 'others are refused'],
  ['Access token',                   `${ACCESS_S / 60} minutes`, 'then 401: refresh it'],
  ['Refresh token',                  `${IDLE_MS_MAX / DAY_MS} days unused, ${AGE_MS_MAX / DAY_MS} in all`, 'then a password is needed'],
  ['Log-ins of an account',          `${LOGINS_MAX}`, 'one more ends the oldest'],
  ['WebSockets',                     `${clientsMax}, ${strangersMax} before they say who they are`, 'one more gets 503'],
  ['WebSockets opened',              `${handshakes.perS} a second`, 'more get 503'],
  ['First message of a WebSocket',   `${AUTH_S_MAX} s after it opened`, 'closed with 4408'],
  ['Message of a client',            `${MESSAGE_BYTES_MAX / 1024} KiB`, 'closed with 1009'],
  ['Messages of a client',           `${MESSAGES_HZ_MAX} a second`, 'closed with 4429'],
  ['Patterns of all subscriptions',  `${PATTERNS_MAX}`, 'closed with 4429'],
];
