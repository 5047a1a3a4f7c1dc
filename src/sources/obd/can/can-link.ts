import type { Clock } from '#core/clock.ts';
import { LinkError } from '#core/errors.ts';
import type { Micros } from '#core/stream.ts';
import type { CanBus, CanFrame } from '../../../io/can/bus.ts';
import { CanSendError } from '../../../io/can/errors.ts';
import { ANSWER_MS, type Outcome, SLOW_ANSWER_MS, type VehicleLink } from '../scan-tool.ts';
import { EcuLines, type MessageCounters } from './ecu-lines.ts';
import { type Asked, Exchange } from './exchange.ts';
import type { Guard } from './guard.ts';
import { answerIdOf, type CanKind, ecuOf, FUNCTIONAL, isAnswerId, requestIdOf } from './ids.ts';
import { NOT_AWAKE, protocolOf, requestFrame, Stirring } from './wire.ts';

const DISCOVER = '0100';
/** ISO 15765-4, 6.3.2: an ECU that is busy (7F 01 21) is asked again after a while, so many times. */
const BUSY = 0x21;
const BUSY_MS = 200;
const BUSY_TRIES = 6;
const CLEAR = '04';

/** What is counted over all connections. */
export interface CanLinkCounters {
  /** Messages and frames that answer nothing that was asked: late, or another tester's. */
  unasked: number;
  /** Frames of a ninth ECU. */
  strangers: number;
  /** Requests that the bus did not take. */
  unsent: number;
}

/** How long ECUs take to begin their answer, in milliseconds. */
export interface AnswerTime {
  readonly lastMs: number;
  readonly maxMs: number;
}

export interface CanLinkParts {
  readonly bus: CanBus;
  readonly guard: Guard;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly counters: CanLinkCounters;
  /** Messages of earlier connections. */
  readonly messages: MessageCounters;
}

/**
 * A car on a CAN bus, with the gateway as its test equipment (ISO 15765-4): requests to all ECUs,
 * the answers of up to eight of them put together side by side. Requests keep the distance that the
 * guard demands; what is sent is for the guard alone to decide.
 */
export class CanLink implements VehicleLink {
  /** There is no adapter that would. */
  readonly measuresVoltage = false;
  bus: CanKind | undefined;
  protocol: string | undefined;
  /** How long each ECU took to begin its answer. */
  readonly answerTimes = new Map<string, AnswerTime>();
  readonly #parts: CanLinkParts;
  readonly #lines: EcuLines;
  readonly #stirring: Stirring;
  #exchange: Exchange | undefined;
  #askedAt: Micros = 0;
  /** ECUs that have answered since the car was found. */
  readonly #known = new Set<string>();
  #wake = new AbortController();
  #lost: LinkError | undefined;

  constructor(parts: CanLinkParts) {
    this.#parts = parts;
    this.#stirring = new Stirring(parts.bus, parts.clock);
    this.#lines = new EcuLines(
      {
        clock: parts.clock,
        transmit: (frame) => parts.bus.send(frame),
        events: {
          received: (ecu, pdu, t) => this.#received(ecu, pdu, t),
          failed: (ecu) => this.#failed(ecu),
        },
      },
      parts.messages,
    );
  }

  get messages(): MessageCounters {
    return this.#lines.counters;
  }

  /** Every frame of the bus, thousands a second: all but a few end at their identifier. */
  hear(frame: CanFrame, t: Micros): void {
    if (!isAnswerId(frame)) return;
    const { guard, counters } = this.#parts;
    guard.hear(frame, t);
    const ecu = ecuOf(frame);
    const exchange = this.#exchange;
    const isOurBus = frame.extended === (this.bus === 'can29');
    if (!isOurBus || !exchange?.claims(ecu, frame.data)) {
      counters.unasked++;
      return;
    }
    const line = this.#lines.of(frame);
    if (line === undefined) {
      counters.strangers++;
      return;
    }
    if (!exchange.hasHeard(ecu)) this.#noteTime(ecu, t);
    line.endpoint.receive(frame, t);
    // After the endpoint has given up what this may have interrupted.
    if (line.endpoint.isReceiving) exchange.begun(ecu);
  }

  /** The bus is gone: whoever waits for an answer learns it, and whoever asks from now on. */
  fail(error: LinkError): void {
    this.#lost = error;
    this.#lines.clear();
    this.#wake.abort(error);
  }

  setUp(): Promise<void> {
    if (this.#parts.bus.health().listenOnly) return Promise.reject(this.#onlyListens());
    return Promise.resolve();
  }

  /**
   * Asks with 11 and with 29 bits, first with those that the car was found with before: the bus may
   * be in another car by now, and one more request costs nothing.
   */
  async connect(lastProtocol?: string): Promise<Outcome> {
    const kinds: CanKind[] = ['can11', 'can29'];
    const last = kinds.find((kind) => protocolOf(kind, this.#bitRate) === lastProtocol);
    const ordered = last === 'can29' ? kinds.toReversed() : kinds;
    let outcome: Outcome = { kind: 'silent' };
    for (const kind of ordered) {
      this.#lines.clear();
      this.#known.clear();
      this.answerTimes.clear();
      this.bus = kind;
      outcome = await this.#discover();
      if (outcome.kind !== 'answered') continue;
      this.protocol = protocolOf(kind, this.#bitRate);
      for (const { ecu } of outcome.responses) this.#known.add(ecu);
      return outcome;
    }
    this.bus = undefined;
    this.protocol = undefined;
    return outcome;
  }

  request(hex: string, timeoutMs = ANSWER_MS, frames?: number): Promise<Outcome> {
    return this.#ask({ hex, known: this.#known, answersMax: frames }, timeoutMs);
  }

  requestPatiently(hex: string): Promise<Outcome> {
    return this.request(hex, SLOW_ANSWER_MS);
  }

  async clearCodes(): Promise<Outcome> {
    using _ = this.#parts.guard.permitClearing();
    return await this.#ask({ hex: CLEAR, known: this.#known }, SLOW_ANSWER_MS);
  }

  /** As `request`, of one ECU alone. @param ecu one that has answered */
  askEcu(ecu: string, hex: string): Promise<Outcome> {
    return this.#ask({ hex, ecu, known: this.#known }, SLOW_ANSWER_MS);
  }

  voltage(): Promise<undefined> {
    return this.#lost ? Promise.reject(this.#lost) : Promise.resolve(undefined);
  }

  tune(): Promise<void> {
    return this.#lost ? Promise.reject(this.#lost) : Promise.resolve();
  }

  stirred(): boolean {
    return this.#stirring.look();
  }

  note(searching: boolean): string {
    const { name } = this.#parts.bus;
    if (searching) return `${name} is open; looking for the car on it`;
    if (this.#stirring.isQuiet) {
      return `nothing is on ${name}; is the car's ignition off, is the plug in?`;
    }
    return `there is traffic on ${name}, but no control unit answers; is the car's ignition off?`;
  }

  get #bitRate(): number | undefined {
    return this.#parts.bus.health().bitRate;
  }

  async #discover(): Promise<Outcome> {
    for (let tries = 1; ; tries++) {
      // Who answers is not known yet, so that nobody's answer is the last one.
      const outcome = await this.#ask({ hex: DISCOVER, known: new Set() }, ANSWER_MS);
      if (tries === BUSY_TRIES || !isBusy(outcome)) return outcome;
      await this.#sleep(BUSY_MS);
    }
  }

  async #ask(asked: Asked, timeoutMs: number): Promise<Outcome> {
    const { clock, guard } = this.#parts;
    const frame = this.#frameOf(asked);
    while (guard.waitMs > 0) await this.#sleep(guard.waitMs);
    this.#lines.reset();
    const exchange = new Exchange(asked);
    this.#exchange = exchange;
    try {
      this.#askedAt = clock.now();
      const refused = await this.#send(frame);
      if (refused) return refused;
      exchange.sent(clock.now(), timeoutMs);
      while (exchange.endsAt > clock.now()) await this.#sleepUntil(exchange.endsAt);
      return exchange.outcome();
    } finally {
      this.#exchange = undefined;
    }
  }

  #frameOf({ hex, ecu }: Asked): CanFrame {
    const { bus } = this;
    if (bus === undefined) throw new Error('request before connect');
    const answerId = ecu === undefined ? undefined : answerIdOf(ecu);
    if (ecu !== undefined && answerId === undefined) throw new RangeError(`no ECU on CAN: ${ecu}`);
    return requestFrame(answerId ? requestIdOf(answerId) : FUNCTIONAL[bus], hex);
  }

  /** Undefined where the request is with the bus, else what became of it. */
  async #send(frame: CanFrame): Promise<Outcome | undefined> {
    if (this.#lost) throw this.#lost;
    try {
      await this.#parts.bus.send(frame);
      return undefined;
    } catch (error) {
      if (!(error instanceof CanSendError)) throw error;
      if (error.code === 'LISTEN_ONLY') throw this.#onlyListens(error);
      // Whatever the guard has against it, what is asked here is what it knows: a fault of ours.
      if (error.code === 'NOT_PERMITTED') throw error;
      this.#parts.counters.unsent++;
      return { kind: 'no-bus', alert: NOT_AWAKE[error.code] };
    }
  }

  async #sleepUntil(at: Micros): Promise<void> {
    await this.#sleep(Math.max(0, at - this.#parts.clock.now()) / 1000);
  }

  /** Sleeps, at most until a frame has changed something. @throws LinkError when stopped or lost */
  async #sleep(ms: number): Promise<void> {
    const { clock, signal } = this.#parts;
    const wake = new AbortController();
    this.#wake = wake;
    const stop = (): void => wake.abort();
    if (signal.aborted || this.#lost) stop();
    signal.addEventListener('abort', stop, { once: true });
    await clock.sleep(ms, wake.signal).catch(() => {}); // Why it was woken shows below.
    signal.removeEventListener('abort', stop);
    if (this.#lost) throw this.#lost;
    if (signal.aborted) throw new LinkError('NO_ANSWER', 'stopped', { cause: signal.reason });
  }

  #received(ecu: string, pdu: Uint8Array, t: Micros): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    if (exchange.received(ecu, pdu, t)) this.#known.add(ecu);
    else this.#parts.counters.unasked++;
    this.#wake.abort(EVENT);
  }

  #failed(ecu: string): void {
    this.#exchange?.failed(ecu);
    this.#wake.abort(EVENT);
  }

  /** From the request to the first frame of the answer: P2, with what the link adds. */
  #noteTime(ecu: string, t: Micros): void {
    const lastMs = Math.max(0, Math.round((t - this.#askedAt) / 100) / 10);
    const { maxMs = 0 } = this.answerTimes.get(ecu) ?? {};
    this.answerTimes.set(ecu, { lastMs, maxMs: Math.max(maxMs, lastMs) });
  }

  #onlyListens(cause?: Error): LinkError {
    const { name } = this.#parts.bus;
    const text = `${name} only listens, so no car can be asked on it; the setting canTransmit allows it`;
    return new LinkError('OPEN_FAILED', text, { cause });
  }
}

/** A reason of our own spares an error object for each frame. */
const EVENT = 'event';

function isBusy(outcome: Outcome): boolean {
  return (
    outcome.kind === 'answered' &&
    outcome.responses.some(({ pdu }) => pdu[0] === 0x7f && pdu[2] === BUSY)
  );
}
