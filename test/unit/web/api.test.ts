import { expect, test } from 'vitest';
import { ApiError, ask, request, sentenceOf } from '../../../web/api.js';

const PROBLEM = { 'content-type': 'application/problem+json' };

/** What is thrown by what `work` does. */
async function failureOf(work: Promise<unknown>): Promise<ApiError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ApiError)) throw error;
  return error;
}

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
  const error = await failureOf(ask('/sessions', {}, reply));
  expect([error.status, error.message]).toEqual([503, 'The store is off.']);
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
  const error = await failureOf(request('/x', {}, async () => reply));
  expect(error.message).toBe(`The gateway answered with ${status}.`);
});

test.each([new TypeError('Failed to fetch'), new DOMException('signal timed out', 'TimeoutError')])(
  'no reply (%s) is a sentence',
  async (cause) => {
    const error = await failureOf(ask('/x', {}, () => Promise.reject(cause)));
    expect([error.status, error.message]).toEqual([0, 'The gateway does not answer.']);
  },
);

test('half an answer is none', async () => {
  const error = await failureOf(ask('/x', {}, async () => new Response('{"items":[')));
  expect(error.message).toBe('The gateway does not answer.');
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
