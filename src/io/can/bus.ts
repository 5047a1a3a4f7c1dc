import type { Clock } from '#core/clock.ts';
import type { Micros } from '#core/stream.ts';

/** One data frame of a classical CAN bus (ISO 11898-1). */
export interface CanFrame {
  /** 11 bits, or 29 where `extended`. */
  readonly id: number;
  readonly extended: boolean;
  /** 0 to 8 bytes. */
  readonly data: Uint8Array;
}

/**
 * How a controller stands to its bus (ISO 11898-1, fault confinement): from 96 errors on it warns, from
 * 128 it is error-passive, from 256 it is off. `unknown` where the link does not tell, as a virtual bus.
 */
export type BusState = 'active' | 'warning' | 'passive' | 'off' | 'unknown';

/** What a bus has done since it was opened; the counters only grow. */
export interface BusHealth {
  readonly state: BusState;
  /** Bits per second; undefined where the link does not tell. */
  readonly bitRate: number | undefined;
  /** Nothing is sent, not even the acknowledgement of what others send; undefined where not known. */
  readonly listenOnly: boolean | undefined;
  /** Error counters of the controller, 0 to 255; undefined where it does not tell. */
  readonly txErrors: number | undefined;
  readonly rxErrors: number | undefined;
  /** Data frames that came. */
  readonly received: number;
  readonly sent: number;
  /** Frames that were to be sent and could not be. */
  readonly unsent: number;
  /** Remote frames: there is nothing in them to keep. */
  readonly remote: number;
  /** CAN FD frames, which this version does not read. */
  readonly fd: number;
  readonly errorFrames: number;
  /** Times that the controller went off the bus. */
  readonly busOffs: number;
  /** Frames that were on the bus and did not reach us, as far as can be told. */
  readonly lost: number;
  /** Whether `lost` is counted by the link, reckoned from other counters, or not to be known. */
  readonly lostBy: 'counted' | 'reckoned' | 'unknown';
  /** Lines or records that were no frame. */
  readonly malformed: number;
  /** What a person should do about it, where there is something: "net.core.rmem_default is 212992". */
  readonly warnings: readonly string[];
}

/**
 * Gets every data frame of a bus. Called in the event that brought it, so it does little; the frame
 * and its data are the listener's to keep.
 *
 * @param t when the frame was on the bus, as closely as the link tells; never before the one before it
 */
export type CanListener = (frame: CanFrame, t: Micros) => void;

/** An open bus. Closing it twice is harmless. */
export interface CanBus extends AsyncDisposable {
  /** As people call it: `can0`. */
  readonly name: string;
  /** Rejects with a LinkError that says why when the link is lost; never resolves. */
  readonly lost: Promise<never>;
  /** From now on the listener gets every frame, until what is returned is called. */
  listen(listener: CanListener): () => void;
  /**
   * Hands a frame to the kernel or the adapter.
   *
   * @throws CanSendError: LISTEN_ONLY, NOT_PERMITTED, BUS_BAD, FULL. LinkError when the link is lost
   */
  send(frame: CanFrame): Promise<void>;
  health(): BusHealth;
}

/**
 * Asked at the last moment before a frame goes out: why it must not, or undefined where it may. What
 * is sent is decided there and nowhere else.
 */
export type Permit = (frame: CanFrame, health: BusHealth) => CanRefusal | undefined;

export interface CanRefusal {
  readonly code: 'NOT_PERMITTED' | 'BUS_BAD';
  /** A sentence for people. */
  readonly reason: string;
}

export interface OpenCanOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Opens the bus, or rejects with a LinkError that names it and says what was wrong. */
export type OpenCanBus = (options: OpenCanOptions) => Promise<CanBus>;
