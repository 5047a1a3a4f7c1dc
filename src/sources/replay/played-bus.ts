import type { Clock } from '#core/clock.ts';
import { durationText } from '#core/duration.ts';
import { isExpected, LinkError } from '#core/errors.ts';
import type { Micros } from '#core/stream.ts';
import type { BusHealth, CanBus, CanFrame, CanListener, OpenCanBus } from '../../io/can/bus.ts';
import { Listeners } from '../../io/can/listeners.ts';
import { checkSend } from '../../io/can/sending.ts';
import type { Play } from './play.ts';

/** Frames that are due within it are given out together. */
const TICK_MS = 20;
/** Frames of one turn; when more are due, what else there is to do comes in between. */
const TURN_FRAMES_MAX = 4_000;
/** What a frame of another bus, which is only passed over, costs of that. */
const OTHERS_SHARE = 0.2;

/** A frame of a recording, and when it is due: microseconds from the recording's start, never less. */
export type DueFrame = readonly [frame: CanFrame, at: Micros];

/** What was wrong with a recording, as far as it has been read. */
export type RecordingFaults = Pick<BusHealth, 'remote' | 'fd' | 'errorFrames' | 'malformed'> & {
  readonly faults: readonly string[];
};

export interface PlayedBusOptions {
  /** `can0`. */
  readonly name: string;
  readonly play: Play;
  /**
   * Begins to read, from the start. Undefined stands for a frame of another bus, so that this one can
   * let others have their turn. An error of it is the loss of the link.
   */
  readonly read: () => Reading;
}

type Pieces =
  | AsyncIterable<Iterable<DueFrame | undefined>>
  | Iterable<Iterable<DueFrame | undefined>>;

export interface Reading {
  readonly frames: Pieces;
  readonly faults: () => RecordingFaults;
}

/**
 * A bus on which a recording comes again: with its spacing, and with times of now. How fast is up to the
 * clock. It begins with the first listener, and at the end it is quiet. Nothing can be sent. When it is
 * opened again, it goes on where it would be by then: what was due in between is lost.
 */
export function playedBus(options: PlayedBusOptions): OpenCanBus {
  const joining: Joining = { isFirst: true };
  return ({ clock, signal }) => {
    if (!signal.aborted) return Promise.resolve(new PlayedBus(options, joining, clock));
    return Promise.reject(new LinkError('OPEN_FAILED', `${options.name}: stopped while opening`));
  };
}

interface Joining {
  /** Whether nobody has had a frame of this bus yet: then none of them is too late. */
  isFirst: boolean;
}

class PlayedBus implements CanBus {
  readonly name: string;
  readonly lost: Promise<never>;
  readonly #options: PlayedBusOptions;
  readonly #joining: Joining;
  readonly #clock: Clock;
  readonly #listeners = new Listeners();
  readonly #stopping = new AbortController();
  readonly #reject: (error: unknown) => void;
  #ended: Promise<void> | undefined;
  #faults: Reading['faults'] | undefined;
  #received = 0;
  /** Frames that were due before this bus was opened again. */
  #missed = 0;
  #isAtEnd = false;

  constructor(options: PlayedBusOptions, joining: Joining, clock: Clock) {
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => {}); // Whoever uses the bus looks at it.
    this.name = options.name;
    this.lost = promise;
    this.#options = options;
    this.#joining = joining;
    this.#clock = clock;
    this.#reject = reject;
  }

  listen(listener: CanListener): () => void {
    const stop = this.#listeners.add(listener);
    this.#ended ??= this.#run();
    return stop;
  }

  send(frame: CanFrame): Promise<void> {
    return new Promise((resolve) => {
      checkSend(this.name, undefined, frame, () => this.health());
      resolve();
    });
  }

  health(): BusHealth {
    const { title, length } = this.#options.play;
    const { faults = [], ...counted } = this.#faults?.() ?? {};
    const end = `${title}: at the end, after ${durationText(length / 1e6)}`;
    return {
      ...{ state: 'unknown', bitRate: undefined, listenOnly: true },
      ...{ txErrors: undefined, rxErrors: undefined, received: this.#received, sent: 0, unsent: 0 },
      ...{ remote: 0, fd: 0, errorFrames: 0, busOffs: 0, malformed: 0, ...counted },
      ...{ lost: this.#missed, lostBy: 'counted' },
      warnings: [...(this.#isAtEnd ? [end] : []), ...faults.map((fault) => `${title}: ${fault}`)],
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#ended;
  }

  /** Resolves when the bus is closed. */
  async #run(): Promise<void> {
    const { play, read } = this.#options;
    try {
      const { frames, faults } = read();
      this.#faults = faults;
      await this.#playAll(frames, play.start(this.#clock));
      this.#isAtEnd = true;
      play.end();
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      const lost = isExpected(error)
        ? new LinkError('LINK_LOST', `${play.title}: ${error.message}`, { cause: error })
        : error;
      this.#reject(lost);
    }
  }

  /** Resolves at the end of the recording; rejects with the signal's reason. */
  async #playAll(pieces: Pieces, start: Micros): Promise<void> {
    const { signal } = this.#stopping;
    const from = this.#joining.isFirst ? start : this.#clock.now();
    this.#joining.isFirst = false;
    const pace = new Pace(this.#clock, signal);
    for await (const frames of pieces) {
      signal.throwIfAborted();
      for (const due of frames) {
        const at = (due?.[1] ?? 0) + start;
        if (pace.mayWait(at, due ? 1 : OTHERS_SHARE)) await pace.until(at);
        if (due) this.#give(due[0], at, from);
      }
    }
  }

  #give(frame: CanFrame, t: Micros, from: Micros): void {
    if (t < from) {
      this.#missed++;
      return;
    }
    this.#received++;
    this.#listeners.tell(frame, t);
  }
}

/** Waits for frames to be due, and lets others have their turn where many are. */
class Pace {
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  /** As of the last look at the clock. */
  #now: Micros;
  #turn = 0;

  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock;
    this.#signal = signal;
    this.#now = clock.now();
  }

  /** @param share of a frame in a turn */
  mayWait(at: Micros, share: number): boolean {
    this.#turn += share;
    return at > this.#now || this.#turn >= TURN_FRAMES_MAX;
  }

  async until(at: Micros): Promise<void> {
    this.#now = this.#clock.now();
    while (at > this.#now || this.#turn >= TURN_FRAMES_MAX) {
      const ms = at > this.#now ? Math.max(TICK_MS, (at - this.#now) / 1000) : 0;
      await this.#clock.sleep(ms, this.#signal);
      this.#now = this.#clock.now();
      this.#turn = 0;
    }
  }
}
