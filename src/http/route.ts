import type * as v from 'valibot';
import type { Headers } from './transport.ts';

type Schema = v.GenericSchema;
/** Strict, so that a misspelt name is refused and not ignored. */
export type QuerySchema = v.StrictObjectSchema<v.ObjectEntries, undefined>;
type Out<S> = S extends Schema ? v.InferOutput<S> : undefined;
type Answer<T> = Frozen<T> | Content;
/** A reply is only read, so a route may hand out what it must not change. */
type Frozen<T> = T extends Content
  ? T
  : T extends object
    ? { readonly [K in keyof T]: Frozen<T[K]> }
    : T;

/** A reply that is no value to be made JSON of: a file, or JSON that is there as bytes. */
export class Content {
  readonly headers: Headers;
  readonly body: Uint8Array | AsyncIterable<Uint8Array>;

  constructor(headers: Headers, body: Content['body']) {
    this.headers = headers;
    this.body = body;
  }
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
  /** Numbers and booleans in it are written as such: coerce.ts makes them of the text. */
  readonly query: Q;
  /** Of a JSON body. Where it is `v.optional`, the request may come without one. */
  readonly body: B;
  /** Undefined for a reply without a body. A file has the schema `v.instance(Content)`. */
  readonly reply: R;
  /** 200 without it, 204 for a reply without a body. */
  status?(reply: Frozen<Out<R>>): number;
  /** Besides its type. */
  headers?(reply: Frozen<Out<R>>, query: Out<Q>): Headers;
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
