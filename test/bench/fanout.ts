/**
 * WebSocket deliveries a second of the server's CPU, from readings to messages at the clients,
 * against npm `ws`, the stack of the product that this one takes the place of (FastAPI, uvicorn and
 * websockets, where Debian's are installed), and uWebSockets.js publishing by itself (the floor: it does
 * less). Every
 * round sends one message to all clients; the clients, in a process of their own, count what came.
 */
import { setTimeout as delay } from 'node:timers/promises';
import * as v from 'valibot';
import type { Child } from '../support/child.ts';
import { type Bench, type Figure, growth, interleave, Side } from './bench.ts';
import { hasSeedStack } from './children/seed-stack.ts';
import { startChild } from './process.ts';

/** How many clients, and messages to each of them in one turn of the event loop. */
const LOADS = [
  { clients: 100, messages: 1 },
  { clients: 1_000, messages: 1 },
  { clients: 100, messages: 4 },
] as const;
type Name = 'vigil' | 'ws' | 'uws' | 'fastapi';
/** Deliveries a second that are asked for: what the slowest side can do on a slow core. */
const DELIVERIES_HZ = 20_000;
const SECONDS = 2;
const ROUNDS = 4;
/** For the last messages to arrive. */
const ARRIVE_MS = 300;
/** For what a client is told when it subscribes. */
const GREET_MS = 500;
/** Of what should arrive: the gateway also sends a tick every second, and may merge two rounds. */
const LOSS_MAX = 0.02;

const Ready = v.object({ port: v.number(), token: v.string() });
const Sent = v.object({ rounds: v.number(), cpuS: v.number() });
const Counted = v.object({ messages: v.number(), closed: v.number() });

interface Load {
  readonly clients: number;
  readonly messages: number;
}

export const fanout: Bench = {
  name: 'fanout',
  async *run({ scales }) {
    for (const load of LOADS) {
      const { vigil, ws, uws, fastapi } = await compare(load);
      yield figure(load, vigil, { name: 'npm ws', side: ws, goal: '>= 4x' });
      if (fastapi) yield figure(load, vigil, { name: 'FastAPI', side: fastapi, goal: '>= 8x' });
      yield figure(load, vigil, { name: 'bare uWebSockets.js', side: uws, goal: '' });
    }
    if (scales.length < 2) return;
    const sides = new Map<number, Side>();
    for (const scale of scales) {
      sides.set(scale, (await compare({ clients: 100 * scale, messages: 1 })).vigil);
    }
    yield* growth('us/delivery', sides, (perCpuS) => 1e6 / perCpuS);
  },
};

function figure(
  { clients, messages }: Load,
  vigil: Side,
  { name, side, goal }: { name: string; side: Side; goal: string },
): Figure {
  const turn = messages === 1 ? '' : `, ${messages} messages a turn`;
  return {
    metric: `clients ${clients}${turn}`,
    value: Math.round(vigil.median),
    unit: 'deliveries/CPU s',
    peer: { name, value: Math.round(side.median) },
    n: side.results.length,
    goal,
  };
}

type Sides = Readonly<Record<Exclude<Name, 'fastapi'>, Side> & { readonly fastapi?: Side }>;

async function compare(load: Load): Promise<Sides> {
  await using halls = new AsyncDisposableStack();
  const open = async (name: Name): Promise<Side> => {
    const hall = halls.use(await Hall.open(name, load));
    return new Side(() => hall.deliveriesPerCpuS());
  };
  const sides = { vigil: await open('vigil'), ws: await open('ws'), uws: await open('uws') };
  const all = hasSeedStack() ? { ...sides, fastapi: await open('fastapi') } : sides;
  await interleave(ROUNDS, Object.values(all));
  return all;
}

/** A server and its clients. */
class Hall implements AsyncDisposable {
  readonly #server: Child;
  readonly #crowd: Child;
  readonly #load: Load;

  private constructor(server: Child, crowd: Child, load: Load) {
    this.#server = server;
    this.#crowd = crowd;
    this.#load = load;
  }

  static async open(side: Name, load: Load): Promise<Hall> {
    const { child: server, hello } = await startChild('fanout-server.ts', { side });
    const { port, token } = v.parse(Ready, hello);
    const subscribe = { type: 'subscribe', streams: ['*'], maxHz: 1000 };
    const { child: crowd } = await startChild('listeners.ts', {
      ...{ host: `127.0.0.1:${port}`, path: '/ws/telemetry', clients: load.clients, token },
      subscribe: side === 'vigil' ? JSON.stringify(subscribe) : '',
    });
    await delay(GREET_MS);
    return new Hall(server, crowd, load);
  }

  async deliveriesPerCpuS(): Promise<number> {
    const { clients, messages } = this.#load;
    const before = await this.#counted();
    const go = { messages, hz: DELIVERIES_HZ / (clients * messages), seconds: SECONDS };
    const { rounds, cpuS } = v.parse(Sent, await this.#server.ask(go));
    await delay(ARRIVE_MS);
    const delivered = (await this.#counted()) - before;
    const due = rounds * clients * messages;
    if (delivered < due * (1 - LOSS_MAX)) throw new Error(`${delivered} of ${due} arrived`);
    return Math.min(delivered, due) / cpuS; // Ticks are no deliveries.
  }

  async #counted(): Promise<number> {
    const { messages, closed } = v.parse(Counted, await this.#crowd.ask({ count: true }));
    if (closed > 0) throw new Error(`${closed} clients were cut`);
    return messages;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#crowd[Symbol.asyncDispose]();
    await this.#server[Symbol.asyncDispose]();
  }
}
