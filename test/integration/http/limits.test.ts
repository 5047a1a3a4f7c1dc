import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { FakeClock } from '../../support/fake-clock.ts';
import { exchange, rawSocket, start, until } from './harness.ts';
import { call } from './secure-call.ts';

test('the API answers so many requests a second, and the page and health go on', async () => {
  const clock = new FakeClock();
  await using gateway = await start([], { realTime: clock });
  const { url } = gateway.server;
  const ask = async (path: string, authorization = '') =>
    (await call(`${url}${path}`, authorization === '' ? {} : { headers: { authorization } }))
      .status;
  const statuses = await Promise.all(Array.from({ length: 130 }, () => ask('/api/v1/streams')));
  expect(statuses.filter((status) => status === 401)).toHaveLength(100);
  expect(statuses.filter((status) => status === 429)).toHaveLength(30);
  const refused = await call(`${url}/api/v1/streams`);
  expect(refused.headers['retry-after']).toBe('1');
  expect(refused.headers['content-type']).toBe('application/problem+json');
  for (const path of ['/', '/health', '/api/v1/health', '/large.txt']) {
    expect(await ask(path), path).toBe(200);
  }
  expect(gateway.server.health().details['limited']).toBe(31);
  await clock.advance(1000);
  expect(await ask('/api/v1/streams')).toBe(401);
});

test('a user has no more of it from many addresses', async () => {
  await using gateway = await start([], {
    proxies: ['127.0.0.1'],
    limits: { api: { perS: 1, burst: 3 } },
  });
  const authorization = `Bearer ${await gateway.people.token('viewer')}`;
  const statuses: number[] = [];
  for (let i = 1; i <= 4; i++) {
    const headers = { authorization, 'x-forwarded-for': `192.0.2.${i}` };
    statuses.push((await call(`${gateway.server.url}/api/v1/streams`, { headers })).status);
  }
  expect(statuses).toEqual([200, 200, 200, 429]);
});

test('as many WebSockets as there may be, and one more is a 503', async () => {
  await using gateway = await start([], { limits: { clientsMax: 3 } });
  const sockets = [await rawSocket(gateway), await rawSocket(gateway), await rawSocket(gateway)];
  await expect(rawSocket(gateway)).rejects.toThrow(' 503 ');
  sockets[0]?.destroy();
  await until(() => gateway.live.stats.clients === 2);
  (await rawSocket(gateway)).destroy();
  expect(gateway.server.health().details['refused']).toBe(1);
});

const fields = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13';
const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
const HANDSHAKE = `GET /ws/telemetry HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n${key}\r\n\r\n`;

/** A WebSocket that says nothing of who it is. */
async function stranger(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.write(HANDSHAKE);
  const [answer] = await once(socket, 'data');
  expect(String(answer)).toMatch(/^HTTP\/1\.1 101 /);
  return socket;
}

test('those who have not logged in are few at a time', async () => {
  await using gateway = await start([], { realTime: new FakeClock() });
  const sockets = await Promise.all(Array.from({ length: 64 }, () => stranger(gateway.port)));
  expect(gateway.server.health().details['strangers']).toBe(64);
  expect(await exchange(gateway.port, HANDSHAKE)).toMatch(/^HTTP\/1\.1 503 /);
  // Who comes with a token takes no time to look at.
  (await rawSocket(gateway)).destroy();
  sockets[0]?.destroy();
  await until(() => gateway.server.health().details['strangers'] === 63);
  (await stranger(gateway.port)).destroy();
  for (const socket of sockets) socket.destroy();
});

test('a storm of handshakes is shed', async () => {
  const clock = new FakeClock();
  await using gateway = await start([], {
    realTime: clock,
    limits: { handshakes: { perS: 5, burst: 5 } },
  });
  for (let i = 0; i < 5; i++) (await rawSocket(gateway)).destroy();
  const answer = await exchange(gateway.port, HANDSHAKE);
  expect(answer).toMatch(/^HTTP\/1\.1 503 /);
  expect(answer).toMatch(/retry-after: 5\r\n/i);
  expect(gateway.server.health().details['shed']).toBe(1);
  await clock.advance(200);
  (await rawSocket(gateway)).destroy();
});
