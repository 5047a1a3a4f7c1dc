/**
 * The bodies of requests while they arrive: each as long as its route allows and no longer on its way
 * than a slow link needs, and all of them together in a part of the memory that is known before.
 *
 * What Content-Length says is not believed: what counts is what has come.
 */
import type { Clock } from '#core/clock.ts';
import type { RequestHead } from './message.ts';
import { Problem } from './problem.ts';

/** Where the route has no limit of its own. A longer body is answered with 413. */
export const BODY_BYTES_MAX = 64 * 1024;
/** What is read and thrown away of a body that is too long, so that the client gets to read why. */
const DISCARD_BYTES_MAX = 1024 * 1024;
/** Of all bodies that are in memory, until they are answered. One more is answered with 503. */
const HELD_BYTES_MAX = 16 * 1024 * 1024;
/** A body that has not come whole by then is answered with 408: 1 MiB takes it over 35 kB/s. */
const BODY_S_MAX = 30;
/** When to come again after a 503. */
const RETRY_AFTER_S = '5';

export interface BodiesOptions {
  /** In which clients wait. */
  readonly clock: Clock;
  /** What the route says; undefined where it says nothing. Must not throw. */
  bytesMax(request: RequestHead): number | undefined;
  /** Where they are not to be those above. */
  readonly heldBytesMax?: number | undefined;
  readonly secondsMax?: number | undefined;
}

/** What has become of a body. */
export type Received =
  | { readonly whole: Uint8Array }
  /** `hangUp`: the client would go on sending. */
  | { readonly refused: Problem; readonly hangUp: boolean };

/** Bodies refused since the start, but for the first. */
export interface BodyStats {
  /** In memory now. */
  bytes: number;
  tooLong: number;
  late: number;
  /** Because the others had all the memory there is for them. */
  crowdedOut: number;
  /** The client left before the end, so that no route got to see it. */
  cutOff: number;
  /** Of which nobody can say where they end; their connection is cut. */
  unframed: number;
}

export class Bodies {
  readonly stats: BodyStats = {
    ...{ bytes: 0, tooLong: 0, late: 0, crowdedOut: 0, cutOff: 0, unframed: 0 },
  };
  readonly heldBytesMax: number;
  readonly #options: BodiesOptions;

  constructor(options: BodiesOptions) {
    this.#options = options;
    this.heldBytesMax = options.heldBytesMax ?? HELD_BYTES_MAX;
  }

  /** @param end told once what has become of it, unless `leave` is called before */
  begin(request: RequestHead, end: (received: Received) => void): Body {
    const { clock, bytesMax, secondsMax = BODY_S_MAX } = this.#options;
    const body = new Body(this, bytesMax(request) ?? BODY_BYTES_MAX, end);
    clock.sleep(secondsMax * 1000, body.arriving).then(
      () => body.late(secondsMax),
      () => {}, // It came in time, or has gone.
    );
    return body;
  }
}

/** One of them. */
export class Body {
  readonly #all: Bodies;
  readonly #bytesMax: number;
  readonly #end: (received: Received) => void;
  readonly #arrived = new AbortController();
  #chunks: Uint8Array[] = [];
  #received = 0;
  #held = 0;

  constructor(all: Bodies, bytesMax: number, end: (received: Received) => void) {
    this.#all = all;
    this.#bytesMax = bytesMax;
    this.#end = end;
  }

  /** Aborts when nothing more is waited for. */
  get arriving(): AbortSignal {
    return this.#arrived.signal;
  }

  /** @param chunk copied, as it is valid only during the call */
  take(chunk: Uint8Array, isLast: boolean): void {
    if (this.arriving.aborted) return;
    const { stats, heldBytesMax } = this.#all;
    this.#received += chunk.length;
    if (this.#received > this.#bytesMax) {
      this.release();
      if (!isLast && this.#received <= this.#bytesMax + DISCARD_BYTES_MAX) return;
      stats.tooLong++;
      this.#refuse(new Problem(413, `The body is longer than ${this.#bytesMax} bytes.`), !isLast);
    } else if (stats.bytes + chunk.length > heldBytesMax) {
      stats.crowdedOut++;
      const headers = { 'retry-after': RETRY_AFTER_S };
      const detail = 'Too many requests are being received at this moment.';
      this.#refuse(new Problem(503, detail, [], headers), !isLast);
    } else {
      this.#keep(chunk, isLast);
    }
  }

  late(seconds: number): void {
    if (this.arriving.aborted) return;
    this.#all.stats.late++;
    this.#refuse(new Problem(408, `The body was not whole after ${seconds} s.`), true);
  }

  /** The client has gone. */
  leave(): void {
    if (this.arriving.aborted) return;
    this.#all.stats.cutOff++;
    this.#arrived.abort();
    this.release();
  }

  /** Its memory is free again: it has been answered. Harmless when called twice. */
  release(): void {
    this.#all.stats.bytes -= this.#held;
    this.#held = 0;
    this.#chunks = [];
  }

  #keep(chunk: Uint8Array, isLast: boolean): void {
    this.#chunks.push(chunk.slice());
    this.#held += chunk.length;
    this.#all.stats.bytes += chunk.length;
    if (!isLast) return;
    this.#arrived.abort();
    const whole = Buffer.concat(this.#chunks);
    this.#chunks = [];
    this.#end({ whole });
  }

  #refuse(refused: Problem, hangUp: boolean): void {
    this.#arrived.abort();
    this.release();
    this.#end({ refused, hangUp });
  }
}
