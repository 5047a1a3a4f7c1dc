import type { Json } from '#core/stream.ts';
import { CUT_CODES, type CutCode } from './cut.ts';

/** What the broker counts, since its start. */
export class Tallies {
  connections = 0;
  /** Messages of clients that were taken in, and handed to clients. */
  received = 0;
  sent = 0;
  /** QoS 0 that a client did not get, as what it had got before had not left yet. */
  droppedSlow = 0;
  /** Filters that a client may not have, and those beyond what one may. */
  refusedFilters = 0;
  /** Connections that another of the same client took the place of. */
  takenOver = 0;
  /** Connections that broke. */
  lost = 0;
  /** Messages of the gateway that could not be kept for those who are away. */
  notKept = 0;
  readonly #cuts = new Map<CutCode, number>();

  cut(code: CutCode): void {
    this.#cuts.set(code, (this.#cuts.get(code) ?? 0) + 1);
  }

  details(): { readonly [key: string]: Json } {
    const { connections, received, sent, droppedSlow, refusedFilters, takenOver, lost, notKept } =
      this;
    const cuts = CUT_CODES.map((code) => [nameOf(code), this.#cuts.get(code) ?? 0]);
    return {
      ...{ connections, received, sent, droppedSlow, refusedFilters, takenOver, lost, notKept },
      closed: Object.fromEntries(cuts),
    };
  }
}

/** `TOO_LARGE` is `tooLarge`, as other counters are called. */
function nameOf(code: CutCode): string {
  return code.toLowerCase().replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
