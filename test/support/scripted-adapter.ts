import type { Clock } from '#core/clock.ts';
import type { LinkError } from '#core/errors.ts';
import { type MemoryDevice, memoryPort } from '../../src/io/memory.ts';
import type { Port } from '../../src/io/port.ts';

const CR = 0x0d;
/** The command that interrupts: the only one that may be sent before a prompt has come. */
const HARMLESS = 'AT';

/** What comes back for a command, prompt included, after a time in which the adapter works. */
export interface Reply {
  readonly text: string;
  readonly afterMs: number;
}

export interface AdapterScript {
  readonly clock: Clock;
  /** The answer to a command; undefined when the adapter works on and never answers. */
  readonly reply: (command: string) => string | Reply | undefined;
  /** Milliseconds that bytes take to the adapter, and again from it. */
  readonly latencyMs?: number;
  /** Clones exist that finish their work first and then read what was sent meanwhile. */
  readonly interruptible?: boolean;
}

/** Lines as an adapter ends them, with the prompt after them. */
export function lines(...list: readonly string[]): string {
  return `${list.join('\r')}\r\r>`;
}

/** A port from which nothing ever comes. */
export function mutePort(write: Port['write']): Port {
  return {
    input: { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) },
    write,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** An ELM327 as its data sheet describes the dialogue (DSJ p. 9, 89), with answers from a script. */
export class ScriptedAdapter {
  readonly port: Port;
  /** Commands as they were received, without the carriage return. */
  readonly commands: string[] = [];
  /** Empty lines: each of them repeats a command. */
  emptyLines = 0;
  /** Commands other than the harmless one that were sent although no prompt had come. */
  readonly premature: string[] = [];
  readonly #script: AdapterScript;
  readonly #device: MemoryDevice;
  #line = '';
  #prompted = true;
  #work: object | undefined;
  #unread: number[] = [];

  constructor(script: AdapterScript) {
    this.#script = script;
    const { port, device } = memoryPort((bytes) => this.#written(bytes));
    this.port = port;
    this.#device = device;
  }

  /** Sends text or bytes of the adapter's own accord. */
  say(text: string | Uint8Array): void {
    const bytes = typeof text === 'string' ? Buffer.from(text, 'latin1') : text;
    this.#later(this.#script.latencyMs ?? 0, () => {
      if (bytes.includes(0x3e)) this.#prompted = true;
      this.#device.feed(bytes);
    });
  }

  hangUp(error?: LinkError): void {
    this.#device.hangUp(error);
  }

  #written(bytes: Uint8Array): void {
    const command = Buffer.from(bytes).toString('latin1').trim();
    if (!this.#prompted && command !== HARMLESS) this.premature.push(command);
    this.#prompted = false;
    this.#later(this.#script.latencyMs ?? 0, () => {
      for (const byte of bytes) this.#read(byte);
    });
  }

  #read(byte: number): void {
    if (this.#work !== undefined) {
      if (this.#script.interruptible === false) {
        this.#unread.push(byte);
        return;
      }
      // The byte that interrupts is lost; those after it are read as a command.
      this.#work = undefined;
      this.say(lines('STOPPED'));
      return;
    }
    if (byte !== CR) {
      this.#line += String.fromCharCode(byte).trim();
      return;
    }
    const command = this.#line;
    this.#line = '';
    this.commands.push(command);
    if (command === '') this.emptyLines++;
    this.#answer(this.#script.reply(command));
  }

  #answer(reply: string | Reply | undefined): void {
    if (typeof reply === 'string') {
      this.say(reply);
      return;
    }
    const work = {};
    this.#work = work;
    if (reply === undefined) return;
    this.#later(reply.afterMs, () => {
      if (this.#work !== work) return;
      this.#work = undefined;
      this.say(reply.text);
      const unread = this.#unread;
      this.#unread = [];
      for (const byte of unread) this.#read(byte);
    });
  }

  #later(ms: number, run: () => void): void {
    if (ms === 0) run();
    else void this.#script.clock.sleep(ms).then(run);
  }
}
