/**
 * Slcan adapters on TCP, one for each bus, in a process of their own. They speak as the firmware of CANable
 * does, bring the frames of can-load.ts in real time or as fast as they are taken, and tell how many it were.
 */
import { createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import * as v from 'valibot';
import { frameLine } from '../../../src/io/can/slcan-lines.ts';
import { busFrames, FRAMES_PER_S } from '../can-load.ts';
import { orders, tell } from './orders.ts';

/** Pause between two writes: an adapter on USB has something to say nearly as often. */
const WRITE_EVERY_MS = 2;
/** Before the frames repeat themselves. */
const PERIOD_S = 30;
/** Of a flood, at once: the rest waits for the gateway to take it. */
const FLOOD_FRAMES = 500;

const { buses } = v.parse(v.object({ buses: v.number() }), orders());

class Adapter {
  sent = 0;
  isOpen = false;
  readonly #lines: readonly string[];
  #socket: Socket | undefined;

  constructor(seed: number) {
    this.#lines = busFrames(PERIOD_S, seed).map(({ frame }) => `${frameLine(frame)}\r`);
  }

  async listen(): Promise<number> {
    const server = createServer({ noDelay: true }, (socket) => {
      this.#socket = socket;
      socket.setEncoding('latin1');
      socket.on('error', () => {}); // The gateway has ended.
      socket.on('data', (text) => this.#hear(String(text)));
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no address');
    return address.port;
  }

  /** Writes so many frames; resolves when there is room for more. */
  async write(frames: number): Promise<void> {
    if (frames <= 0 || this.#socket === undefined) return;
    const from = this.sent % this.#lines.length;
    const lines = this.#lines.slice(from, from + frames);
    this.sent += lines.length;
    const drained = new Promise<void>((resolve) => {
      this.#socket?.write(lines.join(''), 'latin1', () => resolve());
    });
    await drained;
  }

  #hear(text: string): void {
    for (const command of text.split('\r')) {
      if (command === 'V') this.#socket?.write('bench canable\r');
      if (command === 'O') this.isOpen = true;
    }
  }
}

const adapters = Array.from({ length: buses }, (_, i) => new Adapter(i + 1));
let running = 0;
const ports = await Promise.all(adapters.map((adapter) => adapter.listen()));

const Orders = v.variant('what', [
  v.object({ what: v.literal('start') }),
  v.object({ what: v.literal('stop') }),
  v.object({ what: v.literal('flood'), frames: v.number() }),
]);
process.on('message', (message) => void obey(v.parse(Orders, message)));
tell({ ports });

async function obey(order: v.InferOutput<typeof Orders>): Promise<void> {
  running++;
  if (order.what === 'flood') await Promise.all(adapters.map((one) => flood(one, order.frames)));
  if (order.what === 'start') for (const one of adapters) void drive(one, running);
  tell({ sent: adapters.reduce((sum, one) => sum + one.sent, 0) });
}

/** In real time, until another order comes. */
async function drive(adapter: Adapter, order: number): Promise<void> {
  while (!adapter.isOpen) await delay(10);
  const start = performance.now();
  const before = adapter.sent;
  while (running === order) {
    const due = Math.floor(((performance.now() - start) / 1000) * FRAMES_PER_S);
    await adapter.write(due - (adapter.sent - before));
    await delay(WRITE_EVERY_MS);
  }
}

async function flood(adapter: Adapter, frames: number): Promise<void> {
  const end = adapter.sent + frames;
  while (adapter.sent < end) await adapter.write(Math.min(FLOOD_FRAMES, end - adapter.sent));
}
