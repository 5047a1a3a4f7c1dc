/** What the documents say of headers, by their names: those that routes read, and those that they send. */

interface Words {
  /** What it says, and by which standard. */
  readonly about: string;
  readonly example: string;
}

const KEY = 'draft-ietf-httpapi-idempotency-key-header-07';

// biome-ignore format: a table
export const REQUEST_HEADERS = {
  'Idempotency-Key':    { about: `Of one's own choice: what is asked again under it is done once; ${KEY}.`, example: '"8e03978e-40d5-43dd-bc93-6894a57f9324"' },
  'If-Match':           { about: 'The ETag of what is to be changed, or * for whatever it is; RFC 9110 clause 13.1.1.', example: '*' },
  'If-None-Match':      { about: 'The ETag of what is known already; RFC 9110 clause 13.1.2.', example: '"Zb1fOq"' },
  'If-Range':           { about: 'The ETag of the file of which Range is a part; RFC 9110 clause 13.1.5.', example: '"Zb1fOq"' },
  Prefer:               { about: 'How it is to be answered; RFC 7240.', example: 'respond-async' },
  Range:                { about: 'The bytes that are wanted, in one part; RFC 9110 clause 14.2.', example: 'bytes=1048576-' },
  'X-Vigil-Passphrase': { about: '12 to 128 letters, digits, blanks and signs of ASCII.', example: 'correct horse battery' },
} as const satisfies Readonly<Record<string, Words>>;

// biome-ignore format: a table
export const REPLY_HEADERS = {
  'Accept-Ranges':       { about: 'That parts may be asked for; RFC 9110 clause 14.3.', example: 'bytes' },
  'Content-Disposition': { about: 'The name of the file; RFC 6266.', example: 'attachment; filename="vigil-session-12.csv"' },
  'Content-Range':       { about: 'Which bytes these are, of how many; RFC 9110 clause 14.4.', example: 'bytes 1048576-2097151/2097152' },
  ETag:                  { about: 'Which state of it this is; RFC 9110 clause 8.8.3.', example: '"Zb1fOq"' },
  Link:                  { about: 'The address of the next page, where there is one; RFC 8288.', example: '<?limit=100&cursor=12>; rel="next"' },
  Location:              { about: 'The address of what was made; RFC 9110 clause 10.2.2.', example: '/api/v1/sessions/12' },
  'Retry-After':         { about: 'When to come again, in seconds; RFC 9110 clause 10.2.3.', example: '5' },
  'Set-Cookie':          { about: 'The refresh token of a browser, which no page can read; RFC 6265.', example: 'vigil_refresh=uXh9; Path=/api; HttpOnly; SameSite=Strict' },
  'WWW-Authenticate':    { about: 'How to say who one is; RFC 6750 clause 3.', example: 'Bearer realm="vigil"' },
} as const satisfies Readonly<Record<string, Words>>;

export type RequestHeader = keyof typeof REQUEST_HEADERS;
export type ReplyHeader = keyof typeof REPLY_HEADERS;

/** Those of a problem with a status, whatever it is about. */
export const OF_PROBLEMS: Readonly<Record<number, readonly ReplyHeader[]>> = {
  401: ['WWW-Authenticate'],
  416: ['Content-Range'],
  429: ['Retry-After'],
  503: ['Retry-After'],
};
