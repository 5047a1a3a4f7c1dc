import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { dispatch } from '../../../../src/http/router.ts';
import { documentRoutes } from '../../../../src/http/routes/docs.ts';
import { ROUTES } from '../../../../src/http/routes/index.ts';
import { as } from '../callers.ts';
import { request } from '../fakes.ts';

const routes = documentRoutes(() => ROUTES);
const PATHS = ['/openapi.json', '/asyncapi.json', '/docs'];

async function ask(path: string, headers: Readonly<Record<string, string>> = {}) {
  const sent = request('GET', path, { headers: new Map(Object.entries(headers)) });
  const reply = await dispatch(routes, {}, sent, as('viewer'));
  if (!(reply?.body instanceof Uint8Array)) throw new Error(`${path} has no bytes`);
  return { status: reply.status, headers: reply.headers, body: reply.body };
}

test.each(PATHS)('%s is at both prefixes, as it is and in fewer bytes', async (path) => {
  const plain = await ask(`/api/v1${path}`);
  const packed = await ask(`/api${path}`, { 'accept-encoding': 'br, gzip' });
  expect(plain.status).toBe(200);
  expect(packed.headers['content-encoding']).toBe('gzip');
  expect(packed.body.length).toBeLessThan(plain.body.length / 2);
  expect(gunzipSync(packed.body).equals(plain.body)).toBe(true);
  expect(packed.headers['etag']).not.toBe(plain.headers['etag']);
});

test.each(PATHS)('%s that is known already is not sent again', async (path) => {
  const { headers } = await ask(`/api${path}`);
  const again = await ask(`/api${path}`, { 'if-none-match': `"x", W/${headers['etag']}` });
  expect(again).toMatchObject({ status: 304, body: new Uint8Array() });
  const other = await ask(`/api${path}`, { 'if-none-match': '"x"' });
  expect(other.status).toBe(200);
});

test('they are what they say they are', async () => {
  const [rest, live, page] = await Promise.all(PATHS.map((path) => ask(`/api${path}`)));
  const text = (body: Uint8Array | undefined) => new TextDecoder().decode(body);
  expect(JSON.parse(text(rest?.body))).toMatchObject({ openapi: '3.1.1' });
  expect(JSON.parse(text(live?.body))).toMatchObject({ asyncapi: '3.0.0' });
  expect(page?.headers['content-type']).toBe('text/html; charset=utf-8');
  expect(text(page?.body)).toMatch(/^<!doctype html>/);
});
