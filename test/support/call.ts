/** Calls of the API as programs make them; a body that is not undefined goes as JSON. */

import { get } from './tokens.ts';

/** @returns a reply of 2xx; anything else is an error that says what was answered */
export async function call(url: string, method: string, body?: unknown): Promise<Response> {
  const response = await send(url, method, body);
  if (response.ok) return response;
  throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`);
}

/** @returns whatever is answered; the body as JSON has it, undefined where there is none */
export async function exchange(url: string, method: string, body?: unknown) {
  const response = await send(url, method, body);
  const { status, headers } = response;
  const text = await response.text();
  return { status, headers, body: text === '' ? undefined : JSON.parse(text) };
}

function send(url: string, method: string, body: unknown): Promise<Response> {
  // A large export comes at once, and not as a file to be fetched later.
  const headers = { 'content-type': 'application/json', prefer: 'wait=60' };
  const json = body === undefined ? {} : { body: JSON.stringify(body), headers };
  return get(url, { method, ...json });
}
