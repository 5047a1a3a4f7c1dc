import type { CanFrame } from './bus.ts';

/** The lines of the LAWICEL protocol (CAN232 and CANUSB manuals), which slcan adapters speak. */

const CR = 0x0d;
const LF = 0x0a;
const BEL = 0x07;
/**
 * Bytes of a line; the longest are that of a CAN FD frame of 64 bytes with its stamp, 142, and the
 * version of some firmware. What is longer is no line: it is passed over to its end and counted.
 */
const LINE_BYTES_MAX = 192;
const STAMP_DIGITS = 4;
/** Bytes of a CAN FD frame by its length code. */
const FD_BYTES: readonly number[] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 20, 24, 32, 48, 64];

/** What an adapter says to a command: done, not done, or a text such as `V1013`. */
export type Answer =
  | { readonly kind: 'done' }
  | { readonly kind: 'refused' }
  | { readonly kind: 'text'; readonly text: string };

export interface LineEvents {
  /** @param stampMs the adapter's time below 60,000; undefined where it gives none */
  frame(frame: CanFrame, stampMs: number | undefined): void;
  remote(): void;
  fd(): void;
  answer(answer: Answer): void;
  /** A line that is none of these. */
  malformed(): void;
}

const NIBBLES = Int8Array.from({ length: 256 }, (_, byte) => {
  const digit = Number.parseInt(String.fromCharCode(byte), 16);
  return Number.isNaN(digit) ? -1 : digit;
});

const letter = (text: string): number => text.charCodeAt(0);
const [STANDARD, EXTENDED] = [letter('t'), letter('T')];
const [REMOTE, EXTENDED_REMOTE] = [letter('r'), letter('R')];
const [SENT, EXTENDED_SENT] = [letter('z'), letter('Z')];
/** CAN FD without and with a switch of the bit rate, as CANable 2 writes it. */
const FD_STANDARD = [letter('d'), letter('b')];
const FD_EXTENDED = [letter('D'), letter('B')];

const ID_DIGITS = 3;
const EXTENDED_ID_DIGITS = 8;
const ID_MAX = 0x7ff;
const EXTENDED_ID_MAX = 0x1fff_ffff;

const DONE: Answer = { kind: 'done' };
const REFUSED: Answer = { kind: 'refused' };

/** Cuts bytes into lines and reads them, however they come. */
export class SlcanReader {
  readonly #events: LineEvents;
  readonly #line = new Uint8Array(LINE_BYTES_MAX);
  /** Beyond LINE_BYTES_MAX for a line that is too long. */
  #length = 0;

  constructor(events: LineEvents) {
    this.#events = events;
  }

  push(chunk: Uint8Array): void {
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i] ?? 0;
      if (byte === CR) this.#end();
      else if (byte === BEL) this.#bell();
      else if (byte === LF || byte === 0)
        continue; // Of a line that ends with two, or of noise.
      else if (this.#length < LINE_BYTES_MAX) this.#line[this.#length++] = byte;
      else this.#length = LINE_BYTES_MAX + 1;
    }
  }

  /** It ends no line: what stands before it was cut off. */
  #bell(): void {
    if (this.#length > 0) this.#events.malformed();
    this.#length = 0;
    this.#events.answer(REFUSED);
  }

  #end(): void {
    const length = this.#length;
    this.#length = 0;
    if (length > LINE_BYTES_MAX) this.#events.malformed();
    else if (length === 0) this.#events.answer(DONE);
    else this.#read(this.#line[0] ?? 0, length);
  }

  #read(type: number, length: number): void {
    if (type === STANDARD) this.#frame(ID_DIGITS, length);
    else if (type === EXTENDED) this.#frame(EXTENDED_ID_DIGITS, length);
    else if (type === REMOTE) this.#remote(ID_DIGITS, length);
    else if (type === EXTENDED_REMOTE) this.#remote(EXTENDED_ID_DIGITS, length);
    else if (length === 1 && (type === SENT || type === EXTENDED_SENT)) this.#events.answer(DONE);
    else if (FD_STANDARD.includes(type) && this.#isFd(ID_DIGITS, length)) this.#events.fd();
    else if (FD_EXTENDED.includes(type) && this.#isFd(EXTENDED_ID_DIGITS, length))
      this.#events.fd();
    else this.#text(length);
  }

  #frame(idDigits: number, length: number): void {
    const extended = idDigits === EXTENDED_ID_DIGITS;
    const id = this.#hex(1, idDigits);
    const bytes = this.#hex(1 + idDigits, 1);
    const start = 2 + idDigits;
    const end = start + 2 * bytes;
    const isWhole = length === end || length === end + STAMP_DIGITS;
    if (
      id < 0 ||
      id > (extended ? EXTENDED_ID_MAX : ID_MAX) ||
      bytes < 0 ||
      bytes > 8 ||
      !isWhole
    ) {
      this.#events.malformed();
      return;
    }
    const data = new Uint8Array(bytes);
    let bad = 0;
    for (let i = 0; i < bytes; i++) {
      const value = this.#hex(start + 2 * i, 2);
      bad |= value;
      data[i] = value;
    }
    const stamp = length === end ? undefined : this.#hex(end, STAMP_DIGITS);
    if (bad < 0 || (stamp ?? 0) < 0) this.#events.malformed();
    else this.#events.frame({ id, extended, data }, stamp);
  }

  /** A remote frame has a length and no data. */
  #remote(idDigits: number, length: number): void {
    const end = 2 + idDigits;
    const isWhole = length === end || length === end + STAMP_DIGITS;
    const isFrame = this.#hex(1, idDigits) >= 0 && this.#hex(1 + idDigits, 1) >= 0;
    if (isWhole && isFrame) this.#events.remote();
    else this.#events.malformed();
  }

  #isFd(idDigits: number, length: number): boolean {
    const end = 2 + idDigits + 2 * (FD_BYTES[this.#hex(1 + idDigits, 1)] ?? Number.NaN);
    return length === end || length === end + STAMP_DIGITS;
  }

  /** Everything that can be read is an answer; whoever asked knows it, and noise is nobody's. */
  #text(length: number): void {
    const bytes = this.#line.subarray(0, length);
    if (bytes.every((byte) => byte >= 0x20 && byte < 0x7f)) {
      this.#events.answer({ kind: 'text', text: Buffer.from(bytes).toString('latin1') });
    } else {
      this.#events.malformed();
    }
  }

  /** The number of up to 8 digits from `start`; below 0 where one is none. */
  #hex(start: number, digits: number): number {
    let value = 0;
    for (let i = start; i < start + digits; i++) {
      const nibble = NIBBLES[this.#line[i] ?? 0] ?? -1;
      if (nibble < 0) return -1;
      value = value * 16 + nibble;
    }
    return value;
  }
}

/** The command that sends a frame. */
export function frameLine({ id, extended, data }: CanFrame): string {
  const start = extended ? 'T' : 't';
  const digits = extended ? EXTENDED_ID_DIGITS : ID_DIGITS;
  const bytes = Buffer.from(data).toString('hex');
  const body = `${id.toString(16).padStart(digits, '0')}${data.length}${bytes}`;
  return `${start}${body.toUpperCase()}`;
}
