import type { Span } from '#core/session.ts';
import type { Micros } from '#core/stream.ts';
import { StoreError } from './errors.ts';
import {
  eventIndexKey,
  HOUR_US,
  parseBlockKey,
  parseEventKey,
  parseRollupKey,
  SLOT_US,
} from './keys.ts';
import { type Change, type DatabaseUse, type Entry, PAGE_BYTES, type Reads } from './lmdb.ts';
import { keyAfter } from './read-blocks.ts';
import { eventRecord } from './record.ts';

/**
 * The ring: what goes when there is no room.
 *
 * Each class has a share of the ring that it may always have, and takes what others leave. While the
 * ring is over its limit, the class most over its share gives up its oldest slot that no pinned
 * session covers. Rollups are a small class that outlives its blocks, so that a drive whose details
 * have gone can still be looked at; events, the smallest, go last.
 */
const SHARES: Readonly<Record<Class, number>> = {
  frames: 0.4,
  waves: 0.3,
  samples: 0.2,
  rollups: 0.06,
  events: 0.04,
};
type Class = 'frames' | 'waves' | 'samples' | 'rollups' | 'events';
const CLASSES: readonly Class[] = ['frames', 'waves', 'samples', 'rollups', 'events'];

/** Entries that one eviction looks at: what is to go is almost always at the beginning. */
const LOOKED_AT_MAX = 100_000;
const PAGE_ENTRIES = 256;
/** Entries of one step: as many as a slot has, or some rollups, or some events. */
const STEP_ENTRIES_MAX = 256;
/** Above this a value has pages of its own; below, it shares a leaf (LMDB: half of a page). */
const OWN_PAGE_BYTES = PAGE_BYTES / 2 - 16;
const ENTRY_BYTES = 24;

export interface Eviction {
  readonly changes: readonly Change[];
  /** Bytes that they free, estimated. */
  readonly bytes: number;
  /** Bytes older than those that go, which pinned sessions keep. */
  readonly pinnedBytes: number;
  /** Whether the ring is within its limit then. */
  readonly enough: boolean;
}

/**
 * What has to go before `needed` more bytes come.
 *
 * @param limit bytes that may be in use
 */
export function planEviction(
  reads: Reads,
  use: DatabaseUse,
  { limit, needed }: { readonly limit: number; readonly needed: number },
  pinned: readonly Span[],
): Eviction {
  const bytes = new Map(CLASSES.map((name) => [name, bytesOf(use, name)]));
  const kept = { bytes: 0 };
  const walks = new Map(CLASSES.map((name) => [name, oldest(reads, name, pinned, kept)]));
  const changes: Change[] = [];
  let over = use.used + needed - limit;
  let freed = 0;
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
  }
  return { changes, bytes: freed, pinnedBytes: kept.bytes, enough: over <= 0 };
}

/** Whether a stretch of an epoch is covered by one of the spans, in part or whole. */
function covers(spans: readonly Span[], epoch: number, from: Micros, to: Micros): boolean {
  return spans.some(
    (span) => span.epoch === epoch && span.from < to && (span.to === null || span.to > from),
  );
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
}

/** The oldest things of a class that may go, one step after the other. */
function* oldest(
  reads: Reads,
  name: Class,
  pinned: readonly Span[],
  kept: { bytes: number },
): Generator<Step> {
  let step: Step = { group: '', changes: [], bytes: 0 };
  for (const { key, value } of entriesOf(reads, name)) {
    const { epoch, from, to, group } = placeOf(name, key);
    const bytes = bytesOfEntry(key, value);
    if (covers(pinned, epoch, from, to)) {
      kept.bytes += bytes;
      continue;
    }
    if (step.changes.length > 0 && (group !== step.group || isLong(step))) {
      yield step;
      step = { group, changes: [], bytes: 0 };
    }
    step.group = group;
    step.bytes += bytes;
    step.changes.push({ table: name, key, value: undefined });
    if (name === 'events') step.changes.push(...indexChange(key, value));
  }
  if (step.changes.length > 0) yield step;
}

function* entriesOf(reads: Reads, name: Class): Generator<Entry> {
  let start: Uint8Array = Buffer.alloc(0);
  for (let looked = 0; looked < LOOKED_AT_MAX; looked += PAGE_ENTRIES) {
    const entries = reads.page(name, { start, end: END, limit: PAGE_ENTRIES });
    yield* entries;
    const last = entries.at(-1);
    if (last === undefined || entries.length < PAGE_ENTRIES) return;
    start = keyAfter(last.key);
  }
}

/** The entry of the index goes with its event. That of a damaged event stays, and leads nowhere. */
function indexChange(key: Uint8Array, value: Uint8Array): Change[] {
  try {
    const { stream } = eventRecord(key, value);
    const index = eventIndexKey(stream, parseEventKey(key));
    return [{ table: 'eventIndex', key: index, value: undefined }];
  } catch (error) {
    if (error instanceof StoreError) return [];
    throw error;
  }
}

const END = Buffer.alloc(16, 0xff);

function isLong({ changes }: Step): boolean {
  return changes.length >= STEP_ENTRIES_MAX;
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
