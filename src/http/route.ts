import type * as v from 'valibot';
import type { Remote, Scope, User } from '#core/account.ts';
import type { Permission } from '../accounts/roles.ts';
import type { ReplyHeader, RequestHeader } from './docs/headers.ts';
import type { Headers } from './message.ts';
import type { Problem } from './problem.ts';

type Schema = v.GenericSchema;
/** Strict, so that a misspelt name is refused and not ignored. */
export type QuerySchema = v.StrictObjectSchema<v.ObjectEntries, undefined>;
type Out<S> = S extends Schema ? v.InferOutput<S> : undefined;
type Answer<T> = Frozen<T> | Headed<Frozen<T>> | Content;
/** A reply is only read, so a route may hand out what it must not change. */
export type Frozen<T> = T extends Content
  ? T
  : T extends object
    ? { readonly [K in keyof T]: Frozen<T[K]> }
    : T;

/** A reply that is no value to be made JSON of: a file, or JSON that is there as bytes. */
export class Content {
  readonly headers: Headers;
  readonly body: Uint8Array | AsyncIterable<Uint8Array>;
  readonly status: number;

  constructor(headers: Headers, body: Content['body'], status = 200) {
    this.headers = headers;
    this.body = body;
    this.status = status;
  }
}

/** A reply with headers that its value does not tell, such as a cookie. */
export class Headed<T> {
  readonly headers: Headers;
  readonly value: T;

  constructor(headers: Headers, value: T) {
    this.headers = headers;
    this.value = value;
  }
}

/**
 * Who may ask: whoever has a permission; `claimed`: everybody, once somebody has claimed the gateway;
 * `open`: everybody, always.
 */
export type Access = Permission | OrLocal | 'claimed' | 'open';
/** The same, but for who asks from this computer itself, who needs no token: a collector of metrics. */
export type OrLocal = `${Permission} or local`;

/** Who asks. */
export interface Caller {
  /** Undefined for who has not logged in, whom only routes for everybody get to see. */
  readonly user: User | undefined;
  /** Id of the log-in; empty without one. */
  readonly login: string;
  /** Of what the route is about; never `none`. */
  readonly scope: Scope;
  readonly remote: Remote;
}

/**
 * One REST endpoint as a value. The list in routes/index.ts is all there is: the dispatcher, the
 * description of the API and the test that walks every endpoint are made from it.
 *
 * `D` is what the route needs of the gateway: a few methods that it declares itself.
 */
export interface Route<
  D,
  Q extends QuerySchema | undefined,
  B extends Schema | undefined,
  R extends Schema,
> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the API prefixes; a segment `:name` matches any one segment. */
  readonly path: `/${string}`;
  /** True for what must also be found without a prefix, such as a health check. */
  readonly atRoot?: boolean;
  readonly summary: string;
  readonly access: Access;
  /** Numbers and booleans in it are written as such: coerce.ts makes them of the text. */
  readonly query: Q;
  /** Of a JSON body. Where it is `v.optional`, the request may come without one. */
  readonly body: B;
  /** Has a weak ETag, and 304 for who knows it already: RFC 9110 clause 13.1.2. */
  readonly tagged?: true;
  /** The body may come as a form too: an object of texts then, without those that are empty. */
  readonly forms?: true;
  /** The media types of a body that is a file; application/octet-stream without it. */
  readonly takes?: readonly string[];
  /** A longer one is answered with 413, before it is read; 64 KiB without it. */
  readonly bodyBytesMax?: number;
  /** Undefined for a reply without a body. A file has the schema `v.instance(Content)`. */
  readonly reply: R;
  /** 200 without it, 204 for a reply without a body. */
  status?(reply: Frozen<Out<R>>): number;
  /** All of them, for the documents, where `status` depends on the reply. */
  readonly statuses?: readonly number[];
  /** For the documents: statuses of problems, besides those that follow from what the route takes. */
  readonly problems?: readonly number[];
  /** For the documents: the media types of a reply that is a `Content`, where it is not any file. */
  readonly produces?: readonly string[];
  /** For the documents: headers of the request that it reads, and whether they have to be there. */
  readonly reads?: Readonly<Partial<Record<RequestHeader, 'required' | 'optional'>>>;
  /** For the documents: headers of the reply besides its type, each with the statuses that have it. */
  readonly tells?: Readonly<Partial<Record<ReplyHeader, readonly number[]>>>;
  /** Besides its type. */
  headers?(reply: Frozen<Out<R>>, query: Out<Q>): Headers;
  /** Tells its problems, those of the body included, as another standard wants them. */
  refused?(problem: Problem): Problem;
  /**
   * Throws a Problem for an expected failure; anything else becomes a 500 and is logged. Bytes that
   * follow the reply's schema may stand for it.
   */
  handle(
    deps: D,
    request: {
      /** Decoded, by their names in the path. */
      readonly params: Readonly<Record<string, string>>;
      readonly query: Out<Q>;
      readonly body: Out<B>;
      /** Names in lower case. */
      readonly headers: ReadonlyMap<string, string>;
      readonly caller: Caller;
    },
  ): Answer<Out<R>> | Promise<Answer<Out<R>>>;
}

/** Any route whose needs `D` meets. */
export type AnyRoute<D> = Route<D, QuerySchema | undefined, Schema | undefined, Schema>;

/** Gives a route's value its types. */
export function route<
  D,
  Q extends QuerySchema | undefined,
  B extends Schema | undefined,
  R extends Schema,
>(definition: Route<D, Q, B, R>): Route<D, Q, B, R> {
  return definition;
}
