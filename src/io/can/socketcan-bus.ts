import type { Clock } from '#core/clock.ts';
import { LinkError } from '#core/errors.ts';
import type { BusHealth, BusState, CanBus, CanFrame, CanListener, Permit } from './bus.ts';
import { parseErrorFrame } from './can-error.ts';
import { CanSendError } from './errors.ts';
import type { IpFacts, LinkState } from './link-facts.ts';
import { Listeners } from './listeners.ts';
import { GrowingCounter, Reckoning, StallWatch } from './loss.ts';
import { checkSend } from './sending.ts';
import { StampMap } from './stamp-map.ts';

/** How often the counters of the interface are looked at, in milliseconds. */
const LOOK_MS = 1_000;
/**
 * Before a look the process reads its sockets for so many milliseconds, so that no frame waits that came
 * while it was busy. Where it is busy for longer than BUSY_MS_MAX then, the look tells nothing of losses.
 */
const READ_MS = 1;
const BUSY_MS_MAX = 5;
/** The channel brings up to 101 frames at once: with fewer it has read all that waited. */
const BATCH_FRAMES_MAX = 100;
/** Every how many looks `ip` is asked: it is a process of its own. */
const IP_LOOKS = 10;
/** Bytes of a classical frame; a CAN FD frame may have 64 (ISO 11898-1). */
const DATA_BYTES_MAX = 8;
/** What lets no frame pass: the opposite of a filter that lets all pass, see linux/can.h. */
const NOTHING = { id: 0, mask: 0, invert: true } as const;

/** A frame as socketcan gives it. What is false is left out. */
export interface NativeFrame {
  /** Without the flags. */
  readonly id: number;
  readonly ext?: boolean;
  readonly rtr?: boolean;
  /** An error frame: the id says of what kind. */
  readonly err?: boolean;
  readonly data: Uint8Array;
  /** When the kernel got it by the wall clock: the lower 32 bits of its seconds, and microseconds. */
  readonly ts_sec?: number;
  readonly ts_usec?: number;
}

/** What we use of the RawChannel of socketcan. */
export interface Channel {
  addListener(event: 'onMessage', listener: (frame: NativeFrame) => void): unknown;
  addListener(event: 'onStopped', listener: () => void): unknown;
  start(): unknown;
  /** Throws where it has stopped by itself. */
  stop(): unknown;
  /** Bytes that the kernel took, or -1. */
  send(frame: { id: number; ext: boolean; rtr: boolean; data: Buffer }): number;
  setRxFilters(filter: { id: number; mask: number; invert: boolean }): unknown;
  setErrorFilters(mask: number): unknown;
}

export interface SocketCanParts {
  readonly name: string;
  readonly clock: Clock;
  readonly permit: Permit | undefined;
  /** What `ip` said when the bus was opened. */
  readonly facts: IpFacts | undefined;
  /** What is wrong for as long as the bus is open. */
  readonly warnings: readonly string[];
  /** Whether the driver counts error frames as received packets. */
  readonly countsErrorFrames: boolean;
  readonly readLink: () => LinkState | undefined;
  readonly askIp: () => Promise<IpFacts | undefined>;
}

/** An open CAN interface of Linux. */
export class SocketCanBus implements CanBus {
  readonly name: string;
  readonly lost: Promise<never>;
  readonly #parts: SocketCanParts;
  readonly #lose: (error: LinkError) => void;
  readonly #listeners = new Listeners();
  readonly #stamps = new StampMap();
  readonly #reckoning = new Reckoning();
  readonly #stall = new StallWatch();
  readonly #rxPackets = new GrowingCounter();
  readonly #txPackets = new GrowingCounter();
  readonly #closing = new AbortController();
  /** Undefined where there is nothing to stop: not started, stopped by itself or closed. */
  #channel: Channel | undefined;
  /** The channel has stopped by itself: it is not to be stopped again. */
  #hasStopped = false;
  #facts: IpFacts | undefined;
  #state: BusState;
  #txErrors: number | undefined;
  #rxErrors: number | undefined;
  #isUp = true;
  #received = 0;
  #sent = 0;
  #unsent = 0;
  #remote = 0;
  #fd = 0;
  #errorFrames = 0;
  #busOffs = 0;
  #overflows = 0;

  constructor(parts: SocketCanParts) {
    const { promise, reject } = Promise.withResolvers<never>();
    this.name = parts.name;
    this.lost = promise;
    this.#parts = parts;
    this.#lose = reject;
    this.#facts = parts.facts;
    this.#state = parts.facts?.state ?? 'unknown';
    this.#txErrors = parts.facts?.txErrors;
    this.#rxErrors = parts.facts?.rxErrors;
  }

  /** From now on frames come. The channel is the bus's to stop. */
  start(channel: Channel): void {
    this.lost.catch(() => {}); // Whoever uses the bus looks at it; nobody may be left who does.
    this.#channel = channel;
    channel.addListener('onMessage', (frame) => this.#take(frame));
    channel.addListener('onStopped', () => this.#stopped());
    channel.start();
    this.#see(this.#parts.readLink());
    void this.#watch();
  }

  listen(listener: CanListener): () => void {
    return this.#listeners.add(listener);
  }

  send(frame: CanFrame): Promise<void> {
    return new Promise((resolve) => {
      this.#send(frame);
      resolve();
    });
  }

  health(): BusHealth {
    return {
      state: this.#state,
      bitRate: this.#facts?.bitRate,
      listenOnly: this.#facts?.listenOnly,
      txErrors: this.#txErrors,
      rxErrors: this.#rxErrors,
      received: this.#received,
      sent: this.#sent,
      unsent: this.#unsent,
      remote: this.#remote,
      fd: this.#fd,
      errorFrames: this.#errorFrames,
      busOffs: this.#busOffs,
      lost: this.#reckoning.lost,
      lostBy: 'reckoned',
      malformed: 0,
      warnings: this.#warnings(),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    const channel = this.#channel;
    // Its callbacks hold us: without this neither would ever be collected, and nor would the socket.
    this.#channel = undefined;
    if (channel === undefined) return;
    // The socket is closed with the garbage collection, and fills until then.
    channel.setRxFilters(NOTHING);
    channel.setErrorFilters(0);
    // Not from within one of its callbacks: it goes on with the next frame behind it. It waits for its
    // thread, which looks up every 100 ms.
    await new Promise((resolve) => setTimeout(resolve, 0));
    if (!this.#hasStopped) channel.stop();
  }

  #take(frame: NativeFrame): void {
    if (this.#closing.signal.aborted) return;
    const now = this.#parts.clock.now();
    const seconds = (frame.ts_sec ?? 0) >>> 0; // Signed in the package: below 0 from 2038 on.
    const stamp = seconds * 1_000_000 + (frame.ts_usec ?? 0);
    const t = frame.ts_sec === undefined ? now : this.#stamps.map(stamp, now);
    // A frame is not marked as one of CAN FD, so that one of up to 8 bytes passes for another.
    if (frame.err) this.#takeError(frame);
    else if (frame.data.length > DATA_BYTES_MAX) this.#fd++;
    else if (frame.rtr) this.#remote++;
    else {
      this.#received++;
      this.#listeners.tell({ id: frame.id, extended: frame.ext ?? false, data: frame.data }, t);
    }
  }

  #takeError({ id, data }: NativeFrame): void {
    const report = parseErrorFrame(id, data);
    this.#errorFrames++;
    if (report.busOff) this.#busOffs++;
    if (report.overflow) this.#overflows++;
    this.#state = report.state ?? this.#state;
    this.#txErrors = report.txErrors ?? this.#txErrors;
    this.#rxErrors = report.rxErrors ?? this.#rxErrors;
  }

  #send(frame: CanFrame): void {
    const { name, permit } = this.#parts;
    checkSend(name, permit, frame, () => this.health());
    if (this.#channel === undefined) throw new LinkError('LINK_LOST', `${name}: the bus is closed`);
    const { id, extended } = frame;
    const data = Buffer.from(frame.data);
    if (this.#channel.send({ id, ext: extended, rtr: false, data }) < 0) {
      this.#unsent++;
      const why = this.#isUp ? 'the queue of the interface is full' : 'the interface is down';
      throw new CanSendError('FULL', `${name}: ${why}`);
    }
    this.#sent++;
  }

  #warnings(): string[] {
    const { name, warnings } = this.#parts;
    const found = [...warnings];
    if (!this.#isUp) found.push(`${name} is down: nothing comes until it is brought up`);
    if (this.#facts?.fd)
      found.push(`${name} speaks CAN FD, whose frames of up to 8 bytes look like others`);
    if (this.#overflows > 0) {
      found.push(`the controller of ${name} dropped frames ${this.#overflows} times`);
    }
    return found;
  }

  /** The kernel gave the channel up, as when the interface is deleted. */
  #stopped(): void {
    this.#hasStopped = true;
    if (this.#closing.signal.aborted) return;
    this.#channel = undefined;
    this.#lose(new LinkError('LINK_LOST', `${this.name}: the interface is gone`));
  }

  async #watch(): Promise<void> {
    const { clock } = this.#parts;
    const { signal } = this.#closing;
    for (let look = 1; ; look++) {
      await clock.sleep(LOOK_MS - READ_MS, signal).catch(() => {}); // The closing ends it.
      const before = clock.now();
      const reached = this.#reached();
      if (!signal.aborted) await clock.sleep(READ_MS, signal).catch(() => {}); // So it does here.
      if (signal.aborted) return;
      const isRead = this.#reached() - reached <= BATCH_FRAMES_MAX;
      this.#look(isRead && clock.now() - before <= BUSY_MS_MAX * 1000);
      if (look % IP_LOOKS === 0) void this.#ask();
    }
  }

  /** Everything that the channel brought. */
  #reached(): number {
    return this.#received + this.#remote + this.#fd + this.#errorFrames;
  }

  /**
   * The counters of the interface and ours, at one moment.
   *
   * @param isRead whether all that came has been read
   */
  #look(isRead: boolean): void {
    const link = this.#parts.readLink();
    this.#see(link);
    if (link === undefined) return; // The channel is about to tell.
    const isVirtual = (this.#facts?.kind ?? this.name).startsWith('vcan');
    // A frame that another program of this computer sends comes to us as well. A virtual bus counts it
    // as received; others do not, and count it as sent once it was. Ours do not come back.
    const elsewhere = isVirtual ? 0 : this.#txPackets.grown;
    const expected = this.#rxPackets.grown + elsewhere - this.#sent;
    const uncounted = isVirtual || this.#parts.countsErrorFrames ? 0 : this.#errorFrames;
    const reached = this.#reached() - uncounted;
    if (isRead) this.#reckoning.look(expected, reached);
    if (!this.#stall.look(expected, reached)) return;
    const reason = 'the interface receives frames, and none reached us: the channel stalled';
    this.#lose(new LinkError('NO_DATA', `${this.name}: ${reason}`));
  }

  #see(link: LinkState | undefined): void {
    this.#isUp = link?.up ?? false;
    if (link === undefined) return;
    this.#rxPackets.see(link.rxPackets);
    this.#txPackets.see(link.txPackets);
  }

  async #ask(): Promise<void> {
    const facts = await this.#parts.askIp();
    if (facts === undefined) return;
    this.#facts = facts;
    this.#state = facts.state;
    this.#txErrors = facts.txErrors;
    this.#rxErrors = facts.rxErrors;
  }
}
