import { isInternal } from '#core/sys-streams.ts';
import { decodeBlock, encodeBlock } from '../../codec/block.ts';
import { BlockError } from '../../codec/block-error.ts';
import type { Columns, Range } from '../../codec/columns.ts';
import { cut } from '../../codec/cut.ts';
import { startOf } from '../../codec/join.ts';
import { SLOT_US, slotOf } from '../../codec/slot.ts';
import {
  eventIndexKey,
  eventKey,
  HOUR_US,
  momentKey,
  parseBlockKey,
  parseEventIndexKey,
  parseRollupKey,
  rollupKey,
  slotKey,
} from '../keys.ts';
import type { Change, Entry, Reads } from '../lmdb.ts';
import { exactly } from '../reading/reader.ts';
import {
  BEHIND_KEYS,
  BLOCK_TABLES,
  type BlockTable,
  entryPages,
  FIRST_KEY,
  keyPages,
} from '../reading/walk.ts';
import { type EventRecord, encodeRecord, soundRecord } from '../record.ts';
import type { StreamRegistry } from './registry.ts';
import { eventRemovals } from './retention.ts';
import { BlockKeys } from './unsealed.ts';

/**
 * Erases stretches of the recording, to the sample: blocks within go, those that reach over an edge
 * are written again without what lies inside. The rollups of the hours touched go too; what is left
 * of such an hour is read from its blocks.
 *
 * The bytes stay in free pages of the file, and in the journal, until they are written over.
 */
const PAGE_ENTRIES = 64;
/** Ranges of which it is known that they were erased, and not evicted. */
const ERASED_MAX = 1_000;

/**
 * One commit's worth after the other, so that none is large. Each is to be committed before the next.
 *
 * @param asked any numbers of an epoch: `to` may be infinite
 */
export function* erasures(
  reads: Reads,
  registry: Pick<StreamRegistry, 'byNumber'>,
  asked: Range,
): Generator<readonly Change[]> {
  const range = exactly(asked);
  if (range.from >= range.to) return;
  let marks = erasedChanges(reads, range);
  for (const changes of allErasures(reads, registry, range)) {
    if (changes.length === 0) continue;
    // With the first of what goes, so that nobody takes it for evicted.
    yield [...marks, ...changes];
    marks = [];
  }
}

function* allErasures(
  reads: Reads,
  registry: Pick<StreamRegistry, 'byNumber'>,
  range: Range,
): Generator<readonly Change[]> {
  const keys = new BlockKeys(reads);
  const { epoch, from, to } = range;
  // First: an erasure that is interrupted must not leave sums of what has gone.
  yield* eraseRollups(reads, range);
  const start = slotKey(epoch, slotOf(from));
  const end = slotKey(epoch, slotOf(to) + 1);
  for (const table of BLOCK_TABLES) {
    for (const page of entryPages(reads, table, { start, end, limit: PAGE_ENTRIES })) {
      yield page.flatMap((entry) => eraseBlock(table, entry, { range, keys, registry }));
    }
  }
  const events = {
    start: eventKey({ epoch, t: from, seq: 0 }),
    end: eventKey({ epoch, t: to, seq: 0 }),
    limit: PAGE_ENTRIES,
  };
  for (const page of entryPages(reads, 'events', events)) {
    yield page.filter((event) => !isOfGateway(event, registry)).flatMap(eventRemovals);
  }
}

/** What the gateway notes of itself is no part of the recording: see `forgetting`. */
function isOfGateway({ key, value }: Entry, registry: Pick<StreamRegistry, 'byNumber'>): boolean {
  const record = soundRecord(key, value);
  const stored = registry.byNumber(Number(Object(record).stream));
  return stored !== undefined && isInternal(stored.stream.id);
}

/**
 * Removes events of some streams, whenever they were, one commit's worth after the other.
 *
 * @param isMeant by their data
 */
export function* forgetting(
  reads: Reads,
  numbers: readonly number[],
  isMeant: (data: EventRecord['data']) => boolean,
): Generator<readonly Change[]> {
  for (const number of numbers) {
    const start = eventIndexKey(number, { epoch: 0, t: 0, seq: 0 });
    const end = Buffer.concat([start.subarray(0, 2), BEHIND_KEYS]);
    for (const keys of keyPages(reads, 'eventIndex', { start, end, limit: PAGE_ENTRIES })) {
      const changes = keys.flatMap((index) => {
        const key = eventKey(parseEventIndexKey(index));
        const value = reads.get('events', key);
        const record = value && soundRecord(key, value);
        if (value === undefined || record === undefined) return [];
        const { data } = record as unknown as EventRecord; // Its CRC says that we wrote it.
        return isMeant(data) ? eventRemovals({ key, value }) : [];
      });
      if (changes.length > 0) yield changes;
    }
  }
}

/** Keeps in mind that a range was erased; the oldest of many goes. */
function erasedChanges(reads: Reads, { epoch, from, to }: Range): Change[] {
  const key = momentKey({ epoch, t: from });
  const record = reads.get('erased', key);
  // A damaged one says nothing.
  const before = record && Object(soundRecord(key, record)).to;
  const value = encodeRecord(key, { to: Math.max(to, Number(before ?? 0)) });
  const query = { start: FIRST_KEY, end: BEHIND_KEYS, limit: ERASED_MAX };
  const kept = reads.keys('erased', query);
  const oldest = kept.length < ERASED_MAX ? undefined : kept[0];
  return [
    ...(oldest ? [{ table: 'erased', key: oldest, value: undefined } as const] : []),
    { table: 'erased', key, value },
  ];
}

interface Erasing {
  readonly range: Range;
  readonly keys: BlockKeys;
  readonly registry: Pick<StreamRegistry, 'byNumber'>;
}

function eraseBlock(table: BlockTable, { key, value }: Entry, erasing: Erasing): Change[] {
  const { epoch, from, to } = erasing.range;
  const gone: Change = { table, key, value: undefined };
  const { slot, stream: number } = parseBlockKey(key);
  if (slot * SLOT_US >= from && (slot + 1) * SLOT_US <= to) return [gone];
  const stored = erasing.registry.byNumber(number);
  const columns = decoded(value, key);
  // What cannot be read cannot be cut: it goes as a whole.
  if (stored === undefined || columns === undefined) return [gone];
  const left = [
    ...cut(columns, { from: 0, to: from }),
    ...cut(columns, { from: to, to: Number.MAX_SAFE_INTEGER }),
  ];
  const inside = [...cut(columns, { from, to })];
  if (inside.length === 0) return [];
  const kept = left.map((part): Change => {
    const fresh = erasing.keys.next(table, epoch, number, startOf(part));
    return { table, key: fresh, value: encodeBlock(part, fresh, stored) };
  });
  return [gone, ...kept];
}

/** Those of the hours touched, level by level. */
function* eraseRollups(reads: Reads, { epoch, from, to }: Range): Generator<readonly Change[]> {
  const first = Math.floor(from / HOUR_US);
  const behind = Math.ceil(to / HOUR_US);
  for (let level = nextLevel(reads, 0); level !== undefined; level = nextLevel(reads, level + 1)) {
    const start = rollupKey({ level, epoch, hour: first, stream: 0 });
    const end = rollupKey({ level, epoch, hour: behind, stream: 0 });
    for (const page of entryPages(reads, 'rollups', { start, end, limit: PAGE_ENTRIES })) {
      yield page.map(({ key }) => ({ table: 'rollups', key, value: undefined }));
    }
  }
}

/** The first level from this one on that there are rollups of. */
function nextLevel(reads: Reads, level: number): number | undefined {
  const query = { start: Buffer.of(level), end: BEHIND_KEYS, limit: 1 };
  const [key] = level > 0xff ? [] : reads.keys('rollups', query);
  return key && parseRollupKey(key).level;
}

function decoded(block: Uint8Array, key: Uint8Array): Columns | undefined {
  try {
    return decodeBlock(block, key);
  } catch (error) {
    if (error instanceof BlockError) return undefined;
    throw error;
  }
}
