import { CodedError } from '#core/errors.ts';
import type { Micros } from '#core/stream.ts';
import { Deadline } from './deadline.ts';
import { IsoTpError, type IsoTpErrorCode } from './errors.ts';
import { type IsoTpLink, OVER, put } from './link.ts';
import { CONTINUE, FRAME_BYTES, flowFrame, OVERFLOW } from './pci.ts';
import { IsoTpReceiver } from './receiver.ts';

export interface ReceptionOptions {
  readonly address: { readonly rxPrefix?: number };
  readonly flow?: { readonly blockSize: number; readonly stMin: number };
  readonly messageBytesMax?: number;
  readonly received: (pdu: Uint8Array, t: Micros) => void;
  readonly failed?: (error: IsoTpError) => void;
}

/** The receiving direction of a connection: reassembly, the flow control it owes, N_Cr and N_Ar. */
export class Reception {
  readonly #link: IsoTpLink;
  readonly #options: ReceptionOptions;
  readonly #receiver: IsoTpReceiver;
  readonly #deadline: Deadline;
  /** What is waited for: the next frame, or our flow control or refusal to be on the bus. */
  #phase: 'frame' | 'flow' | 'refusal' = 'frame';
  /** Consecutive frames since the last flow control. */
  #inBlock = 0;
  /** Ends the flow control that is on its way. */
  #flow = new AbortController();

  constructor(link: IsoTpLink, options: ReceptionOptions) {
    const { address, messageBytesMax } = options;
    this.#link = link;
    this.#options = options;
    this.#receiver = new IsoTpReceiver({
      frameBytes: address.rxPrefix === undefined ? FRAME_BYTES : FRAME_BYTES - 1,
      ...(messageBytesMax === undefined ? {} : { messageBytesMax }),
    });
    this.#deadline = new Deadline(link.clock, () => this.#late());
  }

  get isOpen(): boolean {
    return this.#receiver.open;
  }

  /** Takes the data bytes of a frame, without its address byte. */
  take(data: Uint8Array, t: Micros): void {
    const { counters, timing } = this.#link;
    const wasOpen = this.#receiver.open;
    const { interrupted } = this.#receiver;
    const step = this.#receiver.step(data);
    counters.dropped = this.#receiver.dropped;
    if (this.#receiver.interrupted > interrupted) {
      this.#giveUp('N_UNEXP_PDU', 'another message began before this one was complete');
    }
    switch (step) {
      case 'message':
        this.#complete(t);
        break;
      case 'first':
        this.#inBlock = 0;
        this.#sendFlow(CONTINUE);
        break;
      case 'part':
        this.#phase = 'frame';
        this.#deadline.set(timing.nCrMs);
        if (++this.#inBlock === this.#blockSize) {
          this.#inBlock = 0;
          this.#sendFlow(CONTINUE);
        }
        break;
      case 'overflow':
        counters.overflows++;
        this.#giveUp('N_BUFFER_OVFLW', 'a message came that is too long');
        this.#sendFlow(OVERFLOW);
        break;
      case 'wrong-order':
        this.#giveUp('N_WRONG_SN', 'a part of a message was lost or out of order');
        break;
      case 'bad':
        if (wasOpen && this.#receiver.interrupted === interrupted) {
          this.#giveUp('N_ERROR', 'a frame within a message was damaged');
        }
        break;
      case 'flow':
        break;
    }
  }

  /** Gives up a message that is coming. */
  reset(error: IsoTpError): void {
    if (this.#receiver.reset()) this.#failed(error);
    else this.#rest();
  }

  get #blockSize(): number {
    return this.#options.flow?.blockSize ?? 0;
  }

  #complete(t: Micros): void {
    const pdu = this.#receiver.take();
    this.#rest();
    if (pdu === undefined) return;
    this.#link.counters.received++;
    this.#options.received(pdu, t);
  }

  #late(): void {
    const { timing, counters } = this.#link;
    counters.timeouts++;
    this.#receiver.reset();
    if (this.#phase === 'frame') {
      this.#giveUp('N_TIMEOUT_CR', `the next part did not come within ${timing.nCrMs} ms`);
    } else if (this.#phase === 'flow') {
      this.#giveUp('N_TIMEOUT_A', `the bus took no flow control within ${timing.nArMs} ms`);
    } else {
      this.#rest(); // The message was given up before. Its sender finds out by its own N_Bs.
    }
  }

  #giveUp(code: IsoTpErrorCode, what: string, cause?: unknown): void {
    this.#failed(new IsoTpError(code, `${this.#link.name}: ${what}`, { cause }));
  }

  #failed(error: IsoTpError): void {
    this.#rest();
    this.#link.counters.incomplete++;
    this.#options.failed?.(error);
  }

  /** Nothing more is waited for, and what flow control is on its way is none of its business. */
  #rest(): void {
    this.#deadline.clear();
    this.#flow.abort(OVER);
  }

  /** Each flow control of a message says the same (ISO 15765-2, 9.6.5.6). */
  #sendFlow(status: typeof CONTINUE | typeof OVERFLOW): void {
    const { stMin = 0 } = this.#options.flow ?? {};
    const data = flowFrame({ status, blockSize: this.#blockSize, stMin }, this.#link.shape);
    this.#flow.abort(OVER);
    this.#flow = new AbortController();
    this.#phase = status === CONTINUE ? 'flow' : 'refusal';
    this.#deadline.set(this.#link.timing.nArMs);
    void this.#putFlow(data, this.#flow.signal);
  }

  async #putFlow(data: Uint8Array, ended: AbortSignal): Promise<void> {
    try {
      await put(this.#link, data, ended);
    } catch (error) {
      if (ended.aborted) return; // The message is over, one way or another.
      if (!(error instanceof CodedError)) throw error;
      this.#unsent(error);
      return;
    }
    if (ended.aborted) return;
    if (this.#phase === 'refusal') this.#rest();
    // Consecutive frames may have come before the bus confirmed what called for them.
    if (this.#phase !== 'flow') return;
    this.#phase = 'frame';
    this.#deadline.set(this.#link.timing.nCrMs);
  }

  #unsent(cause: CodedError<string>): void {
    if (this.#receiver.reset()) {
      this.#giveUp('N_ERROR', `flow control could not be sent: ${cause.message}`, cause);
    } else {
      this.#rest();
    }
  }
}
