import { countOf } from '../../codec/columns.ts';
import type { Taken } from '../writing/intake.ts';
import type { StreamRegistry } from '../writing/registry.ts';
import type { Unsealed } from '../writing/unsealed.ts';

/**
 * How far each stream is on the disk. What is beyond may be gone after a power cut, and its `seq` is then
 * given again to something else: nobody outside may have heard of it.
 */
export class Progress {
  readonly #durable: Map<number, number>;
  readonly #sealed: Map<number, number>;

  /** @param registry of a store that was just opened: all of it is in LMDB */
  constructor(registry: StreamRegistry) {
    this.#sealed = endsOf(registry);
    this.#durable = new Map(this.#sealed);
  }

  /** One behind the last seq that a power cut leaves; 0 for a stream without any. */
  durable(number: number): number {
    return this.#durable.get(number) ?? 0;
  }

  /** One behind the last seq that LMDB has. */
  sealed(number: number): number {
    return this.#sealed.get(number) ?? 0;
  }

  /** The journal has these. */
  flushed(taken: readonly Taken[]): void {
    for (const { number, columns, events } of taken) {
      const [piece, event] = [columns.at(-1), events.at(-1)];
      if (piece) raise(this.#durable, number, piece.seq + countOf(piece));
      if (event) raise(this.#durable, number, event.ordinal + 1);
    }
  }

  /** LMDB has these. */
  committed(content: Unsealed): void {
    for (const [number, end] of content.ends) {
      raise(this.#durable, number, end);
      raise(this.#sealed, number, end);
    }
  }
}

/** How far the seq of each stream is, by its number. */
export function endsOf(registry: StreamRegistry): Map<number, number> {
  return new Map(registry.list().map(({ number }) => [number, registry.nextSeqOf(number)]));
}

function raise(ends: Map<number, number>, number: number, end: number): void {
  ends.set(number, Math.max(ends.get(number) ?? 0, end));
}
