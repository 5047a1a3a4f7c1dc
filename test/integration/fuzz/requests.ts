/** Requests at random, made from the list of routes: most of them nearly right. */
import type { AnyRoute } from '../../../src/http/route.ts';
import { anyText, anyValue, pick, type Random, valueFor } from './values.ts';

export interface FuzzRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | undefined;
}

export interface FuzzWorld {
  readonly routes: readonly AnyRoute<never>[];
  /** Good access tokens, and some that are not. */
  readonly tokens: () => readonly string[];
  /** What may stand for a part of a path. */
  readonly ids: readonly string[];
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'BREW'] as const;
const TYPES = [
  ...['application/json', 'application/json; charset=utf-8', 'text/plain', ''],
  ...['application/x-www-form-urlencoded', 'multipart/form-data', 'application/octet-stream'],
] as const;
const PART_CHARS_MAX = 100;
/** Most requests are for an address that is there. */
const PREFIXES = ['/api/v1', '/api/v1', '/api', '/api', ''] as const;

export function fuzzRequest(world: FuzzWorld, random: Random): FuzzRequest {
  const route = pick(random, world.routes);
  const method = random() < 0.9 ? route.method : pick(random, METHODS);
  const body = method === 'GET' || method === 'HEAD' ? undefined : bodyFor(route, random);
  return {
    method,
    target: `${pathFor(route, world, random)}${queryFor(route, random)}`,
    headers: headersFor(world, body, random),
    body,
  };
}

function pathFor(route: AnyRoute<never>, { ids }: FuzzWorld, random: Random): string {
  const path = route.path.replace(/:\w+/g, () =>
    random() < 0.8 ? pick(random, ids) : encodeURIComponent(wellFormed(anyText(random))),
  );
  if (random() < 0.03) return `/${encodeURIComponent(wellFormed(anyText(random)))}`;
  if (random() < 0.03) return `${pick(random, PREFIXES)}${path}/%E0%A4%A`;
  return `${pick(random, PREFIXES)}${path}`;
}

function queryFor({ query }: AnyRoute<never>, random: Random): string {
  const known = query === undefined ? [] : Object.entries(query.entries);
  const pairs = known
    .filter(() => random() < 0.4)
    .map(([name, schema]) => [name, textOf(valueFor(schema, random))] as const);
  const extra = random() < 0.1 ? [[anyText(random), anyText(random)] as const] : [];
  const twice = random() < 0.05 ? pairs.slice(0, 1) : [];
  const all = [...pairs, ...extra, ...twice].map(
    ([name, value]) =>
      `${encodeURIComponent(wellFormed(name))}=${encodeURIComponent(wellFormed(value))}`,
  );
  if (random() < 0.02) all.push('%E0%A4=%');
  return all.length === 0 ? '' : `?${all.join('&').slice(0, 2_000)}`;
}

function bodyFor({ body }: AnyRoute<never>, random: Random): Uint8Array | undefined {
  if (body === undefined) return random() < 0.9 ? undefined : encode(anyValue(random));
  const chance = random();
  if (chance < 0.05) return undefined;
  if (chance < 0.08) return Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d);
  if (chance < 0.1) return new TextEncoder().encode('['.repeat(20_000));
  const whole = encode(chance < 0.2 ? anyValue(random) : valueFor(body, random));
  return chance > 0.95 ? whole.subarray(0, Math.floor(random() * whole.length)) : whole;
}

function headersFor(
  { tokens }: FuzzWorld,
  body: Uint8Array | undefined,
  random: Random,
): Record<string, string> {
  const headers: Record<string, string> = {};
  if (random() < 0.95) headers['authorization'] = `Bearer ${pick(random, tokens())}`;
  // Node's client would leave it out where a method has no body, and send one.
  if (body) headers['content-length'] = String(body.length);
  if (body) headers['content-type'] = random() < 0.9 ? TYPES[0] : pick(random, TYPES);
  if (random() < 0.05) headers['origin'] = pick(random, ['null', 'https://example.org', 'x']);
  if (random() < 0.05) headers['range'] = pick(random, ['bytes=0-', 'bytes=9-1', 'x', 'bytes=-5']);
  if (random() < 0.1) headers['if-match'] = pick(random, ['*', '"x"', 'W/"1"', '']);
  if (random() < 0.1) headers['if-none-match'] = pick(random, ['*', '"x"']);
  if (random() < 0.1) headers['idempotency-key'] = pick(random, ['a', 'b', 'x'.repeat(300)]);
  if (random() < 0.05) headers['x-forwarded-for'] = pick(random, ['1.2.3.4', 'x', '::1, 10.0.0.1']);
  if (random() < 0.05) headers['cookie'] = pick(random, ['vigil_refresh=x', 'a', '=;=;']);
  return headers;
}

/** Half a surrogate pair cannot be percent-encoded, and the server itself refuses a head over 4 KiB. */
function wellFormed(text: string): string {
  return text.toWellFormed().slice(0, PART_CHARS_MAX);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : String(JSON.stringify(value) ?? '');
}

function encode(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value) ?? 'null');
}
