/**
 * A WebSocket server that sends the same message to all its clients, round after round: the
 * gateway's own live view, npm `ws`, uWebSockets.js alone, or the stack of the product that this one
 * takes the place of. Tells its port; asked to, sends for a while and tells how many rounds that were
 * and what CPU they took.
 */

import { App, us_socket_local_port } from 'uWebSockets.js';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { WebSocketServer } from 'ws';
import { Bus } from '#core/bus.ts';
import type { Stream } from '#core/stream.ts';
import { Live } from '../../../src/http/live.ts';
import { startHttp } from '../../../src/http/server.ts';
import { loadStatic } from '../../../src/http/static.ts';
import { monotonicClock } from '../../../src/io/clock.ts';
import { testAccounts } from '../../support/accounts.ts';
import { bareGateway } from '../../support/bare-gateway.ts';
import { orders, tell } from './orders.ts';
import { type SeedStack, startSeedStack } from './seed-stack.ts';

/** Values of one message: what a full request of six PIDs brings, twice. */
const VALUES = 12;
const CLIENTS_MAX = 10_000;
/** A crowd that comes at once. */
const AT_ONCE = { perS: CLIENTS_MAX, burst: CLIENTS_MAX };
const LIMITS = { clientsMax: CLIENTS_MAX, strangersMax: CLIENTS_MAX, handshakes: AT_ONCE };
const TOPIC = 'samples';
const clock = monotonicClock();

const { side } = v.parse(
  v.object({ side: v.picklist(['vigil', 'ws', 'uws', 'fastapi']) }),
  orders(),
);
const Go = v.object({
  /** Messages to each client in one round, which is one turn of the event loop. */
  messages: v.number(),
  /** Rounds a second, and for how long. */
  hz: v.number(),
  seconds: v.number(),
  /** The gateway sends text of this length in place of the values, each in a message of its own. */
  textBytes: v.optional(v.number()),
});
type Go = v.InferOutput<typeof Go>;

const STREAM_BASE = { unit: '1', range: [0, 1e9], hz: 10 } as const;
const STREAMS: readonly Stream[] = Array.from({ length: VALUES }, (_, i) => {
  return { ...STREAM_BASE, id: `obd.bench.value${i}`, name: `Value ${i}`, kind: 'sample' };
});

const EVENT: Stream = { ...STREAM_BASE, id: 'bench.event', name: 'Event', kind: 'event' };

interface Server {
  readonly port: number;
  /** Without which nobody may listen; empty where anybody may. */
  readonly token?: string;
  /** Sends so many messages to everybody in one turn. */
  round(n: number, go: Go): void;
  /** Clients that were too slow to keep, where that is counted. */
  readonly cut?: () => number;
  /** In place of `round`, where somebody else sends and counts what CPU that takes. */
  readonly run?: SeedStack['run'];
}

const server = await { vigil, ws, uws, fastapi }[side]();
process.on('message', (message) => void run(v.parse(Go, message)));
process.on('SIGTERM', () => process.exit(0));
tell({ port: server.port, token: server.token ?? '' });

async function run(go: Go): Promise<void> {
  const { messages, hz, seconds } = go;
  if (server.run) {
    const values = STREAMS.map(({ id }) => id);
    tell(await server.run({ messages, hz, seconds, values }));
    return;
  }
  const before = process.cpuUsage();
  const start = clock.now();
  let rounds = 0;
  for (const total = hz * seconds; rounds < total; rounds++) {
    const due = start + (rounds * 1e6) / hz;
    await clock.sleep(Math.max(0, (due - clock.now()) / 1000));
    server.round(rounds, go);
  }
  const { user, system } = process.cpuUsage(before);
  const { maxRSS } = process.resourceUsage();
  tell({ rounds, cpuS: (user + system) / 1e6, maxRssKb: maxRSS, cut: server.cut?.() ?? 0 });
}

/** The whole way from the bus: readings in, one message out. */
async function vigil(): Promise<Server> {
  const empty = mkdtempSync(join(tmpdir(), 'vigil-bench-'));
  const files = await loadStatic(empty, []);
  rmdirSync(empty);
  const bus = new Bus(setImmediate);
  const live = new Live({ clock, realTime: clock, streams: () => STREAMS });
  bus.attach(live);
  const ignore = (): void => {};
  const people = await testAccounts();
  const http = await startHttp({
    ...bareGateway(people),
    ...{ accounts: people.accounts, realTime: clock },
    ...{ host: '127.0.0.1', port: 0, clock, live, files, origins: [], limits: LIMITS },
    log: { debug: ignore, info: ignore, warn: ignore, error: console.error },
    hello: { device: 'bench', epoch: 1, version: '0' },
    streams: () => STREAMS,
  });
  return {
    port: Number(new URL(http.url).port),
    token: await people.token('viewer'),
    cut: () => live.stats.cutSlow,
    round: (n, { messages, textBytes }) => {
      const t = clock.now();
      if (messages === 1 && textBytes === undefined) {
        for (const [i, stream] of STREAMS.entries()) {
          bus.emit({ kind: 'sample', stream, t, v: numberOf(n, i) });
        }
        return;
      }
      // The values of one turn share a message, so several need readings that stand alone.
      const data = textBytes === undefined ? valuesOf(n) : { text: 'x'.repeat(textBytes) };
      for (let i = 0; i < messages; i++) bus.emit({ kind: 'event', stream: EVENT, t, data });
    },
  };
}

/** As its documentation says: the message is made once and sent to each client. */
function ws(): Promise<Server> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  return new Promise((resolve) => {
    server.on('listening', () => {
      resolve({
        port: portOf(server.address()),
        round: (n, { messages }) => {
          for (let i = 0; i < messages; i++) {
            const text = Buffer.from(message(n));
            for (const client of server.clients) client.send(text, { binary: false });
          }
        },
      });
    });
  });
}

function portOf(address: ReturnType<WebSocketServer['address']>): number {
  if (typeof address === 'string' || address === null) throw new Error('it listens on no port');
  return address.port;
}

/** Makes and sends the messages by itself. */
async function fastapi(): Promise<Server> {
  const { port, run } = await startSeedStack();
  return { port, run, round: () => {} };
}

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
        round: (n, { messages }) => {
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
