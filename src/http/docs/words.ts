/** What the documents say that no schema does. */
import {
  CLOSE_FORBIDDEN,
  CLOSE_LATE,
  CLOSE_LATER,
  CLOSE_NOT_FOUND,
  CLOSE_POLICY,
  CLOSE_TOO_BIG,
  CLOSE_TOO_MANY,
  CLOSE_TOO_SLOW,
  CLOSE_UNAUTHENTICATED,
} from '../close-codes.ts';

export const OVERVIEW = [
  'One list of routes, at /api/v1 and again at /api. Bodies are JSON in UTF-8, names that are not known are refused.',
  'Errors are application/problem+json (RFC 9457), with a JSON pointer for each thing that is wrong.',
  'Times are RFC 3339, with clockTrust beside them for how far they can be believed; t is in microseconds.',
  'Lists come page by page: next is the cursor of the page that follows, also in the Link header.',
  'Any method that an address does not have is answered with 405, HEAD goes wherever GET does.',
].join(' ');

/** Of addresses that belong to the area of another. */
export const AREAS: Readonly<Record<string, string>> = {
  'asyncapi.json': 'docs',
  'openapi.json': 'docs',
  exports: 'export',
  restore: 'backup',
};

/** Areas, by the first part of their paths. */
// biome-ignore format: a table
export const TAGS: Readonly<Record<string, string>> = {
  alerts:      'Rules that watch the streams, and what they found.',
  audit:       'Who did what, and when.',
  auth:        'Logging in and out, and one\'s own account.',
  backup:      'Settings, accounts, rules and DBC files in one encrypted file.',
  bluetooth:   'Finding and pairing headsets and adapters.',
  can:         'The CAN buses, and the DBC files by which their frames are read.',
  diagnostics: 'What the vehicle says of itself, and the gateway of itself.',
  docs:        'All of this, to read and for programs.',
  export:      'Recordings as files.',
  health:      'Whether the gateway does its job.',
  invites:     'Codes with which somebody may register.',
  metrics:     'Counters and gauges for Prometheus.',
  sessions:    'What is recorded, and what was.',
  settings:    'How the gateway is set up.',
  setup:       'Making a new gateway one\'s own.',
  sources:     'The devices that are read.',
  streams:     'What can be measured.',
  sync:        'What has gone to the cloud.',
  system:      'The computer of the gateway.',
  trust:       'Trusting the certificate of the gateway.',
  users:       'Who has an account.',
};

export const SOCKET_OVERVIEW = [
  'Messages are JSON in text, with a type; an id comes back in the answer.',
  'The first message says who it is (auth), within 5 s, unless the upgrade had an Authorization header;',
  'another auth message before the token ends, and the client stays.',
  'Times are microseconds of the monotonic clock since the start that hello tells as epoch.',
  'Waves and raw frames come in binary too, where a subscription asks for it: a header of 24 bytes, then the counts,',
  'or 16 bytes a frame: identifier (4, with bit 31 for one of 29 bits), microseconds after the first (3), length (1), data (8).',
].join(' ');

/** By close code, RFC 6455 clause 7.4 and our own. */
export const CLOSE_CODES: Readonly<Record<string, string>> = {
  [CLOSE_POLICY]: 'messages that make no sense',
  [CLOSE_TOO_BIG]: 'a message that is too long',
  [CLOSE_LATER]: 'the store is not open yet, or the accounts are not there: come again',
  [CLOSE_TOO_SLOW]: 'the client reads too slowly',
  [CLOSE_UNAUTHENTICATED]: 'the token is not good, or has ended',
  [CLOSE_FORBIDDEN]: 'the role may not be here',
  [CLOSE_NOT_FOUND]: 'there is no such session',
  [CLOSE_LATE]: 'no auth message in time',
  [CLOSE_TOO_MANY]: 'too many messages or subscriptions',
};

/** By type; with the way before it where the two ways differ. */
export const MESSAGES: Readonly<Record<string, string>> = {
  ack: 'The batch or the marker is kept, whatever comes then.',
  alert: 'What happened to an alert: never left out, and at once.',
  auth: 'Who it is: first, and again before the token ends.',
  authenticated: 'The token is good.',
  'in clock': 'Probes of the time, of which the clock of a client is mapped.',
  'out clock': 'How the clock of the client runs beside that of the gateway.',
  data: 'A batch of what a client has measured; sent again with the same number it is kept once.',
  error: 'What was wrong with a message; its id is that of the message.',
  event: 'Something that happened, such as a trouble code or a blink.',
  export: 'How far an export of the client has got that is made into a file.',
  frames:
    'Raw frames of a bus, to who has subscribed to just them: time, identifier (2147483648 more where it has 29 bits), data.',
  gap: 'What is missing from a stream before what follows; of * so many events of any.',
  hello: 'Which gateway it is, and which start of it.',
  joined: 'Which session it is, and whether this client may send.',
  marker: 'Marks a moment of the session.',
  ping: 'Asks for an answer.',
  pong: 'The answer to a ping.',
  samples: 'The newest value of each stream, at most so often as the subscription says.',
  sessions: 'All open sessions, again when anything of it has changed.',
  status: 'Whether anything is live for who sees their own: at first, and at every change.',
  subscribe: 'Asks for streams; with an id used before in place of that subscription.',
  subscribed: 'The streams that a subscription covers; without an id when one appears later.',
  tick: 'Every second, so that a page can tell that it is out of date, with the number of the newest event.',
  'in time': 'Asks for the time of the gateway.',
  'out time': 'The time when it was asked, when it came, and when it was answered.',
  unsubscribe: 'Ends a subscription.',
  unsubscribed: 'The subscription has ended.',
  wave: 'A block of equally spaced values.',
};
