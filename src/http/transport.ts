/**
 * What the gateway asks of an HTTP and WebSocket server. uws.ts meets it with uWebSockets.js; every
 * other file knows only these types, so that another server could take its place.
 */

export type Headers = Readonly<Record<string, string>>;

/** A request without its body. All of it is copied, so it may be kept. */
export interface RequestHead {
  /** Upper case. */
  readonly method: string;
  /** As sent: percent-encoded, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
}

export interface Request extends RequestHead {
  /** Empty for GET and HEAD, whatever was sent. */
  readonly body: Uint8Array;
}

export interface Reply {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Headers;
  /** Chunks of an iterable are asked for only as fast as the client reads. */
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>;
}

/** Answers a request. Must not reject: what went wrong is a reply too. */
export type Handler = (request: Request) => Promise<Reply>;

/** `buffered`: taken, but the kernel is full. `dropped`: not taken, now or ever. */
export type SendResult = 'sent' | 'buffered' | 'dropped';

/** The other end of one WebSocket. After its close every call is harmless and does nothing. */
export interface Peer {
  /** @param text UTF-8, sent as a text frame unless `binary` */
  send(text: Uint8Array, binary: boolean): SendResult;
  /** Bytes taken by `send` that the kernel has not. */
  buffered(): number;
  /** Sends of one call of `run` leave in as few packets as possible. */
  cork(run: () => void): void;
  ping(): void;
  /** Closes with a code of RFC 6455 clause 7.4, or of our own from 4000 on. */
  end(code: number, reason: string): void;
}

/** What is done with the events of one WebSocket. */
export interface PeerSession {
  /** @param data valid only during the call */
  message(data: Uint8Array, binary: boolean): void;
  /** Some of the buffered bytes have left. */
  drain(): void;
  /** The last call, whoever closed it. */
  close(): void;
}

export interface SocketEndpoint {
  readonly path: string;
  /** The reply to send in place of the upgrade, or undefined to go ahead. */
  refuse(request: RequestHead): Reply | undefined;
  open(peer: Peer): PeerSession;
}

export interface ServerOptions {
  readonly handle: Handler;
  readonly sockets: readonly SocketEndpoint[];
  /** Sent with every reply that does not say otherwise. */
  readonly headers: Headers;
  /** Told of a reply's body that broke off: a bug of ours, the client only sees the connection end. */
  readonly onError: (error: unknown, request: RequestHead) => void;
}

export interface Listening {
  readonly port: number;
  /** Closes the port and every connection. */
  close(): void;
}
