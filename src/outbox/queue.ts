import type { Micros, Stream } from '#core/stream.ts';
import type { Columns } from '../codec/columns.ts';
import type { EventRun } from '../wire/batch.ts';

/**
 * What the bridge needs of the store, which is its queue: there is no second copy of anything. The bridge
 * owns the cursors only.
 */

/** A stream and what the store has of it. */
export interface QueuedStream {
  /** u16, in that store. */
  readonly number: number;
  readonly stream: Stream;
  /** Seq that the next one gets: everything before it can be read, or is a gap. */
  readonly next: number;
}

/** Where a seq is in time, so that the store finds it without a search. */
export interface Position {
  readonly epoch: number;
  readonly t: Micros;
}

/** How far the cloud has a stream. */
export interface Cursor {
  /** The first seq that it does not have. */
  readonly next: number;
  /** Of the stretch that ended there, where it is known. */
  readonly at?: Position | undefined;
}

/** What is not in the store: the ring took it, it never came, or somebody had it erased. */
export interface StoredGap {
  readonly kind: 'gap';
  readonly seq: number;
  readonly n: number;
  readonly reason: 'evicted' | 'lost' | 'refused' | 'erased';
}

/** A contiguous range of one stream, of one epoch. */
export interface Stretch {
  readonly epoch: number;
  /** As asked for; what is missing from there on is a `gap`. */
  readonly first: number;
  readonly n: number;
  readonly t0: Micros;
  readonly content: Columns | EventRun | StoredGap;
  /** Of the seq behind it. */
  readonly position: Position;
  /** As the store has it. */
  readonly bytes: number;
}

export interface ReadLimits {
  /** Samples, frames or events; at least one is given whatever the others say. */
  readonly values: number;
  readonly bytes: number;
  /** From the first to the last. */
  readonly spanUs?: Micros;
}

export interface Queue {
  /**
   * Random id of the store, 16 hexadecimal digits: seqs are of this store and of no other. Empty while there
   * is none or it has no name yet; another one when a damaged store was begun anew.
   */
  readonly store: string;
  /** Gives a store that has no name one. Rejects with an error with a code where it cannot. */
  named(): Promise<string>;
  /** None while the store is not open. */
  streams(): readonly QueuedStream[];
  /**
   * Undefined where there is nothing at or behind `from` yet. Throws, or rejects with, an error with a code
   * where it cannot be read.
   *
   * @param at of the stretch that ended at `from`, where it is known
   */
  read(
    number: number,
    from: number,
    at: Position | undefined,
    limits: ReadLimits,
  ): Stretch | undefined | Promise<Stretch | undefined>;
  /** As they were kept last. */
  cursors(): ReadonlyMap<number, Cursor>;
  /** Resolves when they are durable. */
  keepCursors(cursors: ReadonlyMap<number, Cursor>): Promise<void>;
  /** By number of a stream the first seq that must not be evicted yet; undefined where nothing is held. */
  keep(needed: ReadonlyMap<number, number> | undefined): void;
}
