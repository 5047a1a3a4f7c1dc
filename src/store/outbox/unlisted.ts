import { readHeader } from '../../codec/block.ts';
import { BlockError } from '../../codec/block-error.ts';
import { SLOT_US, slotOf } from '../../codec/slot.ts';
import { eventIndexKey, eventKey, parseBlockKey, parseEventIndexKey, slotKey } from '../keys.ts';
import type { Reads } from '../lmdb.ts';
import { slotBounds } from '../reading/read-blocks.ts';
import { BEHIND_KEYS, type BlockTable, entryPages, keyPages } from '../reading/walk.ts';
import { type EventRecord, soundRecord } from '../record.ts';
import type { BlockRun, EventRun, Moment } from './seal-record.ts';

/**
 * Finds what is stored and in no seal: a store of an earlier version has none, one may be damaged, and the
 * ring may have taken it before its blocks. It goes by time, as `seq` grows with it but for what came late.
 *
 * Events that an earlier version stored do not tell their place in their stream: they are not found.
 */

/** How much earlier than its neighbours in `seq` something may lie, in slots. */
const LATE_SLOTS = 4;
/** Keys that are looked for at a time: some days of slots. */
const SEEKS_MAX = 4_000;
/** Blocks that are read at a time. */
const PAGE_BLOCKS = 16;
const PAGE_KEYS = 256;
/** Events that are looked at for one hole. */
const EVENTS_MAX = 8_192;
/** As many in a row lie behind the hole: it is over. */
const EVENTS_BEHIND_MAX = 512;

/** What the seals do not tell of a stream. */
export interface Hole {
  readonly number: number;
  readonly from: number;
  /** One behind its last seq. */
  readonly to: number;
  /** The seal before it; undefined where none is there. */
  readonly after: Moment | undefined;
}

/** The first that is there in a hole. */
export interface Unlisted<R> {
  readonly epoch: number;
  readonly run: R;
}

interface Slot {
  readonly epoch: number;
  readonly slot: number;
}

/** Values of a block that follow each other in `seq`. */
interface Run {
  readonly seq: number;
  readonly n: number;
}

interface PlacedEvent {
  readonly epoch: number;
  readonly ordinal: number;
  readonly t: number;
  readonly seq: number;
}

export class UnlistedReading {
  /** Of each stream the slot in which a hole was read last. */
  readonly #last = new Map<number, Slot & { readonly seq: number }>();
  /** Of the hole of events that was read last. */
  #events: { readonly hole: Hole; readonly found: readonly PlacedEvent[] } | undefined;

  /** The first blocks at or behind the beginning of a hole. */
  blocks(reads: Reads, table: BlockTable, hole: Hole): Unlisted<BlockRun> | undefined {
    const last = this.#last.get(hole.number);
    const start = last && last.seq <= hole.from ? last : afterSeal(hole.after);
    const best = firstIn(reads, table, hole, back(start));
    if (best === undefined) return undefined;
    const { epoch, slot, seq, n } = best;
    this.#last.set(hole.number, { epoch, slot, seq: hole.from });
    const from = Math.max(hole.from, seq);
    return {
      epoch,
      run: { kind: 'blocks', seq: from, n: Math.min(hole.to, seq + n) - from, slot },
    };
  }

  /** The first events at or behind the beginning of a hole, that follow each other in one epoch. */
  events(reads: Reads, hole: Hole): Unlisted<EventRun> | undefined {
    const known = this.#events;
    const isKnown =
      known?.hole.number === hole.number &&
      known.hole.to === hole.to &&
      known.hole.from <= hole.from;
    const found = isKnown ? known.found : eventsOf(reads, hole);
    if (!isKnown) this.#events = { hole, found };
    const left = found.filter(({ ordinal }) => ordinal >= hole.from);
    const [first] = left;
    if (first === undefined) return undefined;
    const places = left.filter(
      ({ epoch, ordinal }, i) => epoch === first.epoch && ordinal === first.ordinal + i,
    );
    const { epoch, ordinal } = first;
    return { epoch, run: { kind: 'events', seq: ordinal, n: places.length, places } };
  }
}

/** The block with the first seq of a hole. */
function firstIn(
  reads: Reads,
  table: BlockTable,
  { number, from, to }: Hole,
  start: Slot,
): (Slot & Run) | undefined {
  let best: (Slot & Run) | undefined;
  let slotsBehind = 0;
  for (const slot of slotsFrom(reads, table, number, start)) {
    const runs = runsIn(reads, table, number, slot);
    const inside = runs.filter(({ seq, n }) => seq + n > from && seq < (best?.seq ?? to));
    const first = inside.toSorted((a, b) => a.seq - b.seq)[0];
    if (first !== undefined) best = { ...slot, ...first };
    if (best !== undefined && best.seq <= from) return best;
    // Nothing that lies much further on comes earlier.
    if (best !== undefined || isBehind(runs, to)) slotsBehind++;
    if (slotsBehind > LATE_SLOTS) return best;
  }
  return best;
}

function isBehind(runs: readonly Run[], to: number): boolean {
  return runs.length > 0 && runs.every(({ seq }) => seq >= to);
}

function afterSeal(seal: Moment | undefined): Slot {
  return seal ? { epoch: seal.epoch, slot: slotOf(seal.t) } : { epoch: 0, slot: 0 };
}

function back({ epoch, slot }: Slot): Slot {
  return { epoch, slot: Math.max(0, slot - LATE_SLOTS) };
}

/** Slots in which a stream has blocks: a key or two a slot, no values. */
function* slotsFrom(
  reads: Pick<Reads, 'keys'>,
  table: BlockTable,
  number: number,
  { epoch, slot }: Slot,
): Generator<Slot> {
  let { start } = slotBounds(epoch, slot, number);
  for (let seeks = 0; seeks < SEEKS_MAX; seeks++) {
    const [key] = reads.keys(table, { start, end: BEHIND_KEYS, limit: 1 });
    if (key === undefined) return;
    const found = parseBlockKey(key);
    if (found.stream === number) yield found;
    start =
      found.stream < number
        ? slotBounds(found.epoch, found.slot, number).start
        : slotKey(found.epoch, found.slot + 1);
  }
}

/** As their headers say; none of what cannot be read. */
function runsIn(reads: Reads, table: BlockTable, number: number, { epoch, slot }: Slot) {
  const runs: Run[] = [];
  const bounds = { ...slotBounds(epoch, slot, number), limit: PAGE_BLOCKS };
  for (const page of entryPages(reads, table, bounds)) {
    for (const { value } of page) {
      try {
        const { seq, n } = readHeader(value);
        runs.push({ seq, n });
      } catch (error) {
        if (!(error instanceof BlockError)) throw error;
      }
    }
  }
  return runs;
}

/** The events of a hole that tell their place, in the order of it. */
function eventsOf(reads: Reads, { number, from, to, after }: Hole): PlacedEvent[] {
  const found: PlacedEvent[] = [];
  let behind = 0;
  for (const event of placedFrom(reads, number, after)) {
    if (event.ordinal >= from && event.ordinal < to) found.push(event);
    behind = event.ordinal < to ? 0 : behind + 1;
    if (behind >= EVENTS_BEHIND_MAX) break;
  }
  return found.sort((a, b) => a.ordinal - b.ordinal);
}

/** Events of a stream from about the time of a seal on. */
function* placedFrom(reads: Reads, number: number, after: Moment | undefined) {
  const t = Math.max(0, (after?.t ?? 0) - LATE_SLOTS * SLOT_US);
  const start = eventIndexKey(number, { epoch: after?.epoch ?? 0, t, seq: 0 });
  const end = Buffer.concat([start.subarray(0, 2), BEHIND_KEYS]);
  let looked = 0;
  for (const keys of keyPages(reads, 'eventIndex', { start, end, limit: PAGE_KEYS })) {
    for (const index of keys) {
      const place = parseEventIndexKey(index);
      const ordinal = ordinalAt(reads, eventKey(place));
      if (ordinal !== undefined) {
        yield { epoch: place.epoch, ordinal, t: place.t, seq: place.seq };
      }
    }
    looked += keys.length;
    if (looked >= EVENTS_MAX) return;
  }
}

function ordinalAt(reads: Reads, key: Uint8Array): number | undefined {
  const value = reads.get('events', key);
  const record = value && soundRecord(key, value);
  if (record === undefined) return undefined;
  return (record as unknown as EventRecord).ordinal; // Its CRC says that we wrote it.
}
