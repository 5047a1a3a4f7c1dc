import type { Micros } from '#core/stream.ts';
import { readHeader, verifyBlock } from '../../codec/block.ts';
import type { Columns, StoredStream } from '../../codec/columns.ts';
import { endOf } from '../../codec/join.ts';
import { SLOT_US, slotOf } from '../../codec/slot.ts';
import { EPOCH_US_MAX, eventKey, parseBlockKey, parseEventKey, slotKey } from '../keys.ts';
import type { Entry } from '../lmdb.ts';
import { soundRecord } from '../record.ts';
import { type Ground, StreamReading, slotBounds } from './read-blocks.ts';
import { BLOCK_TABLES, type BlockTable } from './walk.ts';

/** A time of an epoch. */
export interface Moment {
  readonly epoch: number;
  readonly t: Micros;
}

/** One value of a sample stream. */
export interface Newest extends Moment {
  readonly v: number;
}

/**
 * Slots that are gone back through for the newest value of a stream: 34 days of recording. A value
 * that is older is not found.
 */
const SLOTS_BACK_MAX = 10_000;
/** Keys that are gone back through for the newest values of all streams: a day of 70 streams. */
const KEYS_BACK_MAX = 20_000;
/** Keys that are read at a time. */
const PAGE_KEYS = 500;
/** Blocks of the last slot of an epoch that are held at a time, to see where they end. */
const PAGE_BLOCKS = 16;
/** Events that are read at a time. */
const PAGE_EVENTS = 16;

/** The newest value before a moment. */
export function newestOf(ground: Ground, stored: StoredStream, before: Moment): Newest | undefined {
  const inTail = newestInTail(ground, stored.number, before);
  for (const { epoch, slot } of slotsBack(ground, stored.number, before)) {
    // The tail is the end of its epoch: what lies in a slot before it cannot be newer.
    if (inTail && (epoch < inTail.epoch || slot < slotOf(inTail.t))) break;
    const found = newestInSlot(ground, stored, { epoch, slot, before });
    if (found) return later(found, inTail);
  }
  return inTail;
}

/** Slots in which a stream has blocks, from that of a moment backwards. */
function* slotsBack({ reads }: Ground, number: number, { epoch, t }: Moment) {
  let end = slotBounds(epoch, Math.min(0xffff, slotOf(t)), number).end;
  for (let back = 0; back < SLOTS_BACK_MAX; back++) {
    const query = { start: slotKey(0, 0), end, limit: 1, reverse: true };
    const [key] = reads.keys('samples', query);
    if (key === undefined) return;
    const found = parseBlockKey(key);
    const bounds = slotBounds(found.epoch, found.slot, number);
    if (found.stream === number) yield { epoch: found.epoch, slot: found.slot };
    if (found.stream > number) end = bounds.end;
    else end = found.stream === number ? bounds.start : slotKey(found.epoch, found.slot);
  }
}

/**
 * The newest value of every sample stream that has had one lately, by number. Keys are gone through
 * backwards and no value is read before it is wanted: two pages, when all streams are at work.
 *
 * @param streams that are looked for
 */
export function latestOf(ground: Ground, streams: Iterable<StoredStream>): Map<number, Newest> {
  const wanted = new Map<number, StoredStream>();
  for (const stored of streams) {
    if (stored.stream.kind === 'sample') wanted.set(stored.number, stored);
  }
  const latest = new Map<number, Newest>();
  const never = { epoch: 0xffff_ffff, t: Number.POSITIVE_INFINITY };
  for (const { number, epoch, slot } of lastSlots(ground, new Set(wanted.keys()))) {
    const stored = wanted.get(number);
    if (stored === undefined) continue;
    const found = newestInSlot(ground, stored, { epoch, slot, before: never });
    if (found) latest.set(number, found);
  }
  for (const number of wanted.keys()) {
    const newest = later(latest.get(number), newestInTail(ground, number, never));
    if (newest) latest.set(number, newest);
  }
  return latest;
}

/** Where the last block of each stream is. */
function* lastSlots(ground: Ground, missing: Set<number>) {
  let end: Uint8Array | undefined = slotKey(0xffff_ffff, 0xffff);
  for (let seen = 0; end && missing.size > 0 && seen < KEYS_BACK_MAX; seen += PAGE_KEYS) {
    const query = { start: slotKey(0, 0), end, limit: PAGE_KEYS, reverse: true };
    const keys: Uint8Array[] = ground.reads.keys('samples', query);
    for (const key of keys) {
      const { epoch, slot, stream } = parseBlockKey(key);
      if (missing.delete(stream)) yield { number: stream, epoch, slot };
    }
    end = keys.at(-1);
  }
}

interface Within {
  readonly epoch: number;
  readonly slot: number;
  readonly before: Moment;
}

/** A late sample is a block of its own, so all blocks of the slot are looked at. */
function newestInSlot(
  { reads, damage }: Ground,
  stored: StoredStream,
  { epoch, slot, before }: Within,
): Newest | undefined {
  const range = { epoch, from: slot * SLOT_US, to: (slot + 1) * SLOT_US };
  const reading = new StreamReading({ reads, damage, tail: undefined }, stored, range);
  return newestIn(reading.pieces(), epoch, before);
}

function newestInTail({ tail }: Ground, number: number, before: Moment): Newest | undefined {
  if (tail === undefined || tail.epoch > before.epoch) return undefined;
  return newestIn(tail.pieces.get(number) ?? [], tail.epoch, before);
}

function newestIn(pieces: Iterable<Columns>, epoch: number, before: Moment): Newest | undefined {
  const end = epoch < before.epoch ? Number.POSITIVE_INFINITY : before.t;
  let newest: Newest | undefined;
  for (const piece of pieces) {
    if (piece.kind !== 'scalars') continue;
    for (const [i, t] of piece.t.entries()) {
      if (t < end && t >= (newest?.t ?? 0)) newest = { epoch, t, v: piece.v[i] ?? Number.NaN };
    }
  }
  return newest;
}

function later(a: Newest | undefined, b: Newest | undefined): Newest | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a.epoch > b.epoch || (a.epoch === b.epoch && a.t > b.t) ? a : b;
}

/**
 * The time of the last thing that is stored of an epoch.
 *
 * @param isData whether the events of a stream count, by its number
 */
export function lastTimeOf(
  ground: Ground,
  epoch: number,
  isData: (number: number) => boolean,
): Micros | undefined {
  const tables = BLOCK_TABLES.map((table) => lastInBlocks(ground, table, epoch));
  const events = lastEvent(ground, epoch, isData);
  const times = [...tables, events, lastInTail(ground, epoch, isData)];
  const known = times.filter((t) => t !== undefined);
  return known.length > 0 ? Math.max(...known) : undefined;
}

/** In the last slot that has a block which can be read. */
function lastInBlocks(ground: Ground, table: BlockTable, epoch: number): Micros | undefined {
  let end = slotKey(epoch, 0x1_0000);
  for (;;) {
    const query = { start: slotKey(epoch, 0), end, limit: 1, reverse: true };
    const [key] = ground.reads.keys(table, query);
    if (key === undefined) return undefined;
    const start = slotKey(epoch, parseBlockKey(key).slot);
    const last = lastInSlot(ground, table, { start, end });
    if (last !== undefined) return last;
    end = start;
  }
}

function lastInSlot(
  { reads, damage }: Ground,
  table: BlockTable,
  { start, end }: { readonly start: Uint8Array; readonly end: Uint8Array },
): Micros | undefined {
  let last: Micros | undefined;
  let before: Uint8Array | undefined = end;
  while (before) {
    const query = { start, end: before, limit: PAGE_BLOCKS, reverse: true };
    const page = reads.page(table, query);
    for (const { key, value } of page) {
      const header = damage.guard(table, key, () => {
        verifyBlock(value, key);
        return readHeader(value);
      });
      if (header) last = Math.max(last ?? 0, header.t0 + header.span);
    }
    before = page.at(-1)?.key;
  }
  return last;
}

/** A damaged one counts: whose it is cannot be seen. */
function lastEvent(
  { reads }: Ground,
  epoch: number,
  isData: (number: number) => boolean,
): Micros | undefined {
  const start = eventKey({ epoch, t: 0, seq: 0 });
  let end: Uint8Array | undefined = eventKey({ epoch, t: EPOCH_US_MAX, seq: 0 });
  while (end) {
    const page: Entry[] = reads.page('events', { start, end, limit: PAGE_EVENTS, reverse: true });
    const last = page.find(({ key, value }) => {
      const stream = Object(soundRecord(key, value)).stream;
      return typeof stream !== 'number' || isData(stream);
    });
    if (last) return parseEventKey(last.key).t;
    end = page.at(-1)?.key;
  }
  return undefined;
}

function lastInTail(
  { tail }: Ground,
  epoch: number,
  isData: (number: number) => boolean,
): Micros | undefined {
  if (tail?.epoch !== epoch) return undefined;
  const ends = [...tail.pieces.values()].flat().map(endOf);
  const events = tail.events.filter(({ stream }) => isData(stream));
  const times = [...ends, ...events.map(({ t }) => t)];
  return times.length > 0 ? times.reduce((a, b) => Math.max(a, b)) : undefined;
}
