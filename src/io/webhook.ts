import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { CodedError, codeOf } from '#core/errors.ts';
import { oneLine } from '#core/text.ts';
import { isTlsFault, networkReason } from './network-reason.ts';

/** Of an answer that is no 2xx; one that goes on behind it is hung up on, and counts as it is. */
const ANSWER_BYTES_MAX = 4_096;
/** Of an answer in an error. */
const ANSWER_CHARS_MAX = 200;
/** Whoever asks to be left alone for longer is asked again by then. */
const RETRY_AFTER_MS_MAX = 300_000;
/** 4xx that do not say that the request is bad (RFC 9110, 15.5.9; RFC 6585, 4). */
const REQUEST_TIMEOUT = 408;
const TOO_MANY_REQUESTS = 429;

export interface WebhookOptions {
  /** http or https. Whoever knows it can call it, so that errors show no more of it than the host. */
  readonly url: string;
  /** Milliseconds for everything: name, connection, TLS, answer. */
  readonly timeoutMs: number;
}

export interface Webhook {
  /**
   * Hands over one body. Resolves with 2xx; rejects with a WebhookError, or with the signal's reason.
   *
   * @param body JSON
   * @param key the same for each try of one delivery, so that the receiver can tell a copy
   *   (draft-ietf-httpapi-idempotency-key-header-07); `[A-Za-z0-9_-]+`
   */
  post(body: string, key: string, signal: AbortSignal): Promise<void>;
}

export type WebhookErrorCode =
  /** There is no such host, or nothing listens there. */
  | 'CONNECT'
  /** A certificate that is not to be trusted. */
  | 'TLS'
  | 'TIMEOUT'
  /** The connection ended before the answer, or it was no HTTP. */
  | 'CLOSED'
  /** 4xx: another try brings the same. */
  | 'REFUSED'
  /** 5xx, 408 and 429: another try may do. */
  | 'LATER'
  /** 3xx: the body is for the host in the configuration, and nobody else. */
  | 'REDIRECT';

interface Said {
  /** 0 where there was no answer. */
  readonly status: number;
  readonly retryAfterMs: number;
}

/** A body was not taken. The sentence names the host and says what it said. */
export class WebhookError extends CodedError<WebhookErrorCode> {
  override readonly name = 'WebhookError';
  readonly status: number;
  /** How long the receiver wants to be left alone; 0 where it did not say. */
  readonly retryAfterMs: number;

  constructor(
    code: WebhookErrorCode,
    message: string,
    { status, retryAfterMs }: Said = { status: 0, retryAfterMs: 0 },
  ) {
    super(code, message);
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }

  /** There is no point in another try. */
  get permanent(): boolean {
    return this.code === 'REFUSED' || this.code === 'REDIRECT';
  }
}

/** Each body has a connection of its own: they are rare, and one that idles in a car does not live long. */
export function openWebhook({ url: text, timeoutMs }: WebhookOptions): Webhook {
  const url = new URL(text);
  return {
    post: async (body, key, signal) => {
      signal.throwIfAborted();
      const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
      const request = send(url, {
        method: 'POST',
        agent: false,
        headers: {
          'Content-Type': 'application/json',
          'Content-Length': Buffer.byteLength(body),
          'Idempotency-Key': `"${key}"`,
          'User-Agent': 'vigil',
        },
      });
      request.end(body);
      await finished(request, { host: url.host, timeoutMs }, signal);
    },
  };
}

interface Receiver {
  readonly host: string;
  readonly timeoutMs: number;
}

/** Waits for the answer and judges it. The connection is gone when it resolves or rejects. */
async function finished(
  request: ClientRequest,
  { host, timeoutMs }: Receiver,
  signal: AbortSignal,
): Promise<void> {
  const late = new WebhookError('TIMEOUT', `${host}: no answer in ${timeoutMs / 1000} s`);
  const timer = setTimeout(() => request.destroy(late), timeoutMs);
  // With an error of ours: an answer under way then ends with it too.
  const stop = (): void => {
    request.destroy(new WebhookError('CLOSED', `${host}: stopped`));
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    await judge(await answerOf(request, host), host);
  } catch (error) {
    signal.throwIfAborted();
    throw webhookError(error, host);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    request.destroy();
  }
}

function answerOf(request: ClientRequest, host: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve);
    // It stays for as long as the request does: what comes behind the answer is nobody's business.
    request.on('error', reject);
    // An answer that asks for another protocol ends without either.
    request.once('close', () => {
      reject(new WebhookError('CLOSED', `${host}: ${closedReason('')}`));
    });
  });
}

/** With 2xx the receiver has it, whatever it goes on to say. */
async function judge(answer: IncomingMessage, host: string): Promise<void> {
  const { statusCode: status = 0, statusMessage = '' } = answer;
  if (status >= 200 && status < 300) return;
  const words = oneLine(await textOf(answer), ANSWER_CHARS_MAX);
  const phrase = oneLine(`${status} ${statusMessage}`, ANSWER_CHARS_MAX);
  const said = `${host} said ${phrase}${words === '' ? '' : `: ${words}`}`;
  const retryAfterMs = readRetryAfter(answer.headers);
  throw new WebhookError(codeOfStatus(status), said, { status, retryAfterMs });
}

/** The beginning of the answer, which is all that anybody reads. */
async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of answer) {
      const part = Buffer.from(chunk);
      chunks.push(part);
      bytes += part.length;
      if (bytes >= ANSWER_BYTES_MAX) break;
    }
  } catch {
    // It ended early or takes too long: the status has said what there is to know.
  }
  return Buffer.concat(chunks).toString('utf8', 0, ANSWER_BYTES_MAX);
}

function codeOfStatus(status: number): WebhookErrorCode {
  if (status === REQUEST_TIMEOUT || status === TOO_MANY_REQUESTS || status >= 500) return 'LATER';
  return status >= 400 ? 'REFUSED' : 'REDIRECT';
}

/**
 * RFC 9110, 10.2.3: seconds, or a date. That is held against the receiver's own date, since our clock
 * may be years off; without one it is not obeyed.
 */
function readRetryAfter(headers: IncomingMessage['headers']): number {
  const text = headers['retry-after'] ?? '';
  const ms = /^\d{1,9}$/.test(text)
    ? Number(text) * 1000
    : Date.parse(text) - Date.parse(headers.date ?? '');
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(ms, 0), RETRY_AFTER_MS_MAX);
}

const CLOSED = /^(ECONNRESET|EPIPE|ECONNABORTED|HPE_|ERR_STREAM_PREMATURE_CLOSE$)/;
/** The system's, and those of its resolver. */
const SYSTEM = /^E[A-Z]/;

/** The error as one of ours; a bug is thrown on. */
function webhookError(error: unknown, host: string): WebhookError {
  if (error instanceof WebhookError) return error;
  const code = codeOf(error);
  if (isTlsFault(code))
    return new WebhookError('TLS', `${host}: ${networkReason(code) ?? `TLS failed (${code})`}`);
  if (CLOSED.test(code)) return new WebhookError('CLOSED', `${host}: ${closedReason(code)}`);
  if (!SYSTEM.test(code) || code.startsWith('ERR_')) throw error;
  return new WebhookError('CONNECT', `${host}: ${networkReason(code) ?? `not reached (${code})`}`);
}

function closedReason(code: string): string {
  return code.startsWith('HPE_') ? 'its answer is no HTTP' : 'closed the connection';
}
