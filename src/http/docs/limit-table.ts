import {
  ACCOUNT_CONNECTIONS_MAX,
  ANSWERS_MS_MAX,
  CONNECTIONS_MAX,
  FILTERS_MAX,
  PUSH_BYTES_MAX,
  PUSHES_RATE,
  PUSHES_WAITING_MAX,
  REQUEST_BYTES_MAX,
  REQUESTS_RATE,
  REQUESTS_WAITING_MAX,
} from '#core/mqtt-limits.ts';
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
  ['MQTT: connections',              `${CONNECTIONS_MAX}, of one account ${ACCOUNT_CONNECTIONS_MAX}`, 'more are closed or refused'],
  ['MQTT: filters of a client',      `${FILTERS_MAX}`, 'more are refused'],
  ['MQTT: push to ingest/',          `${PUSH_BYTES_MAX / 1024} KiB`, 'longer ones are refused'],
  ['MQTT: pushes of a log-in',       `${PUSHES_RATE.perS} a second`, 'more wait for their turn'],
  ['MQTT: pushes that are not stored yet', `${PUSHES_WAITING_MAX} of a connection`, 'with more it is closed, and they come again'],
  ['MQTT: request',                  `${REQUEST_BYTES_MAX / 1024} KiB`, 'longer ones are refused'],
  ['MQTT: requests of a log-in',     `${REQUESTS_RATE.perS} a second, ${REQUESTS_RATE.burst} at once`, 'more are refused, which is told a few times'],
  ['MQTT: requests without an answer', `${REQUESTS_WAITING_MAX} of a connection`, 'more are refused'],
  ['MQTT: a transaction',            `is done once in ${ANSWERS_MS_MAX / 1000} s`, 'its answer is given again'],
];
