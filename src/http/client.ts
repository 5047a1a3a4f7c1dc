/**
 * One listener of the live view, and what happens when it reads slower than the car speaks.
 *
 * A client is `direct` until more than COALESCE_BYTES are unsent; then it coalesces, until what was
 * unsent has left:
 * - samples are held back, and only the newest value of each stream is sent at the end;
 * - waves and raw frames are dropped by whole messages and told of as one gap per stream, with what the
 *   source lost;
 * - events and replies wait in order; a client that lets QUEUE_MAX of them, or QUEUE_BYTES_MAX, pile
 *   up is closed;
 * - ticks are left out.
 * It stays in that state until drained, or old values would overtake new ones. A client with more
 * than UNSENT_BYTES_MAX unsent for UNSENT_S_MAX is closed. Nothing here ever waits, so that one
 * stalled client costs the others nothing.
 */
import type { Micros, Sample, Stream } from '#core/stream.ts';
import { CLOSE_TOO_SLOW } from './close-codes.ts';
import { encodeGap } from './encode.ts';
import type { Peer } from './transport.ts';

/** Unsent bytes at which a client starts to coalesce. */
const COALESCE_BYTES = 64 * 1024;
/** Unsent bytes at which it has drained. */
const DRAINED_BYTES = 1024;
/** Messages that must not be dropped and may wait. */
const QUEUE_MAX = 1000;
const QUEUE_BYTES_MAX = 1024 * 1024;
const UNSENT_BYTES_MAX = 1024 * 1024;
const UNSENT_S_MAX = 30;

/** One value of one stream, shared by every client; `newest` changes in place. */
export interface Held {
  readonly stream: Stream;
  readonly newest: Sample | undefined;
}

/** A message encoded once for all that want it. */
export type Outgoing = { readonly bytes: Uint8Array; readonly binary: boolean } & (
  | { readonly kind: 'samples'; readonly of: readonly Held[] }
  /** `samples` of a wave, or raw frames. */
  | { readonly kind: 'wave' | 'frames' | 'gap'; readonly stream: Stream; readonly samples: number }
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
  /** Raw frames dropped for slow clients. */
  framesDropped = 0;
  cutSlow = 0;
  /** Gone without closing, or silent for too long. */
  dead = 0;
  messagesOut = 0;
  bytesOut = 0;
}

/** A message of which none may be lost, such as an event or a reply. */
export function lasting(bytes: Uint8Array): Outgoing {
  return { kind: 'lasting', bytes, binary: false };
}

/** Tells of samples that are missing from a stream, whoever lost them. */
export function gap(stream: Stream, samples: number): Outgoing {
  return { kind: 'gap', stream, samples, bytes: encodeGap(stream, samples), binary: false };
}

/** See the top of the file. */
export class Client {
  /** Id of the account that it is of, where that is known. */
  readonly user: string | undefined;
  readonly #peer: Peer;
  readonly #stats: LiveStats;
  #coalescing = false;
  #closed = false;
  /** Streams with values that were held back. */
  #held = new Set<Held>();
  /** Samples or raw frames per stream that were dropped, or lost by the source meanwhile. */
  #lost = new Map<Stream, number>();
  #queue: Outgoing[] = [];
  #queuedBytes = 0;
  /** When the client was first seen over UNSENT_BYTES_MAX, without a break since. */
  #overSince: Micros | undefined;

  constructor(peer: Peer, stats: LiveStats, user?: string) {
    this.user = user;
    this.#peer = peer;
    this.#stats = stats;
  }

  /** Sends, holds or drops each message, in order. */
  deliver(messages: readonly Outgoing[]): void {
    if (this.#closed) return;
    if (this.#coalescing || messages.length === 1) {
      for (const message of messages) this.#offer(message);
    } else {
      this.#peer.cork(() => {
        for (const message of messages) this.#offer(message);
      });
    }
  }

  /**
   * Some bytes have left. Once all have, sends what waited: the queue, the gaps, then the newest
   * values as `encode` makes messages of them.
   */
  drain(encode: (held: readonly Held[]) => readonly Outgoing[]): void {
    if (!this.#coalescing || this.#closed || this.#peer.buffered() > DRAINED_BYTES) return;
    this.#setCoalescing(false);
    const messages = [
      ...this.#queue,
      ...[...this.#lost].map(([stream, lost]) => gap(stream, lost)),
      ...encode([...this.#held]),
    ];
    this.#forget();
    this.deliver(messages);
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

  /** Values and gaps that were held back are not for it any more; events and replies are. */
  withdraw(): void {
    this.#held = new Set();
    this.#lost = new Map();
  }

  /** No message goes out any more; harmless when repeated. */
  close(): void {
    this.#closed = true;
    this.#setCoalescing(false);
    this.#forget();
  }

  #offer(message: Outgoing): void {
    if (this.#closed) return; // A message before it in the same delivery was one too many.
    if (this.#coalescing) {
      this.#hold(message);
      return;
    }
    const result = this.#peer.send(message.bytes, message.binary);
    if (result === 'dropped') {
      this.#setCoalescing(true);
      this.#hold(message);
      return;
    }
    this.#stats.messagesOut++;
    this.#stats.bytesOut += message.bytes.length;
    if (result === 'buffered' && this.#peer.buffered() > COALESCE_BYTES) this.#setCoalescing(true);
  }

  #hold(message: Outgoing): void {
    switch (message.kind) {
      case 'samples':
        this.#stats.coalesced++;
        for (const held of message.of) this.#held.add(held);
        break;
      case 'wave':
        this.#stats.wavesDropped++;
        this.#lose(message);
        break;
      case 'frames':
        this.#stats.framesDropped += message.samples;
        this.#lose(message);
        break;
      case 'gap':
        this.#lose(message);
        break;
      case 'lasting':
        this.#enqueue(message);
        break;
      case 'tick':
        break;
    }
  }

  #lose({ stream, samples }: { readonly stream: Stream; readonly samples: number }): void {
    this.#lost.set(stream, (this.#lost.get(stream) ?? 0) + samples);
  }

  #enqueue(message: Outgoing): void {
    this.#queue.push(message);
    this.#queuedBytes += message.bytes.length;
    if (this.#queue.length > QUEUE_MAX) this.#cut('too many messages wait');
    else if (this.#queuedBytes > QUEUE_BYTES_MAX) this.#cut('too many bytes wait');
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
