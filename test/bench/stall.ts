/**
 * What a client that has stopped reading costs the others: deliveries to 19 healthy clients beside
 * it, against those to 19 of 20 healthy ones. It stops behind the upgrade, as a phone that is carried
 * away: what it is sent fills the buffers of the kernel, then those of the server, until the server cuts
 * it, in the middle of a round. The messages are events, of which none may be dropped.
 */
import { setTimeout as delay } from 'node:timers/promises';
import * as v from 'valibot';
import type { Child } from '../support/child.ts';
import { type Bench, type Figure, interleave, Side } from './bench.ts';
import { startChild } from './process.ts';
import { median, significant } from './stats.ts';

const CLIENTS = 20;
const HEALTHY = CLIENTS - 1;
const HZ = 50;
/** Of each message: in a few seconds it is more than the kernel keeps for one connection. */
const TEXT_BYTES = 16_000;
const SECONDS = 10;
const ROUNDS = 4;
/** For the last messages to arrive. */
const ARRIVE_MS = 300;
/** For what a client is told when it subscribes. */
const GREET_MS = 500;

const Ready = v.object({ port: v.number(), token: v.string() });
const Sent = v.object({ cpuS: v.number(), maxRssKb: v.number(), cut: v.number() });
type Sent = v.InferOutput<typeof Sent>;
const Counted = v.object({ messages: v.number(), closed: v.number() });

export const stall: Bench = {
  name: 'stall',
  async *run() {
    await using halls = new AsyncDisposableStack();
    const stalled = halls.use(await Hall.open(1));
    const healthy = halls.use(await Hall.open(0));
    const sides = [stalled, healthy].map((hall) => new Side(() => hall.deliveriesHz()));
    await interleave(ROUNDS, sides);
    const [value = Number.NaN, other = Number.NaN] = sides.map((side) => side.median);
    const [cpuS = Number.NaN, otherCpuS = Number.NaN] = [stalled, healthy].map((hall) =>
      median(hall.cpuS.slice(1)),
    );
    yield {
      ...against(`to ${HEALTHY} clients beside a frozen one`, value, other),
      ...{ unit: 'deliveries/s', goal: '>= 0.99x' },
    };
    yield { ...against('CPU of the server', cpuS / SECONDS, otherCpuS / SECONDS), unit: 'cores' };
    const grown = against('growth of its RSS at most', stalled.grownMb, healthy.grownMb);
    yield { ...grown, unit: 'MB' };
    const frozen = ROUNDS + 1;
    yield { metric: 'frozen clients cut', value: stalled.cut, unit: `of ${frozen}`, n: frozen };
  },
};

function against(metric: string, value: number, other: number): Omit<Figure, 'unit'> {
  const peer = { name: 'none frozen', value: significant(other) };
  return { metric, value: significant(value), peer, n: ROUNDS };
}

/** What a crowd connects to, and how many of it freeze. */
interface Door {
  readonly host: string;
  readonly token: string;
  readonly frozen: number;
}

/** A server, and clients that come anew for every round. */
class Hall implements AsyncDisposable {
  /** Of the server, one a round. */
  readonly cpuS: number[] = [];
  readonly #server: Child;
  readonly #door: Door;
  readonly #before: Sent;
  #last: Sent;

  private constructor(server: Child, door: Door, before: Sent) {
    this.#server = server;
    this.#door = door;
    this.#before = before;
    this.#last = before;
  }

  /** @param frozen of the clients of each round */
  static async open(frozen: number): Promise<Hall> {
    const { child: server, hello } = await startChild('fanout-server.ts', { side: 'vigil' });
    const { port, token } = v.parse(Ready, hello);
    const door = { host: `127.0.0.1:${port}`, token, frozen };
    return new Hall(server, door, await send(server, 0));
  }

  /** From nobody to the most that there was. */
  get grownMb(): number {
    return ((this.#last.maxRssKb - this.#before.maxRssKb) * 1024) / 1e6;
  }

  /** Clients that the server has cut. */
  get cut(): number {
    return this.#last.cut;
  }

  /**
   * A round: deliveries a second to HEALTHY of the clients that read. Its ticks are among them, one a
   * second to each on either side.
   */
  async deliveriesHz(): Promise<number> {
    const subscribe = JSON.stringify({ type: 'subscribe', streams: ['*'], maxHz: 1000 });
    const clients = { path: '/ws/telemetry', clients: CLIENTS, subscribe, ...this.#door };
    await using crowd = (await startChild('listeners.ts', clients)).child;
    await delay(GREET_MS);
    const before = await countOf(crowd);
    this.#last = await send(this.#server, SECONDS);
    this.cpuS.push(this.#last.cpuS);
    await delay(ARRIVE_MS);
    const each = ((await countOf(crowd)) - before) / (CLIENTS - this.#door.frozen);
    return (each * HEALTHY) / SECONDS;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}

async function send(server: Child, seconds: number): Promise<Sent> {
  const go = { messages: 1, hz: HZ, seconds, textBytes: TEXT_BYTES };
  return v.parse(Sent, await server.ask(go));
}

/** Messages to the clients that read. */
async function countOf(crowd: Child): Promise<number> {
  const { messages, closed } = v.parse(Counted, await crowd.ask({ count: true }));
  if (closed > 0) throw new Error(`${closed} healthy clients were cut`);
  return messages;
}
