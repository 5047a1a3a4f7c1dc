import { LinkError } from '#core/errors.ts';
import { hexByte } from '../hex.ts';
import {
  ANSWER_MS,
  type BusKind,
  type Outcome,
  SLOW_ANSWER_MS,
  type VehicleLink,
} from '../scan-tool.ts';
import { CLEAR, isReading } from './allowed.ts';
import { BUS_KINDS, busOfProtocol, type FrameCounters, readResponses } from './elm-frames.ts';
import type { Alert, Answer } from './elm-text.ts';
import type { Elm327 } from './elm327.ts';
import type { Timing } from './timing.ts';

/**
 * An ELM327 or STN adapter, set up so that every line says who sent it: what it can do is found out
 * by command, because clones print any version they like (a "v2.1" may know the v1.0 commands
 * only). Whatever answers `?` is not there, which is never fatal but for the headers.
 */

/** ATZ restarts the adapter; the slowest take over a second (DSJ p. 49). */
const RESTART_MS = 3_000;
const AT_MS = 1_500;
/** Finding the protocol tries each bus in turn, the slow ones with a 5-baud initialisation. */
const SEARCH_MS = 20_000;
const SET_TRIES = 3;

/** The adapter lost its settings and has to be set up again; the link is as good as before. */
export class AdapterRestarted extends Error {
  override readonly name = 'AdapterRestarted';
}

const RESTARTS: readonly Alert[] = ['banner', 'low-voltage-reset', 'internal-error'];
// biome-ignore format: a list
const NO_BUS: readonly Alert[] = [
  'unable-to-connect', 'bus-init-error', 'can-error', 'bus-error', 'bus-busy', 'feedback-error',
];
// biome-ignore format: a list
const DISTURBED: readonly Alert[] = [
  'stopped', 'buffer-full', 'data-error', 'rx-error', 'out-of-memory', 'flow-control-timeout', 'unknown',
];

/** What the adapter was found to know, shown in health: it explains how fast it is. */
export interface Features {
  /** `ATAT1`: the adapter learns how long the ECUs take. */
  readonly adaptiveTiming: boolean;
  /** `ATS0`: lines without spaces, a third shorter. */
  readonly spacesOff: boolean;
  /** `ATAL`: messages over 7 bytes. */
  readonly longMessages: boolean;
  /** `STI`: an STN chip, by its answer. */
  readonly stn: string | undefined;
}

export class Adapter implements VehicleLink {
  readonly measuresVoltage = true;
  readonly counters: FrameCounters;
  /** As the adapter calls itself; not to be believed. */
  banner = '';
  features: Features | undefined;
  /** Digit of `ATDPN` and the bus it stands for, once an ECU has answered. */
  protocol: string | undefined;
  bus: BusKind | undefined;
  /** What was found instead of a bus with OBD-II. */
  foreign: string | undefined;
  #tuned = false;
  readonly #elm: Elm327;
  readonly #signal: AbortSignal;
  readonly #timing: Timing;

  /** @param counters counted on from an earlier connection */
  constructor(
    elm: Elm327,
    signal: AbortSignal,
    timing: Timing,
    counters: FrameCounters = { badLines: 0, incomplete: 0 },
  ) {
    this.#elm = elm;
    this.#signal = signal;
    this.#timing = timing;
    this.counters = counters;
  }

  /** Restarts the adapter and sets it up. Throws a LinkError when it does not do what it must. */
  async setUp(): Promise<void> {
    const hello = await this.#elm.ask('ATZ', RESTART_MS, this.#signal);
    this.#elm.takeRestarted(); // This time it was us.
    this.banner = /(ELM|OBD|STN)[^>\r]*/i.exec(hello?.text ?? '')?.[0].trim() ?? '';
    await this.#set('ATE0');
    await this.#set('ATL0');
    const spacesOff = await this.#set('ATS0');
    // Without headers two ECUs that answer at once cannot be told apart (DSJ p. 43).
    if (!(await this.#set('ATH1'))) {
      throw new LinkError(
        'BAD_ANSWER',
        `${this.banner || 'adapter'}: does not show headers (ATH1)`,
      );
    }
    await this.#set('ATCAF1');
    this.features = {
      spacesOff,
      longMessages: await this.#set('ATAL'),
      adaptiveTiming: await this.#set('ATAT1'),
      stn: await this.#stn(),
    };
  }

  /**
   * Looks for ECUs: with the protocol that worked last, or through all of them. `ATTP` and not
   * `ATSP`, which would write the adapter's EEPROM each time (DSJ p. 36). A known protocol is tried
   * alone, so that looking for a parked car does not mean trying every bus it has.
   */
  async connect(lastProtocol = '0'): Promise<Outcome> {
    await this.#set(`ATTP${lastProtocol}`);
    const first = await this.#ask('0100', lastProtocol === '0' ? SEARCH_MS : SLOW_ANSWER_MS);
    if (first === undefined) return { kind: 'disturbed', alert: 'timeout' };
    if (first.data.length === 0) return this.#withoutData(first);
    const digit = await this.#protocolDigit();
    const bus = digit === undefined ? guessBus(first.data) : busOfProtocol(digit);
    this.foreign = undefined;
    if (bus === undefined) {
      // Not a fault of the link: a truck with SAE J1939, say. It is left in peace like a parked car.
      this.foreign = digit === undefined ? (first.data[0] ?? '') : `protocol ${digit}`;
      return { kind: 'no-bus', alert: 'unable-to-connect' };
    }
    this.bus = bus;
    this.protocol = digit;
    return this.#withData(first, bus);
  }

  /**
   * One OBD request that only reads, sent to all ECUs.
   *
   * @param hex service and data: `010C`
   * @param frames lines to wait for; the adapter then answers at once after the last (DSJ p. 32)
   */
  async request(hex: string, timeoutMs = ANSWER_MS, frames?: number): Promise<Outcome> {
    if (!isReading(hex)) throw new RangeError(`not a request that reads: ${hex}`);
    return await this.#send(hex, timeoutMs, frames);
  }

  /**
   * Service 04, once: the only request that changes anything. Whoever calls it has made sure that it
   * may be sent: clearing.ts. Control units take their time to write their memory, and may say "wait".
   */
  async clearCodes(): Promise<Outcome> {
    return await this.#patiently(() => this.#send(CLEAR, SLOW_ANSWER_MS));
  }

  async #send(hex: string, timeoutMs: number, frames?: number): Promise<Outcome> {
    if (this.bus === undefined) throw new Error('request before connect');
    const count = frames === undefined ? '' : frames.toString(16).toUpperCase();
    const answer = await this.#ask(hex + count, timeoutMs);
    if (answer === undefined) return { kind: 'disturbed', alert: 'timeout' };
    if (answer.data.length === 0) return this.#withoutData(answer);
    this.#timing.request(this.#elm.times);
    return this.#withData(answer, this.bus);
  }

  /**
   * As `request`, for an ECU that has said "wait" (7F xx 78, ISO 14229-1). Adapters before v2.1 do not
   * know of it (DSJ p. 45): they get the longest wait that they have, a second after each line.
   */
  async requestPatiently(hex: string): Promise<Outcome> {
    return await this.#patiently(() => this.request(hex, SLOW_ANSWER_MS));
  }

  async #patiently(ask: () => Promise<Outcome>): Promise<Outcome> {
    await this.#set('ATAT0');
    await this.#set('ATSTFF');
    try {
      return await ask();
    } finally {
      await this.#set('ATST00'); // The default (DSJ p. 27); tune() sets its own again.
      this.#tuned = false;
      if (this.features?.adaptiveTiming) await this.#set('ATAT1');
    }
  }

  /**
   * Shortens the time that an adapter without adaptive timing waits for more answers (200 ms by
   * default) to what the ECUs of this car really take, once enough of them have been measured.
   */
  async tune(): Promise<void> {
    if (this.#tuned || this.features?.adaptiveTiming !== false) return;
    const units = this.#timing.waitUnits();
    if (units === undefined) return;
    this.#tuned = true;
    await this.#set(`ATST${hexByte(units)}`);
  }

  /** Volts at the plug (`ATRV`), or undefined where the adapter does not measure them. */
  async voltage(): Promise<number | undefined> {
    const answer = await this.#ask('ATRV', AT_MS);
    this.#timing.command(this.#elm.times);
    const volts = /^(\d+\.\d+)V?$/.exec(answer?.text ?? '')?.[1];
    return volts === undefined ? undefined : Number(volts);
  }

  /** Between its answers an adapter hears nothing of the bus. */
  stirred(): boolean {
    return false;
  }

  note(searching: boolean): string {
    if (searching) return 'the adapter answers; looking for the car on its bus';
    return this.foreign === undefined
      ? 'the adapter answers, the car does not; is its ignition off?'
      : `the adapter found a bus without OBD-II: ${this.foreign}`;
  }

  #withData(answer: Answer, bus: BusKind): Outcome {
    const { badLines, incomplete } = this.counters;
    const responses = readResponses(bus, answer.data, this.counters);
    const dropped = this.counters.badLines - badLines + this.counters.incomplete - incomplete;
    const alert = answer.alerts.find((seen) => DISTURBED.includes(seen));
    if (responses.length === 0) return { kind: 'disturbed', alert: alert ?? 'garbage' };
    const whole = alert === undefined && dropped + answer.garbage === 0;
    return { kind: 'answered', responses, lines: answer.data.length, whole };
  }

  #withoutData(answer: Answer): Outcome {
    const none = answer.alerts.find((alert) => NO_BUS.includes(alert));
    if (none !== undefined) return { kind: 'no-bus', alert: none };
    const cut = answer.alerts.find((alert) => DISTURBED.includes(alert));
    if (cut !== undefined) return { kind: 'disturbed', alert: cut };
    return answer.alerts.includes('no-data')
      ? { kind: 'silent' }
      : { kind: 'disturbed', alert: 'garbage' };
  }

  /** An AT setting; true when the adapter says OK. `?` may be a slip of the line, so it is asked again. */
  async #set(command: string): Promise<boolean> {
    for (let tries = 0; tries < SET_TRIES; tries++) {
      const answer = await this.#ask(command, AT_MS);
      if (answer?.alerts.includes('ok')) return true;
    }
    return false;
  }

  async #stn(): Promise<string | undefined> {
    const answer = await this.#elm.ask('STI', AT_MS, this.#signal);
    return /STN\S+( v\S+)?/.exec(answer?.text ?? '')?.[0];
  }

  async #protocolDigit(): Promise<string | undefined> {
    const answer = await this.#ask('ATDPN', AT_MS);
    // `A6`: protocol 6, found automatically.
    return /^A?([1-9A-C])$/.exec(answer?.text ?? '')?.[1];
  }

  async #ask(command: string, timeoutMs: number): Promise<Answer | undefined> {
    const answer = await this.#elm.ask(command, timeoutMs, this.#signal);
    const restart = answer?.alerts.find((alert) => RESTARTS.includes(alert));
    if (this.#elm.takeRestarted() || restart !== undefined) {
      throw new AdapterRestarted(`the adapter restarted by itself (${restart ?? 'banner'})`);
    }
    return answer;
  }
}

/** For clones without ATDPN: the bus on whose rules the lines add up. */
function guessBus(lines: readonly string[]): BusKind | undefined {
  const scratch = { badLines: 0, incomplete: 0 };
  return BUS_KINDS.find((bus) => readResponses(bus, lines, scratch).length > 0);
}
