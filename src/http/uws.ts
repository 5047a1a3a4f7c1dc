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
  SSLApp,
  type TemplatedApp,
  us_listen_socket_close,
  type WebSocket,
} from 'uWebSockets.js';
import { type EventEmitter, once } from 'node:events';
import { createConnection, createServer } from 'node:net';
import { BusyError, ConfigError } from '#core/errors.ts';
import { Exchange } from './exchange.ts';
import type { RequestHead } from './message.ts';
import type {
  Listening,
  Peer,
  PeerSession,
  SendResult,
  ServerOptions,
  SocketEndpoint,
} from './transport.ts';

/** A longer message closes the connection without a code; endpoints set limits of their own. */
const MESSAGE_BYTES_MAX = 64 * 1024;
/** Unsent bytes of one WebSocket above which it takes no more; endpoints stop long before. */
const UNSENT_BYTES_MAX = 4 * 1024 * 1024;
/** A WebSocket that is silent for this long, pongs included, is cut. */
const SILENCE_S = 60;
/** Of a listener that renews its certificate; what is still connected to an older one is cut. */
const APPS_MAX = 2;
/** Ports below it need CAP_NET_BIND_SERVICE; see ip_unprivileged_port_start in Linux ip(7). */
const UNPRIVILEGED_PORT_MIN = 1024;

interface SocketData {
  head: RequestHead;
  peer?: UwsPeer;
  session?: PeerSession;
}

/**
 * Opens the port. Rejects with a BusyError while somebody else has it, and with a ConfigError when
 * the address is not one of this host, the port needs a permission that we lack, or the certificate
 * cannot be used.
 *
 * @param port 0 for any that is free
 * @param certificate file with a key and its certificate in PEM; plain HTTP without one
 */
export async function listen(
  options: ServerOptions,
  host: string,
  port: number,
  certificate?: string,
): Promise<Listening> {
  const setting = certificate === undefined ? 'http' : 'https';
  const free = await freePort(setting, host, port);
  const apps = [await openApp(options, host, free, certificate)];
  return {
    port: free,
    renew: async (other) => {
      // Both have the port for a moment, as uSockets sets SO_REUSEPORT, so that it is never closed. A
      // client whose connection was not taken yet is reset, once a year.
      const next = await openApp(options, host, free, other);
      apps.at(-1)?.stop();
      apps.push(next);
      for (const { app } of apps.splice(0, apps.length - APPS_MAX)) app.close();
    },
    close: () => {
      for (const { app } of apps.splice(0)) app.close();
    },
  };
}

interface OpenApp {
  readonly app: TemplatedApp;
  /** Takes no more connections. */
  stop(): void;
}

async function openApp(
  options: ServerOptions,
  host: string,
  port: number,
  certificate: string | undefined,
): Promise<OpenApp> {
  const app = certificate === undefined ? App() : secureApp(certificate);
  const connection = { options, isSecure: certificate !== undefined };
  for (const endpoint of options.sockets) addSocket(app, endpoint, connection);
  app.any('/*', (response, request) => {
    const exchange = new Exchange(response, copyHead(response, request, connection), options);
    exchange.begin();
  });
  return await new Promise((resolve, reject) => {
    app.listen(host, port, (socket) => {
      if (socket) resolve({ app, stop: () => us_listen_socket_close(socket) });
      else reject(refused(certificate === undefined ? 'http' : 'https', host, port));
    });
  });
}

/** It reads the file once, and tells no more than that it could not. */
function secureApp(certificate: string): TemplatedApp {
  try {
    return SSLApp({ key_file_name: certificate, cert_file_name: certificate });
  } catch (cause) {
    throw new ConfigError(`https: ${certificate}: expected a key and its certificate in PEM`, {
      cause,
    });
  }
}

/**
 * Finds out whether the port is free, because uSockets cannot tell: it sets SO_REUSEPORT, so that a
 * second gateway would silently take half of the connections. Its exclusive mode is of no use, nor is
 * a trial bind: both fail for a minute after the last client of a gateway that has just stopped.
 * So whoever answers there has the port. For port 0 one is chosen here, because uSockets then leaves
 * the option out, and the same port could not be opened again.
 */
async function freePort(setting: string, host: string, port: number): Promise<number> {
  // An address of another host must not be connected to.
  const local = createServer().listen({ host, port: 0 });
  const failure = await outcome(local, 'listening');
  if (failure) throw new ConfigError(`${setting}: ${host}: ${failure.message}`, { cause: failure });
  const address = local.address();
  local.close();
  await once(local, 'close');
  if (port === 0 && typeof address === 'object') return address?.port ?? 0;
  const client = createConnection({ host, port });
  const nobody = await outcome(client, 'connect');
  client.destroy();
  if (nobody) return port;
  throw inUse(setting, host, port);
}

/** Why uSockets did not open a port, which it does not tell: only the low ones need a permission. */
function refused(setting: string, host: string, port: number): Error {
  return port < UNPRIVILEGED_PORT_MIN
    ? new ConfigError(`${setting}: ${host}:${port}: not permitted to open it`)
    : inUse(setting, host, port);
}

function inUse(setting: string, host: string, port: number): BusyError {
  const text = `in use by another process; --${setting} HOST:PORT takes another`;
  return new BusyError(`${setting}: ${host}:${port}: ${text}`);
}

/** Resolves with undefined when the event comes, or with the error that comes instead. */
function outcome(emitter: EventEmitter, event: string): Promise<Error | undefined> {
  return once(emitter, event).then(
    () => undefined,
    (error: Error) => error,
  );
}

/** What all requests of a listener have in common. */
interface Connection {
  readonly options: ServerOptions;
  readonly isSecure: boolean;
}

function copyHead(
  response: HttpResponse,
  request: HttpRequest,
  { options, isSecure }: Connection,
): RequestHead {
  const headers = new Map<string, string>();
  request.forEach((name, value) => {
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  });
  const address = Buffer.from(response.getRemoteAddressAsText()).toString('latin1');
  const { remote, host } = options.origin({ address, isSecure, headers });
  if (host !== undefined) headers.set('host', host);
  return {
    method: request.getCaseSensitiveMethod().toUpperCase(),
    path: request.getUrl(),
    query: new URLSearchParams(request.getQuery()),
    headers,
    remote,
  };
}

function addSocket(app: TemplatedApp, endpoint: SocketEndpoint, connection: Connection): void {
  const { connections } = connection.options;
  app.ws<SocketData>(endpoint.path, {
    maxPayloadLength: endpoint.messageBytesMax ?? MESSAGE_BYTES_MAX,
    maxBackpressure: UNSENT_BYTES_MAX,
    idleTimeout: SILENCE_S,
    // They come only after 44 s of silence; most endpoints ping at a pace of their own.
    sendPingsAutomatically: endpoint.pings ?? false,
    upgrade: (response, request, context) => {
      const head = copyHead(response, request, connection);
      const refusal = endpoint.refuse(head);
      if (refusal) return new Exchange(response, head, connection.options).reply(refusal);
      const field = (name: string): string => head.headers.get(`sec-websocket-${name}`) ?? '';
      // RFC 6455 clause 4.2.2: one of those that are offered.
      const protocol = endpoint.protocol ?? field('protocol');
      response.upgrade({ head }, field('key'), protocol, field('extensions'), context);
    },
    open: (socket) => {
      const data = socket.getUserData();
      connections.now++;
      data.peer = new UwsPeer(socket);
      data.session = endpoint.open(data.peer, data.head);
    },
    message: (socket, message, isBinary) => {
      socket.getUserData().session?.message(new Uint8Array(message), isBinary);
    },
    drain: (socket) => socket.getUserData().session?.drain(),
    close: (socket, code) => {
      const { peer, session } = socket.getUserData();
      connections.now--;
      peer?.closed();
      session?.close(code);
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
