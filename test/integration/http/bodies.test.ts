import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Bodies } from '../../../src/http/bodies.ts';
import type { Listening } from '../../../src/http/transport.ts';
import { listen } from '../../../src/http/uws.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { plainServer } from '../../support/plain-server.ts';
import { exchange, until } from './harness.ts';
import { call } from './secure-call.ts';

const clock = new FakeClock();
const bodies = new Bodies({
  clock,
  bytesMax: ({ path }) => (path === '/long' ? 1024 * 1024 : undefined),
  heldBytesMax: 3 * 1024 * 1024,
});
const seen: number[] = [];
let server: Listening;
let release: (() => void) | undefined;

beforeAll(async () => {
  server = await listen(
    plainServer({
      bodies,
      handle: async ({ body, path }) => {
        seen.push(body.length);
        if (path === '/long' && body.length === 1024 * 1024) {
          await new Promise<void>((resolve) => {
            const before = release;
            release = () => {
              before?.();
              resolve();
            };
          });
        }
        return { status: 200, headers: {}, body: String(body.length) };
      },
    }),
    '127.0.0.1',
    0,
  );
});
afterAll(() => server.close());

const post = (path: string, bytes: number) =>
  call(`http://127.0.0.1:${server.port}${path}`, { method: 'POST', body: Buffer.alloc(bytes) });
const head = (length: number) =>
  `POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${length}\r\n\r\n`;

/** Sends something and keeps the connection. */
function begin(bytes: string) {
  const socket = connect(server.port, '127.0.0.1');
  const got = { text: '', isClosed: false };
  socket.on('data', (data) => {
    got.text += data.toString('latin1');
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    got.isClosed = true;
  });
  socket.write(bytes);
  return { socket, got };
}

test('a route may take a longer body than the others', async () => {
  expect((await post('/', 64 * 1024)).body.toString()).toBe(String(64 * 1024));
  expect((await post('/', 64 * 1024 + 1)).status).toBe(413);
  expect((await post('/long', 1_000_000)).body.toString()).toBe('1000000');
  expect((await post('/long', 1024 * 1024 + 1)).status).toBe(413);
});

test('a body that is cut off half-way reaches no route', async () => {
  const [routes, { cutOff }] = [seen.length, bodies.stats];
  const { socket } = begin(`${head(1000)}half`);
  await until(() => bodies.stats.bytes === 4);
  socket.destroy();
  await until(() => bodies.stats.cutOff === cutOff + 1);
  expect(seen).toHaveLength(routes);
  expect(bodies.stats.bytes).toBe(0);
});

test('a slow body is a 408 after 30 s, and the connection ends', async () => {
  const { socket, got } = begin(`${head(1000)}slow`);
  await until(() => bodies.stats.bytes === 4);
  await clock.advance(29_000);
  socket.write('er');
  await until(() => bodies.stats.bytes === 6);
  expect(got.text).toBe('');
  await clock.advance(1_000);
  await until(() => got.isClosed);
  expect(got.text).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
  expect(got.text).toContain('"detail":"The body was not whole after 30 s."');
  expect(bodies.stats.bytes).toBe(0);
});

test('a length that lies makes no request of what it is not', async () => {
  const routes = seen.length;
  // What is beyond the length is the next request, and no HTTP.
  const answer = await exchange(server.port, `${head(2)}abcdef\r\n\r\n`);
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(seen.slice(routes)).toEqual([2]);
  for (const lie of ['-1', '0x10', '1e3', '99999999999999999999999', '1, 1']) {
    const text = `POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${lie}\r\n\r\nabc`;
    expect(await exchange(server.port, text), lie).not.toMatch(/^HTTP\/1\.1 200/);
  }
  const both =
    'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked';
  expect(await exchange(server.port, `${both}\r\n\r\n0\r\n\r\n`)).not.toMatch(/^HTTP\/1\.1 200/);
  expect(seen).toHaveLength(routes + 1);
});

test('chunks are a body as any other, and are counted', async () => {
  const lines = 'POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n';
  expect(await exchange(server.port, `${lines}3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n`)).toMatch(
    /\r\n\r\n5$/,
  );
  const long = `${lines}${`8000\r\n${'x'.repeat(0x8000)}\r\n`.repeat(3)}0\r\n\r\n`;
  expect(await exchange(server.port, long)).toMatch(/^HTTP\/1\.1 413 /);
});

test('what is in memory together is limited until it has been answered', async () => {
  const full = 1024 * 1024;
  const held = [post('/long', full), post('/long', full), post('/long', full)];
  await until(() => seen.filter((bytes) => bytes === full).length === 3);
  const { status, headers } = await post('/', 1);
  expect(status).toBe(503);
  expect(headers['retry-after']).toBe('5');
  expect(bodies.stats.crowdedOut).toBe(1);
  release?.();
  expect((await Promise.all(held)).map((answer) => answer.status)).toEqual([200, 200, 200]);
  expect(bodies.stats.bytes).toBe(0);
  expect((await post('/', 1)).status).toBe(200);
});

test.each([
  ['two lengths', 'Content-Length: 0\r\nContent-Length: 26'],
  ['another coding than chunks', 'Transfer-Encoding: xchunked'],
])('%s end the connection, and what is behind is no other request', async (_, header) => {
  const before = [seen.length, bodies.stats.unframed];
  const hidden = 'GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n';
  const sent = `POST / HTTP/1.1\r\nHost: a\r\n${header}\r\n\r\n${hidden}`;
  const { port } = server;
  const answer = await new Promise<string>((resolve, reject) => {
    let text = '';
    const client = connect(port, '127.0.0.1', () => client.write(sent));
    client.on('data', (chunk) => {
      text += chunk;
    });
    client.on('error', reject).on('close', () => resolve(text));
  });
  expect(answer).toBe('');
  expect([seen.length, bodies.stats.unframed]).toEqual([before[0], (before[1] ?? 0) + 1]);
});
