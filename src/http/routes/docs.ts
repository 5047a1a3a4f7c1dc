import { gzipSync } from 'node:zlib';
import * as v from 'valibot';
import { acceptsGzip } from '../compress.ts';
import { asyncApi } from '../docs/asyncapi.ts';
import { page } from '../docs/html.ts';
import { MQTT_TOPICS } from '../docs/mqtt-topics.ts';
import { type AnyRoutes, openApi } from '../docs/openapi.ts';
import { SOCKETS } from '../docs/sockets.ts';
import { contentHash, isKnown } from '../etag.ts';
import { Content, route } from '../route.ts';

const JSON_TYPE = 'application/json';
const HTML_TYPE = 'text/html; charset=utf-8';
/** It changes with the software only, and is asked for again: 304 is the usual answer. */
const CACHE = 'no-cache';

/** One document, as bytes; made when it is first asked for, so that the start need not wait. */
interface Document {
  readonly etag: string;
  readonly plain: Uint8Array;
  readonly packed: Uint8Array;
}

/**
 * The routes that describe the others, and themselves.
 *
 * @param routes all there are; asked for with the first request
 */
export function documentRoutes(routes: () => AnyRoutes) {
  const rest = once(() => openApi(routes()));
  const live = once(() => asyncApi(SOCKETS, MQTT_TOPICS));
  return [
    documentRoute('/openapi.json', 'The REST API as an OpenAPI 3.1 document.', JSON_TYPE, () =>
      JSON.stringify(rest()),
    ),
    documentRoute(
      '/asyncapi.json',
      'The WebSockets and the broker as an AsyncAPI 3.0 document.',
      JSON_TYPE,
      () => JSON.stringify(live()),
    ),
    documentRoute('/docs', 'Both documents as a page to read.', HTML_TYPE, () =>
      page(rest(), live()),
    ),
  ] as const;
}

function documentRoute(path: `/${string}`, summary: string, type: string, write: () => string) {
  const document = once(() => documentOf(write()));
  return route({
    method: 'GET',
    path,
    summary,
    access: 'open',
    query: undefined,
    body: undefined,
    reply: v.instance(Content),
    statuses: [200, 304],
    reads: { 'If-None-Match': 'optional' },
    tells: { ETag: [200, 304] },
    produces: [type.replace(/;.*/, '')],
    handle: (_: object, { headers }) => {
      const { etag, plain, packed } = document();
      const isPacked = acceptsGzip({ headers });
      const tag = isPacked ? `"${etag}-gz"` : `"${etag}"`;
      const common = { etag: tag, 'cache-control': CACHE, vary: 'accept-encoding' };
      if (isKnown(headers, tag)) return new Content(common, new Uint8Array(), 304);
      const encoding = isPacked ? { 'content-encoding': 'gzip' } : {};
      const sent = { ...common, ...encoding, 'content-type': type };
      return new Content(sent, isPacked ? packed : plain);
    },
  });
}

function documentOf(text: string): Document {
  const plain = Buffer.from(text);
  return { etag: contentHash(plain), plain, packed: gzipSync(plain) };
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
