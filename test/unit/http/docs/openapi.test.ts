import * as v from 'valibot';
import { expect, test } from 'vitest';
import { SHIPPED_RULES } from '../../../../src/alerts/rule/shipped.ts';
import { openApi } from '../../../../src/http/docs/openapi.ts';
import type { JsonSchema } from '../../../../src/http/docs/schema.ts';
import { dispatch } from '../../../../src/http/router.ts';
import { ROUTES } from '../../../../src/http/routes/index.ts';
import { bareGateway } from '../../../support/bare-gateway.ts';
import { asAdmin } from '../callers.ts';
import { request } from '../fakes.ts';
import { PROMISED } from './contract.ts';

const JSON_TYPE = 'application/json';
/** What any request may have, and what only browsers send, which know without being told. */
const OF_ALL = [
  ...['accept-encoding', 'content-type', 'user-agent'],
  ...['cookie', 'host', 'origin', 'sec-fetch-site'],
];

const document = openApi(ROUTES);
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    key: `${method.toUpperCase()} ${path}`,
    operation,
  })),
);
const byKey = new Map(operations.map(({ key, operation }) => [key, operation]));
const keyOf = ({ method, path }: { method: string; path: string }) =>
  `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`;

/** Every schema in a value, with where it is. */
function schemasIn(value: unknown, path = ''): [string, JsonSchema][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, below]): [string, JsonSchema][] => {
    const here = `${path}/${key}`;
    if (key === 'example' || key === 'examples') return [];
    if (key === 'properties' || key === 'schemas') {
      return Object.entries(below).flatMap(([name, one]) => schemaAt(one, `${here}/${name}`));
    }
    const isSchema = ['schema', 'items', 'additionalProperties'].includes(key);
    return isSchema ? schemaAt(below, here) : schemasIn(below, here);
  });
}

function schemaAt(value: unknown, path: string): [string, JsonSchema][] {
  if (typeof value !== 'object' || value === null) return [];
  return [[path, value], ...schemasIn(value, path)];
}

test('every route is in the document, and nothing else is', () => {
  expect([...byKey.keys()].toSorted()).toEqual(ROUTES.map(keyOf).toSorted());
});

test('every route that was promised is there', () => {
  expect(PROMISED.filter((key) => !byKey.has(key))).toEqual([]);
});

test('operations have names of their own', () => {
  const ids = operations.map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
  expect(byKey.get('GET /sessions/{id}/data')?.operationId).toBe('getSessionsByIdData');
});

test('every area is described, and its routes are in it', () => {
  for (const { name, description } of document.tags) expect(description, name).toMatch(/ .*\.$/);
  const names = document.tags.map(({ name }) => name);
  const used = operations.flatMap(({ operation }) => operation.tags);
  expect([...new Set(used)].toSorted()).toEqual(names);
});

test('no schema leaves open what it takes', () => {
  const found = schemasIn(document);
  expect(found.length).toBeGreaterThan(300);
  const told = ['type', '$ref', 'anyOf', 'oneOf', 'allOf', 'enum', 'const'];
  const open = found.filter(([, schema]) => !told.some((key) => key in schema));
  expect(open.map(([path]) => path)).toEqual([]);
});

test('every reference leads somewhere', () => {
  const text = JSON.stringify(document);
  const refs = [...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name);
  expect(refs.length).toBeGreaterThan(20);
  const known = Object.keys(document.components.schemas);
  expect([...new Set(refs)].filter((name) => !known.includes(name ?? ''))).toEqual([]);
  expect(known).toEqual(expect.arrayContaining(['Session', 'Alert', 'AlertRule', 'Problem']));
});

test('a shape with many fields that stands in two places has a name', () => {
  const places = new Map<string, string[]>();
  for (const [path, schema] of schemasIn(document)) {
    if (Object.keys(schema.properties ?? {}).length < 5) continue;
    const text = JSON.stringify(schema);
    places.set(text, [...(places.get(text) ?? []), path]);
  }
  // A form is told with the schema of the JSON that it stands for.
  const apart = [...places.values()].map((paths) => paths.filter((path) => !path.includes('form')));
  expect(apart.filter((paths) => paths.length > 1)).toEqual([]);
});

test('the route takes the bodies that are given as examples', () => {
  for (const route of ROUTES) {
    const example = byKey.get(keyOf(route))?.requestBody?.content['application/json']?.example;
    if (route.body === undefined || example === undefined) continue;
    const { issues = [] } = v.safeParse(route.body, example);
    expect(
      issues.map(({ message }) => message),
      keyOf(route),
    ).toEqual([]);
  }
});

/** How ids are written that the gateway makes up: so many bytes in base64url. */
const RANDOM = { '/auth/sessions': 12, '/exports': 16, '/invites': 6, '/users': 12 };

test('ids that are given as examples are such as the route takes', () => {
  const given = new Map<string, unknown>();
  for (const { path } of ROUTES.filter((route) => route.path.includes('/:'))) {
    const key = operations.find(({ key: one }) =>
      one.endsWith(` ${path.replaceAll(/:(\w+)/g, '{$1}')}`),
    );
    const [id] = key?.operation.parameters?.filter((one) => one.in === 'path') ?? [];
    given.set(path.slice(0, path.indexOf('/:')), id?.example);
  }
  const rest = Object.fromEntries([...given].filter(([area]) => !(area in RANDOM)));
  expect(rest).toEqual({
    '/alerts': SHIPPED_RULES[0]?.id,
    '/alerts/actions': 'mail',
    '/alerts/history': expect.stringMatching(/^\d+-\d+$/),
    '/bluetooth/devices': '00:1D:A5:68:98:8B',
    '/can': 'body',
    '/diagnostics/ecus': '7e8',
    '/sessions': expect.stringMatching(/^[1-9]\d*$/),
    '/sources': 'obd',
  });
  for (const [area, bytes] of Object.entries(RANDOM)) {
    const id = String(given.get(area));
    const raw = Buffer.from(id, 'base64url');
    expect([raw.length, raw.toString('base64url')], area).toEqual([bytes, id]);
  }
});

test('bodies that are given as examples are taken by a gateway as it comes', () => {
  const bodyOf = (key: string) => byKey.get(key)?.requestBody?.content[JSON_TYPE]?.example;
  // An action is there once it is configured.
  expect(bodyOf('POST /alerts')).toMatchObject({ actions: [] });
  const { study, consent } = v.parse(
    v.object({ study: v.string(), consent: v.string() }),
    bodyOf('POST /sessions'),
  );
  expect([study.trim(), consent.trim()]).not.toContain('');
  const [match] = byKey.get('PATCH /settings')?.parameters ?? [];
  expect(match).toMatchObject({ name: 'If-Match', example: '*' });
});

test('replies that are given as examples are those of the route', () => {
  for (const route of ROUTES) {
    for (const { content } of Object.values(byKey.get(keyOf(route))?.responses ?? {})) {
      const example = content?.['application/json']?.example;
      if (example === undefined) continue;
      const { issues = [] } = v.safeParse(route.reply, example);
      const found = issues.map((issue) => `${v.getDotPath(issue)}: ${issue.message}`);
      expect(found, keyOf(route)).toEqual([]);
    }
  }
});

test('a route whose status depends on its reply tells them all', () => {
  const silent = ROUTES.filter(({ status, statuses }) => status && status.length > 0 && !statuses);
  expect(silent.map(keyOf)).toEqual([]);
});

test('who may ask is who does', () => {
  const all = { viewer: 'all', operator: 'all', researcher: 'all', admin: 'all' };
  expect(byKey.get('GET /sessions')).toMatchObject({
    security: [{ bearer: [] }, { password: [] }],
    'x-permission': 'see',
    'x-roles': { ...all, student: 'own' },
  });
  expect(byKey.get('GET /health')?.security).toEqual([]);
  expect(byKey.get('GET /metrics')?.['x-roles']).toEqual({ admin: 'all' });
});

test('headers are told where a route reads or sends them', () => {
  const reads = (key: string) =>
    byKey
      .get(key)
      ?.parameters?.filter((parameter) => parameter.in === 'header')
      .map(({ name, required }) => [name, required]);
  expect(reads('PATCH /settings')).toEqual([['If-Match', true]]);
  expect(reads('GET /backup')).toEqual([['X-Vigil-Passphrase', true]]);
  expect(reads('POST /restore')).toEqual([['X-Vigil-Passphrase', true]]);
  expect(reads('DELETE /diagnostics/dtc')).toEqual([['Idempotency-Key', false]]);
  expect(reads('POST /sessions/{id}/events')).toEqual([['Idempotency-Key', false]]);
  expect(reads('POST /export')).toEqual([
    ['Idempotency-Key', false],
    ['Prefer', false],
  ]);
  expect(reads('GET /exports/{id}/file')).toEqual([
    ['If-Range', false],
    ['Range', false],
  ]);
  const sends = (key: string, status: number) =>
    Object.keys(byKey.get(key)?.responses[status]?.headers ?? {});
  expect(sends('GET /settings', 304)).toEqual(['ETag']);
  expect(sends('POST /sessions', 201)).toEqual(['Location']);
  expect(sends('POST /export', 202)).toEqual(['Location']);
  expect(sends('POST /export', 200)).toEqual(['Content-Disposition']);
  expect(sends('GET /sessions', 200)).toEqual(['ETag', 'Link']);
  expect(sends('GET /sessions', 304)).toEqual(['ETag']);
  expect(sends('GET /sessions', 401)).toEqual(['WWW-Authenticate']);
  expect(sends('GET /sessions', 429)).toEqual(['Retry-After']);
  expect(sends('GET /health', 503)).toEqual([]);
});

test('a route that makes headers tells which, with statuses that it has', () => {
  expect(ROUTES.filter(({ headers, tells }) => headers && !tells).map(keyOf)).toEqual([]);
  for (const route of ROUTES) {
    const { responses = {} } = byKey.get(keyOf(route)) ?? {};
    const statuses = Object.values(route.tells ?? {})
      .flat()
      .map(String);
    expect(Object.keys(responses), keyOf(route)).toEqual(expect.arrayContaining(statuses));
  }
});

test('every list that comes page by page has its next page in Link', () => {
  const paged = ROUTES.filter(({ query }) => query && 'cursor' in query.entries);
  expect(paged.length).toBeGreaterThan(4);
  expect(paged.filter(({ tells }) => !tells?.Link).map(keyOf)).toEqual([]);
});

/** Where no files are kept there are none to make, and none with parts. */
const NOT_REACHED = ['POST /export', 'GET /exports/{id}/file'];

test('a route reads those headers that it tells of', async () => {
  for (const route of ROUTES) {
    const read = new Set<string>();
    const headers = new (class extends Map<string, string> {
      override get(name: string): string | undefined {
        read.add(name);
        return super.get(name);
      }
    })([
      ['content-type', route.body?.type === 'instance' ? 'application/octet-stream' : JSON_TYPE],
    ]);
    const example = byKey.get(keyOf(route))?.requestBody?.content[JSON_TYPE]?.example ?? {};
    const body = new TextEncoder().encode(JSON.stringify(example));
    const path = `/api/v1${route.path.replaceAll(/:\w+/g, '7')}`;
    const asked = request(route.method, path, { headers, body });
    // Whether it can be done is not the question.
    await dispatch(ROUTES, bareGateway(), asked, asAdmin).catch(() => {});
    const told = Object.keys(route.reads ?? {}).map((name) => name.toLowerCase());
    expect([...OF_ALL, ...told], keyOf(route)).toEqual(expect.arrayContaining([...read]));
    if (NOT_REACHED.includes(keyOf(route))) continue;
    expect([...read], keyOf(route)).toEqual(expect.arrayContaining(told));
  }
});

test('problems follow from what a route takes', () => {
  const of = (key: string) => Object.keys(byKey.get(key)?.responses ?? {});
  expect(of('GET /health')).toEqual(['200', '429', '500', '503']);
  expect(of('GET /sessions/{id}/data')).toEqual(
    expect.arrayContaining(['200', '400', '401', '403', '404', '422', '429', '503']),
  );
  expect(of('POST /alerts')).toEqual(expect.arrayContaining(['201', '413', '415', '422']));
  expect(of('DELETE /alerts/{id}')).toContain('204');
  expect(of('GET /docs')).toEqual(expect.arrayContaining(['200', '304']));
});
