import type { Event } from '#core/stream.ts';
import { isPlain } from './receipt.ts';
import type { Batch } from './shapes.ts';

/**
 * Whose the plain ids are, `face.perclos60` and `game.speed`, which two clients would mix.
 *
 * They are of the client that is the first to send such a batch, and those of any other have its name
 * in them. What a client began with it goes on with, to the end of its session, so that no stream
 * changes hands within one; the first that begins when the session of the holder has ended is the next
 * holder. Sessions share one recording, so that this goes for all that are open together.
 *
 * Receipts say it (receipt.ts): after a restart the newest one of each client is looked at.
 */
const SHARED: readonly Batch['kind'][] = ['face', 'game'];

/** Kinds whose streams have no client in their ids. */
export function isShared(kind: Batch['kind']): boolean {
  return SHARED.includes(kind);
}

export class Holders {
  /** The holder in each session where there is one, by kind. */
  readonly #byKind = new Map<Batch['kind'], Map<number, string>>();
  readonly #isOpen: (session: number) => boolean;

  constructor(isOpen: (session: number) => boolean) {
    this.#isOpen = isOpen;
  }

  /**
   * Learns who holds them, unless that is known.
   *
   * @param newest the newest receipt of each client
   */
  load(
    kind: Batch['kind'],
    newest: () => Iterable<readonly [client: string, Event['data']]>,
  ): void {
    if (this.#byKind.has(kind)) return;
    const holders = new Map<number, string>();
    for (const [client, data] of newest()) {
      const { session } = data;
      if (typeof session === 'number' && isPlain(data)) holders.set(session, client);
    }
    this.#byKind.set(kind, holders);
  }

  /** Whether no other client holds them. */
  isFree(kind: Batch['kind'], client: string): boolean {
    for (const [session, holder] of this.#byKind.get(kind) ?? []) {
      if (holder !== client && this.#isOpen(session)) return false;
    }
    return true;
  }

  /** The client holds them until the session has ended. */
  hold(kind: Batch['kind'], client: string, session: number): void {
    const holders = this.#byKind.get(kind);
    for (const old of holders?.keys() ?? []) if (!this.#isOpen(old)) holders?.delete(old);
    holders?.set(session, client);
  }

  /** What is known is learnt anew. */
  clear(): void {
    this.#byKind.clear();
  }
}
