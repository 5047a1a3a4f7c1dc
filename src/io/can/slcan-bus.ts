import type { Clock } from '#core/clock.ts';
import { LinkError } from '#core/errors.ts';
import type { BusHealth, BusState, CanBus, CanFrame, CanListener, Permit } from './bus.ts';
import { CanSendError } from './errors.ts';
import { Listeners } from './listeners.ts';
import { checkSend } from './sending.ts';
import { frameLine } from './slcan-lines.ts';
import type { SlcanLink } from './slcan-link.ts';
import { type Adapter, parseFlags } from './slcan-open.ts';
import { StampMap, WrappingStamps } from './stamp-map.ts';

/** The adapter's stamps begin again after this many microseconds (LAWICEL, command Z). */
const STAMP_WRAP_US = 60_000_000;
/** Frames that the adapter has not confirmed, at which it is asked to send no more. */
const SENDING_MAX = 8;
/** How long it may take to confirm one, in milliseconds: a bus that is busy lets others go first. */
const CONFIRM_MS_MAX = 500;
/** How often it is asked something, in milliseconds, and how long it may take to answer. */
const ASK_MS = 2_000;
const ANSWER_MS_MAX = 1_000;
/**
 * Questions in a row without an answer, and without anything else coming, at which the link is lost: an
 * adapter in a Wi-Fi that goes without power leaves a connection that would seem good for minutes.
 */
const UNANSWERED_MAX = 3;

export interface SlcanBusParts {
  readonly name: string;
  readonly clock: Clock;
  readonly link: SlcanLink;
  /** Rejects when the link is lost. */
  readonly lost: Promise<never>;
  /** Closes the adapter's channel and the port. */
  readonly close: () => Promise<void>;
  readonly adapter: Adapter;
  readonly bitRate: number;
  readonly permit: Permit | undefined;
}

/** An adapter whose channel is open. */
export class SlcanBus implements CanBus {
  readonly name: string;
  readonly lost: Promise<never>;
  readonly #parts: SlcanBusParts;
  readonly #listeners = new Listeners();
  readonly #stamps = new StampMap();
  readonly #unwrapped = new WrappingStamps(STAMP_WRAP_US);
  readonly #closing = new AbortController();
  readonly #lose: (error: LinkError) => void;
  #state: BusState = 'unknown';
  /** Whether the adapter says that a frame was sent; undefined until one was. */
  #confirms: boolean | undefined;
  #received = 0;
  #sent = 0;
  #unsent = 0;
  #remote = 0;
  #fd = 0;
  #busErrors = 0;
  #overruns = 0;
  #malformed = 0;

  constructor(parts: SlcanBusParts) {
    const { promise, reject } = Promise.withResolvers<never>();
    this.name = parts.name;
    this.lost = Promise.race([parts.lost, promise]);
    this.#parts = parts;
    this.#lose = reject;
  }

  /** From now on frames come. */
  start(): void {
    const { link, adapter } = this.#parts;
    this.lost.catch(() => {}); // Whoever uses the bus looks at it; nobody may be left who does.
    link.events = {
      frame: (frame, stampMs) => this.#take(frame, stampMs),
      remote: () => void this.#remote++,
      fd: () => void this.#fd++,
      malformed: () => void this.#malformed++,
    };
    if (adapter.dialect === 'unknown') return; // It may not know the question.
    this.#watch(adapter.flags ? 'F' : 'V').catch((error: unknown) => {
      // The link is lost, and whoever uses the bus is told so.
      if (!(error instanceof LinkError)) throw error;
    });
  }

  listen(listener: CanListener): () => void {
    return this.#listeners.add(listener);
  }

  async send(frame: CanFrame): Promise<void> {
    const { name, permit, link } = this.#parts;
    checkSend(name, permit, frame, () => this.health());
    if (this.#closing.signal.aborted) {
      throw new LinkError('LINK_LOST', `${name}: the bus is closed`);
    }
    if (link.waiting >= SENDING_MAX) throw this.#full('the adapter takes no more frames');
    if (this.#confirms === false) {
      await link.tell(frameLine(frame));
    } else {
      const answer = await link.ask(frameLine(frame), CONFIRM_MS_MAX);
      if (answer?.kind === 'refused') throw this.#full('the adapter did not take the frame');
      // Some adapters send without a word. One that confirmed before has not sent this one.
      if (answer === undefined && this.#confirms)
        throw this.#full('the adapter did not send in time');
      this.#confirms = answer !== undefined;
    }
    this.#sent++;
  }

  health(): BusHealth {
    const { bitRate, permit } = this.#parts;
    return {
      state: this.#state,
      bitRate,
      listenOnly: permit === undefined,
      txErrors: undefined,
      rxErrors: undefined,
      received: this.#received,
      sent: this.#sent,
      unsent: this.#unsent,
      remote: this.#remote,
      fd: this.#fd,
      errorFrames: this.#busErrors,
      busOffs: 0,
      lost: 0,
      lostBy: 'unknown',
      malformed: this.#malformed,
      warnings: this.#warnings(),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    await this.#parts.close();
  }

  #take(frame: CanFrame, stampMs: number | undefined): void {
    if (this.#closing.signal.aborted) return;
    this.#received++;
    const now = this.#parts.clock.now();
    if (stampMs === undefined) return void this.#listeners.tell(frame, now);
    const stamp = this.#unwrapped.unwrap(stampMs * 1000, now);
    this.#listeners.tell(frame, this.#stamps.map(stamp, now));
  }

  #warnings(): string[] {
    const { name, adapter } = this.#parts;
    const found: string[] = [];
    if (this.#overruns > 0) {
      found.push(`the adapter of ${name} dropped frames in ${this.#overruns} periods of 2 s`);
    }
    if (adapter.dialect === 'unknown' && this.#heard() === 0) {
      found.push(`the adapter of ${name} has said nothing yet that could be understood`);
    }
    return found;
  }

  #full(reason: string): CanSendError {
    this.#unsent++;
    return new CanSendError('FULL', `${this.name}: ${reason}`);
  }

  /**
   * Asks the adapter for its error flags (F), or where it has none who it is (V), to see that it is there.
   * Rejects with a LinkError.
   */
  async #watch(question: 'F' | 'V'): Promise<void> {
    const { clock, link } = this.#parts;
    const { signal } = this.#closing;
    // Not every adapter says who it is while its channel is open: one that never did has not fallen silent.
    let answers = question === 'F';
    for (let unanswered = 0; unanswered < UNANSWERED_MAX; ) {
      const before = this.#heard();
      await clock.sleep(ASK_MS, signal).catch(() => {}); // The closing ends it.
      if (signal.aborted) return;
      const answer = await link.ask(question, ANSWER_MS_MAX, true);
      answers ||= answer !== undefined;
      const isSilent = answers && answer === undefined && this.#heard() === before;
      unanswered = isSilent ? unanswered + 1 : 0;
      if (answer?.kind === 'text') this.#noteFlags(answer.text);
    }
    this.#lose(new LinkError('NO_ANSWER', `${this.name}: the adapter does not answer any more`));
  }

  /** Everything that the adapter brought. */
  #heard(): number {
    return this.#received + this.#remote + this.#fd + this.#malformed;
  }

  /** Nothing where the text is another one. */
  #noteFlags(text: string): void {
    const flags = parseFlags(text);
    if (flags === undefined) return;
    if (flags.passive) this.#state = 'passive';
    else this.#state = flags.warning ? 'warning' : 'active';
    // Reading clears them: how many errors there were, it does not say.
    if (flags.busError) this.#busErrors++;
    if (flags.overrun) this.#overruns++;
  }
}
