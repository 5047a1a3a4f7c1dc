import type { Span } from '#core/session.ts';
import type { Micros } from '#core/stream.ts';
import { SLOT_US } from '../../codec/slot.ts';
import { StoreError } from '../errors.ts';
import {
  EPOCH_US_MAX,
  eventIndexKey,
  eventKey,
  HOUR_US,
  parseBlockKey,
  parseEventKey,
  parseMomentKey,
  parseRollupKey,
  rollupKey,
  slotKey,
} from '../keys.ts';
import { type Change, type DatabaseUse, type Entry, PAGE_BYTES, type Reads } from '../lmdb.ts';
import { decodeSeal, endOfSealed } from '../outbox/seal-record.ts';
import { BEHIND_KEYS, type BlockTable, FIRST_KEY, keyAfter } from '../reading/walk.ts';
import { eventRecord } from '../record.ts';

/**
 * The ring: what goes when there is no room.
 *
 * Each class has a share of the ring that it may always have, and takes what others leave. While the
 * ring is over its limit, the class most over its share gives up its oldest slot that no pinned
 * session covers. Rollups are a small class that outlives its blocks, so that a drive whose details
 * have gone can still be looked at; events, the smallest, go last.
 *
 * What is pinned is stepped over by its keys, a span at a time, and only what goes is read: the work
 * does not grow with what is kept.
 *
 * Events that are still to be sent stay until they are, and what tells where they are (the seals). But a
 * bridge that never sends must not fill the disk: from a multiple of their share on the oldest go after all.
 */
const SHARES: Readonly<Record<Class, number>> = {
  frames: 0.4,
  waves: 0.3,
  samples: 0.2,
  rollups: 0.06,
  events: 0.04,
  seals: 0.01,
};
type Class = BlockTable | 'rollups' | 'events' | 'seals';
const BLOCK_CLASSES: readonly BlockTable[] = ['frames', 'waves', 'samples'];
const CLASSES: readonly Class[] = [...BLOCK_CLASSES, 'rollups', 'events', 'seals'];
/** What is still to be sent may take this many times the share of its class. */
const UNSENT_SHARES_MAX = 4;
/** Kept one after the other, before what lies behind them is left for the next time. */
const UNSENT_LOOKED_MAX = 1024;

const PAGE_KEYS = 64;
/** Entries of one step: as many as a slot has, or some rollups, or some events. */
const STEP_ENTRIES_MAX = 256;
/** Above this a value has pages of its own; below, it shares a leaf (LMDB: half of a page). */
const OWN_PAGE_BYTES = PAGE_BYTES / 2 - 16;
/** What an entry takes of a leaf beside its key and value: LMDB's node, its place, and some slack. */
const ENTRY_BYTES = 24;
const NOTHING = new Uint8Array();

export interface Eviction {
  readonly changes: readonly Change[];
  /** Bytes that they free, estimated. */
  readonly bytes: number;
  /** About as many are kept by pinned sessions; 0 while nothing has to go. */
  readonly pinnedBytes: number;
  /** Events and seals of them that were to be kept until they are sent. */
  readonly unsent: number;
  /** Whether the ring is within its limit then. */
  readonly enough: boolean;
}

/** From which seq on the events of a stream are still to be sent: of one that is not here, from 0 on. */
export type Unsent = ReadonlyMap<number, number>;

export interface Room {
  /** Bytes that may be in use. */
  readonly limit: number;
  /** Bytes that are to come. */
  readonly needed: number;
  /** Undefined where nothing is ever sent. */
  readonly unsent?: Unsent | undefined;
}

/** What has to go before more bytes come. */
export function planEviction(
  reads: Reads,
  use: DatabaseUse,
  { limit, needed, unsent }: Room,
  pinned: readonly Span[],
): Eviction {
  const bytes = new Map(CLASSES.map((name) => [name, bytesOf(use, name)]));
  const isKept = (name: Class): boolean => {
    return (bytes.get(name) ?? 0) <= UNSENT_SHARES_MAX * SHARES[name] * limit;
  };
  const walks = new Map(
    CLASSES.map((name) => {
      const kept = unsent && { unsent, isKept: () => isKept(name) };
      return [name, oldest(reads, name, { pinned, kept })] as const;
    }),
  );
  const changes: Change[] = [];
  let over = use.used + needed - limit;
  const kept = over > 0 ? pinnedBytes(reads, use, pinned) : 0;
  let [freed, lost] = [0, 0];
  while (over > 0) {
    const name = mostOver(bytes, walks);
    if (name === undefined) break;
    const step = walks.get(name)?.next();
    if (step === undefined || step.done) {
      walks.delete(name);
      continue;
    }
    changes.push(...step.value.changes);
    bytes.set(name, (bytes.get(name) ?? 0) - step.value.bytes);
    over -= step.value.bytes;
    freed += step.value.bytes;
    lost += step.value.unsent;
  }
  return { changes, bytes: freed, pinnedBytes: kept, unsent: lost, enough: over <= 0 };
}

/**
 * About how many bytes pinned sessions keep: of each class of blocks the share of its slots that they
 * cover. That looks up one key a slot.
 */
function pinnedBytes(reads: Reads, use: DatabaseUse, pinned: readonly Span[]): number {
  if (pinned.length === 0) return 0;
  return BLOCK_CLASSES.reduce((sum, name) => {
    const [slots, kept] = countSlots(reads, name, pinned);
    return slots === 0 ? sum : sum + (bytesOf(use, name) * kept) / slots;
  }, 0);
}

/** Slots that hold something, and how many of them pinned sessions cover. */
function countSlots(reads: Reads, name: BlockTable, pinned: readonly Span[]): [number, number] {
  let [slots, kept] = [0, 0];
  let start = FIRST_KEY;
  for (;;) {
    const [key] = reads.keys(name, { start, end: BEHIND_KEYS, limit: 1 });
    if (key === undefined) return [slots, kept];
    const { epoch, slot } = parseBlockKey(key);
    slots++;
    if (pinnedUntil(pinned, placeOf(name, key)) !== undefined) kept++;
    start = slotKey(epoch, slot + 1);
  }
}

/** Where the span that covers a place, in part or whole, ends; undefined where none does. */
function pinnedUntil(spans: readonly Span[], { epoch, from, to }: Place): Micros | undefined {
  const span = spans.find(
    (one) => one.epoch === epoch && one.from < to && (one.to === null || one.to > from),
  );
  return span && (span.to ?? EPOCH_US_MAX);
}

function bytesOf({ tables }: DatabaseUse, name: Class): number {
  return tables[name].bytes + (name === 'events' ? tables.eventIndex.bytes : 0);
}

function mostOver(
  bytes: ReadonlyMap<Class, number>,
  walks: ReadonlyMap<Class, unknown>,
): Class | undefined {
  const left = CLASSES.filter((name) => walks.has(name));
  const ratio = (name: Class): number => (bytes.get(name) ?? 0) / SHARES[name];
  return left.toSorted((a, b) => ratio(b) - ratio(a))[0];
}

interface Step {
  group: string;
  readonly changes: Change[];
  bytes: number;
  unsent: number;
}

interface Keeping {
  readonly pinned: readonly Span[];
  /** What is to be sent; undefined where nothing is. */
  readonly kept: { readonly unsent: Unsent; isKept(): boolean } | undefined;
}

/** The oldest things of a class that may go, one step after the other. */
function* oldest(reads: Reads, name: Class, keeping: Keeping): Generator<Step> {
  let step: Step = { group: '', changes: [], bytes: 0, unsent: 0 };
  for (const { key, value, group, isUnsent } of free(reads, name, keeping)) {
    const isLong = step.changes.length >= STEP_ENTRIES_MAX;
    if (step.changes.length > 0 && (group !== step.group || isLong)) {
      yield step;
      step = { group, changes: [], bytes: 0, unsent: 0 };
    }
    if (isUnsent) step.unsent++;
    step.group = group;
    step.bytes += bytesOfEntry(key, value);
    if (name === 'events') step.changes.push(...eventRemovals({ key, value }));
    else step.changes.push({ table: name, key, value: undefined });
  }
  if (step.changes.length > 0) yield step;
}

/** What may go, in the order of the keys. */
function* free(reads: Reads, name: Class, { pinned, kept }: Keeping) {
  let looked = 0;
  for (const { key, group } of unpinned(reads, name, pinned)) {
    // It is there: nothing is committed between two looks of one plan.
    const value = reads.get(name, key) ?? NOTHING;
    const isUnsent = kept !== undefined && isToSend(name, { key, value }, kept.unsent);
    if (!isUnsent || !kept.isKept()) {
      yield { key, value, group, isUnsent };
      continue;
    }
    looked++;
    if (looked > UNSENT_LOOKED_MAX) return;
  }
}

/** Whether an event is still to be sent, or a seal tells where such events are. */
function isToSend(name: Class, { key, value }: Entry, unsent: Unsent): boolean {
  if (name !== 'events' && name !== 'seals') return false;
  try {
    if (name === 'events') {
      const { stream, ordinal } = eventRecord(key, value);
      return ordinal !== undefined && ordinal >= (unsent.get(stream) ?? 0);
    }
    return decodeSeal(key, value).some((sealed) => {
      const isEvents = sealed.runs[0]?.kind === 'events';
      return isEvents && endOfSealed(sealed) > (unsent.get(sealed.number) ?? 0);
    });
  } catch (error) {
    if (error instanceof StoreError) return false; // What is damaged is of no use to anybody.
    throw error;
  }
}

/** Keys that no pinned session covers, in their order. */
function* unpinned(reads: Reads, name: Class, spans: readonly Span[]) {
  const pinned = name === 'seals' ? [] : spans; // They are no data of a session.
  let start: Uint8Array | undefined = FIRST_KEY;
  while (start) {
    const keys: Uint8Array[] = reads.keys(name, { start, end: BEHIND_KEYS, limit: PAGE_KEYS });
    const last = keys.length < PAGE_KEYS ? undefined : keys.at(-1);
    start = last && keyAfter(last);
    for (const key of keys) {
      const place = placeOf(name, key);
      const until = pinnedUntil(pinned, place);
      if (until !== undefined) {
        start = keyBehind(name, key, until);
        break;
      }
      yield { key, group: place.group };
    }
  }
}

/** The first key behind a stretch that is pinned until then: always behind `key`, which is in it. */
function keyBehind(name: Class, key: Uint8Array, until: Micros): Uint8Array {
  const t = Math.min(EPOCH_US_MAX, Math.ceil(until));
  switch (name) {
    case 'events': {
      const { epoch } = parseEventKey(key);
      return t < EPOCH_US_MAX
        ? eventKey({ epoch, t, seq: 0 })
        : eventKey({ epoch: epoch + 1, t: 0, seq: 0 });
    }
    case 'seals':
      return keyAfter(key); // Never: none is pinned.
    case 'rollups': {
      const { level, epoch } = parseRollupKey(key);
      const hour = Math.ceil(t / HOUR_US);
      return t < EPOCH_US_MAX
        ? rollupKey({ level, epoch, hour, stream: 0 })
        : rollupKey({ level, epoch: epoch + 1, hour: 0, stream: 0 });
    }
    case 'samples':
    case 'waves':
    case 'frames':
      return slotKey(parseBlockKey(key).epoch, Math.ceil(t / SLOT_US));
  }
}

/**
 * An event goes with its entry of the index. That of a damaged event stays, and leads nowhere: whose
 * it was is not known.
 */
export function eventRemovals({ key, value }: Entry): Change[] {
  const removal: Change = { table: 'events', key, value: undefined };
  try {
    const { stream } = eventRecord(key, value);
    const index = eventIndexKey(stream, parseEventKey(key));
    return [removal, { table: 'eventIndex', key: index, value: undefined }];
  } catch (error) {
    if (error instanceof StoreError) return [removal];
    throw error;
  }
}

/** What changes come to in the file, estimated. */
export function bytesOfChanges(changes: readonly Change[]): number {
  return changes.reduce((sum, { key, value }) => sum + bytesOfEntry(key, value ?? NOTHING), 0);
}

function bytesOfEntry(key: Uint8Array, value: Uint8Array): number {
  const length = key.length + value.length + ENTRY_BYTES;
  return value.length <= OWN_PAGE_BYTES ? length : Math.ceil(length / PAGE_BYTES) * PAGE_BYTES;
}

interface Place {
  readonly epoch: number;
  readonly from: Micros;
  readonly to: Micros;
  /** What goes together. */
  readonly group: string;
}

function placeOf(name: Class, key: Uint8Array): Place {
  switch (name) {
    case 'events': {
      const { epoch, t } = parseEventKey(key);
      return { epoch, from: t, to: t + 1, group: '' };
    }
    case 'seals': {
      const { epoch, t } = parseMomentKey(key);
      return { epoch, from: t, to: t + 1, group: '' };
    }
    case 'rollups': {
      const { level, epoch, hour } = parseRollupKey(key);
      const from = hour * HOUR_US;
      return { epoch, from, to: from + HOUR_US, group: `${level} ${epoch} ${hour}` };
    }
    case 'samples':
    case 'waves':
    case 'frames': {
      const { epoch, slot } = parseBlockKey(key);
      const from = slot * SLOT_US;
      return { epoch, from, to: from + SLOT_US, group: `${epoch} ${slot}` };
    }
  }
}
