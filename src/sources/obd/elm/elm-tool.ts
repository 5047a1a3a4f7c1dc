import type { Clock } from '#core/clock.ts';
import { LinkError } from '#core/errors.ts';
import type { Json } from '#core/stream.ts';
import type { OpenPort, Port } from '../../../io/port.ts';
import type { Connection, ScanTool, VehicleLink } from '../scan-tool.ts';
import { Adapter, AdapterRestarted } from './adapter.ts';
import { Elm327, newDialogueCounters } from './elm327.ts';
import { Timing } from './timing.ts';

/** Baud rates of ELM327 and STN adapters, the commonest first (DSJ p. 9; STN over USB: 115200). */
export const BAUD_RATES: readonly number[] = [38_400, 115_200, 9_600, 230_400, 500_000, 57_600];
/** Restarts of the adapter in a row, without a value between them, before the link is given up. */
const RESTARTS_MAX = 5;

export interface ElmToolOptions {
  /** What to call the adapter's port in messages: `/dev/ttyUSB0`. */
  readonly device: string;
  readonly open: OpenPort;
  /** Baud rates to try, in order; empty where the link has none or its URL names one. */
  readonly bauds: readonly number[];
}

/** An ELM327 or STN adapter at a port. */
export class ElmTool implements ScanTool {
  readonly timing = new Timing();
  readonly counters = { restarts: 0, badLines: 0, incomplete: 0 };
  /** The adapter of the connection that there is. */
  adapter: Adapter | undefined;
  readonly #options: ElmToolOptions;
  readonly #dialogue = newDialogueCounters();
  /** What worked last is tried first. */
  #baud: number | undefined;
  /** The baud rate that is being tried, while no adapter has answered. */
  #looking: string | undefined;

  constructor(options: ElmToolOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.device;
  }

  note(): string | undefined {
    return this.#looking;
  }

  health(): { readonly [key: string]: Json } {
    const { banner, features } = this.adapter ?? {};
    return {
      baud: this.#baud ?? null,
      adapter: banner ?? null,
      stn: features?.stn ?? null,
      adaptiveTiming: features?.adaptiveTiming ?? null,
      spacesOff: features?.spacesOff ?? null,
      longMessages: features?.longMessages ?? null,
      timing: this.timing.health(),
      ...this.counters,
      ...this.#dialogue,
    };
  }

  async open(clock: Clock, signal: AbortSignal): Promise<Connection> {
    try {
      return await this.#search(clock, signal);
    } finally {
      this.#looking = undefined;
    }
  }

  /** Opens the port at the first baud rate at which something answers. */
  async #search(clock: Clock, signal: AbortSignal): Promise<Connection> {
    const { bauds, open, device } = this.#options;
    const last = this.#baud === undefined ? [] : [this.#baud];
    const tries = bauds.length === 0 ? [undefined] : [...new Set([...last, ...bauds])];
    let heard = 0;
    for (const baud of tries) {
      this.#looking = `looking for an adapter${baud === undefined ? '' : ` at ${baud} baud`}`;
      const port = await open(signal, baud === undefined ? {} : { baud });
      const elm = new Elm327(port, clock, this.#dialogue);
      const listening = elm.listen();
      let awake = false;
      try {
        awake = await elm.wake(signal);
      } finally {
        if (!awake) await port[Symbol.asyncDispose]();
      }
      heard += elm.received;
      if (!awake) continue;
      this.#baud = baud;
      return new ElmConnection(this, { port, elm, listening, signal });
    }
    const rates = bauds.length > 1 ? ` at ${bauds.join(', ')} baud` : '';
    const noise = heard === 0 ? '' : `, but ${heard} bytes came that are no ELM327's`;
    throw new LinkError('NO_ANSWER', `${device}: no adapter answers${rates}${noise}`);
  }
}

/** A port at whose other end an adapter answers. */
interface Line {
  readonly port: Port;
  readonly elm: Elm327;
  readonly listening: Promise<void>;
  readonly signal: AbortSignal;
}

class ElmConnection implements Connection {
  readonly #tool: ElmTool;
  readonly #line: Line;

  constructor(tool: ElmTool, line: Line) {
    this.#tool = tool;
    this.#line = line;
  }

  async serve(drive: (link: VehicleLink) => Promise<never>, values: () => number): Promise<never> {
    // A link that ends rejects the pending request; a bug in the listener must surface too.
    const bug = this.#line.listening.then(() => new Promise<never>(() => {}));
    return await Promise.race([this.#overRestarts(drive, values), bug]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#tool.adapter = undefined;
    await this.#line.port[Symbol.asyncDispose]();
  }

  /** Begins with a new adapter whenever the one that there is restarts by itself. */
  async #overRestarts(
    drive: (link: VehicleLink) => Promise<never>,
    values: () => number,
  ): Promise<never> {
    const { timing, counters, name } = this.#tool;
    const { elm, signal } = this.#line;
    for (let restarts = 0; restarts <= RESTARTS_MAX; restarts++) {
      const before = values();
      const adapter = new Adapter(elm, signal, timing, counters);
      this.#tool.adapter = adapter;
      try {
        await drive(adapter);
      } catch (error) {
        if (!(error instanceof AdapterRestarted)) throw error;
        counters.restarts++;
        if (values() > before) restarts = 0;
      }
    }
    throw new LinkError('BAD_ANSWER', `${name}: the adapter keeps restarting; is its supply weak?`);
  }
}
