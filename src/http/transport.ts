/**
 * What the gateway asks of an HTTP and WebSocket server. uws.ts meets it with uWebSockets.js; every
 * other file knows only these types, so that another server could take its place.
 */

import type { Bodies } from './bodies.ts';
import type { Arrival, Handler, Headers, Origin, Reply, RequestHead } from './message.ts';

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
  /**
   * The last call, whoever closed it.
   *
   * @param code as RFC 6455 clause 7.4.1 has them; 1006 of one that went without a word
   */
  close(code?: number): void;
}

export interface SocketEndpoint {
  readonly path: string;
  /** The sub-protocol that it speaks, which `refuse` has found among those that are offered. */
  readonly protocol?: string;
  /** A longer message closes the connection without a code; 64 KiB where nothing is said. */
  readonly messageBytesMax?: number;
  /** Whether the server pings a client that is silent; without it the endpoint does, or it is cut. */
  readonly pings?: boolean;
  /** The reply to send in place of the upgrade, or undefined to go ahead. */
  refuse(request: RequestHead): Reply | undefined;
  open(peer: Peer, request: RequestHead): PeerSession;
}

export interface ServerOptions {
  readonly handle: Handler;
  readonly sockets: readonly SocketEndpoint[];
  /** Sent with every reply that does not say otherwise; `vary` adds to that of the reply. */
  headers(request: RequestHead): Headers;
  /** Where a request comes from. Must not throw. */
  origin(arrival: Arrival): Origin;
  /** How many WebSockets are open, which the server keeps count of. */
  readonly connections: { now: number };
  /** Takes the bodies of requests as they arrive. */
  readonly bodies: Bodies;
  /** Told of a reply's body that broke off: a bug of ours, the client only sees the connection end. */
  readonly onError: (error: unknown, request: RequestHead) => void;
}

export interface Listening {
  readonly port: number;
  /**
   * Has new connections get another certificate, of a listener over TLS; those that are open stay as they
   * are. Rejects with a ConfigError where it cannot be used, and goes on with the last one.
   */
  renew(certificate: string): Promise<void>;
  /** Closes the port and every connection. */
  close(): void;
}
