/**
 * ISO 15765-2 (ISO-TP) reassembly of one sender's frames into messages.
 *
 * First byte of a frame (protocol control information, ISO 15765-2 table 9):
 *
 *   0L              single frame, L = 1..7 data bytes follow
 *   1L LL           first frame, LLL = 8..4095 bytes in the whole message, 6 data bytes follow
 *   2N              consecutive frame, N = 1..15, 0, 1.. counts on from the first frame
 *   3x              flow control, which only a sender cares for
 *
 * A frame is as long as its content, or filled up to 8 bytes (ISO 15765-2, data optimization and
 * data padding); one in between has lost something on the way. A frame that does not fit is dropped
 * with the message it belongs to and counted: nothing is ever guessed. Memory is bounded by one
 * message of 4095 bytes.
 */
const SINGLE_BYTES_MAX = 7;
const FRAME_BYTES_MAX = 8;

export class IsoTpReceiver {
  /**
   * Frames dropped: truncated, out of order, of an unknown kind or without their first frame; and
   * messages given up because another began.
   */
  dropped = 0;
  #message: Uint8Array | undefined;
  #filled = 0;
  #next = 1;

  /** Feeds the data bytes of one CAN frame; returns a message when it completes one. */
  push(data: Uint8Array): Uint8Array | undefined {
    const control = data[0];
    if (control === undefined || data.length > FRAME_BYTES_MAX) return this.#drop();
    switch (control >> 4) {
      case 0:
        return this.#single(data, control & 0x0f);
      case 1:
        return this.#first(data, ((control & 0x0f) << 8) | (data[1] ?? 0));
      case 2:
        return this.#consecutive(data, control & 0x0f);
      case 3:
        return undefined;
      default:
        return this.#drop();
    }
  }

  /** Forgets a message that will not be completed. Returns true when there was one. */
  reset(): boolean {
    const open = this.#message !== undefined;
    this.#message = undefined;
    return open;
  }

  #single(data: Uint8Array, length: number): Uint8Array | undefined {
    if (this.reset()) this.dropped++;
    if (length === 0 || length > SINGLE_BYTES_MAX || !fits(data, 1 + length)) return this.#drop();
    return data.subarray(1, 1 + length);
  }

  #first(data: Uint8Array, length: number): undefined {
    if (this.reset()) this.dropped++;
    // A message that fits a single frame has no first frame (ISO 15765-2, 9.6.3.1).
    if (length <= SINGLE_BYTES_MAX || data.length < FRAME_BYTES_MAX) return this.#drop();
    this.#message = new Uint8Array(length);
    this.#message.set(data.subarray(2));
    this.#filled = data.length - 2;
    this.#next = 1;
    return undefined;
  }

  #consecutive(data: Uint8Array, index: number): Uint8Array | undefined {
    const message = this.#message;
    if (message === undefined) return this.#drop();
    const part = data.subarray(1, 1 + message.length - this.#filled);
    const complete = this.#filled + part.length === message.length;
    // Only the last frame may be short (ISO 15765-2, 9.6.4.2).
    const length = complete ? 1 + part.length : FRAME_BYTES_MAX;
    if (index !== this.#next || !fits(data, length)) return this.#drop();
    message.set(part, this.#filled);
    this.#filled += part.length;
    this.#next = (this.#next + 1) & 0x0f;
    if (!complete) return undefined;
    this.#message = undefined;
    return message;
  }

  #drop(): undefined {
    this.#message = undefined;
    this.dropped++;
    return undefined;
  }
}

/** Whether the frame has `length` bytes, or is filled up. */
function fits(data: Uint8Array, length: number): boolean {
  return data.length === length || (data.length === FRAME_BYTES_MAX && length < FRAME_BYTES_MAX);
}
