import { CodedError } from '#core/errors.ts';

/** Why the broker closes a connection, or does not let one in. */
export const CUT_CODES = [
  /** Not let in: too many connections, or too many new ones of one address. */
  ...['FULL', 'TOO_OFTEN'],
  /** Not let in: the account has as many connections as one may. */
  'CROWDED',
  /** Said nothing of itself in time, or nothing that lets it in. */
  ...['LATE', 'BAD_CREDENTIALS', 'NOT_AUTHORISED', 'UNAVAILABLE', 'BAD_CLIENT_ID', 'BAD_VERSION'],
  /** Sent what is no MQTT, or more of it than is taken. */
  ...['MALFORMED', 'TOO_LARGE'],
  /** Sent nothing for too long, by its own keep alive or by our limit. */
  ...['KEEP_ALIVE', 'SILENT'],
  /** Does not read: for too long nothing at all, or more than is kept for it. */
  ...['STALLED', 'UNREAD'],
  /** Published what it may not, or what could not be stored. */
  ...['REFUSED_PUBLISH', 'NOT_STORED'],
  /** Its log-in, role or token has ended. */
  'ENDED',
] as const;
export type CutCode = (typeof CUT_CODES)[number];

/** The reason why a connection was closed, as a sentence. */
export class Cut extends CodedError<CutCode> {
  override readonly name = 'Cut';
}
