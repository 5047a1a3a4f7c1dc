import type { Headers, Reply } from './message.ts';

/** One thing wrong with a body or a query. `pointer` is a JSON pointer, RFC 6901. */
export interface Fault {
  readonly pointer: string;
  readonly message: string;
}

/** Reason phrases of RFC 9110 clause 15, for the statuses the gateway answers with. */
export const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  204: 'No Content',
  206: 'Partial Content',
  304: 'Not Modified',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  416: 'Range Not Satisfiable',
  422: 'Unprocessable Content',
  428: 'Precondition Required',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
};

/** An expected failure of a request; the router makes the reply of it. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly status: number;
  readonly faults: readonly Fault[];
  readonly headers: Headers;
  /** Besides those of RFC 9457, as its clause 3.2 allows. */
  readonly members: Readonly<Record<string, string | boolean>> = {};

  /** @param detail one sentence: what was wrong with this request */
  constructor(
    status: number,
    detail: string,
    faults: readonly Fault[] = [],
    headers: Headers = {},
  ) {
    super(detail);
    this.status = status;
    this.faults = faults;
    this.headers = headers;
  }
}

/** Our errors begin small and end without a full stop, so that they can be part of a longer text. */
export function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}

/** The reply of RFC 9457. The type is left out, which by its clause 4.2.1 means just the status. */
export function problemReply(problem: Problem): Reply {
  const { status, message, faults, headers, members } = problem;
  return {
    status,
    headers: { 'content-type': 'application/problem+json', ...headers },
    body: JSON.stringify({
      title: REASONS[status],
      status,
      detail: message,
      ...(faults.length > 0 ? { errors: faults } : {}),
      ...members,
    }),
  };
}
