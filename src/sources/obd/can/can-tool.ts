import type { Clock } from '#core/clock.ts';
import { LinkError } from '#core/errors.ts';
import type { Json } from '#core/stream.ts';
import type { CanBus, OpenCanBus } from '../../../io/can/bus.ts';
import type { Connection, ScanTool, VehicleLink } from '../scan-tool.ts';
import { type AnswerTime, CanLink } from './can-link.ts';
import { NO_MESSAGES } from './ecu-lines.ts';
import type { Guard } from './guard.ts';

export interface CanToolOptions {
  /** What to call the bus in messages: `can0`. */
  readonly device: string;
  /** Opens the bus with `guard.permit` as what decides on frames that go out. */
  readonly open: OpenCanBus;
  readonly guard: Guard;
}

/** A CAN bus on which the gateway is the test equipment. */
export class CanTool implements ScanTool {
  readonly guard: Guard;
  readonly counters = { unasked: 0, strangers: 0, unsent: 0 };
  /** Of the connections before this one. */
  messages = NO_MESSAGES;
  bus: CanBus | undefined;
  link: CanLink | undefined;
  readonly #options: CanToolOptions;
  #opening = false;

  constructor(options: CanToolOptions) {
    this.guard = options.guard;
    this.#options = options;
  }

  get name(): string {
    return this.#options.device;
  }

  note(): string | undefined {
    return this.#opening ? `opening ${this.name}` : undefined;
  }

  health(): { readonly [key: string]: Json } {
    const { state, bitRate, listenOnly } = this.bus?.health() ?? {};
    return {
      bus: this.bus?.name ?? null,
      busState: state ?? null,
      bitRate: bitRate ?? null,
      listenOnly: listenOnly ?? null,
      idBits: this.#idBits(),
      answerMs: this.#answerTimes('lastMs'),
      answerMaxMs: this.#answerTimes('maxMs'),
      isoTp: { ...(this.link?.messages ?? this.messages) },
      guard: this.guard.health(),
      ...this.counters,
    };
  }

  async open(clock: Clock, signal: AbortSignal): Promise<Connection> {
    this.#opening = true;
    try {
      const bus = await this.#options.open({ clock, signal });
      this.bus = bus;
      return new CanConnection(this, bus, { clock, signal });
    } finally {
      this.#opening = false;
    }
  }

  /** By the ECU. */
  #answerTimes(which: keyof AnswerTime): Json {
    const times = [...(this.link?.answerTimes ?? [])];
    return Object.fromEntries(times.map(([ecu, time]) => [ecu, time[which]]));
  }

  #idBits(): Json {
    if (this.link?.bus === undefined) return null;
    return this.link.bus === 'can11' ? 11 : 29;
  }
}

interface Context {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

class CanConnection implements Connection {
  readonly #tool: CanTool;
  readonly #bus: CanBus;
  readonly #context: Context;

  constructor(tool: CanTool, bus: CanBus, context: Context) {
    this.#tool = tool;
    this.#bus = bus;
    this.#context = context;
  }

  /** A bus has no settings to lose, so that there is one link for each connection. */
  async serve(drive: (link: VehicleLink) => Promise<never>): Promise<never> {
    const { guard, counters, messages } = this.#tool;
    const bus = this.#bus;
    const link = new CanLink({ bus, guard, counters, messages, ...this.#context });
    this.#tool.link = link;
    const unlisten = bus.listen((frame, t) => link.hear(frame, t));
    // A link that is lost rejects the request that is pending; a bug of the bus must surface too.
    const bug = bus.lost.catch((error: unknown) => {
      if (!(error instanceof LinkError)) throw error;
      link.fail(error);
      return new Promise<never>(() => {});
    });
    try {
      return await Promise.race([drive(link), bug]);
    } finally {
      unlisten();
      this.#tool.messages = link.messages;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#tool.link = undefined;
    this.#tool.bus = undefined;
    await this.#bus[Symbol.asyncDispose]();
  }
}
