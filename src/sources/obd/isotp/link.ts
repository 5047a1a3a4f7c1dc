import type { Clock } from '#core/clock.ts';
import type { CanFrame } from '../../../io/can/bus.ts';
import { CanSendError } from '../../../io/can/errors.ts';
import type { IsoTpAddress } from './address.ts';
import type { FrameShape } from './pci.ts';
import { DEFAULT_TIMING, type IsoTpTiming } from './timing.ts';

/** What a connection has done. */
export interface IsoTpCounters {
  /** Whole messages. */
  readonly received: number;
  readonly sent: number;
  /** Frames dropped: damaged, out of order, of an unknown kind or without their first frame. */
  readonly dropped: number;
  /** Messages that were not completed, for whatever reason. */
  readonly incomplete: number;
  /** Messages that were not sent, or not to their end. */
  readonly unsent: number;
  /** Of either, those for which the other end or the bus took too long. */
  readonly timeouts: number;
  /** First frames of messages that were too long for us. */
  readonly overflows: number;
  /** Times that the receiver asked us to wait. */
  readonly waits: number;
  /** Flow control that nothing waited for, or with bytes missing. */
  readonly strayFlow: number;
  /** Times that the bus was full and a frame was tried again. */
  readonly retries: number;
}

/** What the two directions of a connection share. */
export interface IsoTpLink {
  /** For people: `7e0`. */
  readonly name: string;
  readonly clock: Clock;
  readonly timing: IsoTpTiming;
  readonly shape: FrameShape;
  readonly waitsMax: number;
  readonly counters: { -readonly [K in keyof IsoTpCounters]: IsoTpCounters[K] };
  /** Makes a frame of these data bytes and hands it to the bus. */
  readonly transmit: (data: Uint8Array) => Promise<void>;
}

interface LinkOptions {
  readonly address: IsoTpAddress;
  readonly transmit: (frame: CanFrame) => Promise<void>;
  readonly clock: Clock;
  readonly timing?: Partial<IsoTpTiming>;
  readonly padding?: number | 'none';
  readonly waitsMax?: number;
}

/** What fills short frames up: any value does. */
export const PADDING = 0xcc;
/**
 * A receiver that still cannot go on after so many waits never will: each may take N_Bs, and the
 * connection is not to be held for ever (N_WFTmax; ISO 15765-2, 9.7, leaves its value free).
 */
const WAITS_MAX = 10;

export function createLink(options: LinkOptions): IsoTpLink {
  const { address, clock, transmit, padding = PADDING, waitsMax = WAITS_MAX } = options;
  const { id, extended } = address.tx;
  return {
    name: id.toString(16).padStart(extended ? 8 : 3, '0'),
    clock,
    timing: { ...DEFAULT_TIMING, ...options.timing },
    shape: { prefix: address.txPrefix, padding: padding === 'none' ? undefined : padding },
    waitsMax,
    counters: {
      received: 0,
      sent: 0,
      dropped: 0,
      incomplete: 0,
      unsent: 0,
      timeouts: 0,
      overflows: 0,
      waits: 0,
      strayFlow: 0,
      retries: 0,
    },
    transmit: (data) => transmit({ id, extended, data }),
  };
}

/** Ends what waits for a message that is over. A reason made anew each time costs a stack trace. */
export const OVER = 'the message is over';

/** How soon a frame is tried again that found the bus full: a frame takes 0.27 ms at 500 kbit/s. */
const FULL_RETRY_MS = 1;

/**
 * Hands a frame to the bus, again and again while that is full.
 *
 * @param ended ends trying; it is left to who waits to have a limit
 */
export async function put(link: IsoTpLink, data: Uint8Array, ended: AbortSignal): Promise<void> {
  for (;;) {
    try {
      return await link.transmit(data);
    } catch (error) {
      if (!(error instanceof CanSendError) || error.code !== 'FULL') throw error;
    }
    link.counters.retries++;
    await link.clock.sleep(FULL_RETRY_MS, ended);
  }
}
