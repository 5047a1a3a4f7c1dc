import {
  CONTINUE,
  consecutiveFrame,
  type FlowControl,
  type FrameShape,
  firstFrame,
  OVERFLOW,
  roomOf,
  separationMs,
  singleFrame,
  WAIT,
} from './pci.ts';

export type SenderState =
  /** `next` gives a frame. */
  | 'ready'
  /** The receiver has to say how to go on. */
  | 'flow'
  | 'done';

/** What flow control has brought: the sender may go on, is to wait for another, or has to give up. */
export type FlowResult = 'go' | 'wait' | 'too-long' | 'invalid';

/** ISO 15765-2 segmentation of one message into frames, without time and without a bus. */
export class IsoTpSender {
  readonly #pdu: Uint8Array;
  readonly #shape: FrameShape;
  #state: SenderState = 'ready';
  #sent = 0;
  #index = 0;
  /** Consecutive frames that may go out before the next flow control. */
  #credit = 0;
  #separationMs = 0;

  /** @param pdu 1 byte or more */
  constructor(pdu: Uint8Array, shape: FrameShape) {
    this.#pdu = pdu;
    this.#shape = shape;
  }

  get state(): SenderState {
    return this.#state;
  }

  /** The least time from one consecutive frame to the next, as the receiver last demanded. */
  get separationMs(): number {
    return this.#separationMs;
  }

  /** The data bytes of the next frame to go out; undefined unless `ready`. */
  next(): Uint8Array | undefined {
    if (this.#state !== 'ready') return undefined;
    if (this.#sent === 0) return this.#begin();
    const at = this.#sent;
    this.#sent += roomOf(this.#shape) - 1;
    this.#index++;
    this.#credit--;
    if (this.#sent >= this.#pdu.length) this.#state = 'done';
    else if (this.#credit === 0) this.#state = 'flow';
    return consecutiveFrame(this.#index, this.#pdu, at, this.#shape);
  }

  /** Takes flow control while the state is `flow`. */
  flow({ status, blockSize, stMin }: FlowControl): FlowResult {
    switch (status) {
      case CONTINUE:
        // Each flow control may change both (ISO 15765-2, 9.6.5.6): the sender follows.
        this.#credit = blockSize === 0 ? Number.POSITIVE_INFINITY : blockSize;
        this.#separationMs = separationMs(stMin);
        this.#state = 'ready';
        return 'go';
      case WAIT:
        return 'wait';
      case OVERFLOW:
        return 'too-long';
      default:
        return 'invalid';
    }
  }

  #begin(): Uint8Array {
    if (this.#pdu.length < roomOf(this.#shape)) {
      this.#state = 'done';
      return singleFrame(this.#pdu, this.#shape);
    }
    const { data, held } = firstFrame(this.#pdu, this.#shape);
    this.#sent = held;
    this.#state = 'flow';
    return data;
  }
}
