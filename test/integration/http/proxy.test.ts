import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Remote } from '#core/account.ts';
import type { RequestHead } from '../../../src/http/message.ts';
import { originFinder } from '../../../src/http/remote.ts';
import type { Peer, PeerSession } from '../../../src/http/transport.ts';
import { listen } from '../../../src/http/uws.ts';
import { plainServer } from '../../support/plain-server.ts';
import { exchange, type Gateway, rawSocket, start } from './harness.ts';
import { call } from './secure-call.ts';

let gateway: Gateway;

beforeAll(async () => {
  gateway = await start([], { proxies: ['127.0.0.1'], hosts: ['car.local'] });
});
afterAll(() => gateway[Symbol.asyncDispose]());

/** A server that answers with where it saw the request come from. */
async function mirror(proxies: readonly string[], host = '127.0.0.1') {
  const sockets: Remote[] = [];
  const open = (_peer: Peer, { remote }: RequestHead): PeerSession => {
    sockets.push(remote);
    return { message: () => {}, drain: () => {}, close: () => {} };
  };
  const server = await listen(
    plainServer({
      handle: async ({ remote, headers }) => ({
        status: 200,
        headers: {},
        body: JSON.stringify({ ...remote, host: headers.get('host') }),
      }),
      origin: originFinder(proxies),
      sockets: [{ path: '/ws/telemetry', refuse: () => undefined, open }],
    }),
    host,
    0,
  );
  return { ...server, sockets, [Symbol.dispose]: server.close };
}

async function seenFrom(url: string, headers: Record<string, string> = {}) {
  return JSON.parse((await call(url, { headers })).body.toString());
}

test('the one who connects is who asks, over IPv4 and IPv6', async () => {
  using four = await mirror([]);
  expect(await seenFrom(`http://127.0.0.1:${four.port}/`)).toEqual({
    ...{ address: '127.0.0.1', isLocal: true, isSecure: false },
    host: `127.0.0.1:${four.port}`,
  });
  using six = await mirror([], '::1');
  expect(await seenFrom(`http://[::1]:${six.port}/`)).toMatchObject({
    address: '::1',
    isLocal: true,
  });
  using both = await mirror([], '::');
  const mapped = await seenFrom(`http://127.0.0.1:${both.port}/`);
  expect(mapped).toMatchObject({ address: '127.0.0.1', isLocal: true });
});

test('a proxy that nobody told of is not believed, and is not local either', async () => {
  using server = await mirror([]);
  const url = `http://127.0.0.1:${server.port}/`;
  const forwarded = { 'x-forwarded-for': '192.0.2.5', 'x-forwarded-proto': 'https' };
  expect(await seenFrom(url, forwarded)).toMatchObject({
    ...{ address: '127.0.0.1', isLocal: false, isSecure: false },
  });
});

test('a trusted proxy tells who asks, how, and for what name; sockets included', async () => {
  using server = await mirror(['127.0.0.0/8']);
  const forwarded = {
    'x-forwarded-for': '203.0.113.9, 192.0.2.5',
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'car.example.org',
  };
  const client = { address: '192.0.2.5', isLocal: false, isSecure: true };
  expect(await seenFrom(`http://127.0.0.1:${server.port}/`, forwarded)).toEqual({
    ...client,
    host: 'car.example.org',
  });
  (await rawSocket(server, forwarded)).destroy();
  expect(server.sockets).toEqual([client]);
});

test('a header that is sent twice is one list, and the last word is the proxy that we know', async () => {
  using server = await mirror(['127.0.0.1']);
  const lines = ['X-Forwarded-For: 203.0.113.9', 'X-Forwarded-For: 192.0.2.5'].join('\r\n');
  const answer = await exchange(
    server.port,
    `GET / HTTP/1.1\r\nHost: localhost\r\n${lines}\r\n\r\n`,
  );
  expect(answer).toContain('"address":"192.0.2.5"');
});

test('the name that the client used is the one that is checked', async () => {
  const ask = (host: string) =>
    call(`${gateway.server.url}/health`, {
      headers: { 'x-forwarded-host': host, 'x-forwarded-for': '192.0.2.5' },
    });
  expect((await ask('car.local')).status).toBe(200);
  expect((await ask('rebind.example.org')).status).toBe(403);
  expect(
    (await call(`${gateway.server.url}/health`, { headers: { host: 'car.local:80' } })).status,
  ).toBe(200);
});

test('two names in one request are none', async () => {
  const head = 'GET /health HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n';
  expect(await exchange(gateway.port, head)).toMatch(/^HTTP\/1\.1 40[03] /);
});

test('clients of a proxy are limited each by themselves', async () => {
  await using one = await start([], {
    proxies: ['127.0.0.1'],
    limits: { api: { perS: 1, burst: 2 } },
  });
  const ask = async (address: string) =>
    (await call(`${one.server.url}/api/v1/streams`, { headers: { 'x-forwarded-for': address } }))
      .status;
  expect([await ask('192.0.2.1'), await ask('192.0.2.1'), await ask('192.0.2.1')]).toEqual([
    401, 401, 429,
  ]);
  expect(await ask('192.0.2.2')).toBe(401);
});
