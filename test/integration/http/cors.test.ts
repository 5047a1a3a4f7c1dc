import { afterAll, beforeAll, expect, test } from 'vitest';
import { exchange, type Gateway, rawSocket, start } from './harness.ts';
import { call } from './secure-call.ts';

const FRIEND = 'https://app.example.org';
const STRANGER = 'https://example.org';

let gateway: Gateway;
let authorization: string;

beforeAll(async () => {
  gateway = await start([], { origins: [FRIEND] });
  authorization = `Bearer ${await gateway.people.token('admin')}`;
});
afterAll(() => gateway[Symbol.asyncDispose]());

const ask = (method: string, path: string, headers: Record<string, string>, body?: string) =>
  call(`${gateway.server.url}${path}`, { method, headers, ...(body !== undefined && { body }) });

test('a page of an allowed origin may ask, and read the answer', async () => {
  const headers = { origin: FRIEND, 'access-control-request-method': 'POST' };
  const first = await ask('OPTIONS', '/api/v1/sessions', headers);
  expect(first.status).toBe(204);
  expect(first.headers['access-control-allow-origin']).toBe(FRIEND);
  expect(first.headers['access-control-allow-headers']).toContain('authorization');
  expect(first.headers['access-control-allow-credentials']).toBeUndefined();
  const { status, headers: got } = await ask('GET', '/api/v1/streams', {
    origin: FRIEND,
    authorization,
  });
  expect(status).toBe(200);
  expect(got['access-control-allow-origin']).toBe(FRIEND);
  expect(got['access-control-expose-headers']).toMatch(/etag.*retry-after/);
  expect(got['cross-origin-resource-policy']).toBe('cross-origin');
});

test('it may read why it was refused as well', async () => {
  for (const path of ['/api/v1/streams', '/api/v1/nothing']) {
    const { status, headers } = await ask('GET', path, { origin: FRIEND });
    expect(status).toBeGreaterThanOrEqual(401);
    expect(headers['access-control-allow-origin'], path).toBe(FRIEND);
  }
  const long = await ask('POST', '/api/v1/sessions', { origin: FRIEND }, 'x'.repeat(70_000));
  expect(long.status).toBe(413);
  expect(long.headers['access-control-allow-origin']).toBe(FRIEND);
});

test('a page of another origin reads nothing, changes nothing and opens no WebSocket', async () => {
  const asked = { origin: STRANGER, 'access-control-request-method': 'POST' };
  for (const [method, path] of [
    ['OPTIONS', '/api/v1/sessions'],
    ['GET', '/health'],
    ['GET', '/'],
  ] as const) {
    const { headers } = await ask(method, path, asked);
    expect(
      Object.keys(headers).filter((name) => name.startsWith('access-control')),
      path,
    ).toEqual([]);
    expect(headers['cross-origin-resource-policy']).toBe('same-origin');
  }
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
    const { status } = await ask(method, '/api/v1/sessions', { origin: STRANGER, authorization });
    expect(status, method).toBe(403);
  }
  await expect(rawSocket(gateway, { Origin: STRANGER })).rejects.toThrow(' 403 ');
  await expect(rawSocket(gateway, { Origin: 'null' })).rejects.toThrow(' 403 ');
  (await rawSocket(gateway, { Origin: FRIEND })).destroy();
  (await rawSocket(gateway, { Origin: `http://127.0.0.1:${gateway.port}` })).destroy();
});

test('what a cache keeps depends on who asked, beside what it did before', async () => {
  const page = await ask('GET', '/large.txt', { 'accept-encoding': 'gzip' });
  expect(page.headers['vary']).toBe('accept-encoding, origin');
  expect((await ask('GET', '/health', {})).headers['vary']).toContain('origin');
});

test('every reply has the headers that keep others out', async () => {
  const replies = await Promise.all([
    ask('GET', '/', {}),
    ask('GET', '/health', {}),
    ask('GET', '/nothing', {}),
    ask('GET', '/api/v1/streams', {}),
    ask('POST', '/api/v1/sessions', {}, '{}'),
    ask('POST', '/api/v1/sessions', {}, 'x'.repeat(70_000)),
    ask('GET', '/', { host: 'rebind.example.org' }),
    ask('OPTIONS', '/', {}),
  ]);
  for (const { status, headers } of replies) {
    expect(headers['content-security-policy'], String(status)).toMatch(
      /^default-src 'self';.*frame-ancestors 'none'/,
    );
    expect(headers['content-security-policy']).not.toMatch(/unsafe|\*/);
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['referrer-policy']).toBe('no-referrer');
    expect(headers['cross-origin-resource-policy']).toBe('same-origin');
  }
});

test('a refused WebSocket has them too', async () => {
  const fields = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13';
  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
  const head = `GET /ws/telemetry HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n${key}`;
  const answer = await exchange(gateway.port, `${head}\r\nOrigin: ${STRANGER}\r\n\r\n`);
  expect(answer).toMatch(/^HTTP\/1\.1 403 /);
  expect(answer).toContain("frame-ancestors 'none'");
});
