import fc from 'fast-check';
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { Problem, problemReply } from '../../../src/http/problem.ts';
import { type AnyRoute, route } from '../../../src/http/route.ts';
import { dispatch } from '../../../src/http/router.ts';
import { asAdmin } from './callers.ts';
import { request } from './fakes.ts';

interface Deps {
  readonly suffix: string;
}

const Named = v.object({ name: v.string(), limit: v.optional(v.number()) });

const read = route({
  method: 'GET',
  path: '/things/:name',
  summary: 'One thing.',
  access: 'see',
  query: v.strictObject({
    limit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(10)), 5),
    text: v.optional(v.string()),
    loud: v.optional(v.boolean()),
  }),
  body: undefined,
  reply: Named,
  handle: ({ suffix }: Deps, { params, query }) => ({
    name: `${params['name']}${query.text ?? ''}${query.loud ? suffix.repeat(3) : suffix}`,
    limit: query.limit,
  }),
});

const write = route({
  method: 'POST',
  path: '/things/:name',
  atRoot: true,
  summary: 'Stores a thing.',
  access: 'record',
  query: undefined,
  body: v.object({ tags: v.array(v.string()), 'a/b~c': v.optional(v.number()) }),
  reply: Named,
  status: () => 201,
  handle: async (_: Deps, { body }) => ({ name: body.tags.join() }),
});

const press = route({
  method: 'POST',
  path: '/buttons/:name',
  summary: 'Does what needs no more words.',
  access: 'see',
  query: undefined,
  body: v.optional(v.strictObject({ hard: v.optional(v.boolean()) })),
  reply: Named,
  handle: (_: Deps, { body }) => ({ name: body?.hard ? 'bang' : 'click' }),
});

const ROUTES: readonly AnyRoute<Deps>[] = [read, write, press];

function call(method: string, target: string, body?: unknown, type = 'application/json') {
  const bytes = new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body));
  const headers = new Map([['content-type', type]]);
  const sent = request(method, target, { body: bytes, headers });
  return dispatch(ROUTES, { suffix: '!' }, sent, asAdmin);
}

async function problemOf(reply: Promise<unknown>): Promise<Problem> {
  const error = await reply.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Problem)) throw new Error(`expected a Problem, found ${error}`);
  return error;
}

test('a route answers under both prefixes, and at the root only where it says so', async () => {
  for (const prefix of ['/api', '/api/v1']) {
    const reply = await call('GET', `${prefix}/things/a%20b%2Fc?limit=7&text=8`);
    expect(reply).toEqual({
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: '{"name":"a b/c8!","limit":7}',
    });
  }
  expect(await call('POST', '/things/x', { tags: [] })).toMatchObject({ status: 201 });
  expect((await problemOf(call('GET', '/things/x'))).status).toBe(405);
});

test('paths that no route has are left to others', async () => {
  for (const path of [
    '/',
    '/api',
    '/api/v2/things/x',
    '/api/things',
    '/api/things/',
    '/api/things/x/',
  ]) {
    expect(await call('GET', path), path).toBeUndefined();
  }
});

test('a wrong method is told the right ones', async () => {
  const problem = await problemOf(call('DELETE', '/api/things/x'));
  expect(problem).toMatchObject({ status: 405, headers: { allow: 'GET, POST, HEAD, OPTIONS' } });
  expect(await call('OPTIONS', '/api/things/x')).toEqual({
    status: 204,
    headers: { allow: 'GET, POST, HEAD, OPTIONS' },
  });
  expect(await call('HEAD', '/api/things/x')).toMatchObject({ status: 200 });
});

test('a path that is not percent-encoded UTF-8 is a 400', async () => {
  for (const path of ['/api/things/%E0%A4%A', '/api/things/%', '/%ff']) {
    expect((await problemOf(call('GET', path))).status, path).toBe(400);
  }
});

test('a query is checked, with the place of each fault', async () => {
  expect(await call('GET', '/api/things/x')).toMatchObject({ body: '{"name":"x!","limit":5}' });
  for (const limit of ['0', '11', '1.5', 'ten', '', '%20', 'NaN', 'Infinity']) {
    const problem = await problemOf(call('GET', `/api/things/x?limit=${limit}`));
    expect(problem.status, limit).toBe(422);
    expect(problem.faults[0]?.pointer, limit).toBe('/limit');
  }
});

test('a query is told what was wrong, where, and what was seen', async () => {
  const told = async (query: string) => {
    const { message, faults } = await problemOf(call('GET', `/api/things/x?${query}`));
    expect(message).toBe(`The query is wrong at ${faults[0]?.pointer}. ${faults[0]?.message}`);
    return faults;
  };
  expect(await told('limit=11')).toEqual([
    { pointer: '/limit', message: 'Expected at most 10, found 11.' },
  ]);
  expect(await told('limit=ten&text=a&text=b')).toEqual([
    { pointer: '/limit', message: 'Expected a number, found "ten".' },
    { pointer: '/text', message: 'Expected text, found a list of 2.' },
  ]);
  expect(await told('limt=5')).toEqual([
    { pointer: '/limt', message: 'Expected one of limit, text, loud, found "limt".' },
  ]);
});

test('a boolean of a query is true or false, and nothing that looks like it', async () => {
  const named = async (query: string) =>
    JSON.parse(String((await call('GET', `/api/things/x?${query}`))?.body)).name;
  expect([await named('loud=true'), await named('loud=false')]).toEqual(['x!!!', 'x!']);
  expect(await named('text=true')).toBe('xtrue!');
  for (const text of ['1', '', 'TRUE', 'yes']) {
    expect(await problemOf(call('GET', `/api/things/x?loud=${text}`)), text).toMatchObject({
      faults: [{ pointer: '/loud', message: `Expected true or false, found "${text}".` }],
    });
  }
});

test('an address without a query refuses one', async () => {
  const problem = await problemOf(call('POST', '/api/things/x?limit=5', { tags: [] }));
  expect(problem).toMatchObject({
    status: 422,
    message: 'The query is wrong at /limit. Expected nothing, found "limit".',
  });
});

test('a body is checked, with the place of each fault', async () => {
  const faulty = await problemOf(call('POST', '/api/things/x', { tags: ['a', 1], 'a/b~c': 'x' }));
  expect(faulty.status).toBe(422);
  expect(faulty.faults.map(({ pointer }) => pointer)).toEqual(['/tags/1', '/a~1b~0c']);
  expect((await problemOf(call('POST', '/api/things/x', '{"tags":'))).status).toBe(400);
  expect((await problemOf(call('POST', '/api/things/x', {}, 'text/plain'))).status).toBe(415);
  const withCharset = call(
    'POST',
    '/api/things/x',
    { tags: ['a'] },
    'Application/JSON; charset=utf-8',
  );
  expect(await withCharset).toMatchObject({ body: '{"name":"a"}' });
});

test('a body that may be left out may be, and is checked where it is not', async () => {
  const bare = request('POST', '/api/buttons/x');
  expect(await dispatch(ROUTES, { suffix: '' }, bare, asAdmin)).toMatchObject({
    body: '{"name":"click"}',
  });
  expect(await call('POST', '/api/buttons/x', {})).toMatchObject({ body: '{"name":"click"}' });
  expect(await call('POST', '/api/buttons/x', { hard: true })).toMatchObject({
    body: '{"name":"bang"}',
  });
  expect(await problemOf(call('POST', '/api/buttons/x', { hrad: true }))).toMatchObject({
    ...{ status: 422, faults: [{ pointer: '/hrad' }] },
  });
  expect((await problemOf(call('POST', '/api/buttons/x', {}, 'text/plain'))).status).toBe(415);
});

test('bytes that are not UTF-8 are a 400', async () => {
  const headers = new Map([['content-type', 'application/json']]);
  const bad = request('POST', '/api/things/x', { body: Uint8Array.of(0x22, 0xff, 0x22), headers });
  expect((await problemOf(dispatch(ROUTES, { suffix: '' }, bad, asAdmin))).status).toBe(400);
});

test('a problem becomes the document of RFC 9457', () => {
  const fault = { pointer: '/limit', message: 'too much' };
  const reply = problemReply(new Problem(422, 'No.', [fault], { 'retry-after': '5' }));
  expect(reply.status).toBe(422);
  expect(reply.headers).toEqual({
    'content-type': 'application/problem+json',
    'retry-after': '5',
  });
  expect(JSON.parse(String(reply.body))).toEqual({
    title: 'Unprocessable Content',
    status: 422,
    detail: 'No.',
    errors: [fault],
  });
});

test('whatever is asked, the answer is a reply, nothing, or a Problem', async () => {
  const target = fc.oneof(
    fc.array(fc.string()).map((segments) => `/${segments.join('/')}`),
    fc.string().map((text) => `/api/things/${text}`),
    fc.string().map((text) => `/api/things/x?limit=${text}`),
  );
  const methods = fc.constantFrom('GET', 'POST', 'PUT', 'OPTIONS', 'BREW');
  await fc.assert(
    fc.asyncProperty(methods, target, fc.string(), async (method, path, body) => {
      const outcome = await call(method, path, body).catch((error: unknown) => error);
      const isReply = typeof outcome === 'object' && outcome !== null && 'status' in outcome;
      expect(outcome === undefined || outcome instanceof Problem || isReply).toBe(true);
    }),
  );
});
