import type { Clock } from '#core/clock.ts';
import { segment } from './elm-can.ts';

/**
 * How a simulated control unit sends one message by ISO 15765-2, on classical CAN with normal
 * addressing. It is written down a second time, apart from sources/obd/isotp, on purpose: so that the
 * two can be tested against each other.
 */

/** N_Bs of ISO 15765-2: without flow control for so long the message is given up. */
const FLOW_MS = 1_000;
const WAIT = 1;
const LONGEST_MS = 127;

export interface UnitSenderOptions {
  readonly clock: Clock;
  /** What short frames are filled with. */
  readonly fill: number;
  readonly put: (data: Uint8Array) => Promise<void>;
}

interface Flow {
  readonly status: number;
  readonly blockSize: number;
  readonly separationMs: number;
}

/** One control unit's transmitter. It sends one message at a time. */
export class UnitSender {
  readonly #options: UnitSenderOptions;
  #heard: ((flow: Flow) => void) | undefined;

  constructor(options: UnitSenderOptions) {
    this.#options = options;
  }

  /** Takes flow control that was sent to this unit. Nobody listens to it while none is waited for. */
  flow([control = 0, blockSize = 0, stMin = 0]: Uint8Array): void {
    this.#heard?.({ status: control & 0x0f, blockSize, separationMs: separation(stMin) });
  }

  /**
   * Sends a message; a tester that does not ask for the rest gets no more than its first frame.
   * Rejects as `put` does, or with the signal's reason.
   */
  async send(pdu: readonly number[], signal: AbortSignal): Promise<void> {
    const frames = segment(pdu, this.#options.fill).map((bytes) => Uint8Array.from(bytes));
    let flow = await this.#putBlock(frames.splice(0, 1), signal, frames.length > 0);
    while (frames.length > 0 && flow !== undefined && flow.status <= WAIT) {
      const count = flow.status === WAIT ? 0 : flow.blockSize || frames.length;
      const block = frames.splice(0, count);
      flow = await this.#putBlock(block, signal, frames.length > 0, flow.separationMs);
    }
  }

  /** Sends frames and returns what the tester says to them, if it is to say anything. */
  async #putBlock(
    block: readonly Uint8Array[],
    signal: AbortSignal,
    goesOn: boolean,
    separationMs = 0,
  ): Promise<Flow | undefined> {
    const { clock, put } = this.#options;
    const last = block.at(-1);
    for (const frame of block.slice(0, -1)) {
      signal.throwIfAborted();
      await put(frame);
      if (separationMs > 0) await clock.sleep(separationMs, signal);
    }
    signal.throwIfAborted();
    // The tester may answer the last frame before this side knows that it is out.
    const flow = goesOn ? this.#nextFlow(signal) : undefined;
    if (last) await put(last);
    return flow;
  }

  /** The next flow control; undefined when none comes in time. */
  async #nextFlow(signal: AbortSignal): Promise<Flow | undefined> {
    const { clock } = this.#options;
    const { promise, resolve } = Promise.withResolvers<Flow | undefined>();
    const heard = new AbortController();
    this.#heard = resolve;
    clock.sleep(FLOW_MS, AbortSignal.any([signal, heard.signal])).then(
      () => resolve(undefined),
      () => resolve(undefined), // Heard, or the message is given up: either way it is over.
    );
    const flow = await promise;
    heard.abort();
    if (this.#heard === resolve) this.#heard = undefined;
    return flow;
  }
}

/** Codes 00 to 7F are milliseconds, F1 to F9 hundreds of microseconds, all others the longest time. */
function separation(stMin: number): number {
  if (stMin > 0xf0 && stMin < 0xfa) return (stMin - 0xf0) / 10;
  return Math.min(stMin, LONGEST_MS);
}
