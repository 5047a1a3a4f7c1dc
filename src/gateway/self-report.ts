import type { Clock } from '#core/clock.ts';
import type { Emit, Micros, Stream } from '#core/stream.ts';

/** How often the parts are looked at. */
const LOOK_MS = 1_000;
/** What does not change is told again so often, as the streams' nominal rate says. */
const REPEAT_US = 10_000_000;

export interface SelfReportOptions {
  readonly clock: Clock;
  readonly emit: Emit;
  /** Every stream of the gateway's own with its value at this moment. */
  states(): readonly (readonly [stream: Stream, value: number])[];
}

/**
 * Puts the gateway's own state on the bus as streams, so that rules, recordings and clients see it as
 * they see the car.
 */
export class SelfReport {
  readonly #options: SelfReportOptions;
  /** By id. */
  readonly #told = new Map<string, { readonly v: number; readonly t: Micros }>();

  constructor(options: SelfReportOptions) {
    this.#options = options;
  }

  /** Tells what is new or due. */
  look(): void {
    const { clock, emit, states } = this.#options;
    const t = clock.now();
    for (const [stream, v] of states()) {
      const last = this.#told.get(stream.id);
      if (last?.v === v && t - last.t < REPEAT_US) continue;
      this.#told.set(stream.id, { v, t });
      emit({ kind: 'sample', stream, t, v });
    }
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      this.look();
      await clock.sleep(LOOK_MS, signal).catch(() => {}); // The stop ends it.
    }
  }
}
