import type { Remote } from '#core/account.ts';
import type { Micros } from '#core/stream.ts';
import type { CutCode } from './cut.ts';
import type { Guest, MqttRefusal } from './doorman.ts';
import type { Guard } from './guard.ts';
import { TAKING_BYTES_MAX } from './limits.ts';

/** What a message takes besides its payload, roughly. */
const MESSAGE_BYTES = 512;

/** Where a connection comes from. */
export interface Origin {
  readonly remote: Remote;
  /** Common name of a client certificate that our authority has signed. */
  readonly certificate: string | undefined;
}

/** One connection of one client, from its first byte to its last. */
export class Visit {
  readonly guard: Guard;
  readonly origin: Origin;
  readonly arrivedAt: Micros;
  /** What it has subscribed to. */
  readonly filters = new Set<string>();
  /** Its CONNECT is there. */
  hasSpoken = false;
  /** Let in. */
  guest: Guest | undefined;
  refusal: MqttRefusal | undefined;
  /** Why the gateway has closed it. */
  cutBy: CutCode | undefined;
  /** Number of the message that it was given last. */
  lastCounter = 0;
  stopWatching: () => void = () => {};
  /** Settles when all is taken in that it has published so far. */
  #turn: Promise<void> = Promise.resolve();
  #takingBytes = 0;

  constructor(guard: Guard, origin: Origin, arrivedAt: Micros) {
    this.guard = guard;
    this.origin = origin;
    this.arrivedAt = arrivedAt;
  }

  /**
   * Takes one message in, at its turn: it has settled when all before it have. aedes goes on reading while
   * messages wait (each that arrives lets it read once more), so that is held back here.
   */
  async take(payloadBytes: number, taken: Promise<void>): Promise<void> {
    const bytes = payloadBytes + MESSAGE_BYTES;
    const before = this.#turn;
    this.#turn = Promise.allSettled([before, taken]).then(() => {
      this.#takingBytes -= bytes;
      if (this.#takingBytes <= TAKING_BYTES_MAX) this.guard.release();
    });
    this.#takingBytes += bytes;
    if (this.#takingBytes > TAKING_BYTES_MAX) this.guard.hold();
    await before;
    await taken;
  }

  /** For the log. */
  get name(): string {
    return this.guest?.name ?? this.origin.remote.address;
  }
}
