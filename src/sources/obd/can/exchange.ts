import type { Micros } from '#core/stream.ts';
import { isAnswerTo, parseNegative } from '../j1979/answers.ts';
import type { Outcome, Response } from '../scan-tool.ts';

/** P2CAN: an ECU begins to answer within it (ISO 15765-4, table 5). */
const P2_MS = 50;
/**
 * What P2 does not hold: a request waits for its turn on the bus, and adapters hand on what they get
 * later, in both directions: by USB a few milliseconds, over a network some tens. It costs nothing, as
 * the next request has to wait as long anyway.
 */
const LINK_MS = 50;
/** P2*CAN: the same after an ECU has said "wait" (7F xx 78). */
const P2_STAR_MS = 5_000;
const POSITIVE = 0x40;
const NEGATIVE = 0x7f;

export interface Asked {
  /** Service and data: `010C`. */
  readonly hex: string;
  /** The only ECU that is asked; undefined where all are. */
  readonly ecu?: string | undefined;
  /** ECUs that have answered anything so far: when all of them have, nobody is waited for. */
  readonly known: ReadonlySet<string>;
  /** ECUs that answer this, where that was learned: after so many nobody else is waited for. */
  readonly answersMax?: number | undefined;
}

/** How far one ECU has come with its answer. */
type Progress =
  /** It asked for time. */
  | 'waiting'
  | 'answered'
  /** Its message was cut off. */
  | 'failed';

/** One request and its answers, which come from up to eight ECUs at a time. */
export class Exchange {
  readonly asked: Asked;
  readonly #service: number;
  readonly #progress = new Map<string, Progress>();
  /** Those whose message has begun: only its end tells whether it is an answer to this request. */
  readonly #coming = new Set<string>();
  readonly #responses: Response[] = [];
  /** When the request was with the bus. */
  #sentAt: Micros = Number.POSITIVE_INFINITY;
  #latestAt: Micros = Number.POSITIVE_INFINITY;
  /** Until when those who asked for time have it. */
  #patientUntil: Micros = Number.NEGATIVE_INFINITY;

  constructor(asked: Asked) {
    this.asked = asked;
    this.#service = Number.parseInt(asked.hex.slice(0, 2), 16);
  }

  /** The request is with the bus: time begins to run. */
  sent(now: Micros, timeoutMs: number): void {
    this.#sentAt = now;
    this.#latestAt = now + timeoutMs * 1000;
  }

  /**
   * Whether a frame belongs to this exchange. A late answer to an earlier request does not, nor one to
   * another tester: flow control for it would be sent to an ECU that is talking to somebody else.
   */
  claims(ecu: string, data: Uint8Array): boolean {
    const [control = 0, second, third] = data;
    if (this.asked.ecu !== undefined && ecu !== this.asked.ecu) return false;
    switch (control >> 4) {
      case 0:
        return second === NEGATIVE ? third === this.#service : this.#isOurs(second);
      case 1:
        // No answer of OBD is longer than 4095 bytes, and a longer length stands where its service is.
        return (control & 0x0f) + (second ?? 0) > 0 && this.#isOurs(third);
      case 2:
        return this.#coming.has(ecu);
      default:
        return false;
    }
  }

  /** Whether the ECU has said anything yet, be it to wait. */
  hasHeard(ecu: string): boolean {
    return this.#progress.has(ecu) || this.#coming.has(ecu);
  }

  /** A message of an ECU has begun that goes on in other frames. */
  begun(ecu: string): void {
    this.#coming.add(ecu);
  }

  /** A whole message of an ECU. False when it turns out to answer something else. */
  received(ecu: string, pdu: Uint8Array, now: Micros): boolean {
    this.#coming.delete(ecu);
    const negative = parseNegative(pdu);
    if (negative === undefined && !isAnswerTo(this.asked.hex, pdu)) return false;
    if (negative?.pending) {
      this.#progress.set(ecu, 'waiting');
      this.#patientUntil = now + P2_STAR_MS * 1000;
    } else this.#progress.set(ecu, 'answered');
    this.#responses.push({ ecu, pdu });
    return true;
  }

  /** A message that had begun will not be completed. */
  failed(ecu: string): void {
    this.#coming.delete(ecu);
    this.#progress.set(ecu, 'failed');
  }

  /** Until when there is something to wait for; in the past or now when there is not. */
  get endsAt(): Micros {
    if (this.#coming.size > 0) return this.#latestAt;
    const isWaiting = [...this.#progress.values()].includes('waiting');
    if (!isWaiting && this.#haveAll()) return Number.NEGATIVE_INFINITY;
    const p2 = this.#sentAt + (P2_MS + LINK_MS) * 1000;
    // Who asked for time and has answered since does not hold up the others.
    return Math.min(isWaiting ? Math.max(p2, this.#patientUntil) : p2, this.#latestAt);
  }

  outcome(): Outcome {
    const whole = this.#coming.size === 0 && ![...this.#progress.values()].includes('failed');
    if (this.#responses.length === 0) {
      return whole ? { kind: 'silent' } : { kind: 'disturbed', alert: 'a message cut short' };
    }
    // "Wait" is worth telling only where nothing came after it.
    const responses = this.#responses.filter(
      ({ ecu, pdu }) => !parseNegative(pdu)?.pending || this.#progress.get(ecu) !== 'answered',
    );
    return {
      kind: 'answered',
      responses,
      lines: new Set(responses.map(({ ecu }) => ecu)).size,
      whole,
    };
  }

  #isOurs(service: number | undefined): boolean {
    return service === this.#service + POSITIVE;
  }

  /** Whether everybody who could answer has. */
  #haveAll(): boolean {
    const { ecu, known, answersMax = Number.POSITIVE_INFINITY } = this.asked;
    const done = (name: string): boolean =>
      this.#progress.get(name) === 'answered' || this.#progress.get(name) === 'failed';
    if (ecu !== undefined) return done(ecu);
    if (this.#progress.size >= answersMax) return true;
    return known.size > 0 && [...known].every(done);
  }
}
