import * as v from 'valibot';
import { coerceQuery } from './coerce.ts';
import { contentHash, isKnown } from './etag.ts';
import { faultPointer, faultText, seen } from './fault.ts';
import { FORM, parseForm } from './form.ts';
import type { Reply, Request, RequestHead } from './message.ts';
import { Problem, sentence } from './problem.ts';
import { type Access, type AnyRoute, type Caller, Content, Headed } from './route.ts';

/** Where every route is found. */
export const PREFIXES = ['/api/v1', '/api'] as const;
/** Errors of a validation that are told; the client mends and asks again. */
const FAULTS_MAX = 20;
/** Of a route without a query: a name in it is a mistake, which would else go unnoticed. */
const NO_QUERY = v.strictObject({});

/** Who asks, where they may. @throws Problem */
export type Authorise = (access: Access, request: Request) => Promise<Caller>;

interface Match<D> {
  readonly route: AnyRoute<D>;
  readonly params: Readonly<Record<string, string>>;
}

/**
 * Answers by the first route that matches. Resolves with undefined where no path does, so that the
 * caller may look elsewhere; rejects with a Problem for an expected failure.
 */
export async function dispatch<D>(
  routes: readonly AnyRoute<D>[],
  deps: D,
  request: Request,
  authorise: Authorise,
): Promise<Reply | undefined> {
  const segments = decodePath(request.path);
  const matches = routes.flatMap((route) => matchRoute(route, segments));
  if (matches.length === 0) return undefined;
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  const match = matches.find(({ route }) => route.method === method);
  if (!match)
    return refuseMethod(
      request.method,
      matches.map(({ route }) => route.method),
    );
  const caller = await authorise(match.route.access, request);
  try {
    return await answer(match, deps, request, caller);
  } catch (error) {
    if (error instanceof Problem && match.route.refused) throw match.route.refused(error);
    throw error;
  }
}

/**
 * How many bytes the body of a request may have, known before it is read; undefined where no route says
 * so. Never throws: a path that cannot be read is refused by `dispatch`.
 */
export function bodyLimit<D>(
  routes: readonly AnyRoute<D>[],
  { method, path }: RequestHead,
): number | undefined {
  if (path.includes('%')) return undefined; // None of the paths with long bodies needs one.
  const segments = path.split('/').slice(1);
  const able = routes.filter(
    (route) => route.bodyBytesMax !== undefined && route.method === method,
  );
  return able.find((route) => matchRoute(route, segments).length > 0)?.bodyBytesMax;
}

/** 405 with the methods there are, which RFC 9110 clause 15.5.6 wants; OPTIONS gets just the list. */
export function refuseMethod(method: string, known: readonly string[]): Reply {
  const all = new Set([...known, ...(known.includes('GET') ? ['HEAD'] : []), 'OPTIONS']);
  const allow = [...all].join(', ');
  if (method === 'OPTIONS') return { status: 204, headers: { allow } };
  throw new Problem(405, `${method} is not a method of this address.`, [], { allow });
}

/** The segments of a path, each decoded by itself, so that an encoded slash separates nothing. */
function decodePath(path: string): string[] {
  try {
    return path.split('/').slice(1).map(decodeURIComponent);
  } catch (cause) {
    if (cause instanceof URIError) throw new Problem(400, 'The path is not percent-encoded UTF-8.');
    throw cause;
  }
}

function matchRoute<D>(route: AnyRoute<D>, segments: readonly string[]): Match<D>[] {
  const prefixes = route.atRoot ? [...PREFIXES, ''] : PREFIXES;
  return prefixes.flatMap((prefix) => {
    const pattern = `${prefix}${route.path}`.split('/').slice(1);
    if (pattern.length !== segments.length) return [];
    const params: Record<string, string> = {};
    for (const [i, part] of pattern.entries()) {
      const segment = segments[i] ?? '';
      if (part.startsWith(':') && segment !== '') params[part.slice(1)] = segment;
      else if (part !== segment) return [];
    }
    return [{ route, params }];
  });
}

async function answer<D>(
  { route, params }: Match<D>,
  deps: D,
  request: Request,
  caller: Caller,
): Promise<Reply> {
  const schema = route.query ?? NO_QUERY;
  const checked = check(schema, coerceQuery(schema, request.query), 'query');
  const query = route.query && checked;
  const body = route.body && check(route.body, bodyOf(request, route, route.body), 'body');
  const { headers: sent } = request;
  const answered = await route.handle(deps, { params, query, body, headers: sent, caller });
  if (answered instanceof Content) {
    return { status: answered.status, headers: answered.headers, body: answered.body };
  }
  const { value: reply, headers: own } =
    answered instanceof Headed ? answered : new Headed({}, answered);
  const headers = { ...route.headers?.(reply, query), ...own };
  if (reply === undefined) return { status: route.status?.(reply) ?? 204, headers };
  const json = {
    status: route.status?.(reply) ?? 200,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(reply),
  };
  return route.tagged ? tagged(json, sent) : json;
}

/** A weak tag: what is sent may still be compressed. */
function tagged(reply: Reply & { readonly body: string }, sent: Request['headers']): Reply {
  const tag = `"${contentHash(Buffer.from(reply.body))}"`;
  const headers = { ...reply.headers, etag: `W/${tag}` };
  return isKnown(sent, tag) ? { status: 304, headers } : { ...reply, headers };
}

/** Undefined where there is none, and none is needed. */
function bodyOf<D>(
  request: Request,
  { forms, takes }: AnyRoute<D>,
  { type }: v.GenericSchema,
): unknown {
  if (type === 'optional' && request.body.length === 0) return undefined;
  return type === 'instance' ? bytesOf(request, takes) : parseBody(request, forms === true);
}

/** A body with the schema `v.instance(Uint8Array)`: a file. */
function bytesOf(
  { headers, body }: Request,
  takes: readonly string[] = ['application/octet-stream'],
): Uint8Array {
  if (takes.includes(mediaType(headers))) return body;
  throw new Problem(415, `The body must be ${takes.join(' or ')}.`, [], {
    accept: takes.join(', '),
  });
}

/** Without its parameters, in lower case. */
function mediaType(headers: Request['headers']): string {
  return (headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

function parseBody({ headers, body }: Request, forms: boolean): unknown {
  const type = mediaType(headers);
  if (forms && type === FORM) return parseForm(body);
  if (type !== 'application/json') {
    const types = ['application/json', ...(forms ? [FORM] : [])];
    // RFC 9110 clause 15.5.16.
    throw new Problem(415, `The body must be ${types.join(' or ')}.`, [], {
      accept: types.join(', '),
    });
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (cause) {
    if (cause instanceof SyntaxError || cause instanceof TypeError) {
      throw new Problem(400, 'The body is not JSON in UTF-8.');
    }
    throw cause;
  }
}

function check<S extends v.GenericSchema>(
  schema: S,
  value: unknown,
  where: 'query' | 'body',
): v.InferOutput<S> {
  const { success, output, issues } = v.safeParse(schema, value);
  if (success) return output;
  if (Array.isArray(value) && 'entries' in schema) {
    // The library takes it for an object without any names.
    const message = `Expected an object, found ${seen(value)}.`;
    throw new Problem(422, `The ${where} is wrong. ${message}`, [{ pointer: '', message }]);
  }
  const known = 'entries' in schema ? Object.keys(schema.entries ?? {}) : [];
  const faults = issues.slice(0, FAULTS_MAX).map((issue) => ({
    pointer: faultPointer(issue),
    message: sentence(faultText(issue, known)),
  }));
  const [first] = faults;
  const place = first?.pointer ? ` at ${first.pointer}` : '';
  throw new Problem(422, `The ${where} is wrong${place}. ${first?.message}`, faults);
}
