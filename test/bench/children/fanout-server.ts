/**
 * A WebSocket server that sends the same message to all its clients, round after round: the
 * gateway's own live view, npm `ws`, or uWebSockets.js alone. Tells its port; asked to, sends for a
 * while and tells how many rounds that were and what CPU they took.
 */

import { App, us_socket_local_port } from 'uWebSockets.js';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { Bus } from '#core/bus.ts';
import type { Stream } from '#core/stream.ts';
import { Live } from '../../../src/http/live.ts';
import { startHttp } from '../../../src/http/server.ts';
import { loadStatic } from '../../../src/http/static.ts';
import { monotonicClock } from '../../../src/io/clock.ts';
import { noAlerting } from '../../support/no-alerting.ts';
import { noReading } from '../../support/no-reading.ts';
import { orders, tell } from './orders.ts';

/** Values of one message: what a full request of six PIDs brings, twice. */
const VALUES = 12;
const CLIENTS_MAX = 10_000;
const TOPIC = 'samples';
const clock = monotonicClock();

const { side } = v.parse(v.object({ side: v.picklist(['vigil', 'ws', 'uws']) }), orders());
const Go = v.object({
  /** Messages to each client in one round, which is one turn of the event loop. */
  messages: v.number(),
  /** Rounds a second, and for how long. */
  hz: v.number(),
  seconds: v.number(),
});

const STREAM_BASE = { unit: '1', range: [0, 1e9], hz: 10 } as const;
const STREAMS: readonly Stream[] = Array.from({ length: VALUES }, (_, i) => {
  return { ...STREAM_BASE, id: `obd.bench.value${i}`, name: `Value ${i}`, kind: 'sample' };
});

const EVENT: Stream = { ...STREAM_BASE, id: 'bench.event', name: 'Event', kind: 'event' };

interface Server {
  readonly port: number;
  /** Sends so many messages to everybody in one turn. */
  round(n: number, messages: number): void;
}

const server = await { vigil, ws, uws }[side]();
process.on('message', (message) => void run(v.parse(Go, message)));
process.on('SIGTERM', () => process.exit(0));
tell({ port: server.port });

async function run({ messages, hz, seconds }: v.InferOutput<typeof Go>): Promise<void> {
  const before = process.cpuUsage();
  const start = clock.now();
  let rounds = 0;
  for (const total = hz * seconds; rounds < total; rounds++) {
    const due = start + (rounds * 1e6) / hz;
    await clock.sleep(Math.max(0, (due - clock.now()) / 1000));
    server.round(rounds, messages);
  }
  const { user, system } = process.cpuUsage(before);
  tell({ rounds, cpuS: (user + system) / 1e6, userS: user / 1e6 });
}

/** The whole way from the bus: readings in, one message out. */
async function vigil(): Promise<Server> {
  const empty = mkdtempSync(join(tmpdir(), 'vigil-bench-'));
  const files = await loadStatic(empty, []);
  rmdirSync(empty);
  const bus = new Bus(setImmediate);
  const live = new Live({ clock, streams: () => STREAMS });
  bus.attach(live);
  const ignore = (): void => {};
  const http = await startHttp({
    ...{ host: '127.0.0.1', port: 0, clock, live, files, origins: [], clientsMax: CLIENTS_MAX },
    log: { debug: ignore, info: ignore, warn: ignore, error: console.error },
    hello: { device: 'bench', epoch: 1, version: '0' },
    reading: noReading(),
    alerting: noAlerting(),
    streams: () => STREAMS,
    health: () => ({
      ...{ status: 'ok', version: '0', uptimeS: 0, epoch: 1, clockTrust: 'none' },
      ...{ parts: [], consumers: [] },
    }),
  });
  return {
    port: Number(new URL(http.url).port),
    round: (n, messages) => {
      const t = clock.now();
      if (messages === 1) {
        for (const [i, stream] of STREAMS.entries()) {
          bus.emit({ kind: 'sample', stream, t, v: numberOf(n, i) });
        }
        return;
      }
      // The values of one turn share a message, so several need readings that stand alone.
      const data = valuesOf(n);
      for (let i = 0; i < messages; i++) bus.emit({ kind: 'event', stream: EVENT, t, data });
    },
  };
}

/** As its documentation says: the message is made once and sent to each client. */
function ws(): Promise<Server> {
  // No dependency of ours: the test browser's driver brings it along.
  const { wsServer: WebSocketServer } = v.parse(
    v.object({ wsServer: v.custom<WsConstructor>((value) => typeof value === 'function') }),
    createRequire(import.meta.url)('playwright-core/lib/utilsBundle'),
  );
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  return new Promise((resolve) => {
    server.on('listening', () => {
      resolve({
        port: server.address().port,
        round: (n, messages) => {
          for (let i = 0; i < messages; i++) {
            const text = Buffer.from(message(n));
            for (const client of server.clients) client.send(text, { binary: false });
          }
        },
      });
    });
  });
}

interface WsServer {
  readonly clients: Iterable<{ send(data: Uint8Array, options: { binary: boolean }): void }>;
  address(): { readonly port: number };
  on(event: 'listening', listener: () => void): void;
}
type WsConstructor = new (options: { host: string; port: number }) => WsServer;

/** The floor: uWebSockets.js publishes to a topic by itself. */
function uws(): Promise<Server> {
  const app = App().ws('/*', {
    open: (socket) => void socket.subscribe(TOPIC),
  });
  return new Promise((resolve) => {
    app.listen('127.0.0.1', 0, (socket) => {
      if (!socket) throw new Error('no port is free');
      const port = us_socket_local_port(socket);
      resolve({
        port,
        round: (n, messages) => {
          for (let i = 0; i < messages; i++) app.publish(TOPIC, message(n));
        },
      });
    });
  });
}

/** What the gateway would send. */
function message(n: number): string {
  return JSON.stringify({ type: 'samples', t: clock.now(), values: valuesOf(n) });
}

function valuesOf(n: number): Record<string, number> {
  return Object.fromEntries(STREAMS.map(({ id }, i) => [id, numberOf(n, i)]));
}

function numberOf(n: number, i: number): number {
  return ((n * 7919 + i * 104_729) % 100_000) / 10;
}
