import { memoryPort } from '../../src/io/memory.ts';
import type { OpenPort } from '../../src/io/port.ts';

/** A frame as an adapter sees it: a remote one has a length and no data. */
export interface AdapterFrame {
  readonly id: number;
  readonly extended: boolean;
  readonly remote: boolean;
  readonly length: number;
  /** In hexadecimal, in capitals. */
  readonly data: string;
}

export interface SlcanAdapterOptions {
  /** What goes to the computer. */
  readonly write: (text: string) => void;
  /** What goes to the bus. */
  readonly transmit?: (frame: AdapterFrame) => void;
  /** As in the LAWICEL manual; as the firmware of CANable: without answers; and one with none at all. */
  readonly dialect?: 'lawicel' | 'canable' | 'mute';
  /** What it answers to V in the dialect of LAWICEL. */
  readonly version?: string;
  /** Commands that are answered with BEL although the manual has them. */
  readonly lacks?: string;
  /** Milliseconds, for stamps. */
  readonly time?: () => number;
}

const RATES = [10, 20, 50, 100, 125, 250, 500, 800, 1000].map((kilobits) => kilobits * 1000);

/** An adapter that speaks the LAWICEL protocol, written from its manual and from the firmware of CANable. */
export class SlcanAdapter {
  /** Commands as they came. */
  readonly commands: string[] = [];
  /** What the channel does: `normal` acknowledges what others send. */
  channel: 'closed' | 'normal' | 'silent' = 'closed';
  bitRate = 0;
  /** The answer to F. */
  flags = '00';
  /** Whether it takes frames to send. */
  takes = true;
  /** Whether it says that it sent them. */
  confirms = true;
  /** Modes in which the channel was ever opened, with the rate. */
  readonly opened: string[] = [];
  readonly #options: SlcanAdapterOptions;
  #line = '';
  #silent = false;
  #stamps = false;

  constructor(options: SlcanAdapterOptions) {
    this.#options = options;
  }

  /** What came from the computer, in whatever pieces. */
  receive(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (byte !== 0x0d) {
        this.#line += String.fromCharCode(byte);
        continue;
      }
      const line = this.#line;
      this.#line = '';
      this.commands.push(line);
      if (this.#options.dialect === 'canable') this.#canable(line, 'b158aa7 github.com/canable');
      else if (this.#options.dialect === 'mute') this.#canable(line, undefined);
      else this.#options.write(this.#lawicel(line));
    }
  }

  /** A frame comes from a bus that runs at a rate; one at another rate is not understood. */
  hear(frame: AdapterFrame, bitRate: number = this.bitRate): void {
    if (this.channel === 'closed' || bitRate !== this.bitRate) return;
    const kind = frame.remote ? 'r' : 't';
    const digits = frame.id
      .toString(16)
      .toUpperCase()
      .padStart(frame.extended ? 8 : 3, '0');
    const time = (this.#options.time?.() ?? 0) % 60_000;
    const stamp = this.#stamps ? time.toString(16).toUpperCase().padStart(4, '0') : '';
    const head = (frame.extended ? kind.toUpperCase() : kind) + digits + frame.length;
    this.#options.write(`${head}${frame.data}${stamp}\r`);
  }

  #lawicel(line: string): string {
    const isOpen = this.channel !== 'closed';
    if (line === '') return '\r';
    if (this.#options.lacks?.includes(line.charAt(0))) return '\x07';
    if (/^[tTrR]/.test(line)) return this.#send(line);
    if (line === 'V') return `${this.#options.version ?? 'V1013'}\r`;
    if (line === 'F') return isOpen ? `F${this.flags}\r` : '\x07';
    if (line === 'C') return this.#done(isOpen, () => this.#set('closed'));
    if (/^S[0-8]$/.test(line)) return this.#done(!isOpen, () => this.#rate(line));
    if (/^Z[01]$/.test(line)) return this.#done(!isOpen, () => this.#stamp(line === 'Z1'));
    if (line === 'O') return this.#done(!isOpen, () => this.#set('normal'));
    if (line === 'L') return this.#done(!isOpen, () => this.#set('silent'));
    return '\x07';
  }

  #send(line: string): string {
    if (this.channel !== 'normal' || !this.takes) return '\x07';
    this.#options.transmit?.(parseFrame(line));
    if (!this.confirms) return '';
    return /^[TR]/.test(line) ? 'Z\r' : 'z\r';
  }

  #done(allowed: boolean, act: () => void): string {
    if (!allowed) return '\x07';
    act();
    return '\r';
  }

  #canable(line: string, version: string | undefined): void {
    if (line === 'C') this.#set('closed');
    else if (/^S[0-8]$/.test(line)) this.#rate(line);
    else if (/^M[01]$/.test(line)) this.#silent = line === 'M1';
    else if (line === 'O') this.#set(this.#silent ? 'silent' : 'normal');
    else if (line === 'V' && version !== undefined) this.#options.write(`${version}\r`);
    else if (/^[tTrR]/.test(line) && this.channel === 'normal') {
      this.#options.transmit?.(parseFrame(line));
    }
  }

  #set(channel: 'closed' | 'normal' | 'silent'): void {
    this.channel = channel;
    if (channel !== 'closed') this.opened.push(`${channel} ${this.bitRate}`);
  }

  #rate(line: string): void {
    this.bitRate = RATES[Number(line[1])] ?? 0;
  }

  #stamp(on: boolean): void {
    this.#stamps = on;
  }
}

function parseFrame(line: string): AdapterFrame {
  const extended = /^[TR]/.test(line);
  const start = extended ? 9 : 4;
  return {
    id: Number.parseInt(line.slice(1, start), 16),
    extended,
    remote: /^[rR]/.test(line),
    length: Number(line[start]),
    data: line.slice(start + 1).toUpperCase(),
  };
}

/** An adapter behind a port in memory. */
export function adapterPort(options: Omit<SlcanAdapterOptions, 'write'> = {}) {
  const { port, device } = memoryPort((bytes) => adapter.receive(bytes));
  const say = (text: string): void => device.feed(Buffer.from(text, 'latin1'));
  const adapter = new SlcanAdapter({ ...options, write: say });
  const open: OpenPort = () => Promise.resolve(port);
  return { adapter, open, say, hangUp: () => device.hangUp() };
}
