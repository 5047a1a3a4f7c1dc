/** What a stranger gets to read: no version, no path, no stack, whatever they ask and how. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ROUTES } from '../../../src/http/routes/index.ts';
import { health } from '../../support/bare-gateway.ts';
import { exchange, type Gateway, start } from './harness.ts';
import { type Answer, call } from './secure-call.ts';

const TOP = path.resolve(import.meta.dirname, '../../..');
const SECRETS = ['9.8.7-canary', '/dev/canary', 'canary failed'];

let gateway: Gateway;
let version: string;
let failing = false;

beforeAll(async () => {
  ({ version } = JSON.parse(await readFile(path.join(TOP, 'package.json'), 'utf8')));
  gateway = await start([], {
    hello: { device: 'test', epoch: 1, version: '9.8.7-canary', simulated: false },
    health: () => {
      if (failing) throw new TypeError('canary failed');
      const part = {
        id: 'obd',
        status: 'waiting',
        text: '/dev/canary: no answer',
        details: {},
      } as const;
      return { ...health('degraded'), version: '9.8.7-canary', parts: [part] };
    },
  });
});
afterAll(() => gateway[Symbol.asyncDispose]());

function scan(where: string, { headers, body }: Pick<Answer, 'headers' | 'body'>): void {
  // The server's own header is compiled in, and says no more than that.
  const { uwebsockets, ...others } = headers;
  expect([undefined, '20'], where).toContain(uwebsockets);
  const text = JSON.stringify(others) + body.toString('latin1');
  for (const secret of SECRETS) expect(text, where).not.toContain(secret);
  expect(text, where).not.toContain(TOP);
  expect(text, where).not.toContain(process.version);
  expect(text, where).not.toMatch(
    /node_modules|\.ts:\d|\bat [\w.<>]+ \(|node:internal|uWebSockets\.js/,
  );
  expect(others, where).not.toHaveProperty('server');
  expect(others, where).not.toHaveProperty('x-powered-by');
}

test('every route without a log-in', async () => {
  for (const { method, path: pattern, atRoot } of ROUTES) {
    const address = pattern.replace(/:\w+/g, '1');
    for (const prefix of atRoot ? ['/api/v1', ''] : ['/api/v1']) {
      for (const body of method === 'GET' ? [undefined] : [undefined, '{', '{"canary":1}']) {
        const headers = { 'content-type': 'application/json' };
        // From another computer, by what it looks like.
        const more = { headers: { ...headers, via: 'x' }, ...(body !== undefined && { body }) };
        scan(
          `${method} ${address}`,
          await call(`${gateway.server.url}${prefix}${address}`, { method, ...more }),
        );
      }
    }
  }
});

test('every kind of mistake', async () => {
  const { url } = gateway.server;
  const strange = [
    '/nothing',
    '/api/v1/nothing',
    '/%E0%A4%A',
    '/..%2f..%2fetc/passwd',
    '/api/v1/health?x=1',
  ];
  for (const address of strange) scan(address, await call(`${url}${address}`));
  for (const method of ['POST', 'DELETE', 'PATCH', 'TRACE', 'OPTIONS', 'BREW']) {
    scan(
      method,
      await call(`${url}/health`, { method }).catch(() => ({ headers: {}, body: Buffer.of() })),
    );
  }
  for (const authorization of ['Bearer x', 'Bearer a.b.c', 'Basic eDp5', 'x']) {
    scan(authorization, await call(`${url}/api/v1/streams`, { headers: { authorization } }));
  }
  failing = true;
  const broken = await call(`${url}/health`);
  failing = false;
  expect(broken.status).toBe(500);
  scan('a bug', broken);
});

test('what the server answers by itself', async () => {
  for (const text of [
    'x\r\n\r\n',
    'GET / HTTP/1.1\r\n\r\n',
    `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(9000)}\r\n\r\n`,
  ]) {
    const answer = await exchange(gateway.port, text);
    expect(answer).not.toMatch(/uWebSockets\.js|node_modules|\/src\//);
    for (const secret of SECRETS) expect(answer).not.toContain(secret);
  }
});

/** The examples in them are made up. */
const DOCUMENTS: readonly string[] = ['/openapi.json', '/asyncapi.json', '/docs'];

test('the version of the gateway', async () => {
  for (const { path: pattern, method, access, atRoot } of ROUTES) {
    if (method !== 'GET' || DOCUMENTS.includes(pattern)) continue;
    if (access !== 'open' && access !== 'claimed') continue;
    for (const prefix of atRoot ? ['/api', ''] : ['/api']) {
      const { body } = await call(`${gateway.server.url}${prefix}${pattern}`);
      expect(body.includes(`"${version}"`), pattern).toBe(false);
    }
  }
});
