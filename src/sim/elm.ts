/**
 * An ELM327 adapter in a simulated car: bytes in, bytes out, each with its time.
 *
 * It never waits and reads no clock. `receive` hands it bytes at a time, `take` returns what it has
 * sent by a time, `nextAt` tells when there will be more. The dialogue follows ELM327DSJ: echo,
 * commands that end with CR, answers that end with an empty line and `>`, a lone CR that repeats the
 * last command, and STOPPED when a byte arrives during work.
 */
import type { Micros } from '#core/stream.ts';
import type { Vehicle } from './ecu.ts';
import { atCommand } from './elm-commands.ts';
import {
  distort,
  type Fault,
  type FaultPlan,
  fillByte,
  misheard,
  replacement,
} from './elm-faults.ts';
import { PERSONALITIES, type PersonalityName } from './elm-personality.ts';
import type { ProtocolDigit } from './elm-protocols.ts';
import { PROMPT, type Reply, replyNow, type TimedLine } from './elm-reply.ts';
import { obdRequest, parseRequest } from './elm-request.ts';
import { defaultSettings } from './elm-settings.ts';
import { type ElmState, type ElmTiming, resetState } from './elm-state.ts';
import { stnCommand } from './elm-stn.ts';
import { seededRandom } from './random.ts';

export interface ElmOptions {
  readonly vehicle: Vehicle;
  /** Which adapter it plays; a genuine v2.1 when absent. */
  readonly personality?: PersonalityName;
  /** The bus of the car; CAN 11/500 when absent. */
  readonly protocol?: ProtocolDigit;
  /** Decides where noise falls. */
  readonly seed?: number;
  readonly faults?: FaultPlan;
  readonly timing?: Partial<ElmTiming>;
  /** False sends whole answers at once instead of at the line's rate. */
  readonly paced?: boolean;
  /** Told of every command, with the fault that hit it. */
  readonly record?: (entry: ElmRecord) => void;
}

export interface ElmRecord {
  readonly at: Micros;
  /** In upper case, without spaces. */
  readonly command: string;
  readonly fault: Fault | undefined;
}

interface Piece {
  readonly at: Micros;
  readonly bytes: Uint8Array;
}

/** A new line rate on trial: the banner goes out, and the host has until then to say CR. */
interface BaudTrial {
  readonly bannerAt: Micros;
  readonly until: Micros;
  readonly baud: number;
}

const TIMING: ElmTiming = { adapterMs: 1, searchMs: 1500, resetMs: 700, gapMs: 3 };
const CR = 0x0d;
/** CR, LF and the prompt: after these another line may begin. */
const LINE_ENDS = [CR, 0x0a, 0x3e];
/** Printable ASCII; everything else but CR is ignored. */
const PRINTABLE_MIN = 0x20;
const PRINTABLE_MAX = 0x7e;
/** Longer lines are answered with `?`. */
const LINE_CHARS_MAX = 128;
/** Bytes that arrive together, as from a UART's receive buffer. */
const CHUNK_BYTES = 16;
/** Start bit, eight data bits, stop bit. */
const BITS_PER_BYTE = 10;
const BAUD_TRIAL_MS = 75;
/** Before v1.3 an interrupted answer ended with the prompt alone. */
const STOPPED_SINCE = 1.3;
const FILL = 0x55;

export class ElmAdapter {
  /** True once a `disconnect` fault has cut the link. */
  closed = false;
  readonly #state: ElmState;
  readonly #faults: FaultPlan;
  readonly #random: () => number;
  readonly #paced: boolean;
  readonly #record: (entry: ElmRecord) => void;
  #line = '';
  #last = '';
  #out: Piece[] = [];
  /** Lines that come after their prompt. They go out between other lines, never within one. */
  #late: Piece[] = [];
  #midLine = false;
  #busyUntil: Micros = 0;
  #trial: BaudTrial | undefined;

  constructor(options: ElmOptions) {
    const personality = PERSONALITIES[options.personality ?? 'elm327-2.1'];
    this.#state = {
      personality,
      vehicle: options.vehicle,
      carProtocol: options.protocol ?? '6',
      timing: { ...TIMING, ...options.timing },
      settings: defaultSettings(),
      choice: { digit: '0', auto: true },
      saved: { digit: '0', auto: true },
      active: undefined,
      fill: FILL,
      asleep: false,
      offeredBaud: undefined,
      baud: personality.baud,
    };
    this.#faults = options.faults ?? (() => undefined);
    this.#random = seededRandom(options.seed ?? 0);
    this.#paced = options.paced ?? true;
    this.#record = options.record ?? (() => {});
  }

  /** Bits per second of the line at this moment. */
  get baud(): number {
    return this.#state.baud;
  }

  /** Plugs the cable in again after a disconnect. The adapter had power all along. */
  reconnect(): void {
    this.closed = false;
    this.#out = [];
    this.#late = [];
    this.#midLine = false;
    this.#line = '';
  }

  /** Bytes from the host at time `now`; times must not go back. */
  receive(bytes: Uint8Array, now: Micros): void {
    for (const byte of bytes) if (!this.closed) this.#byte(byte, now);
  }

  /** What has been sent by `now` and not been taken yet; undefined when nothing has. */
  take(now: Micros): Uint8Array | undefined {
    this.#endTrial(now);
    const taken: Uint8Array[] = [];
    for (let piece = this.#next(); piece && piece.at <= now; piece = this.#next()) {
      if (this.#out[0] === piece) this.#out.shift();
      else this.#late.shift();
      taken.push(piece.bytes);
      this.#midLine = !LINE_ENDS.includes(piece.bytes.at(-1) ?? CR);
    }
    return taken.length > 0 ? Buffer.concat(taken) : undefined;
  }

  /** When the next bytes will have been sent; undefined while none are on their way. */
  nextAt(): Micros | undefined {
    return this.#next()?.at;
  }

  #next(): Piece | undefined {
    const [out] = this.#out;
    const [late] = this.#late;
    if (this.#midLine || !late) return out;
    return out && out.at < late.at ? out : late;
  }

  #byte(byte: number, now: Micros): void {
    this.#endTrial(now);
    if (this.#trial) this.#acceptBaud(byte, now, this.#trial);
    else if (this.#state.asleep) this.#wake(now);
    else if (now < this.#busyUntil) this.#interrupt(now);
    else this.#type(byte, now);
  }

  #type(byte: number, now: Micros): void {
    if (byte !== CR && (byte < PRINTABLE_MIN || byte > PRINTABLE_MAX)) return;
    const { echo, linefeeds } = this.#state.settings;
    if (echo) this.#queue(byte === CR && linefeeds ? '\r\n' : String.fromCharCode(byte), now);
    if (byte !== CR) {
      if (this.#line.length <= LINE_CHARS_MAX) this.#line += String.fromCharCode(byte);
      return;
    }
    const typed = this.#line.replaceAll(' ', '').toUpperCase();
    this.#line = '';
    this.#execute(typed, now);
  }

  #execute(typed: string, now: Micros): void {
    const command = typed === '' ? this.#last : typed;
    if (command === '') this.#send(replyNow([]), now);
    else this.#obey(command, now);
  }

  #obey(command: string, now: Micros): void {
    this.#last = command;
    const fault = this.#faults(command);
    this.#record({ at: now, command, fault });
    if (fault === 'disconnect') {
      this.reconnect();
      this.closed = true;
      return;
    }
    const state = this.#state;
    const { fill } = state;
    state.fill = fillByte(fault, fill);
    const reply = replacement(fault, state) ?? this.#run(misheard(fault, command), now);
    state.fill = fill;
    this.#send(distort(fault, reply, state, this.#random), now);
    if (state.offeredBaud !== undefined) this.#startTrial(state.offeredBaud);
  }

  #run(command: string, now: Micros): Reply {
    if (command.length > LINE_CHARS_MAX) return replyNow(['?']);
    if (command.startsWith('AT')) return atCommand(this.#state, command.slice(2), now);
    if (command.startsWith('ST')) return stnCommand(this.#state, command.slice(2), now);
    if (!/^[0-9A-F]+$/.test(command)) return replyNow(['?']);
    const request = parseRequest(this.#state, command);
    return request ? obdRequest(this.#state, request, now) : replyNow(['?']);
  }

  /** Cuts the running answer off. The byte that did it is lost. */
  #interrupt(now: Micros): void {
    this.#out = this.#out.filter(({ at }) => at <= now);
    const told = this.#state.personality.knows >= STOPPED_SINCE;
    this.#send(replyNow(told ? ['STOPPED'] : []), now);
  }

  #wake(now: Micros): void {
    this.#state.asleep = false;
    resetState(this.#state);
    this.#send(replyNow(['', '', this.#state.personality.banner]), now);
  }

  /** The new rate begins with the banner, 75 ms after the OK at the old one. */
  #startTrial(baud: number): void {
    this.#state.offeredBaud = undefined;
    const bannerAt = this.#busyUntil + BAUD_TRIAL_MS * 1000;
    this.#trial = { bannerAt, until: bannerAt + BAUD_TRIAL_MS * 1000, baud };
    this.#queue(`${this.#state.personality.banner}\r`, bannerAt);
    this.#queue(PROMPT, this.#trial.until); // The sign of falling back; taken back by a CR in time.
  }

  #acceptBaud(byte: number, now: Micros, { bannerAt, baud }: BaudTrial): void {
    if (byte !== CR || now < bannerAt) return;
    this.#trial = undefined;
    this.#state.baud = baud;
    this.#out = this.#out.filter(({ at }) => at <= now);
    this.#send(replyNow(['OK']), now);
  }

  #endTrial(now: Micros): void {
    if (this.#trial && now >= this.#trial.until) this.#trial = undefined;
  }

  /** Puts an answer on the line: not before its lines are ready, and not faster than the line runs. */
  #send(reply: Reply, now: Micros): void {
    const eol = this.#state.settings.linefeeds ? '\r\n' : '\r';
    const start = now + this.#state.timing.adapterMs * 1000;
    const readyAt = ({ afterMs }: TimedLine): Micros => Math.round(start + afterMs * 1000);
    let free = start;
    for (const line of reply.lines) {
      free = this.#queue(line.text + eol, Math.max(free, readyAt(line)));
    }
    const endAt = Math.max(free, Math.round(start + reply.endMs * 1000));
    this.#busyUntil = endAt;
    if (Number.isFinite(endAt) && reply.prompt !== '') {
      this.#busyUntil = this.#queue(eol + reply.prompt, endAt);
    }
    for (const line of reply.late ?? []) {
      this.#late.push({ at: readyAt(line), bytes: Buffer.from(line.text + eol, 'latin1') });
    }
  }

  /** Schedules text in chunks from `from` on; returns when its last byte has been sent. */
  #queue(text: string, from: Micros): Micros {
    const bytes = Buffer.from(text, 'latin1');
    const byteMicros = this.#paced ? (BITS_PER_BYTE * 1e6) / this.#state.baud : 0;
    let at = from;
    for (let i = 0; i < bytes.length; i += CHUNK_BYTES) {
      const chunk = bytes.subarray(i, i + CHUNK_BYTES);
      at = Math.round(at + chunk.length * byteMicros);
      this.#out.push({ at, bytes: chunk });
    }
    this.#out.sort((a, b) => a.at - b.at);
    return at;
  }
}
