import type { Clock } from '#core/clock.ts';
import type { Micros } from '#core/stream.ts';
import type { CanFrame } from '../../../io/can/bus.ts';
import type { IsoTpAddress } from './address.ts';
import { IsoTpError } from './errors.ts';
import { createLink, type IsoTpCounters, type IsoTpLink } from './link.ts';
import { FLOW } from './pci.ts';
import { Reception } from './reception.ts';
import type { IsoTpTiming } from './timing.ts';
import { Transmission } from './transmission.ts';

export interface IsoTpEndpointOptions {
  readonly address: IsoTpAddress;
  /** Hands a frame to the bus; rejects with CanSendError or LinkError. */
  readonly transmit: (frame: CanFrame) => Promise<void>;
  readonly clock: Clock;
  /** Default ISO 15765-2's; OBD_TIMING for legislated OBD. */
  readonly timing?: Partial<IsoTpTiming>;
  /** What is asked of who sends to us: default 0 and 0, everything at once as fast as it can. */
  readonly flow?: { readonly blockSize: number; readonly stMin: number };
  /** What short frames are filled with up to 8 bytes: default CC. `none` leaves them short. */
  readonly padding?: number | 'none';
  /** Longer messages are refused in their first frame, and counted: default 4095. */
  readonly messageBytesMax?: number;
  /** How often in a row a receiver may ask us to wait: default 10. */
  readonly waitsMax?: number;
  /** Gets every message. @param t when its last frame was on the bus */
  readonly received: (pdu: Uint8Array, t: Micros) => void;
  /** Learns why a message that had begun to come will not be completed. */
  readonly failed?: (error: IsoTpError) => void;
}

/**
 * One end of an ISO-TP connection (ISO 15765-2): takes messages apart and puts them together, with flow
 * control both ways and all timers. Both directions work at the same time. Memory is bounded by one
 * message of `messageBytesMax` that comes, and one that goes.
 */
export class IsoTpEndpoint {
  readonly #options: IsoTpEndpointOptions;
  readonly #link: IsoTpLink;
  readonly #reception: Reception;
  #transmission: Transmission | undefined;

  constructor(options: IsoTpEndpointOptions) {
    this.#options = options;
    this.#link = createLink(options);
    this.#reception = new Reception(this.#link, options);
  }

  /** What has happened since the beginning; they only grow. */
  get counters(): IsoTpCounters {
    return this.#link.counters;
  }

  /** Whether a message has begun to come that is not complete. */
  get isReceiving(): boolean {
    return this.#reception.isOpen;
  }

  /** Takes a frame that was on the bus at `t`; false when it is not for this address. */
  receive(frame: CanFrame, t: Micros): boolean {
    const { rx, rxPrefix } = this.#options.address;
    if (frame.id !== rx.id || frame.extended !== rx.extended) return false;
    if (rxPrefix !== undefined && frame.data[0] !== rxPrefix) return false;
    const data = rxPrefix === undefined ? frame.data : frame.data.subarray(1);
    if ((data[0] ?? 0) >> 4 !== FLOW) this.#reception.take(data, t);
    else if (!this.#transmission?.flow(data)) this.#link.counters.strayFlow++;
    return true;
  }

  /**
   * Sends one message, and resolves when its last frame is with the bus.
   *
   * @param pdu 1 byte or more
   * @throws IsoTpError BUSY while another is on its way, N_TIMEOUT_A, N_TIMEOUT_BS, N_BUFFER_OVFLW,
   *   N_WFT_OVRN, N_INVALID_FS, RESET; CanSendError when the bus refuses a frame (FULL is tried again
   *   until N_As has passed); LinkError; and the signal's reason
   */
  async send(pdu: Uint8Array, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (pdu.length === 0) throw new RangeError('a message has at least one byte');
    if (this.#transmission) {
      throw new IsoTpError('BUSY', `${this.#link.name} is still sending another message`);
    }
    const transmission = new Transmission(this.#link, pdu);
    this.#transmission = transmission;
    try {
      await transmission.run(signal);
    } finally {
      this.#transmission = undefined;
    }
  }

  /** Gives up what is on its way in either direction; the connection begins anew. */
  reset(): void {
    const error = new IsoTpError('RESET', `${this.#link.name} was reset`);
    this.#reception.reset(error);
    this.#transmission?.fail(error);
  }
}
