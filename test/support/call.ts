/**
 * Calls the API as a program does.
 *
 * @param body sent as JSON; none where it is undefined
 * @returns a reply of 2xx; anything else is an error that says what was answered
 */
export async function call(url: string, method: string, body?: unknown): Promise<Response> {
  const headers = { 'content-type': 'application/json' };
  const json = body === undefined ? {} : { body: JSON.stringify(body), headers };
  const response = await fetch(url, { method, ...json });
  if (response.ok) return response;
  throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`);
}
