import type { Clock } from '#core/clock.ts';
import { LinkError } from '#core/errors.ts';
import type { Micros } from '#core/stream.ts';
import type { Port } from '../../../io/port.ts';
import { isAllowed } from './allowed.ts';
import { type Answer, parseAnswer } from './elm-text.ts';

/**
 * The adapter's dialogue: one command out, text up to the next prompt back (ELM327 data sheet DSJ,
 * p. 9). What has to be right for it never to get stuck or out of step:
 *
 * - Nothing is sent before the prompt of the last command has come, because any byte received
 *   during work aborts it (STOPPED, p. 89).
 * - An empty line is never sent: it repeats the last command, which could be one that erases.
 * - NUL bytes are dropped, as the data sheet asks (p. 9), and so is 0xFC, which comes from some
 *   adapters at start-up. Any other byte that is not printable is a damaged character: it stays in
 *   the text as a mark, so that what is left of its line is not taken for data.
 * - A prompt with nothing before it belongs to no answer: every command is answered by something.
 * - When no prompt comes, a harmless command interrupts whatever the adapter is doing. So it does
 *   after STOPPED, which says that a command was sent too early, after a prompt that was none.
 */
const PROMPT = 0x3e;
const CR = 0x0d;
const LF = 0x0a;
/** Bytes that adapters put between others, and that replace none. */
const INSERTED: readonly number[] = [0x00, 0xfc];
/** Stands for a character that the line has damaged. */
const DAMAGED = '\ufffd';
/** Text without a prompt; the longest honest answer (4095 bytes in CAN frames) is 15 KB. */
const ANSWER_CHARS_MAX = 32_768;
const RESYNC_TRIES = 3;
const RESYNC_MS = 700;
/** An adapter that is there answers a command without work in some 20 ms, over Bluetooth in 100. */
const WAKE_MS = 350;
const WAKE_TRIES = 2;
/**
 * Nothing may come for this long before the dialogue counts as in step again: longer than the answer
 * to the harmless command takes over Bluetooth, because the prompt before it may have been a late one.
 */
const QUIET_MS = 150;
/** A device that sends without a pause for this many times QUIET_MS is not waiting for commands. */
const QUIET_TRIES = 10;
const ANSWERED = 'answered';
/** `AT` followed by nothing: answered at once by every version, and changes nothing. */
const HARMLESS = 'AT';

export interface DialogueCounters {
  commands: number;
  /** Commands that got no prompt in time. */
  timeouts: number;
  /** Times the dialogue had to be brought back into step. */
  resyncs: number;
  /** Prompts that belonged to no command. */
  strayPrompts: number;
  /** Bytes that no adapter should send: NUL, 0xFC, line noise. */
  strayBytes: number;
  /** Lines that were neither data nor a known message. */
  garbageLines: number;
}

export function newDialogueCounters(): DialogueCounters {
  return {
    commands: 0,
    timeouts: 0,
    resyncs: 0,
    strayPrompts: 0,
    strayBytes: 0,
    garbageLines: 0,
  };
}

/** What an adapter says when it has lost its settings (DSJ p. 9, 89). */
const RESTARTED = /ELM327|LV RESET/;

interface Waiting {
  readonly resolve: (text: string) => void;
  readonly reject: (error: LinkError) => void;
}

export class Elm327 {
  readonly counters: DialogueCounters;
  readonly #port: Port;
  readonly #clock: Clock;
  #text = '';
  #waiting: Waiting | undefined;
  #lost: LinkError | undefined;
  #bytes = 0;
  readonly #times = { sent: 0, last: 0, prompt: 0 };
  #restarted = false;

  /** @param counters counted on from an earlier connection */
  constructor(port: Port, clock: Clock, counters = newDialogueCounters()) {
    this.#port = port;
    this.#clock = clock;
    this.counters = counters;
  }

  /** Bytes of any kind so far. */
  get received(): number {
    return this.#bytes;
  }

  /** When the last command was sent, and the last character and the prompt of its answer came. */
  get times(): Readonly<{ sent: Micros; last: Micros; prompt: Micros }> {
    return this.#times;
  }

  /** Whether something answers with a prompt. Throws only when the link ends. */
  async wake(signal: AbortSignal): Promise<boolean> {
    for (let tries = 0; tries < WAKE_TRIES; tries++) {
      if (await this.#interrupt(WAKE_MS, signal)) return true;
    }
    return false;
  }

  /** True once after the adapter has started anew by itself: all its settings are lost. */
  takeRestarted(): boolean {
    const restarted = this.#restarted;
    this.#restarted = false;
    return restarted;
  }

  /** Reads until the link ends. Resolves then; a pending `ask` rejects with the reason. */
  async listen(): Promise<void> {
    try {
      for await (const chunk of this.#port.input) this.#receive(chunk);
      this.#fail(new LinkError('LINK_LOST', 'the adapter hung up'));
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      this.#fail(error);
    }
  }

  /**
   * Sends a command and returns the adapter's answer, or undefined when no prompt came in
   * `timeoutMs`; the dialogue is in step again in either case.
   *
   * @param command without the carriage return; not empty, and no space in front; one of allowed.ts
   * @throws LinkError when the link ends, or the adapter does not come back into step
   */
  async ask(command: string, timeoutMs: number, signal: AbortSignal): Promise<Answer | undefined> {
    // Control characters could smuggle in a second command, and spaces alone are an empty line.
    if (!/^[\x21-\x7e][\x20-\x7e]*$/.test(command))
      throw new RangeError(`not a command: ${command}`);
    if (!isAllowed(command)) throw new RangeError(`not a command that may be sent: ${command}`);
    this.counters.commands++;
    const raw = await this.#exchange(command, timeoutMs, signal);
    if (raw === undefined) {
      this.counters.timeouts++;
      await this.resync(signal);
      return undefined;
    }
    const answer = parseAnswer(raw, command.replaceAll(' ', '').toUpperCase());
    // The adapter's own commands are answered in words that only their caller knows.
    if (!/^(AT|ST)/.test(command)) this.counters.garbageLines += answer.garbage;
    if (answer.alerts.includes('stopped')) await this.resync(signal);
    return answer;
  }

  /** Interrupts whatever the adapter is doing, and waits until it is ready for a command. */
  async resync(signal: AbortSignal): Promise<void> {
    this.counters.resyncs++;
    for (let tries = 0; tries < RESYNC_TRIES; tries++) {
      if (await this.#interrupt(RESYNC_MS, signal)) return;
    }
    throw new LinkError(
      'NO_ANSWER',
      this.#bytes === 0
        ? 'no answer; is it an ELM327 adapter, is it powered, is the baud rate right?'
        : `out of step after ${this.#bytes} bytes, last ${JSON.stringify(this.#text.slice(-40))}`,
    );
  }

  async #exchange(
    command: string,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    if (this.#lost) throw this.#lost;
    if (signal.aborted) throw new LinkError('NO_ANSWER', 'stopped', { cause: signal.reason });
    this.#noteReset();
    this.#times.sent = this.#clock.now();
    this.#times.last = 0;
    const done = new AbortController();
    const answered = new Promise<string>((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
    const stop = (): void => this.#fail(new LinkError('NO_ANSWER', 'stopped'));
    signal.addEventListener('abort', stop, { once: true });
    const late = this.#clock.sleep(timeoutMs, done.signal).then(
      () => undefined,
      () => answered, // Woken early because the race below is over.
    );
    try {
      // The write is raced too: a line held up by flow control must not hold up the timeout.
      const written = this.#port.write(`${command}\r`).then(() => answered);
      return await Promise.race([answered, written, late]);
    } finally {
      done.abort(ANSWERED); // A reason of our own spares an error object for each request.
      signal.removeEventListener('abort', stop);
      this.#waiting = undefined;
    }
  }

  /** Sends the harmless command; true when a prompt came and then nothing more. */
  async #interrupt(timeoutMs: number, signal: AbortSignal): Promise<boolean> {
    const text = await this.#exchange(HARMLESS, timeoutMs, signal);
    if (text === undefined) return false;
    if (RESTARTED.test(text)) this.#restarted = true;
    // Interrupting work gives two prompts: one for STOPPED, one for the rest of the command.
    return this.#quiet(signal);
  }

  /** Waits until nothing more comes; false when it does not end. */
  async #quiet(signal: AbortSignal): Promise<boolean> {
    for (let tries = 0; tries < QUIET_TRIES; tries++) {
      const seen = this.#bytes;
      await this.#clock.sleep(QUIET_MS, signal);
      if (this.#lost) throw this.#lost;
      if (this.#bytes === seen) return true;
    }
    return false;
  }

  #receive(chunk: Uint8Array): void {
    this.#bytes += chunk.length;
    const now = this.#clock.now();
    for (const byte of chunk) {
      if (byte === PROMPT) this.#prompt(now);
      else if ((byte >= 0x20 && byte < 0x7f) || byte === CR || byte === LF) {
        this.#text += String.fromCharCode(byte);
        if (byte >= 0x20) this.#times.last = now;
      } else {
        this.counters.strayBytes++;
        if (!INSERTED.includes(byte)) this.#text += DAMAGED;
      }
    }
    if (this.#text.length > ANSWER_CHARS_MAX) {
      this.#noteReset();
      this.counters.garbageLines++;
    }
  }

  #prompt(now: Micros): void {
    if (this.#waiting === undefined || this.#text.replaceAll(DAMAGED, '').trim() === '') {
      this.counters.strayPrompts++;
      this.#noteReset();
      return;
    }
    const { resolve } = this.#waiting;
    const text = this.#text;
    this.#waiting = undefined;
    this.#text = '';
    this.#times.prompt = now;
    resolve(text);
  }

  /** Discards text that nobody asked for, but not the news that the adapter has restarted. */
  #noteReset(): void {
    if (RESTARTED.test(this.#text)) this.#restarted = true;
    this.#text = '';
  }

  #fail(error: LinkError): void {
    this.#lost = error;
    this.#waiting?.reject(error);
  }
}
