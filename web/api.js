/** Questions to the gateway, and its refusals in its own words. */
import { account } from './account.js';

const BASE = '/api/v1';
/** A page is better off with a sentence than with a wait, ms. */
const TIMEOUT_MS = 30_000;

/** @typedef {import('valibot').InferOutput<typeof import('../src/http/routes/sessions-shape.ts').SessionShape>} Session */
/** @typedef {import('../src/core/stream.ts').Stream} Stream */
/** @typedef {import('../src/reading/questions.ts').SessionEvent} SessionEvent */
/** @typedef {import('../src/reading/questions.ts').ReducedSeries} ReducedSeries */
/**
 * @template T
 * @typedef {{ items: readonly T[], next: string | null }} Page
 */

/**
 * @typedef {object} Question
 * @property {'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'} [method]
 * @property {object} [body] sent as JSON
 * @property {Blob} [content] sent as it is, in place of it
 * @property {Readonly<Record<string, string>>} [headers]
 * @property {AbortSignal | undefined} [signal]
 */

/** @typedef {{ pointer: string, message: string }} Fault One thing wrong with what was sent; RFC 6901. */

/** What was asked cannot be had. The message is a sentence for a person. */
class ApiError extends Error {
  /** @override */
  name = 'ApiError';
  /** Of the reply; 0 where there was none. */
  status;
  /** @type {readonly Fault[]} */
  faults;

  /**
   * @param {number} status
   * @param {string} message
   * @param {ErrorOptions & { faults?: readonly Fault[] }} [options]
   */
  constructor(status, message, { faults = [], ...options } = {}) {
    super(message, options);
    this.status = status;
    this.faults = faults;
  }
}

/**
 * The reply to a question, which is a success. Rejects with an ApiError, or with the signal's reason.
 * @param {string} path below the API's address
 * @param {Question} [question]
 * @param {typeof fetch} [fetcher]
 * @returns {Promise<Response>}
 */
export async function request(
  path,
  { method = 'GET', body, content, headers, signal } = {},
  fetcher = account.fetch,
) {
  const type = body ? 'application/json' : content && 'application/octet-stream';
  const response = await fetcher(`${BASE}${path}`, {
    method,
    ...((body || content) && { body: content ?? JSON.stringify(body) }),
    ...((type || headers) && { headers: { ...(type && { 'content-type': type }), ...headers } }),
    ...(signal && { signal }),
  }).catch((cause) => {
    throw signal?.aborted ? signal.reason : unreachable(cause);
  });
  if (response.ok) return response;
  throw await refusal(response);
}

/**
 * The JSON of the reply; undefined where it has none.
 * @param {string} path
 * @param {Question} [question]
 * @param {typeof fetch} [fetcher]
 * @returns {Promise<any>} the page trusts the gateway that it comes from
 */
export async function ask(path, { signal, ...question } = {}, fetcher = account.fetch) {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const either = signal ? AbortSignal.any([signal, timeout]) : timeout;
  try {
    const response = await request(path, { ...question, signal: either }, fetcher);
    return response.status === 204 ? undefined : await response.json();
  } catch (error) {
    if (error instanceof ApiError || signal?.aborted) throw error;
    throw unreachable(error);
  }
}

/**
 * The sentence of what failed, to be shown. Nothing for a question that was given up; a bug is thrown.
 * @param {unknown} error
 */
export function sentenceOf(error) {
  if (error instanceof ApiError) return error.message;
  if (error instanceof DOMException && error.name === 'AbortError') return '';
  throw error;
}

/**
 * The status of the reply; 0 where there was none, or something else has failed.
 * @param {unknown} error
 */
export function statusOf(error) {
  return error instanceof ApiError ? error.status : 0;
}

/**
 * Which places of what was sent are wrong; none where something else was.
 * @param {unknown} error
 */
export function faultsOf(error) {
  return error instanceof ApiError ? error.faults : [];
}

/**
 * Browsers tell a lost connection as TypeError, a time-out and an end within the reply as DOMException.
 * @param {unknown} cause
 */
function unreachable(cause) {
  const lost =
    cause instanceof TypeError || cause instanceof DOMException || cause instanceof SyntaxError;
  return lost ? new ApiError(0, 'The gateway does not answer.', { cause }) : cause;
}

/**
 * RFC 9457: the detail is the sentence about this very request, `errors` the places in its body.
 * @param {Response} response
 */
async function refusal(response) {
  const { status, statusText } = response;
  const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json');
  const problem = isProblem ? await response.json().catch(() => undefined) : undefined;
  const faults = Array.isArray(problem?.errors) ? problem.errors : [];
  const told = typeof problem?.detail === 'string' && problem.detail !== '';
  const text = told
    ? problem.detail
    : `The gateway answered with ${`${status} ${statusText}`.trim()}.`;
  const waitS = status === 429 ? Number(response.headers.get('retry-after')) : 0;
  // Most refusals say it themselves.
  const when = waitS > 0 && !/\d s\b/.test(text) ? ` Try again in ${waitS} s.` : '';
  return new ApiError(status, `${text}${when}`, { faults });
}
