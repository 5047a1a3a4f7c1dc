import { Deadline } from './deadline.ts';
import { IsoTpError, type IsoTpErrorCode } from './errors.ts';
import { type IsoTpLink, OVER, put } from './link.ts';
import { readFlow } from './pci.ts';
import { IsoTpSender } from './sender.ts';

/** One message on its way out: the sender of a connection with its timers N_As and N_Bs. */
export class Transmission {
  readonly #link: IsoTpLink;
  readonly #sender: IsoTpSender;
  readonly #deadline: Deadline;
  /** How it ends: the first one to say so is right. */
  readonly #end = Promise.withResolvers<void>();
  readonly #ended = new AbortController();
  /** Resolves with the flow control that is waited for. */
  #go: PromiseWithResolvers<void> | undefined;
  #phase: 'bus' | 'flow' = 'bus';
  #waits = 0;

  constructor(link: IsoTpLink, pdu: Uint8Array) {
    this.#link = link;
    this.#sender = new IsoTpSender(pdu, link.shape);
    this.#deadline = new Deadline(link.clock, () => this.#late());
  }

  /** Resolves when the last frame is with the bus. */
  async run(signal?: AbortSignal): Promise<void> {
    const { counters } = this.#link;
    const abort = (): void => this.fail(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      void this.#send();
      await this.#end.promise;
      counters.sent++;
    } catch (error) {
      counters.unsent++;
      throw error;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  /**
   * Takes the data of flow control, without its address byte.
   *
   * @returns false when nothing waits for it, or it cannot be read: then it is ignored
   */
  flow(data: Uint8Array): boolean {
    const control = readFlow(data);
    if (control === undefined || this.#sender.state !== 'flow') return false;
    switch (this.#sender.flow(control)) {
      case 'go':
        this.#waits = 0;
        this.#go?.resolve();
        return true;
      case 'wait':
        this.#wait();
        return true;
      case 'too-long':
        this.#failAs('N_BUFFER_OVFLW', 'the message is too long for the receiver');
        return true;
      case 'invalid':
        this.#failAs('N_INVALID_FS', `flow control of an unknown kind (${control.status}) came`);
        return true;
    }
  }

  /** Gives the message up: no frame of it goes out from now on. */
  fail(error: unknown): void {
    this.#rest();
    this.#end.reject(error);
  }

  /** Whoever gives the message up ends the run without waiting for what this waits for. */
  async #send(): Promise<void> {
    const { signal } = this.#ended;
    try {
      for (let data = this.#sender.next(); data; data = this.#sender.next()) {
        // Flow control may come before the bus has confirmed the frame that it answers: what comes
        // next is told by the state before.
        const { state } = this.#sender;
        this.#phase = 'bus';
        this.#deadline.set(this.#link.timing.nAsMs);
        await put(this.#link, data, signal);
        if (state === 'flow') await this.#flowControl();
        else if (state === 'ready' && this.#sender.separationMs > 0) await this.#separate();
        if (signal.aborted) return;
      }
      this.#rest();
      this.#end.resolve();
    } catch (error) {
      this.fail(error);
    }
  }

  /** Nothing is waited for any more. */
  #rest(): void {
    this.#deadline.clear();
    this.#ended.abort(OVER);
  }

  async #flowControl(): Promise<void> {
    if (this.#sender.state !== 'flow' || this.#ended.signal.aborted) return;
    this.#phase = 'flow';
    this.#deadline.set(this.#link.timing.nBsMs);
    this.#go = Promise.withResolvers();
    await this.#go.promise;
  }

  async #separate(): Promise<void> {
    const { clock } = this.#link;
    const until = clock.now() + this.#sender.separationMs * 1000;
    this.#deadline.clear();
    // It is the least time, and a timer may be early by what the event before it took.
    for (let now = clock.now(); now < until; now = clock.now()) {
      await clock.sleep((until - now) / 1000, this.#ended.signal);
    }
  }

  #wait(): void {
    const { counters, waitsMax, timing } = this.#link;
    counters.waits++;
    if (++this.#waits > waitsMax) {
      this.#failAs('N_WFT_OVRN', `asked to wait more than ${waitsMax} times in a row`);
    } else if (this.#phase === 'flow') {
      this.#deadline.set(timing.nBsMs);
    }
  }

  #late(): void {
    const { counters, timing } = this.#link;
    counters.timeouts++;
    if (this.#phase === 'bus') {
      this.#failAs('N_TIMEOUT_A', `the bus took no frame within ${timing.nAsMs} ms`);
    } else {
      this.#failAs('N_TIMEOUT_BS', `no flow control within ${timing.nBsMs} ms`);
    }
  }

  #failAs(code: IsoTpErrorCode, what: string): void {
    this.fail(new IsoTpError(code, `${this.#link.name}: ${what}`));
  }
}
