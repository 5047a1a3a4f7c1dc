import type { Stream } from '#core/stream.ts';
import { decodeBlock, readHeader } from '../../codec/block.ts';
import { BlockError } from '../../codec/block-error.ts';
import { type Columns, countOf } from '../../codec/columns.ts';
import { part } from '../../codec/cut.ts';
import { startOf } from '../../codec/join.ts';
import { SLOT_US } from '../../codec/slot.ts';
import { eventKey } from '../keys.ts';
import type { Reads, TableName } from '../lmdb.ts';
import { slotBounds } from '../reading/read-blocks.ts';
import { type BlockTable, entryPages } from '../reading/walk.ts';
import { type EventRecord, soundRecord } from '../record.ts';
import { bytesOfEvent, countWithin } from './measure.ts';
import type { GapReason, Limits, Stretch } from './outbox.ts';
import type { BlockRun, EventRun, Moment } from './seal-record.ts';
import { type Found, type FoundSeal, Seals, wasErased } from './seals.ts';
import { type Hole, UnlistedReading } from './unlisted.ts';

/** Reads what LMDB has by `seq`. */

/** Blocks that are read at a time. */
const PAGE_BLOCKS = 16;
/** Values of blocks that are kept decoded: a block is sent in many stretches. */
const DECODED_VALUES_MAX = 400_000;
/** And so many of them: those of a stream that changes seldom have a value or two. */
const DECODED_BLOCKS_MAX = 512;
/** A stretch of a block, packed by itself, is larger than its share of it. */
const CUT_FACTOR = 1.3;
/** Pieces of a gap that are put together. */
const GAP_PIECES_MAX = 64;

const TABLE_OF = { sample: 'samples', wave: 'waves', frame: 'frames', event: undefined } as const;

/** What is to be read of a stream. */
export interface Wanted {
  readonly number: number;
  readonly stream: Stream;
  readonly from: number;
  /** One behind the last seq that LMDB has. */
  readonly end: number;
  /** The one that is being recorded. */
  readonly epoch: number;
}

interface BlockPlace {
  readonly key: Uint8Array;
  readonly seq: number;
  readonly n: number;
  readonly each: number;
}

interface Directory {
  readonly epoch: number;
  readonly slot: number;
  readonly blocks: readonly BlockPlace[];
}

interface Here {
  readonly reads: Reads;
  readonly wanted: Wanted;
  readonly moment: Moment;
  readonly limits: Limits;
}

export class SealedReading {
  readonly #seals = new Seals();
  readonly #unlisted = new UnlistedReading();
  /** Of each stream the slot that was read last. */
  readonly #directories = new Map<number, Directory>();
  readonly #decoded = new Map<string, Columns>();

  /** What comes at a seq that LMDB has, or that there is nothing: gaps are told whole. */
  read(reads: Reads, wanted: Wanted, at: Moment | undefined, limits: Limits): Stretch {
    let whole = this.#step(reads, wanted, at, limits);
    for (let pieces = 1; pieces < GAP_PIECES_MAX; pieces++) {
      const from = whole.first + whole.n;
      if (whole.content.kind !== 'gap' || from >= wanted.end) break;
      const next = this.#step(reads, { ...wanted, from }, whole.position, limits);
      const { content } = next;
      if (content.kind !== 'gap' || content.reason !== whole.content.reason) break;
      if (next.epoch !== whole.epoch) break;
      const n = whole.n + next.n;
      whole = { ...whole, n, content: { ...whole.content, n }, position: next.position };
    }
    return whole;
  }

  #step(reads: Reads, wanted: Wanted, at: Moment | undefined, limits: Limits): Stretch {
    const { number, from, end } = wanted;
    const found = this.#seals.find(reads, number, from, at);
    const { seal } = found;
    const to = Math.min(end, seal?.sealed.begin ?? end);
    if (from < to) {
      const moment = found.before ?? seal?.moment ?? at ?? { epoch: wanted.epoch, t: 0 };
      return this.#inHole({ reads, wanted: { ...wanted, end: to }, moment, limits }, found);
    }
    if (seal === undefined) throw new Error('a hole is where no seal is');
    return this.#inSeal({ reads, wanted, moment: seal.moment, limits }, seal);
  }

  /** What no seal tells of: that is gone, unless it is found without one. */
  #inHole(here: Here, { before, isDamaged }: Found): Stretch {
    const { reads, wanted, moment } = here;
    const { number, from, end } = wanted;
    const hole: Hole = { number, from, to: end, after: before };
    const table = TABLE_OF[wanted.stream.kind];
    const found = table
      ? this.#unlisted.blocks(reads, table, hole)
      : this.#unlisted.events(reads, hole);
    const reason = isDamaged ? 'lost' : 'evicted';
    if (found === undefined) return gapAt(moment, { from, to: end, reason, t0: 0 });
    const { epoch, run } = found;
    if (from < run.seq) {
      return { ...gapAt(moment, { from, to: run.seq, reason, t0: timeOf(run) }), epoch };
    }
    const there = { ...here, moment: { epoch, t: 0 } };
    const stretch = run.kind === 'blocks' ? this.#inBlocks(there, run) : eventsIn(there, run);
    return { ...stretch, position: moment };
  }

  #inSeal(here: Here, { moment, sealed }: FoundSeal): Stretch {
    const { from } = here.wanted;
    const run = sealed.runs.find(({ seq, n }) => seq + n > from);
    if (run === undefined) throw new Error('a seal was found that does not have it');
    const t0 = timeOf(run);
    if (from < run.seq) return gapAt(moment, { from, to: run.seq, reason: 'lost', t0 });
    return run.kind === 'blocks' ? this.#inBlocks(here, run) : eventsIn(here, run);
  }

  #inBlocks(here: Here, run: BlockRun): Stretch {
    const { reads, wanted, moment, limits } = here;
    const { from } = wanted;
    const end = Math.min(run.seq + run.n, wanted.end);
    const t0 = run.slot * SLOT_US;
    const table = TABLE_OF[wanted.stream.kind];
    const blocks = table ? this.#blocks(here, table, run.slot, from) : [];
    const block = blocks.find(({ seq, n }) => seq <= from && seq + n > from);
    if (table === undefined || block === undefined) {
      const next = Math.min(end, ...blocks.map(({ seq }) => seq).filter((seq) => seq > from));
      const erased = wasErased(reads, moment.epoch, t0, t0 + SLOT_US);
      return gapAt(moment, { from, to: next, reason: erased ? 'erased' : 'evicted', t0 });
    }
    const columns = this.#decode(reads, table, block);
    const rest =
      columns && part(columns, from - block.seq, Math.min(end, endOf(block)) - block.seq);
    if (rest === undefined) {
      return gapAt(moment, { from, to: Math.min(end, endOf(block)), reason: 'lost', t0 });
    }
    const n = countWithin(rest, block.each, limits);
    const content = part(rest, 0, n) ?? rest;
    return {
      ...{ epoch: moment.epoch, first: from, n, t0: startOf(content), content },
      ...{ position: moment, bytes: Math.ceil(n * block.each) },
    };
  }

  /** The blocks of a stream in a slot, in the order of seq. */
  #blocks(here: Here, table: BlockTable, slot: number, from: number): readonly BlockPlace[] {
    const { reads, wanted, moment } = here;
    const { epoch } = moment;
    const known = this.#directories.get(wanted.number);
    if (known?.epoch === epoch && known.slot === slot) {
      // An erasure writes what it leaves of a block under another key, and keys are used again.
      const block = known.blocks.find(({ seq, n }) => seq <= from && seq + n > from);
      if (block && isThere(reads, table, block)) return known.blocks;
    }
    const blocks: BlockPlace[] = [];
    const bounds = slotBounds(epoch, slot, wanted.number);
    for (const page of entryPages(reads, table, { ...bounds, limit: PAGE_BLOCKS })) {
      for (const { key, value } of page) blocks.push(...placesIn(key, value));
    }
    blocks.sort((a, b) => a.seq - b.seq);
    this.#directories.set(wanted.number, { epoch, slot, blocks });
    return blocks;
  }

  /** Undefined where it is damaged: the scrub tells of it. */
  #decode(reads: Reads, table: BlockTable, { key, seq, n }: BlockPlace): Columns | undefined {
    const name = `${table} ${Buffer.from(key).toString('latin1')}`;
    const before = this.#decoded.get(name);
    if (before?.seq === seq && countOf(before) === n) return before;
    const block = reads.get(table, key);
    const columns = block && soundBlock(key, block);
    if (columns) this.#keep(name, columns);
    return columns;
  }

  #keep(name: string, columns: Columns): void {
    this.#decoded.set(name, columns);
    let values = 0;
    for (const one of this.#decoded.values()) values += countOf(one);
    for (const [oldest, one] of this.#decoded) {
      if (values <= DECODED_VALUES_MAX && this.#decoded.size <= DECODED_BLOCKS_MAX) break;
      values -= countOf(one);
      this.#decoded.delete(oldest);
    }
  }
}

/** From one place of a run to where something is missing or it is enough. */
function eventsIn({ reads, wanted, moment, limits }: Here, run: EventRun): Stretch {
  const { from } = wanted;
  const { epoch } = moment;
  const end = Math.min(run.n, wanted.end - run.seq);
  const events: { t: number; data: EventRecord['data'] }[] = [];
  let bytes = 0;
  for (let i = from - run.seq; i < end && events.length < limits.values; i++) {
    const event = eventAt(reads, wanted.number, run, { epoch, i });
    if (event === undefined) break;
    const more = bytesOfEvent(event.data);
    if (events.length > 0 && bytes + more > limits.bytes) break;
    events.push(event);
    bytes += more;
  }
  if (events.length === 0) return missingEvents(reads, { wanted, moment }, run, end);
  const t0 = Math.min(...events.map(({ t }) => t));
  const content = { kind: 'events', seq: from, events } as const;
  return { epoch, first: from, n: events.length, t0, content, position: moment, bytes };
}

function missingEvents(
  reads: Reads,
  { wanted, moment }: Pick<Here, 'wanted' | 'moment'>,
  run: EventRun,
  end: number,
): Stretch {
  const { number, from } = wanted;
  const { epoch } = moment;
  const reasonOf = (i: number): GapReason => {
    const t = run.places[i]?.t ?? 0;
    return wasErased(reads, epoch, t, t + 1) ? 'erased' : 'evicted';
  };
  const first = from - run.seq;
  const reason = reasonOf(first);
  let i = first + 1;
  while (i < end && eventAt(reads, number, run, { epoch, i }) === undefined) {
    if (reasonOf(i) !== reason) break;
    i++;
  }
  const t0 = run.places[first]?.t ?? 0;
  return gapAt(moment, { from, to: run.seq + i, reason, t0 });
}

/** Undefined where it is gone, damaged, or another is in its place. */
function eventAt(
  reads: Reads,
  number: number,
  run: EventRun,
  { epoch, i }: { readonly epoch: number; readonly i: number },
): { t: number; data: EventRecord['data'] } | undefined {
  const place = run.places[i];
  if (place === undefined) return undefined;
  const key = eventKey({ epoch, ...place });
  const value = reads.get('events', key);
  const record = value && soundRecord(key, value);
  if (record === undefined) return undefined;
  const { stream, ordinal, data } = record as unknown as EventRecord; // Its CRC says that we wrote it.
  return stream === number && ordinal === run.seq + i ? { t: place.t, data } : undefined;
}

/** That there is nothing from one seq to before another. */
export function gapAt(
  position: Moment,
  gap: {
    readonly from: number;
    readonly to: number;
    readonly reason: GapReason;
    readonly t0: number;
  },
): Stretch {
  const { from, to, reason, t0 } = gap;
  const n = to - from;
  const content = { kind: 'gap', seq: from, n, reason } as const;
  return { epoch: position.epoch, first: from, n, t0, content, position, bytes: 0 };
}

function timeOf(run: BlockRun | EventRun): number {
  return run.kind === 'blocks' ? run.slot * SLOT_US : (run.places[0]?.t ?? 0);
}

function endOf({ seq, n }: BlockPlace): number {
  return seq + n;
}

/** Whether the block is still what it was. */
function isThere(reads: Reads, table: TableName, { key, seq, n }: BlockPlace): boolean {
  const value = reads.get(table, key);
  const [now] = value ? placesIn(key, value) : [];
  return now?.seq === seq && now.n === n;
}

/** As its header says; none where that cannot be read. */
function placesIn(key: Uint8Array, block: Uint8Array): BlockPlace[] {
  try {
    const { seq, n, payloadBytes } = readHeader(block);
    return [{ key, seq, n, each: (CUT_FACTOR * payloadBytes) / Math.max(1, n) }];
  } catch (error) {
    if (error instanceof BlockError) return [];
    throw error;
  }
}

function soundBlock(key: Uint8Array, block: Uint8Array): Columns | undefined {
  try {
    return decodeBlock(block, key);
  } catch (error) {
    if (error instanceof BlockError) return undefined;
    throw error;
  }
}
