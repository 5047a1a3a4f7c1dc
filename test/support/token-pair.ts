/** Tokens as two parties may hold them: logged in for, refreshed, and tried. */
import * as v from 'valibot';
import { PASSWORD } from './tokens.ts';

export interface TokenPair {
  readonly access: string;
  readonly refresh: string;
}

const Granted = v.object({ access_token: v.string(), refresh_token: v.string() });

/** Logs in at a gateway; a log-in of its own. */
export async function freshToken(
  url: string,
  who: { readonly username: string; readonly password: string } = {
    ...{ username: 'admin', password: PASSWORD },
  },
): Promise<TokenPair> {
  return pairOf(await post(`${url}api/v1/auth/login`, who));
}

/** The next pair; an error that says what was answered where there is none. */
export async function refreshed(url: string, token: string): Promise<TokenPair> {
  return pairOf(await tryRefresh(url, token));
}

/** What is answered to a refresh token. */
export function tryRefresh(url: string, refresh_token: string): Promise<Response> {
  return post(`${url}api/v1/auth/refresh`, { refresh_token });
}

/** What is answered to an access token. */
export function tryAccess(url: string, token: string): Promise<Response> {
  return fetch(`${url}api/v1/auth/me`, { headers: { authorization: `Bearer ${token}` } });
}

function post(url: string, body: object): Promise<Response> {
  const headers = { 'content-type': 'application/json' };
  return fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
}

async function pairOf(response: Response): Promise<TokenPair> {
  const text = await response.text();
  if (!response.ok) throw new Error(`no tokens: ${response.status} ${text}`);
  const { access_token, refresh_token } = v.parse(Granted, JSON.parse(text));
  return { access: access_token, refresh: refresh_token };
}
