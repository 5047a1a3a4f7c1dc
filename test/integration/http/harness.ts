/** A gateway's web side on a free port, with a bus that tests feed by hand. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Stream } from '#core/stream.ts';
import { Live } from '../../../src/http/live.ts';
import { type HttpOptions, type HttpServer, startHttp } from '../../../src/http/server.ts';
import { loadStatic } from '../../../src/http/static.ts';
import { monotonicClock } from '../../../src/io/clock.ts';
import type { Fields } from '../../../src/io/log.ts';
import { type TestAccounts, testAccounts } from '../../support/accounts.ts';
import { bareGateway } from '../../support/bare-gateway.ts';
import { authorization, logInAs, openSocket } from '../../support/tokens.ts';

export const PAGE = '<!doctype html><script type="importmap">{}</script><title>Vigil</title>';

export interface Gateway extends AsyncDisposable {
  readonly server: HttpServer;
  readonly live: Live;
  /** What was logged as an error. */
  readonly errors: Fields[];
  readonly port: number;
  /** One account of each role; calls of the tests are the admin's. */
  readonly people: TestAccounts;
}

export async function start(
  streams: readonly Stream[],
  overrides: Partial<HttpOptions> = {},
): Promise<Gateway> {
  const directory = await mkdtemp(join(tmpdir(), 'web-'));
  await writeFile(join(directory, 'index.html'), PAGE);
  await writeFile(join(directory, 'large.txt'), 'x'.repeat(1_000_000));
  const clock = monotonicClock();
  const live = new Live({ clock, realTime: clock, streams: () => streams });
  const errors: Fields[] = [];
  const people = await testAccounts();
  const ignore = (): void => {};
  const server = await startHttp({
    ...bareGateway(people),
    host: '127.0.0.1',
    port: 0,
    clock,
    realTime: clock,
    accounts: people.accounts,
    log: { debug: ignore, info: ignore, warn: ignore, error: (fields) => void errors.push(fields) },
    live,
    files: await loadStatic(directory, []),
    hello: { device: 'test', epoch: 1, version: '0.0.0' },
    origins: [],
    streams: () => streams,
    ...overrides,
  });
  logInAs(server.url, await people.token('admin'));
  return {
    server,
    people,
    live,
    errors,
    port: Number(new URL(server.url).port),
    [Symbol.asyncDispose]: async () => {
      await server.close();
      await rm(directory, { recursive: true });
    },
  };
}

/** A client of the telemetry WebSocket that keeps what it gets. */
export class Listener {
  readonly socket: WebSocket;
  readonly messages: { readonly type: string; readonly [key: string]: unknown }[] = [];
  readonly binaries: Uint8Array[] = [];
  closed: { readonly code: number; readonly reason: string } | undefined;

  constructor(gateway: Gateway, path = '/ws/telemetry') {
    this.socket = openSocket(`http://127.0.0.1:${gateway.port}${path}`);
    this.socket.binaryType = 'arraybuffer';
    this.socket.onmessage = ({ data }) => {
      if (typeof data === 'string') this.messages.push(JSON.parse(data));
      else this.binaries.push(new Uint8Array(data));
    };
    this.socket.onclose = ({ code, reason }) => {
      this.closed = { code, reason };
    };
  }

  send(message: unknown): void {
    this.socket.send(JSON.stringify(message));
  }

  has(type: string): boolean {
    return this.messages.some((message) => message.type === type);
  }
}

/** Resolves once `condition` holds; the test's time limit is the only other end. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(2);
}

/** Sends bytes and returns all that came back until the server hung up or was silent for a while. */
export function exchange(port: number, bytes: string | Uint8Array): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    const finish = (): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
    });
    // A server that cuts a nonsense connection may do so with a reset.
    socket.on('error', finish);
    socket.on('close', finish);
    socket.setTimeout(300, finish);
    socket.write(bytes);
  });
}

/** A WebSocket opened by hand, whose owner decides when to read. Resolves after the upgrade. */
export function rawSocket(
  { port }: { readonly port: number },
  headers: Record<string, string> = {},
): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connect(port, '127.0.0.1');
  const fields = {
    Host: `127.0.0.1:${port}`,
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...authorization(`http://127.0.0.1:${port}`),
    ...headers,
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`);
  socket.write(`GET /ws/telemetry HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
  socket.once('data', (chunk) => {
    const status = chunk.toString('latin1').split('\r\n')[0] ?? '';
    if (status.includes(' 101 ')) resolve(socket);
    else reject(new Error(status));
  });
  socket.once('error', reject);
  return promise;
}

/** A masked client frame of RFC 6455 clause 5.2; the mask is zero, so the payload reads as it is. */
export function clientFrame(payload: string | Uint8Array, opcode = 1): Buffer {
  const body = Buffer.from(payload);
  const short = body.length < 126;
  const head = Buffer.alloc(short ? 6 : 8);
  head[0] = 0x80 | opcode;
  head[1] = 0x80 | (short ? body.length : 126);
  if (!short) head.writeUInt16BE(body.length, 2);
  return Buffer.concat([head, body]);
}
