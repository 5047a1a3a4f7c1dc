/**
 * Pages of other origins that the settings allow, by the CORS protocol of the Fetch standard, clause 3.2.
 * They show who asks with a bearer token: cookies are not for them (no Access-Control-Allow-Credentials),
 * and an origin that is not in the list gets no header that a browser would let it read a reply by.
 */
import { REQUEST_HEADERS } from './docs/headers.ts';
import type { Headers, Reply, RequestHead } from './message.ts';

const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE';
/** Those that are no simple ones and that routes look at. */
const ALLOWED_HEADERS = ['Authorization', 'Content-Type', ...Object.keys(REQUEST_HEADERS)]
  .join(', ')
  .toLowerCase();
/** Of a reply, besides those that every page may read. */
const REPLY_HEADERS =
  'accept-ranges, content-disposition, content-range, etag, link, location, ratelimit, ' +
  'ratelimit-policy, retry-after, www-authenticate';
/** So long a browser does not ask again. */
const PREFLIGHT_S = '600';

/**
 * What every reply to a request says about who may read it.
 *
 * @param allowed origins, as a browser writes them: `https://example.org`
 */
export function corsHeaders({ headers }: RequestHead, allowed: readonly string[]): Headers {
  if (allowed.length === 0) return {};
  const origin = headers.get('origin');
  if (origin === undefined || !allowed.includes(origin)) return { vary: 'origin' };
  return {
    vary: 'origin',
    'access-control-allow-origin': origin,
    'access-control-expose-headers': REPLY_HEADERS,
    'cross-origin-resource-policy': 'cross-origin',
  };
}

/** The answer to a browser that asks whether a page may ask, or undefined where none does or it may not. */
export function preflight(
  { method, headers }: RequestHead,
  allowed: readonly string[],
): Reply | undefined {
  if (method !== 'OPTIONS' || !headers.has('access-control-request-method')) return undefined;
  if (!allowed.includes(headers.get('origin') ?? '')) return undefined;
  return {
    status: 204,
    headers: {
      'access-control-allow-methods': METHODS,
      'access-control-allow-headers': ALLOWED_HEADERS,
      'access-control-max-age': PREFLIGHT_S,
      // The gateway is in a private network, the page may not be: WICG Private Network Access clause 3.2.
      ...(headers.has('access-control-request-private-network') && {
        'access-control-allow-private-network': 'true',
      }),
    },
  };
}
