import { expect, test } from 'vitest';
import { ask, faultsOf, request, sentenceOf } from '../../../web/api.js';

const PROBLEM = { 'content-type': 'application/problem+json' };
const SILENT = { name: 'ApiError', status: 0, message: 'The gateway does not answer.' };

test('a question is sent as JSON, and its answer is read', async () => {
  const sent: unknown[] = [];
  const answer = await ask(
    '/sessions',
    { method: 'POST', body: { driver: 'Ana' } },
    async (url, init) => {
      sent.push(url, init?.method, init?.body, init?.headers);
      return Response.json({ id: 3 });
    },
  );
  expect(answer).toEqual({ id: 3 });
  const json = { 'content-type': 'application/json' };
  expect(sent).toEqual(['/api/v1/sessions', 'POST', '{"driver":"Ana"}', json]);
});

test('no content is no answer', async () => {
  const reply = async () => new Response(null, { status: 204 });
  expect(await ask('/sessions/3', { method: 'DELETE' }, reply)).toBe(undefined);
});

test('a refusal is told in the words of the gateway', async () => {
  const reply = async () =>
    new Response('{"detail":"The store is off."}', { status: 503, headers: PROBLEM });
  const refused = { name: 'ApiError', status: 503, message: 'The store is off.' };
  await expect(ask('/sessions', {}, reply)).rejects.toMatchObject(refused);
});

test.each([
  [
    'a page',
    new Response('<!doctype html>', { status: 502, statusText: 'Bad Gateway' }),
    '502 Bad Gateway',
  ],
  ['no words', new Response('{}', { status: 500, headers: PROBLEM }), '500'],
  ['half a problem', new Response('{"det', { status: 500, headers: PROBLEM }), '500'],
])('a refusal of %s is told by its status', async (_, reply, status) => {
  const message = `The gateway answered with ${status}.`;
  await expect(request('/x', {}, async () => reply)).rejects.toMatchObject({ message });
});

test.each([new TypeError('Failed to fetch'), new DOMException('signal timed out', 'TimeoutError')])(
  'no reply (%s) is a sentence',
  async (cause) => {
    await expect(ask('/x', {}, () => Promise.reject(cause))).rejects.toMatchObject(SILENT);
  },
);

test('half an answer is none', async () => {
  const half = async () => new Response('{"items":[');
  await expect(ask('/x', {}, half)).rejects.toMatchObject(SILENT);
});

test('a question that was given up ends with the reason, which is not shown', async () => {
  const leaving = new AbortController();
  leaving.abort();
  const question = ask('/x', { signal: leaving.signal }, (_, init) =>
    Promise.reject(init?.signal?.reason),
  );
  await expect(question).rejects.toBe(leaving.signal.reason);
  expect(sentenceOf(leaving.signal.reason)).toBe('');
});

test('a bug is not taken for a refusal', async () => {
  const bug = new RangeError('a bug');
  await expect(ask('/x', {}, () => Promise.reject(bug))).rejects.toBe(bug);
  expect(() => sentenceOf(bug)).toThrow(bug);
});

test('who has to wait is told how long', async () => {
  const headers = { ...PROBLEM, 'retry-after': '12' };
  const reply = async () =>
    new Response('{"detail":"Too many tries to log in."}', { status: 429, headers });
  const message = 'Too many tries to log in. Try again in 12 s.';
  await expect(ask('/auth/login', {}, reply)).rejects.toMatchObject({ message, status: 429 });
});

test('a file is sent as it is, with headers of its own', async () => {
  const content = new Blob(['abc']);
  const headers = { 'x-vigil-passphrase': 'correct horse' };
  let sent: RequestInit | undefined;
  await request('/restore', { method: 'POST', content, headers }, async (_, init) => {
    sent = init;
    return new Response();
  });
  const type = 'application/octet-stream';
  expect(sent).toMatchObject({ body: content, headers: { 'content-type': type, ...headers } });
});

test('the places of what was sent that are wrong are known', async () => {
  const errors = [{ pointer: '/when/clear', message: 'Expected at most 90.' }];
  const body = JSON.stringify({ detail: 'The rule cannot be used.', errors });
  const reply = async () => new Response(body, { status: 422, headers: PROBLEM });
  const failure: unknown = await ask('/alerts', {}, reply).catch((error: unknown) => error);
  expect(faultsOf(failure)).toEqual(errors);
  expect(faultsOf(new TypeError())).toEqual([]);
});
