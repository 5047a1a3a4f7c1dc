/** Who the tests are at each gateway that they talk to: whoever starts one tells, and calls know. */
import * as v from 'valibot';

const Granted = v.object({ access_token: v.string() });
const tokens = new Map<string, string>();

/** What a gateway without a person is claimed with. */
export const PASSWORD = 'correct horse battery';

/** From here on whatever asks the gateway at this address does so with this access token. */
export function logInAs(url: string, token: string): void {
  tokens.set(originOf(url), token);
}

/**
 * Logs in at a gateway that was started with PASSWORD, as the one who manages it.
 *
 * @returns the access token, for clients that are not to be had here
 */
export async function logIn(url: string): Promise<string> {
  const response = await fetch(new URL('/api/v1/auth/login', url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: 'admin', password: PASSWORD }),
  });
  if (!response.ok) throw new Error(`log-in: ${response.status} ${await response.text()}`);
  const { access_token: token } = v.parse(Granted, await response.json());
  logInAs(url, token);
  return token;
}

/** For `fetch` and `new WebSocket`; none for a gateway that nobody has logged in at. */
export function authorization(url: string): Record<string, string> {
  const token = tokens.get(originOf(url));
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

/** As `fetch`, with the token that belongs to the address. */
export function get(url: string, init: RequestInit = {}): Promise<Response> {
  const headers = { ...authorization(url), ...Object.fromEntries(new Headers(init.headers)) };
  return fetch(url, { ...init, headers });
}

/** A WebSocket of who has logged in at this address. */
export function openSocket(url: string): WebSocket {
  // Node's own takes headers; the types know that of browsers, which does not.
  const options = { headers: authorization(url) } as unknown as string[];
  return new WebSocket(url.replace(/^http/, 'ws'), options);
}

function originOf(url: string): string {
  return new URL(url).host;
}
