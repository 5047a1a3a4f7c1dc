import type * as v from 'valibot';

type Schema = v.GenericSchema;
export type QuerySchema = v.ObjectSchema<v.ObjectEntries, undefined>;
type Out<S> = S extends Schema ? v.InferOutput<S> : undefined;
/** A reply is only read, so a route may hand out what it must not change. */
type Frozen<T> = T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T;

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
  /** Numbers in it are written as numbers: coerce.ts makes them of the text. */
  readonly query: Q;
  /** Of a JSON body. */
  readonly body: B;
  readonly reply: R;
  /** 200 without it. */
  status?(reply: Frozen<Out<R>>): number;
  /** Throws a Problem for an expected failure; anything else becomes a 500 and is logged. */
  handle(
    deps: D,
    request: {
      /** Decoded, by their names in the path. */
      readonly params: Readonly<Record<string, string>>;
      readonly query: Out<Q>;
      readonly body: Out<B>;
    },
  ): Frozen<Out<R>> | Promise<Frozen<Out<R>>>;
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
