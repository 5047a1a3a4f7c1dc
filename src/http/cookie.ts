import type { Headers, RequestHead } from './message.ts';

/**
 * The refresh token of a browser, in a cookie that its pages cannot read and no other site's request
 * carries (RFC 6265bis, SameSite=Strict). Its path is that of the API, whichever prefix a page uses.
 *
 * Cookies do not tell ports apart, and a page of another port of this host is of the same site: so a
 * cookie counts only with a request that a page of our own has made, which a browser says by Origin, or
 * by Sec-Fetch-Site.
 */

const NAME = 'vigil_refresh';
const PATH = '/api';

/** Sets the token for as long as a log-in lasts at most. @param secure whether it came over TLS */
export function refreshCookie(token: string, maxAgeS: number, secure: boolean): Headers {
  const parts = [`${NAME}=${token}`, `Path=${PATH}`, `Max-Age=${maxAgeS}`, 'HttpOnly'];
  parts.push('SameSite=Strict', ...(secure ? ['Secure'] : []));
  return { 'set-cookie': parts.join('; ') };
}

/** Has the browser forget it. */
export function noCookie(secure: boolean): Headers {
  return refreshCookie('', 0, secure);
}

/** The token that came in the cookie of a page of our own; undefined where there is none. */
export function tokenInCookie(headers: RequestHead['headers']): string | undefined {
  if (!isFromOwnPage(headers)) return undefined;
  const pairs = (headers.get('cookie') ?? '').split(';').map((pair) => pair.trim());
  const found = pairs.find((pair) => pair.startsWith(`${NAME}=`))?.slice(NAME.length + 1);
  return found === '' ? undefined : found;
}

function isFromOwnPage(headers: RequestHead['headers']): boolean {
  const origin = headers.get('origin');
  if (origin === undefined) return headers.get('sec-fetch-site') === 'same-origin';
  return URL.canParse(origin) && new URL(origin).host === headers.get('host')?.toLowerCase();
}
