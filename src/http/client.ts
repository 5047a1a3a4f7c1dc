/**
 * One listener of the live view, and what happens when it reads slower than the car speaks.
 *
 * A client is `direct` until more than COALESCE_BYTES are unsent; then it coalesces, until what was
 * unsent has left:
 * - samples are held back, and only the newest value of each stream is sent at the end;
 * - waves are dropped by whole blocks and told of as one gap per stream;
 * - events, gaps and replies wait in order; a client that lets QUEUE_MAX of them pile up is closed;
 * - ticks are left out.
 * It stays in that state until drained, or old values would overtake new ones. A client with more
 * than UNSENT_BYTES_MAX unsent for UNSENT_S_MAX is closed. Nothing here ever waits, so that one
 * stalled client costs the others nothing.
 */
import type { Micros, Sample, Stream } from '#core/stream.ts';
import { encodeGap } from './encode.ts';
import type { Peer } from './transport.ts';

/** Unsent bytes at which a client starts to coalesce. */
const COALESCE_BYTES = 64 * 1024;
/** Unsent bytes at which it has drained. */
const DRAINED_BYTES = 1024;
/** Messages that must not be dropped and may wait. */
const QUEUE_MAX = 1000;
const UNSENT_BYTES_MAX = 1024 * 1024;
const UNSENT_S_MAX = 30;

/** Close code of a client that reads too slowly. */
const CLOSE_TOO_SLOW = 4290;

/** One value of one stream, shared by every client; `newest` changes in place. */
export interface Held {
  readonly stream: Stream;
  readonly newest: Sample | undefined;
}

/** A message encoded once for all that want it. */
export type Frame = { readonly bytes: Uint8Array; readonly binary: boolean } & (
  | { readonly kind: 'samples'; readonly of: readonly Held[] }
  | { readonly kind: 'wave'; readonly stream: Stream; readonly samples: number }
  | { readonly kind: 'lasting' | 'tick' }
);

/** Of all clients since the start, but for the first two. */
export class LiveStats {
  clients = 0;
  coalescing = 0;
  /** `samples` messages held back. */
  coalesced = 0;
  /** Blocks dropped for slow clients. */
  wavesDropped = 0;
  cutSlow = 0;
  messagesOut = 0;
  bytesOut = 0;
}

/** A message of which none may be lost, such as an event or a reply. */
export function lasting(bytes: Uint8Array): Frame {
  return { kind: 'lasting', bytes, binary: false };
}

/** See the top of the file. */
export class Client {
  readonly #peer: Peer;
  readonly #stats: LiveStats;
  #coalescing = false;
  #closed = false;
  /** Streams with values that were held back. */
  #held = new Set<Held>();
  /** Samples dropped per wave stream. */
  #lost = new Map<Stream, number>();
  #queue: Frame[] = [];
  #queuedBytes = 0;
  /** When the client was first seen over UNSENT_BYTES_MAX, without a break since. */
  #overSince: Micros | undefined;

  constructor(peer: Peer, stats: LiveStats) {
    this.#peer = peer;
    this.#stats = stats;
  }

  /** Sends, holds or drops each frame, in order. */
  deliver(frames: readonly Frame[]): void {
    if (this.#closed) return;
    if (this.#coalescing || frames.length === 1) {
      for (const frame of frames) this.#offer(frame);
    } else {
      this.#peer.cork(() => {
        for (const frame of frames) this.#offer(frame);
      });
    }
  }

  /**
   * Some bytes have left. Once all have, sends what waited: the queue, the gaps, then the newest
   * values as `encode` makes messages of them.
   */
  drain(encode: (held: readonly Held[]) => readonly Frame[]): void {
    if (!this.#coalescing || this.#closed || this.#peer.buffered() > DRAINED_BYTES) return;
    this.#setCoalescing(false);
    const frames = [
      ...this.#queue,
      ...[...this.#lost].map(([stream, lost]) => lasting(encodeGap(stream, lost))),
      ...encode([...this.#held]),
    ];
    this.#forget();
    this.deliver(frames);
  }

  /** Called every second: closes the client when too much has been unsent for too long. */
  checkUnsent(now: Micros): void {
    if (this.#peer.buffered() + this.#queuedBytes <= UNSENT_BYTES_MAX) {
      this.#overSince = undefined;
      return;
    }
    this.#overSince ??= now;
    if (now - this.#overSince >= UNSENT_S_MAX * 1e6) this.#cut('too much unsent for 30 s');
  }

  ping(): void {
    this.#peer.ping();
  }

  /** No message goes out any more; harmless when repeated. */
  close(): void {
    this.#closed = true;
    this.#setCoalescing(false);
    this.#forget();
  }

  #offer(frame: Frame): void {
    if (this.#coalescing) {
      this.#hold(frame);
      return;
    }
    const result = this.#peer.send(frame.bytes, frame.binary);
    if (result === 'dropped') {
      this.#setCoalescing(true);
      this.#hold(frame);
      return;
    }
    this.#stats.messagesOut++;
    this.#stats.bytesOut += frame.bytes.length;
    if (result === 'buffered' && this.#peer.buffered() > COALESCE_BYTES) this.#setCoalescing(true);
  }

  #hold(frame: Frame): void {
    if (this.#closed) return;
    switch (frame.kind) {
      case 'samples':
        this.#stats.coalesced++;
        for (const held of frame.of) this.#held.add(held);
        break;
      case 'wave':
        this.#stats.wavesDropped++;
        this.#lost.set(frame.stream, (this.#lost.get(frame.stream) ?? 0) + frame.samples);
        break;
      case 'lasting':
        this.#queue.push(frame);
        this.#queuedBytes += frame.bytes.length;
        if (this.#queue.length > QUEUE_MAX) this.#cut('too many messages wait');
        break;
      case 'tick':
        break;
    }
  }

  #cut(reason: string): void {
    this.#stats.cutSlow++;
    this.close();
    this.#peer.end(CLOSE_TOO_SLOW, reason);
  }

  #setCoalescing(coalescing: boolean): void {
    if (coalescing === this.#coalescing) return;
    this.#coalescing = coalescing;
    this.#stats.coalescing += coalescing ? 1 : -1;
  }

  #forget(): void {
    this.#held = new Set();
    this.#lost = new Map();
    this.#queue = [];
    this.#queuedBytes = 0;
  }
}
