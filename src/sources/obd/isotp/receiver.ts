import {
  CONSECUTIVE,
  FIRST,
  FLOW,
  FRAME_BYTES,
  LONG_HEAD_BYTES,
  SHORT_HEAD_BYTES,
  SHORT_LENGTH_MAX,
  SINGLE,
} from './pci.ts';

/** What a frame has done to the message that is being put together. */
export type Step =
  /** It completes a message, which `take` returns. */
  | 'message'
  /** A message begins that goes on in other frames: its sender waits for flow control. */
  | 'first'
  | 'part'
  /** The message that begins is too long: its sender waits to be told. */
  | 'overflow'
  /** It is not the next frame of the message, which is given up. */
  | 'wrong-order'
  /** It cannot be read, or belongs to nothing. A message that was open is given up. */
  | 'bad'
  /** Flow control, which only a sender cares for. */
  | 'flow';

export interface ReceiverOptions {
  /** 8, or 7 where an address byte has been taken off. */
  readonly frameBytes?: number;
  /** Longer messages overflow: default 4095. */
  readonly messageBytesMax?: number;
}

/**
 * ISO 15765-2 (ISO-TP) reassembly of one sender's frames into messages, without time and without
 * answers. The layout of the frames is in pci.ts.
 *
 * A frame is as long as its content, or filled up to 8 bytes (ISO 15765-2, data optimization and
 * data padding); one in between has lost something on the way. A frame that does not fit is dropped
 * with the message it belongs to and counted: nothing is ever guessed. Memory is bounded by one
 * message of the longest length.
 */
export class IsoTpReceiver {
  /**
   * Frames dropped: truncated, out of order, of an unknown kind or without their first frame; and
   * messages given up because another began.
   */
  dropped = 0;
  /** Of these, the messages given up because another began. */
  interrupted = 0;
  readonly #frameBytes: number;
  readonly #messageBytesMax: number;
  #message: Uint8Array | undefined;
  #complete: Uint8Array | undefined;
  #filled = 0;
  #next = 1;

  constructor({ frameBytes, messageBytesMax }: ReceiverOptions = {}) {
    this.#frameBytes = frameBytes ?? FRAME_BYTES;
    this.#messageBytesMax = messageBytesMax ?? SHORT_LENGTH_MAX;
  }

  /** Whether a message has begun and is not complete. */
  get open(): boolean {
    return this.#message !== undefined;
  }

  /** Feeds the data bytes of one CAN frame; returns a message when it completes one. */
  push(data: Uint8Array): Uint8Array | undefined {
    return this.step(data) === 'message' ? this.take() : undefined;
  }

  /** Feeds the data bytes of one CAN frame, and tells what that did. */
  step(data: Uint8Array): Step {
    const control = data[0];
    if (control === undefined || data.length > this.#frameBytes) return this.#drop('bad');
    switch (control >> 4) {
      case SINGLE:
        return this.#single(data, control & 0x0f);
      case FIRST:
        return this.#first(data, ((control & 0x0f) << 8) | (data[1] ?? 0));
      case CONSECUTIVE:
        return this.#consecutive(data, control & 0x0f);
      case FLOW:
        return 'flow';
      default:
        return this.#drop('bad');
    }
  }

  /** The message that the last frame completed. */
  take(): Uint8Array | undefined {
    const message = this.#complete;
    this.#complete = undefined;
    return message;
  }

  /** Forgets a message that will not be completed. Returns true when there was one. */
  reset(): boolean {
    const open = this.#message !== undefined;
    this.#message = undefined;
    return open;
  }

  #single(data: Uint8Array, length: number): Step {
    this.#interrupt();
    if (length === 0 || length >= this.#frameBytes || !this.#fits(data, 1 + length)) {
      return this.#drop('bad');
    }
    this.#complete = data.subarray(1, 1 + length);
    return 'message';
  }

  #first(data: Uint8Array, short: number): Step {
    this.#interrupt();
    if (data.length < this.#frameBytes) return this.#drop('bad');
    if (short === 0) return this.#firstOfLong(data);
    // A message that fits a single frame has no first frame (ISO 15765-2, 9.6.3.1).
    if (short < this.#frameBytes) return this.#drop('bad');
    return this.#begin(short, data.subarray(SHORT_HEAD_BYTES));
  }

  #firstOfLong(data: Uint8Array): Step {
    const length = (word(data, 2) << 16) + word(data, 4);
    // A length that twelve bits can tell is to be told by them (ISO 15765-2, 9.6.3.2).
    if (length >>> 0 <= SHORT_LENGTH_MAX) return this.#drop('bad');
    return this.#begin(length >>> 0, data.subarray(LONG_HEAD_BYTES));
  }

  #begin(length: number, part: Uint8Array): Step {
    if (length > this.#messageBytesMax) return this.#drop('overflow');
    this.#message = new Uint8Array(length);
    this.#message.set(part);
    this.#filled = part.length;
    this.#next = 1;
    return 'first';
  }

  #consecutive(data: Uint8Array, index: number): Step {
    const message = this.#message;
    if (message === undefined) return this.#drop('bad');
    if (index !== this.#next) return this.#drop('wrong-order');
    const rest = message.length - this.#filled;
    const complete = rest < this.#frameBytes;
    const part = complete ? rest : this.#frameBytes - 1;
    // Only the last frame may be short (ISO 15765-2, 9.6.4.2).
    if (!this.#fits(data, 1 + part)) return this.#drop('bad');
    // Seven bytes are copied sooner than the views are made that could be copied at once.
    for (let i = 0; i < part; i++) message[this.#filled + i] = data[1 + i] ?? 0;
    this.#filled += part;
    this.#next = (this.#next + 1) & 0x0f;
    if (!complete) return 'part';
    this.#message = undefined;
    this.#complete = message;
    return 'message';
  }

  /** A new message ends one that is not complete (ISO 15765-2, table 23). */
  #interrupt(): void {
    if (!this.reset()) return;
    this.dropped++;
    this.interrupted++;
  }

  #drop(step: Step): Step {
    this.#message = undefined;
    this.dropped++;
    return step;
  }

  /** Whether the frame has `length` bytes, or is filled up. */
  #fits(data: Uint8Array, length: number): boolean {
    return data.length === length || (data.length === this.#frameBytes && length < data.length);
  }
}

function word(data: Uint8Array, at: number): number {
  return ((data[at] ?? 0) << 8) | (data[at + 1] ?? 0);
}
