import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { compressed } from '../../../src/http/compress.ts';
import type { Reply, RequestHead } from '../../../src/http/message.ts';
import { LOCAL } from '../../support/accounts.ts';

const request = (accepts?: string): RequestHead => ({
  ...{ method: 'GET', path: '/health', query: new URLSearchParams() },
  remote: LOCAL,
  headers: new Map(accepts === undefined ? [] : [['accept-encoding', accepts]]),
});
const json = (bytes: number): Reply => ({
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: `"${'ab'.repeat(bytes).slice(0, bytes - 2)}"`,
});

test('who can read it gets JSON in fewer bytes, and the same JSON', () => {
  const reply = json(5_000);
  const { status, headers, body } = compressed(request('br, gzip'), reply);
  expect(status).toBe(200);
  expect(headers).toEqual({
    ...{ 'content-type': 'application/json', 'content-encoding': 'gzip' },
    vary: 'accept-encoding',
  });
  if (!(body instanceof Uint8Array)) throw new Error('it is no bytes');
  expect(body.length).toBeLessThan(1_000);
  expect(gunzipSync(body).toString()).toBe(reply.body);
});

test.each([undefined, 'br', 'gzip;q=0'])(
  '%j gets it as it is, and caches are told why',
  (accepts) => {
    const reply = json(5_000);
    const headers = { ...reply.headers, vary: 'accept-encoding' };
    expect(compressed(request(accepts), reply)).toEqual({ ...reply, headers });
  },
);

test('what a strong tag names stays as it is, and a weak one is of both forms', () => {
  const { headers, ...reply } = json(5_000);
  const tagged = (etag: string): Reply => ({ ...reply, headers: { ...headers, etag } });
  const strong = tagged('"x"');
  expect(compressed(request('gzip'), strong)).toBe(strong);
  expect(compressed(request('gzip'), tagged('W/"x"')).body).toBeInstanceOf(Uint8Array);
});

test('what is short, long or no text stays as it is', () => {
  const bytes = { status: 200, headers: {}, body: new Uint8Array(5_000) };
  for (const reply of [json(1_023), json(65_537), bytes, { status: 204, headers: {} }]) {
    expect(compressed(request('gzip'), reply)).toBe(reply);
  }
  expect(compressed(request('gzip'), json(1_024)).body).toBeInstanceOf(Uint8Array);
  expect(compressed(request('gzip'), json(65_536)).body).toBeInstanceOf(Uint8Array);
});
