import type { Clock } from '#core/clock.ts';
import type { Micros } from '#core/stream.ts';
import type { CanFrame } from '../../../io/can/bus.ts';
import type { CanId } from '../isotp/address.ts';
import { IsoTpEndpoint } from '../isotp/endpoint.ts';
import type { IsoTpCounters } from '../isotp/link.ts';
import { OBD_TIMING } from '../isotp/timing.ts';
import { ecuOf, requestIdOf } from './ids.ts';

/** A car has at most eight ECUs that answer OBD requests (ISO 15765-4, 6.4.3). */
const ECUS_MAX = 8;

/** What comes of the frames of the ECUs. */
export interface EcuEvents {
  received(ecu: string, pdu: Uint8Array, t: Micros): void;
  /** A message that had begun will not be completed. */
  failed(ecu: string): void;
}

/** Where one ECU's messages are put together. */
export interface EcuLine {
  readonly ecu: string;
  readonly endpoint: IsoTpEndpoint;
}

/** What became of the messages of all ECUs, as IsoTpCounters tells it of one. */
export type MessageCounters = Pick<
  IsoTpCounters,
  'received' | 'dropped' | 'incomplete' | 'timeouts' | 'overflows'
>;

export interface EcuLinesOptions {
  readonly clock: Clock;
  /** Sends the flow control for what the ECUs send. */
  readonly transmit: (frame: CanFrame) => Promise<void>;
  readonly events: EcuEvents;
}

/** The ECUs of a car, each with an ISO-TP connection of its own: they answer all at once. */
export class EcuLines {
  readonly #options: EcuLinesOptions;
  readonly #lines = new Map<number, EcuLine>();
  /** Of ECUs that have been forgotten. */
  #past: MessageCounters;

  /** @param past counted on from an earlier connection */
  constructor(options: EcuLinesOptions, past = NO_MESSAGES) {
    this.#options = options;
    this.#past = past;
  }

  /** The line of who answers with this identifier, made when needed; undefined for a ninth ECU. */
  of(id: CanId): EcuLine | undefined {
    const known = this.#lines.get(id.id);
    if (known || this.#lines.size >= ECUS_MAX) return known;
    const line = this.#open({ id: id.id, extended: id.extended });
    this.#lines.set(id.id, line);
    return line;
  }

  /** Forgets all ECUs, as before another car or bus is looked for. */
  clear(): void {
    this.reset();
    this.#past = this.counters;
    this.#lines.clear();
  }

  /** Gives up messages that are not complete. */
  reset(): void {
    for (const { endpoint } of this.#lines.values()) endpoint.reset();
  }

  get counters(): MessageCounters {
    return [...this.#lines.values()].reduce(
      (sum, { endpoint }) => added(sum, endpoint.counters),
      this.#past,
    );
  }

  #open(rx: CanId): EcuLine {
    const { clock, transmit, events } = this.#options;
    const ecu = ecuOf(rx);
    // The ECU's own identifier, everything at once, never "wait" (ISO 15765-4, table 7).
    const endpoint = new IsoTpEndpoint({
      address: { tx: requestIdOf(rx), rx },
      transmit,
      clock,
      timing: OBD_TIMING,
      flow: { blockSize: 0, stMin: 0 },
      received: (pdu, t) => events.received(ecu, pdu, t),
      failed: () => events.failed(ecu),
    });
    return { ecu, endpoint };
  }
}

export const NO_MESSAGES: MessageCounters = {
  received: 0,
  dropped: 0,
  incomplete: 0,
  timeouts: 0,
  overflows: 0,
};

function added(a: MessageCounters, b: MessageCounters): MessageCounters {
  return {
    received: a.received + b.received,
    dropped: a.dropped + b.dropped,
    incomplete: a.incomplete + b.incomplete,
    timeouts: a.timeouts + b.timeouts,
    overflows: a.overflows + b.overflows,
  };
}
