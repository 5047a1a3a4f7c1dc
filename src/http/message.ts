/** Requests and replies of HTTP, as every part of the web side knows them. */

import type { Remote } from '#core/account.ts';

export type Headers = Readonly<Record<string, string>>;

/** A request without its body. All of it is copied, so it may be kept. */
export interface RequestHead {
  /** Upper case. */
  readonly method: string;
  /** As sent: percent-encoded, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /**
   * Names in lower case; several of a name are one, with commas, RFC 9110 clause 5.3. The host is what the
   * client said, also behind a trusted proxy.
   */
  readonly headers: ReadonlyMap<string, string>;
  readonly remote: Remote;
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

/** A connection as it is seen here, and the headers of one of its requests. */
export interface Arrival {
  /** Of the other end. */
  readonly address: string;
  /** Over TLS that ends here. */
  readonly isSecure: boolean;
  /** Names in lower case; several of a name are one, with commas, RFC 9110 clause 5.3. */
  readonly headers: ReadonlyMap<string, string>;
}

export interface Origin {
  readonly remote: Remote;
  /** What the client calls the gateway; undefined where it said nothing. */
  readonly host: string | undefined;
}
