/**
 * HTTP and WebSocket over uWebSockets.js; the only file that imports it.
 *
 * Its rules, each of which costs the process or the connection when broken:
 * - a request object is dead after the first turn, so everything is copied before any await;
 * - a handler that returns without a reply must have registered onAborted, so that comes first;
 * - an exception out of a handler is uncaught, so the synchronous part calls nothing that throws;
 * - onData is attached in the first turn, and the chunk it brings is detached on return;
 * - after an abort or an end the response may not be touched;
 * - after an await writes are corked, and onWritable is registered once per response: 20.57 restores
 *   the old callback over one that is registered inside it, and the reply stalls;
 * - a closed WebSocket throws on every call.
 *
 * What it refuses before we see it (bad framing, headers over 4 KiB, HTTP/1.0, no Host) it answers
 * itself, in HTML and without our headers, and it cuts connections that are idle for 10 s.
 */

import {
  App,
  type HttpRequest,
  type HttpResponse,
  type TemplatedApp,
  us_socket_local_port,
  type WebSocket,
} from 'uWebSockets.js';
import { type EventEmitter, once } from 'node:events';
import { createConnection, createServer } from 'node:net';
import { BusyError, ConfigError } from '#core/errors.ts';
import { Problem, problemReply, REASONS } from './problem.ts';
import type {
  Listening,
  Peer,
  PeerSession,
  Reply,
  Request,
  RequestHead,
  SendResult,
  ServerOptions,
  SocketEndpoint,
} from './transport.ts';

/** A longer body is answered with 413. */
const BODY_BYTES_MAX = 64 * 1024;
/** What is read and thrown away of a body that is too long, so that the client gets to read why. */
const BODY_BYTES_DISCARD = 1024 * 1024;
/** A longer message closes the connection without a code; endpoints set shorter limits of their own. */
const MESSAGE_BYTES_MAX = 64 * 1024;
/** Unsent bytes of one WebSocket above which it takes no more; endpoints stop long before. */
const UNSENT_BYTES_MAX = 4 * 1024 * 1024;
/** A WebSocket that is silent for this long, pongs included, is cut. */
const SILENCE_S = 60;

/** Ports below it need CAP_NET_BIND_SERVICE; see ip_unprivileged_port_start in Linux ip(7). */
const UNPRIVILEGED_PORT_MIN = 1024;

interface SocketData {
  peer?: UwsPeer;
  session?: PeerSession;
}

/**
 * Opens the port. Rejects with a BusyError while somebody else has it, and with a ConfigError when
 * the address is not one of this host, or the port needs a permission that we lack.
 *
 * @param port 0 for any that is free
 */
export async function listen(
  options: ServerOptions,
  host: string,
  port: number,
): Promise<Listening> {
  const free = await freePort(host, port);
  const app = App();
  for (const endpoint of options.sockets) addSocket(app, endpoint, options);
  app.any('/*', (response, request) => {
    const exchange = new Exchange(response, copyHead(request), options);
    exchange.begin();
  });
  return await new Promise((resolve, reject) => {
    app.listen(host, free, (socket) => {
      if (socket) resolve({ port: us_socket_local_port(socket), close: () => void app.close() });
      else reject(refused(host, free));
    });
  });
}

/**
 * Finds out whether the port is free, because uSockets cannot tell: it sets SO_REUSEPORT, so that a
 * second gateway would silently take half of the connections. Its exclusive mode is of no use, nor is
 * a trial bind: both fail for a minute after the last client of a gateway that has just stopped.
 * So whoever answers there has the port. For port 0 one is chosen here, because uSockets then leaves
 * the option out, and the same port could not be opened again.
 */
async function freePort(host: string, port: number): Promise<number> {
  // An address of another host must not be connected to.
  const local = createServer().listen({ host, port: 0 });
  const failure = await outcome(local, 'listening');
  if (failure) throw new ConfigError(`http: ${host}: ${failure.message}`, { cause: failure });
  const address = local.address();
  local.close();
  await once(local, 'close');
  if (port === 0 && typeof address === 'object') return address?.port ?? 0;
  const client = createConnection({ host, port });
  const nobody = await outcome(client, 'connect');
  client.destroy();
  if (nobody) return port;
  throw inUse(host, port);
}

/** Why uSockets did not open a port, which it does not tell: only the low ones need a permission. */
function refused(host: string, port: number): Error {
  return port < UNPRIVILEGED_PORT_MIN
    ? new ConfigError(`http: ${host}:${port}: not permitted to open it`)
    : inUse(host, port);
}

function inUse(host: string, port: number): BusyError {
  const text = 'in use by another process; --http HOST:PORT takes another';
  return new BusyError(`http: ${host}:${port}: ${text}`);
}

/** Resolves with undefined when the event comes, or with the error that comes instead. */
function outcome(emitter: EventEmitter, event: string): Promise<Error | undefined> {
  return once(emitter, event).then(
    () => undefined,
    (error: Error) => error,
  );
}

function copyHead(request: HttpRequest): RequestHead {
  const headers = new Map<string, string>();
  request.forEach((name, value) => {
    headers.set(name, value);
  });
  return {
    method: request.getCaseSensitiveMethod().toUpperCase(),
    path: request.getUrl(),
    query: new URLSearchParams(request.getQuery()),
    headers,
  };
}

/** One request and its reply. */
class Exchange {
  readonly #response: HttpResponse;
  readonly #head: RequestHead;
  readonly #options: ServerOptions;
  /** No call of the response is allowed any more: it was answered, or the client has gone. */
  #over = false;
  /** Continues a body that waits for the client to read. */
  #resume: () => void = () => {};

  constructor(response: HttpResponse, head: RequestHead, options: ServerOptions) {
    this.#response = response;
    this.#head = head;
    this.#options = options;
  }

  /** The part that must happen in the first turn. */
  begin(): void {
    this.#response.onAborted(() => {
      this.#over = true;
      this.#resume();
    });
    if (this.#head.method === 'GET' || this.#head.method === 'HEAD') {
      void this.#answer(new Uint8Array());
    } else {
      this.#collect();
    }
  }

  #collect(): void {
    const chunks: Buffer[] = [];
    let received = 0;
    this.#response.onData((chunk, isLast) => {
      if (this.#over) return;
      received += chunk.byteLength;
      // The copy outlives the callback, the chunk does not.
      if (received <= BODY_BYTES_MAX) chunks.push(Buffer.from(new Uint8Array(chunk)));
      if (received > BODY_BYTES_MAX && (isLast || received > BODY_BYTES_DISCARD)) {
        const detail = `The body is longer than ${BODY_BYTES_MAX} bytes.`;
        this.reply(problemReply(new Problem(413, detail)), !isLast);
      } else if (isLast) {
        void this.#answer(Buffer.concat(chunks));
      }
    });
  }

  async #answer(body: Uint8Array): Promise<void> {
    const request: Request = { ...this.#head, body };
    const reply = await this.#options.handle(request);
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
    for (const [name, value] of Object.entries({ ...this.#options.headers, ...reply.headers })) {
      this.#response.writeHeader(name, value);
    }
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

function isIterable(body: Reply['body']): body is AsyncIterable<Uint8Array> {
  return typeof body === 'object' && Symbol.asyncIterator in body;
}

function addSocket(app: TemplatedApp, endpoint: SocketEndpoint, options: ServerOptions): void {
  app.ws<SocketData>(endpoint.path, {
    maxPayloadLength: MESSAGE_BYTES_MAX,
    maxBackpressure: UNSENT_BYTES_MAX,
    idleTimeout: SILENCE_S,
    // They would come only after 44 s of silence; the endpoints ping at a pace of their own.
    sendPingsAutomatically: false,
    upgrade: (response, request, context) => {
      const head = copyHead(request);
      const refusal = endpoint.refuse(head);
      if (refusal) return new Exchange(response, head, options).reply(refusal);
      const field = (name: string): string => head.headers.get(`sec-websocket-${name}`) ?? '';
      response.upgrade({}, field('key'), field('protocol'), field('extensions'), context);
    },
    open: (socket) => {
      const data = socket.getUserData();
      data.peer = new UwsPeer(socket);
      data.session = endpoint.open(data.peer);
    },
    message: (socket, message, isBinary) => {
      socket.getUserData().session?.message(new Uint8Array(message), isBinary);
    },
    drain: (socket) => socket.getUserData().session?.drain(),
    close: (socket) => {
      const { peer, session } = socket.getUserData();
      peer?.closed();
      session?.close();
    },
  });
}

/** A WebSocket of which nothing is asked once it has closed. */
class UwsPeer implements Peer {
  #socket: WebSocket<SocketData> | undefined;

  constructor(socket: WebSocket<SocketData>) {
    this.#socket = socket;
  }

  /** The socket must not be touched again. */
  closed(): void {
    this.#socket = undefined;
  }

  send(text: Uint8Array, binary: boolean): SendResult {
    switch (this.#socket?.send(text, binary)) {
      case 1:
        return 'sent';
      case 0:
        return 'buffered';
      default:
        return 'dropped';
    }
  }

  buffered(): number {
    return this.#socket?.getBufferedAmount() ?? 0;
  }

  cork(run: () => void): void {
    if (this.#socket) this.#socket.cork(run);
    else run();
  }

  ping(): void {
    this.#socket?.ping();
  }

  end(code: number, reason: string): void {
    this.#socket?.end(code, reason);
  }
}
