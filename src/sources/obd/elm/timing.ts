import type { Json, Micros } from '#core/stream.ts';

/** Weight of a new measurement in the mean. */
const GAIN = 1 / 16;
/** Requests before the slowest answer is believed to be the slowest. */
const REQUESTS_MIN = 50;
/** `ATST` counts in 4 ms (ELM327 data sheet DSJ, p. 27); 32h is its default, 200 ms. */
const WAIT_UNIT_MS = 4;
const WAIT_UNITS_MAX = 0x32;

/** P2CAN: an ECU may take this long (ISO 15765-4, table 5), however fast the others are. */
const P2_MS = 50;

/** When a command was sent, and the last character and the prompt of its answer came. */
export interface Times {
  readonly sent: Micros;
  readonly last: Micros;
  readonly prompt: Micros;
}

interface Track {
  n: number;
  meanMs: number;
  maxMs: number;
}

/** How long adapter and car take: shown to people, and what the adapter's own wait is set by. */
export class Timing {
  /** A command that the adapter answers itself: the link and nothing else. */
  readonly #command: Track = { n: 0, meanMs: 0, maxMs: 0 };
  /** From a request to the end of what ECUs answered: link, adapter and the slowest ECU. */
  readonly #ecu: Track = { n: 0, meanMs: 0, maxMs: 0 };
  /** From a request to its prompt. */
  readonly #request: Track = { n: 0, meanMs: 0, maxMs: 0 };

  command(times: Times): void {
    note(this.#command, times.prompt - times.sent);
  }

  request(times: Times): void {
    note(this.#ecu, times.last - times.sent);
    note(this.#request, times.prompt - times.sent);
  }

  /**
   * Twice the slowest answer, and never less than what an ECU may take, in units of `ATST`; undefined
   * until enough were measured.
   */
  waitUnits(): number | undefined {
    if (this.#ecu.n < REQUESTS_MIN) return undefined;
    const waitMs = Math.max(2 * this.#ecu.maxMs, P2_MS + this.#command.maxMs);
    return Math.min(Math.ceil(waitMs / WAIT_UNIT_MS), WAIT_UNITS_MAX);
  }

  health(): Json {
    return {
      commandMs: round(this.#command.meanMs),
      ecuMs: round(this.#ecu.meanMs),
      ecuMaxMs: round(this.#ecu.maxMs),
      requestMs: round(this.#request.meanMs),
      requestMaxMs: round(this.#request.maxMs),
    };
  }
}

function note(track: Track, us: Micros): void {
  const ms = us / 1000;
  track.n++;
  track.meanMs += (ms - track.meanMs) * Math.max(GAIN, 1 / track.n);
  track.maxMs = Math.max(track.maxMs, ms);
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
