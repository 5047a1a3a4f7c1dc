import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BusyError, ConfigError } from '#core/errors.ts';
import { listen } from '../../../src/http/uws.ts';
import { health } from '../../support/bare-gateway.ts';
import { plainServer } from '../../support/plain-server.ts';
import { get as ask } from '../../support/tokens.ts';
import { stream } from '../../unit/http/fakes.ts';
import { exchange, type Gateway, PAGE, start } from './harness.ts';

let gateway: Gateway;
let failing = false;

beforeAll(async () => {
  gateway = await start([stream('obd.engine.rpm')], {
    health: () => {
      if (failing) throw new TypeError('a bug');
      return health('degraded');
    },
  });
});

afterAll(() => gateway[Symbol.asyncDispose]());

const get = (path: string, init?: RequestInit) => ask(`${gateway.server.url}${path}`, init);

async function problemOf(response: Response): Promise<unknown> {
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  return response.json();
}

test('health is found with and without a prefix', async () => {
  for (const path of ['/health', '/api/health', '/api/v1/health']) {
    const response = await get(path);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual(health('degraded'));
  }
});

test('the page comes with headers that keep others out', async () => {
  const response = await get('/');
  expect(await response.text()).toBe(PAGE);
  const policy = response.headers.get('content-security-policy') ?? '';
  expect(policy).toMatch(/^default-src 'self'; script-src 'self' 'sha256-[\w+/]+=*';/);
  expect(policy).toContain("frame-ancestors 'none'");
  expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  expect(response.headers.get('cross-origin-resource-policy')).toBe('same-origin');
  expect(response.headers.get('cache-control')).toBe('no-cache');
  expect((await get('/health')).headers.get('cache-control')).toBe('no-store');
});

test('a page that is known is not sent again', async () => {
  const etag = (await get('/')).headers.get('etag') ?? '';
  const again = await get('/', { headers: { 'if-none-match': etag } });
  expect(again.status).toBe(304);
  expect(await again.text()).toBe('');
});

test('a large file arrives whole, packed and plain', async () => {
  for (const encoding of ['gzip', 'identity']) {
    const response = await get('/large.txt', { headers: { 'accept-encoding': encoding } });
    expect(await response.text()).toBe('x'.repeat(1_000_000));
  }
});

test('HEAD has the headers of GET and no body', async () => {
  for (const path of ['/', '/health', '/nothing']) {
    const [head, full] = [await get(path, { method: 'HEAD' }), await get(path)];
    expect(head.status).toBe(full.status);
    const plain = { headers: { 'accept-encoding': 'identity' } };
    const length = (await get(path, { method: 'HEAD', ...plain })).headers.get('content-length');
    expect(length).toBe(String((await (await get(path, plain)).arrayBuffer()).byteLength));
    expect(await head.text()).toBe('');
  }
});

test('errors are problem documents', async () => {
  const missing = await get('/api/v1/nothing');
  expect(missing.status).toBe(404);
  expect(await problemOf(missing)).toEqual({
    title: 'Not Found',
    status: 404,
    detail: 'There is nothing at this address.',
  });
  const wrong = await get('/health', { method: 'POST', body: 'x' });
  expect(wrong.status).toBe(405);
  expect(wrong.headers.get('allow')).toBe('GET, HEAD, OPTIONS');
  await problemOf(wrong);
});

test('a malformed address is a 400 and not the end', async () => {
  const answer = await exchange(gateway.port, 'GET /%E0%A4%A HTTP/1.1\r\nHost: localhost\r\n\r\n');
  expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  expect(answer).toContain('application/problem+json');
});

test('a body over 64 KiB is a 413, also when it goes on and on', async () => {
  for (const bytes of [64 * 1024 + 1, 500_000]) {
    const response = await get('/health', { method: 'POST', body: Buffer.alloc(bytes) });
    expect(response.status).toBe(413);
    await problemOf(response);
  }
  const head = 'POST /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000000\r\n\r\n';
  const answer = await exchange(gateway.port, head + 'x'.repeat(2_000_000));
  // The server hangs up on the rest of it, and the reset may overtake the reply.
  expect(answer === '' || answer.startsWith('HTTP/1.1 413')).toBe(true);
  expect((await get('/health', { method: 'POST', body: Buffer.alloc(64 * 1024) })).status).toBe(
    405,
  );
});

test('a foreign name for this host is refused', async () => {
  const answer = await exchange(gateway.port, 'GET / HTTP/1.1\r\nHost: rebind.example\r\n\r\n');
  expect(answer).toMatch(/^HTTP\/1\.1 403 /);
});

test('a page of another origin may read nothing and change nothing', async () => {
  const foreign = { origin: 'https://example.org' };
  const response = await get('/api/alerts/history/1-1/ack', { method: 'POST', headers: foreign });
  expect(response.status).toBe(403);
  expect(await problemOf(response)).toMatchObject({ title: 'Forbidden' });
  const read = await get('/health', { headers: foreign });
  expect(read.headers.get('access-control-allow-origin')).toBeNull();
  const own = { origin: gateway.server.url };
  const mine = await get('/api/alerts/history/1-1/ack', { method: 'POST', headers: own });
  expect(mine.status).toBe(404);
});

test('a bug in a route is a 500 without its text, and is logged', async () => {
  failing = true;
  const response = await get('/health');
  failing = false;
  expect(response.status).toBe(500);
  expect(JSON.stringify(await problemOf(response))).not.toContain('a bug');
  expect(gateway.errors.at(-1)).toMatchObject({ source: 'http', path: '/health' });
  expect((await get('/health')).status).toBe(200);
});

test('a port that is taken may be free later, so that is no error of the settings', async () => {
  const failure = await start([], { port: gateway.port }).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(BusyError);
  expect(failure).toHaveProperty(
    'message',
    `http: 127.0.0.1:${gateway.port}: in use by another process; --http HOST:PORT takes another`,
  );
});

test('an address of another host is an error of the settings', async () => {
  const elsewhere = listen(plainServer(), '192.0.2.1', 0);
  await expect(elsewhere).rejects.toThrow(ConfigError);
});

test('a body of chunks waits for the client and arrives bit by bit', async () => {
  const chunks = Array.from({ length: 64 }, () => randomBytes(256 * 1024));
  let made = 0;
  async function* body() {
    for (const chunk of chunks) {
      made++;
      yield chunk;
    }
  }
  const server = await listen(
    plainServer({
      handle: async () => ({ status: 200, headers: {}, body: body() }),
      onError: (error) => expect(error).toBeUndefined(),
    }),
    '127.0.0.1',
    0,
  );
  const response = await fetch(`http://127.0.0.1:${server?.port}/`);
  const reader = response.body?.getReader();
  const received: Uint8Array[] = [];
  // Kernel and client buffers take a few MiB; all 16 would mean that nobody waits.
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(made).toBeLessThan(64);
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
    received.push(part.value);
  }
  expect(Buffer.concat(received).equals(Buffer.concat(chunks))).toBe(true);
  server?.close();
});

test('a body that breaks off ends the connection, and the error is told', async () => {
  const errors: unknown[] = [];
  async function* body() {
    yield Buffer.from('first');
    throw new TypeError('a bug');
  }
  const server = await listen(
    plainServer({
      handle: async () => ({ status: 200, headers: {}, body: body() }),
      onError: (error) => errors.push(error),
    }),
    '127.0.0.1',
    0,
  );
  const whole = fetch(`http://127.0.0.1:${server?.port}/`).then((response) => response.text());
  await expect(whole).rejects.toThrow();
  expect(errors).toEqual([new TypeError('a bug')]);
  server?.close();
});

test('a client that leaves while its body is made ends the making', async () => {
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  async function* body() {
    try {
      for (;;) yield Buffer.alloc(64 * 1024);
    } finally {
      end();
    }
  }
  const server = await listen(
    plainServer({
      handle: async () => ({ status: 200, headers: {}, body: body() }),
      onError: (error) => expect(error).toBeUndefined(),
    }),
    '127.0.0.1',
    0,
  );
  const leaving = new AbortController();
  await fetch(`http://127.0.0.1:${server?.port}/`, { signal: leaving.signal });
  leaving.abort();
  await ended;
  server?.close();
});

test('thousands of strange requests leave the gateway as it was', { timeout: 60_000 }, async () => {
  const token = fc.stringMatching(/^[!-~]{1,12}$/);
  const line = fc
    .tuple(fc.constantFrom('GET', 'POST', 'HEAD', 'OPTIONS', 'TRACE', 'get', 'X'), token, token)
    .map(([method, path, value]) => {
      const length = method === 'POST' ? `Content-Length: ${value.length}\r\n` : '';
      return `${method} /${path} HTTP/1.1\r\nHost: localhost\r\nX-A: ${value}\r\n${length}\r\n${value}`;
    });
  const noise = fc
    .uint8Array({ maxLength: 200 })
    .map((bytes) => Buffer.from(bytes).toString('latin1'));
  const mangled = fc.tuple(line, fc.nat(80), noise).map(([text, at, junk]) => {
    return text.slice(0, at) + junk + text.slice(at);
  });
  // What is not HTTP ends the connection, so it comes last.
  const connections = fc
    .tuple(fc.array(line, { minLength: 30, maxLength: 60 }), fc.oneof(noise, mangled))
    .map(([lines, end]) => [...lines, end]);
  await fc.assert(
    fc.asyncProperty(fc.array(connections, { minLength: 10, maxLength: 10 }), async (batch) => {
      const bytes = batch.map((requests) => Buffer.from(requests.join(''), 'latin1'));
      await Promise.all(bytes.map((sent) => exchange(gateway.port, sent)));
      expect((await get('/health')).status).toBe(200);
    }),
    { numRuns: 15 },
  );
  const { requests, errors } = gateway.server.health().details;
  expect(requests).toBeGreaterThan(3000);
  expect(errors).toBe(1);
});
