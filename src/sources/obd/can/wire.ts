import type { Clock } from '#core/clock.ts';
import type { Micros } from '#core/stream.ts';
import type { CanBus, CanFrame } from '../../../io/can/bus.ts';
import type { CanId } from '../isotp/address.ts';
import { PADDING } from '../isotp/link.ts';
import { FRAME_BYTES, singleFrame } from '../isotp/pci.ts';
import type { CanKind } from './ids.ts';

/** DLC is always 8 (ISO 15765-4, 7.4.3.1); what fills it up is free. */
const SHAPE = { prefix: undefined, padding: PADDING };
/** A car's bus that is awake has frames every few milliseconds: silence that long is sleep. */
const QUIET_US = 10_000_000;

/** A request in its frame. @param hex 1 to 7 bytes */
export function requestFrame({ id, extended }: CanId, hex: string): CanFrame {
  const pdu = Buffer.from(hex, 'hex');
  if (pdu.length === 0 || pdu.length >= FRAME_BYTES || 2 * pdu.length !== hex.length) {
    throw new RangeError(`not a request of one frame: ${hex}`);
  }
  return { id, extended, data: singleFrame(pdu, SHAPE) };
}

/** The protocol as `ATDPN` of an adapter calls it (ELM327 data sheet DSJ, p. 36), or its bit rate. */
export function protocolOf(kind: CanKind, bitRate: number | undefined): string {
  if (bitRate === 500_000) return kind === 'can11' ? '6' : '7';
  if (bitRate === 250_000) return kind === 'can11' ? '8' : '9';
  return bitRate === undefined ? 'CAN' : `CAN ${bitRate / 1000} kbit/s`;
}

/** What is told of a bus that took no request. */
export const NOT_AWAKE = {
  BUS_BAD: 'the bus has errors',
  FULL: 'the bus takes no frames',
} as const;

/** Watches for a bus that comes to life, by the number of frames that came. Looked at now and then. */
export class Stirring {
  readonly #bus: CanBus;
  readonly #clock: Clock;
  #received = 0;
  #changedAt: Micros = Number.NEGATIVE_INFINITY;

  constructor(bus: CanBus, clock: Clock) {
    this.#bus = bus;
    this.#clock = clock;
  }

  /** True when frames have come after a long silence. */
  look(): boolean {
    const { received } = this.#bus.health();
    if (received === this.#received) return false;
    const was = this.isQuiet;
    this.#received = received;
    this.#changedAt = this.#clock.now();
    return was;
  }

  /** Nothing came for a while, as far as was looked. */
  get isQuiet(): boolean {
    return this.#clock.now() - this.#changedAt >= QUIET_US;
  }
}
