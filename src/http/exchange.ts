/** One request over uWebSockets.js and its reply. The rules are those at the head of uws.ts. */
import type { Body, Received } from './bodies.ts';
import type { Headers, Reply, RequestHead } from './message.ts';
import { problemReply, REASONS } from './problem.ts';
import type { ServerOptions } from './transport.ts';

/** What is used of a response of uWebSockets.js, which only uws.ts imports. */
export interface Response {
  onAborted(handler: () => void): unknown;
  onData(handler: (chunk: ArrayBuffer, isLast: boolean) => void): unknown;
  onWritable(handler: () => boolean): unknown;
  cork(run: () => void): unknown;
  writeStatus(status: string): unknown;
  writeHeader(name: string, value: string): unknown;
  write(chunk: Uint8Array): boolean;
  end(body?: string | Uint8Array, closeConnection?: boolean): unknown;
  endWithoutBody(length?: number, closeConnection?: boolean): unknown;
  close(): unknown;
}

export class Exchange {
  readonly #response: Response;
  readonly #head: RequestHead;
  readonly #options: ServerOptions;
  /** No call of the response is allowed any more: it was answered, or the client has gone. */
  #over = false;
  #body: Body | undefined;
  /** Continues a body that waits for the client to read. */
  #resume: () => void = () => {};

  constructor(response: Response, head: RequestHead, options: ServerOptions) {
    this.#response = response;
    this.#head = head;
    this.#options = options;
  }

  /** The part that must happen in the first turn. */
  begin(): void {
    this.#response.onAborted(() => {
      this.#over = true;
      this.#body?.leave();
      this.#resume();
    });
    if (!isFramed(this.#head)) {
      // Without an answer: what follows would still be taken for another request, and need not be one.
      this.#options.bodies.stats.unframed++;
      this.#response.close();
    } else if (this.#head.method === 'GET' || this.#head.method === 'HEAD') {
      void this.#answer(new Uint8Array());
    } else {
      this.#collect();
    }
  }

  #collect(): void {
    const body = this.#options.bodies.begin(this.#head, (received) => this.#take(received));
    this.#body = body;
    this.#response.onData((chunk, isLast) => body.take(new Uint8Array(chunk), isLast));
  }

  #take(received: Received): void {
    if ('whole' in received) void this.#answer(received.whole);
    else this.reply(problemReply(received.refused), received.hangUp);
  }

  async #answer(body: Uint8Array): Promise<void> {
    const reply = await this.#options.handle({ ...this.#head, body });
    this.#body?.release();
    if (isIterable(reply.body)) await this.#stream(reply, reply.body);
    else this.reply(reply);
  }

  /** Sends a reply whose whole body is there, and its head alone for HEAD. */
  reply(reply: Reply, closeConnection = false): void {
    if (this.#over) return;
    this.#over = true;
    const { body } = reply;
    this.#response.cork(() => {
      this.#writeHead(reply);
      if (body === undefined || isIterable(body)) {
        this.#response.endWithoutBody(undefined, closeConnection);
      } else if (this.#head.method === 'HEAD') {
        this.#response.endWithoutBody(Buffer.byteLength(body), closeConnection);
      } else {
        this.#response.end(body, closeConnection);
      }
    });
  }

  #writeHead(reply: Reply): void {
    this.#response.writeStatus(`${reply.status} ${REASONS[reply.status] ?? ''}`);
    const headers = merged(this.#options.headers(this.#head), reply.headers);
    for (const [name, value] of Object.entries(headers)) this.#response.writeHeader(name, value);
  }

  async #stream(reply: Reply, body: AsyncIterable<Uint8Array>): Promise<void> {
    if (this.#head.method === 'HEAD' || this.#over) {
      // Nobody will ask for it: whoever makes it is told.
      await body[Symbol.asyncIterator]().return?.();
      return this.reply(reply);
    }
    this.#response.onWritable(() => {
      this.#resume();
      return true;
    });
    this.#response.cork(() => this.#writeHead(reply));
    try {
      for await (const chunk of body) {
        await this.#write(chunk);
        if (this.#over) break;
      }
      if (!this.#over) this.#response.cork(() => void this.#response.end());
    } catch (error) {
      // The status has been sent: only a broken connection can still say that the body is not whole.
      this.#options.onError(error, this.#head);
      if (!this.#over) this.#response.close();
    }
    this.#over = true;
  }

  /** Resolves when more may be written, or the client has gone. */
  #write(chunk: Uint8Array): Promise<void> {
    if (this.#over || chunk.length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#resume = resolve;
      this.#response.cork(() => {
        if (this.#response.write(chunk)) resolve();
      });
    });
  }
}

/** What a reply depends on is the sum of both; of anything else the reply has the last word. */
function merged(common: Headers, own: Headers): Headers {
  const vary = [own['vary'], common['vary']].filter((one) => one !== undefined).join(', ');
  return { ...common, ...own, ...(vary !== '' && { vary }) };
}

/** Whether a request says once, and plainly, how long its body is: RFC 9112 clause 6.3. */
function isFramed({ headers }: RequestHead): boolean {
  const isChunked = (headers.get('transfer-encoding') ?? 'chunked').toLowerCase() === 'chunked';
  return isChunked && /^\d*$/.test(headers.get('content-length') ?? '');
}

function isIterable(body: Reply['body']): body is AsyncIterable<Uint8Array> {
  return typeof body === 'object' && Symbol.asyncIterator in body;
}
