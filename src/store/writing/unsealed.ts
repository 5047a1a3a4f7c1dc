import { decodeBlock, encodeBlock, readHeader } from '../../codec/block.ts';
import { type Columns, countOf, type StoredStream } from '../../codec/columns.ts';
import { endOf, joinPieces, startOf } from '../../codec/join.ts';
import { slotOf } from '../../codec/slot.ts';
import { blockKey, subOf } from '../keys.ts';
import type { Reads } from '../lmdb.ts';
import type { BlockTable } from '../reading/walk.ts';
import type { TailEvent } from '../tail.ts';
import type { Taken } from './intake.ts';

/**
 * What the journal has of one epoch and LMDB does not: the pieces of each stream, and the events.
 * Frames are many, so those of five seconds become a block at once, which takes a fifth of the room.
 */
const FRAMES_US = 5_000_000;

/** A block with its place in the database, and what was encoded in it. */
export interface Sealed {
  readonly table: BlockTable;
  readonly key: Uint8Array;
  readonly block: Uint8Array;
}

/** What is held of one stream. */
interface Held {
  readonly stored: StoredStream;
  /** In the order of seq. */
  pieces: Columns[];
  readonly sealed: Sealed[];
  /** Earliest time of the pieces. */
  start: number;
}

export class Unsealed {
  readonly epoch: number;
  readonly events: TailEvent[] = [];
  /** Samples, frames and events in it. */
  count = 0;
  /** The latest time in it; undefined while it is empty. */
  end: number | undefined;
  /** One behind the last seq of each stream. */
  readonly ends = new Map<number, number>();
  readonly #eventsByStream = new Map<number, TailEvent[]>();
  readonly #held = new Map<number, Held>();
  readonly #keys: BlockKeys;
  readonly #recovered: boolean;

  /**
   * @param keys gives each block a key that no other has
   * @param recovered whether it was read back from the journal
   */
  constructor(epoch: number, keys: BlockKeys, recovered = false) {
    this.epoch = epoch;
    this.#keys = keys;
    this.#recovered = recovered;
  }

  add({ number, stream, columns, events }: Taken): void {
    for (const event of events) {
      this.events.push(event);
      this.count++;
      this.#reach(event.t);
      this.ends.set(number, event.ordinal + 1);
    }
    if (events.length > 0) {
      const own = this.#eventsByStream.get(number) ?? [];
      this.#eventsByStream.set(number, own);
      for (const event of events) own.push(event);
    }
    if (columns.length === 0) return;
    let held = this.#held.get(number);
    if (held === undefined) {
      held = { stored: { number, stream }, pieces: [], sealed: [], start: 0 };
      this.#held.set(number, held);
    }
    for (const piece of columns) this.#hold(held, piece);
    const last = columns.at(-1);
    if (last) this.ends.set(number, last.seq + countOf(last));
  }

  /** The events of each stream, in the order in which they came. */
  eventsByStream(): ReadonlyMap<number, readonly TailEvent[]> {
    return this.#eventsByStream;
  }

  /** What is held of a stream from a seq on, in the order of seq; what is a block is decoded when it is due. */
  *columnsFrom(number: number, seq: number): Generator<Columns> {
    const { sealed, pieces } = this.#held.get(number) ?? { sealed: [], pieces: [] };
    for (const { key, block } of sealed) {
      const header = readHeader(block);
      if (header.seq + header.n > seq) yield decodeBlock(block, key);
    }
    for (const piece of pieces) if (piece.seq + countOf(piece) > seq) yield piece;
  }

  streams(): StoredStream[] {
    return [...this.#held.values()].map(({ stored }) => stored);
  }

  /** What is held of a stream, in the order of seq. */
  columns(number: number): Columns[] {
    const { sealed, pieces } = this.#held.get(number) ?? { sealed: [], pieces: [] };
    return [...sealed.map(({ key, block }) => decodeBlock(block, key)), ...pieces];
  }

  /** Makes blocks of everything that is held of a stream, and gives them with their contents. */
  seal(number: number): {
    readonly sealed: readonly Sealed[];
    readonly columns: readonly Columns[];
  } {
    const held = this.#held.get(number);
    if (held === undefined) return { sealed: [], columns: [] };
    const columns = joinPieces(held.pieces);
    this.#seal(held, columns);
    return { sealed: held.sealed, columns };
  }

  #hold(held: Held, piece: Columns): void {
    const start = startOf(piece);
    if (held.pieces.length === 0) held.start = start;
    held.pieces.push(piece);
    this.count += countOf(piece);
    const end = endOf(piece);
    this.#reach(end);
    if (piece.kind === 'frames' && end - held.start >= FRAMES_US) {
      this.#seal(held, joinPieces(held.pieces));
    }
  }

  #seal(held: Held, columns: readonly Columns[]): void {
    const { number, stream } = held.stored;
    for (const part of columns) {
      const table = tableOf(part);
      const key = this.#keys.next(table, this.epoch, number, startOf(part));
      const block = encodeBlock(part, key, { stream, recovered: this.#recovered });
      held.sealed.push({ table, key, block });
    }
    held.pieces = [];
  }

  #reach(t: number): void {
    this.end = Math.max(this.end ?? t, t);
  }
}

/** Gives out keys of blocks: one more in `sub` where a stream has two that begin at the same. */
export class BlockKeys {
  readonly #reads: Pick<Reads, 'get'>;
  /** Given out and perhaps not in the database yet. */
  readonly #given = new Set<string>();

  constructor(reads: Pick<Reads, 'get'>) {
    this.#reads = reads;
  }

  next(table: BlockTable, epoch: number, stream: number, t: number): Uint8Array {
    const slot = slotOf(t);
    for (let sub = subOf(t); ; sub++) {
      // A slot of 65,536 blocks that begin together: the time of one is wrong by 300 s in the key.
      const key = blockKey({ epoch, slot, stream, sub: sub & 0xffff });
      const name = `${table} ${Buffer.from(key).toString('latin1')}`;
      if (this.#given.has(name) || this.#reads.get(table, key) !== undefined) continue;
      this.#given.add(name);
      return key;
    }
  }

  /** Everything given out is in the database. */
  settle(): void {
    this.#given.clear();
  }
}

function tableOf(columns: Columns): BlockTable {
  return columns.kind === 'scalars' ? 'samples' : columns.kind;
}
