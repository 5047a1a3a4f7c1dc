import type { Clock } from '#core/clock.ts';
import type { Json, Micros } from '#core/stream.ts';
import type { BusHealth, CanFrame, CanRefusal, Permit } from '../../../io/can/bus.ts';
import { hexText } from '../hex.ts';
import { isReadingPdu } from './allowed.ts';
import { ecuOf, isAnswerId, requestIdOf, targetOf } from './ids.ts';

/**
 * Decides on each frame, at the last moment before it goes out, whether it may. It knows nothing of what
 * the rest of the gateway is about to do: a fault elsewhere cannot put on the bus what is not listed
 * here and in allowed.ts.
 *
 *   requests       one single frame (ISO 15765-2) of a service that reads: no request is longer
 *   flow control   to an ECU whose first frame was on the bus just before
 *   service 04     once for each permission that was opened
 *
 * Nothing is sent to a bus that is in trouble, and requests keep a distance in time from each other:
 * that of the rate, so that no second has more of them.
 */

/** Above that a car's bus is nobody's to burden, whatever the settings say. */
const RATE_PER_S_MAX = 10;
/** An ECU waits for flow control for 1 s at most (N_Bs, ISO 15765-2, table 20); what is later is of no use. */
const FLOW_US_MAX = 1_000_000;
/** Flow control for one first frame, with all that was tried while the queue was full. */
const FLOWS_MAX = 64;
/** As long as somebody who was told that the car stands still may take to have its codes cleared. */
const CLEARING_US_MAX = 5_000_000;
/** Error frames that a bus is forgiven, as when a plug is put in; each is forgotten after a while. */
const ERRORS_MAX = 20;
const ERRORS_FORGOTTEN_PER_S = 5;
/** DLC is always 8 (ISO 15765-4, 7.4.3.1). */
const FRAME_BYTES = 8;
const SINGLE_BYTES_MAX = 7;
const FLOW = 3;
/** CTS, WAIT, OVFLW (ISO 15765-2, table 17). */
const FLOW_STATUS_MAX = 2;
const CLEAR = 0x04;

/** Why a frame was not let through. */
const REASONS = {
  identifier: 'the identifier is none that the gateway asks with',
  format: 'it is no request in a single frame of 8 bytes',
  service: 'the service is none that the gateway uses',
  clearing: 'codes may not be cleared at this moment',
  flowControl: 'it is flow control for a message that has not begun',
  bus: 'the bus has errors',
  rate: 'requests are sent too fast',
} as const;
type Reason = keyof typeof REASONS;

export interface GuardOptions {
  /** Requests a second, above 0 and at most 10. */
  readonly ratePerS: number;
  readonly clock: Clock;
}

/** A first frame that was on the bus, and what may still be said about it. */
interface Begun {
  readonly at: Micros;
  left: number;
}

/** One for each bus, whoever sends on it. */
export class Guard {
  readonly #clock: Clock;
  readonly #ratePerS: number;
  readonly #sent = { requests: 0, flowControls: 0 };
  readonly #refused: Record<Reason, number> = {
    identifier: 0,
    format: 0,
    service: 0,
    clearing: 0,
    flowControl: 0,
    bus: 0,
    rate: 0,
  };
  /** By the identifier that their ECU is asked with; as many as there are ECUs at most, 8 and 255. */
  readonly #begun = new Map<number, Begun>();
  #nextAt: Micros = Number.NEGATIVE_INFINITY;
  /** The same for service 04, which has to follow the speed that it depends on, however slow the rate. */
  #nextClearingAt: Micros = Number.NEGATIVE_INFINITY;
  #clearingUntil: Micros | undefined;
  #errors = { level: 0, seen: 0, at: 0 };

  constructor({ ratePerS, clock }: GuardOptions) {
    this.#clock = clock;
    this.#ratePerS = Math.min(ratePerS, RATE_PER_S_MAX);
  }

  /** What the bus asks before it sends. */
  readonly permit: Permit = (frame, health) => {
    const now = this.#clock.now();
    const kind = this.#kindOf(frame, now);
    const reason = typeof kind === 'string' ? this.#obstacle(kind, health, now) : kind.refused;
    if (reason === undefined && typeof kind === 'string') {
      this.#note(kind, frame, now);
      return undefined;
    }
    return this.#refuse(reason ?? 'format', frame, health);
  };

  /**
   * Has to be told of every frame that is on the bus, before anybody answers it.
   *
   * @param t when it was on the bus: one that is read late calls for nothing any more
   */
  hear(frame: CanFrame, t: Micros): void {
    if ((frame.data[0] ?? 0) >> 4 !== 1 || !isAnswerId(frame)) return;
    this.#begun.set(requestIdOf(frame).id, { at: t, left: FLOWS_MAX });
  }

  /** Until a request may go out, or service 04 while that is permitted; 0 where it may now. */
  get waitMs(): number {
    const at = this.#clearingUntil === undefined ? this.#nextAt : this.#nextClearingAt;
    return Math.max(0, (at - this.#clock.now()) / 1000);
  }

  /**
   * Lets service 04 through, once. For clearing.ts, which has made sure that the car stands still.
   *
   * @returns what takes the permission back
   */
  permitClearing(): Disposable {
    const until = this.#clock.now() + CLEARING_US_MAX;
    this.#clearingUntil = until;
    return {
      [Symbol.dispose]: () => {
        if (this.#clearingUntil === until) this.#clearingUntil = undefined;
      },
    };
  }

  health(): { readonly [key: string]: Json } {
    return { ratePerS: this.#ratePerS, ...this.#sent, refused: { ...this.#refused } };
  }

  /** What a frame would be on the bus, if it is anything that is ever sent. */
  #kindOf(frame: CanFrame, now: Micros): Kind | { readonly refused: Reason } {
    const target = targetOf(frame);
    if (target === undefined) return { refused: 'identifier' };
    const [control = 0] = frame.data;
    if (frame.data.length !== FRAME_BYTES) return { refused: 'format' };
    if (control >> 4 === FLOW) {
      const known = target === 'physical' && (control & 0x0f) <= FLOW_STATUS_MAX;
      return known && this.#isAwaited(frame, now) ? 'flow' : { refused: 'flowControl' };
    }
    // The upper half is 0 in a single frame, so that this is its length.
    if (control === 0 || control > SINGLE_BYTES_MAX) return { refused: 'format' };
    const pdu = frame.data.subarray(1, 1 + control);
    if (pdu.length === 1 && pdu[0] === CLEAR && target === 'functional') return 'clearing';
    return isReadingPdu(pdu, target) ? 'request' : { refused: 'service' };
  }

  #obstacle(kind: Kind, health: BusHealth, now: Micros): Reason | undefined {
    if (kind === 'clearing' && !(now <= (this.#clearingUntil ?? Number.NaN))) return 'clearing';
    if (this.#isInTrouble(health, now)) return 'bus';
    if (kind === 'flow') return undefined;
    return now < (kind === 'clearing' ? this.#nextClearingAt : this.#nextAt) ? 'rate' : undefined;
  }

  #isAwaited({ id }: CanFrame, now: Micros): boolean {
    const begun = this.#begun.get(id);
    return begun !== undefined && begun.left > 0 && now - begun.at <= FLOW_US_MAX;
  }

  /** Error-passive, off (ISO 11898-1, fault confinement), or with many error frames of late. */
  #isInTrouble({ state, errorFrames }: BusHealth, now: Micros): boolean {
    const { level, seen, at } = this.#errors;
    const forgotten = ((now - at) / 1e6) * ERRORS_FORGOTTEN_PER_S;
    // The counter begins anew when the bus is opened again.
    const fresh = errorFrames >= seen ? errorFrames - seen : errorFrames;
    // When they came within a pause is not known: evenly, so that one a minute never stops anything.
    const risen = Math.max(0, level + fresh - forgotten);
    this.#errors = { level: Math.min(risen, 2 * ERRORS_MAX), seen: errorFrames, at: now };
    return state === 'passive' || state === 'off' || risen > ERRORS_MAX;
  }

  #note(kind: Kind, { id }: CanFrame, now: Micros): void {
    if (kind === 'flow') {
      this.#sent.flowControls++;
      const begun = this.#begun.get(id);
      if (begun) begun.left--;
      return;
    }
    this.#sent.requests++;
    this.#nextAt = now + 1e6 / this.#ratePerS;
    this.#nextClearingAt = now + 1e6 / RATE_PER_S_MAX;
    if (kind === 'clearing') this.#clearingUntil = undefined;
  }

  #refuse(reason: Reason, frame: CanFrame, { state }: BusHealth): CanRefusal {
    this.#refused[reason]++;
    if (reason === 'bus') return { code: 'BUS_BAD', reason: `${REASONS.bus} (${state})` };
    const what = `${ecuOf(frame).toUpperCase()} ${hexText(frame.data)}`;
    return { code: 'NOT_PERMITTED', reason: `${what} is not sent: ${REASONS[reason]}` };
  }
}

type Kind = 'request' | 'clearing' | 'flow';
