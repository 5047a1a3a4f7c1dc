import type { StreamKind } from '#core/stream.ts';
import { type BlockHeader, decodeBlock, readHeader, verifyBlock } from '../../codec/block.ts';
import { type Columns, countOf, type Range, type StoredStream } from '../../codec/columns.ts';
import { part } from '../../codec/cut.ts';
import { endOf, startOf } from '../../codec/join.ts';
import { slotOf } from '../../codec/slot.ts';
import { blockKey, parseBlockKey, slotKey } from '../keys.ts';
import type { Entry, Reads } from '../lmdb.ts';
import type { Tail } from '../tail.ts';
import type { Damage } from './damage.ts';
import { type BlockTable, entryPages } from './walk.ts';

/** Blocks that are held at a time: of a stream with a block a slot one, of a bus 80 seconds. */
const PAGE_BLOCKS = 16;

const TABLE_OF: Readonly<Record<StreamKind, BlockTable | undefined>> = {
  sample: 'samples',
  wave: 'waves',
  frame: 'frames',
  event: undefined,
};

/** What readers share. */
export interface Ground {
  readonly reads: Reads;
  readonly tail: Tail | undefined;
  readonly damage: Damage;
}

export interface FoundBlock extends Entry {
  /** Unchecked. */
  readonly header: BlockHeader;
}

/** Where the blocks of a stream in a slot begin, and before which key they end. */
export function slotBounds(epoch: number, slot: number, stream: number) {
  const start = blockKey({ epoch, slot, stream, sub: 0 });
  const next = stream + 1;
  const end =
    next > 0xffff ? slotKey(epoch, slot + 1) : blockKey({ epoch, slot, stream: next, sub: 0 });
  return { start, end };
}

/**
 * What is stored of one stream in a range, slot by slot: the blocks of a slot, and then what the tail has of
 * it beyond them. A slot's blocks are to be gone through before its tail, which leaves out what they had.
 * Where a seal ends in the middle of a reading, a slot that has been read is whole only with its tail, and
 * the next one has its blocks.
 */
export class StreamReading {
  readonly #ground: Ground;
  readonly #number: number;
  readonly #table: BlockTable | undefined;
  readonly #range: Range;
  /** By slot, and of a slot in the order of seq. Each piece is within one slot. */
  readonly #tail: readonly Columns[];
  /** Of the tail, what has been given. */
  #given = 0;
  readonly #covered: Covered;

  constructor(ground: Ground, { number, stream }: StoredStream, range: Range) {
    this.#ground = ground;
    this.#number = number;
    this.#table = TABLE_OF[stream.kind];
    this.#range = range;
    const slotAt = (piece: Columns): number => slotOf(startOf(piece));
    const pieces = tailPieces(ground.tail, number, range);
    this.#tail = pieces.toSorted((one, other) => slotAt(one) - slotAt(other));
    this.#covered = new Covered(Math.min(...this.#tail.map(({ seq }) => seq)));
  }

  /** Blocks that reach into the range, not decoded. */
  *blocks(): Generator<FoundBlock> {
    const { from, to } = this.#range;
    if (from >= to || this.#table === undefined) return;
    // The time of a sample of a wave is rounded: the last of a slot may be told as the first of the next.
    let slot: number | undefined = this.#seek(slotOf(Math.max(0, from - 1)));
    while (slot !== undefined) {
      let found = false;
      for (const block of this.#slot(this.#table, slot)) {
        found = true;
        const { t0, span } = block.header;
        if (t0 < to && t0 + span >= from) yield block;
      }
      // The next slot is tried at once; only where a stream pauses its next key is looked for.
      slot = found && slot < this.#lastSlot ? slot + 1 : this.#seek(slot + 1);
    }
  }

  /** Undefined where it is damaged, which is counted. */
  decode({ key, value, header }: FoundBlock): Columns | undefined {
    const columns = this.#guard(key, () => decodeBlock(value, key));
    if (columns) this.#covered.add(header);
    return columns;
  }

  /** Whether it is whole, for those who need no more than its header. */
  check({ key, value, header }: FoundBlock): boolean {
    const whole = this.#guard(key, () => {
      verifyBlock(value, key);
      return true;
    });
    if (whole) this.#covered.add(header);
    return whole ?? false;
  }

  /** Pieces of the tail that reach into the range, once each, without what the blocks had. */
  *rest(beforeSlot = Number.POSITIVE_INFINITY): Generator<Columns> {
    for (;;) {
      const piece = this.#tail[this.#given];
      if (piece === undefined || slotOf(startOf(piece)) >= beforeSlot) return;
      this.#given++;
      yield* this.#covered.without(piece);
    }
  }

  /** Everything in its order: blocks, to be decoded or checked before the next part is asked for, and pieces. */
  *parts(): Generator<FoundBlock | Columns> {
    for (const block of this.blocks()) {
      yield* this.rest(parseBlockKey(block.key).slot);
      yield block;
    }
    yield* this.rest();
  }

  /** Everything, decoded and whole: samples at either end may lie outside the range. */
  *pieces(): Generator<Columns> {
    for (const part of this.parts()) {
      const columns = 'header' in part ? this.decode(part) : part;
      if (columns) yield columns;
    }
  }

  get #lastSlot(): number {
    return Math.min(0xffff, slotOf(this.#range.to - 1));
  }

  *#slot(table: BlockTable, slot: number): Generator<FoundBlock> {
    const bounds = slotBounds(this.#range.epoch, slot, this.#number);
    const query = { ...bounds, limit: PAGE_BLOCKS };
    for (const page of entryPages(this.#ground.reads, table, query)) {
      for (const { key, value } of page) {
        const header = this.#guard(key, () => readHeader(value));
        if (header) yield { key, value, header };
      }
    }
  }

  /** The first slot from this one on in which the stream has a block: a key a slot, no values. */
  #seek(from: number): number | undefined {
    const { epoch } = this.#range;
    const end = slotKey(epoch, this.#lastSlot + 1);
    let slot = from;
    while (slot <= this.#lastSlot && this.#table) {
      const { start } = slotBounds(epoch, slot, this.#number);
      const [key] = this.#ground.reads.keys(this.#table, { start, end, limit: 1 });
      if (key === undefined) return undefined;
      const found = parseBlockKey(key);
      if (found.stream === this.#number) return found.slot;
      slot = found.stream < this.#number ? found.slot : found.slot + 1;
    }
    return undefined;
  }

  #guard<T>(key: Uint8Array, read: () => T): T | undefined {
    return this.#ground.damage.guard(this.#table ?? 'samples', key, read);
  }
}

/** Those that reach into the range; none where it is of another epoch. */
export function tailPieces(
  tail: Tail | undefined,
  number: number,
  { epoch, from, to }: Range,
): Columns[] {
  if (tail?.epoch !== epoch) return [];
  const pieces = tail.pieces.get(number) ?? [];
  return pieces.filter((piece) => startOf(piece) < to && endOf(piece) >= from);
}

/** A stretch of `seq`; `end` is exclusive. */
interface Stretch {
  readonly begin: number;
  end: number;
}

/** What of the `seq` of a stream has been read, from where its tail begins. */
class Covered {
  readonly #from: number;
  readonly #stretches: Stretch[] = [];

  constructor(from: number) {
    this.#from = from;
  }

  add({ seq, n }: { readonly seq: number; readonly n: number }): void {
    const end = seq + n;
    if (end <= this.#from) return;
    const last = this.#stretches.at(-1);
    if (last?.end === seq) last.end = end;
    else this.#stretches.push({ begin: seq, end });
  }

  /** The runs of a piece that have not been read; now they count as read. */
  without(piece: Columns): Columns[] {
    const { seq } = piece;
    let runs: Stretch[] = [{ begin: seq, end: seq + countOf(piece) }];
    for (const { begin, end } of this.#stretches) {
      runs = runs.flatMap((run) => [
        { begin: run.begin, end: Math.min(run.end, begin) },
        { begin: Math.max(run.begin, end), end: run.end },
      ]);
      runs = runs.filter((run) => run.begin < run.end);
    }
    this.add({ seq, n: countOf(piece) });
    return runs.flatMap((run) => part(piece, run.begin - seq, run.end - seq) ?? []);
  }
}
