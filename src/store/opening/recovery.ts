import type { Micros } from '#core/stream.ts';
import { decodeBlock } from '../../codec/block.ts';
import { BlockError } from '../../codec/block-error.ts';
import { type Columns, countOf } from '../../codec/columns.ts';
import { SLOT_US } from '../../codec/slot.ts';
import {
  addedRollup,
  eventChanges,
  rolledChange,
  rolledUpTo,
  rollupChange,
  sealedChange,
} from '../changes.ts';
import { StoreError } from '../errors.ts';
import { type BatchPart, decodeBatch, definitionsOf } from '../journal/batch.ts';
import type { JournalRecord } from '../journal/journal-record.ts';
import { HOUR_US, parseBlockKey, slotKey } from '../keys.ts';
import type { Change, Database, Entry, Reads } from '../lmdb.ts';
import { endsOf } from '../outbox/progress.ts';
import { sealChanges } from '../outbox/seal-record.ts';
import { StoreReader } from '../reading/reader.ts';
import {
  BEHIND_KEYS,
  BLOCK_TABLES,
  type BlockTable,
  entryPages,
  FIRST_KEY,
} from '../reading/walk.ts';
import { RollupHours } from '../rollup/rollup-hours.ts';
import type { StreamRegistry } from '../writing/registry.ts';
import { BlockKeys, type Sealed, Unsealed } from '../writing/unsealed.ts';

/**
 * What a start makes of the journal that the last one left: blocks and events in LMDB, as its next
 * seal would have done; and the rollups of the hours that had not closed.
 */

/** Where data was last seen. */
export interface LastSeen {
  readonly epoch: number;
  readonly t: Micros;
}

interface Ground {
  readonly database: Database;
  readonly registry: StreamRegistry;
}

interface RecoveryGround extends Ground {
  /** Takes the open hour of an epoch that goes on. */
  readonly hours: RollupHours;
  /** The one that begins, or goes on. */
  readonly epoch: number;
}

interface Recovery {
  /** Samples, frames and events. */
  readonly count: number;
  readonly problems: readonly string[];
}

const PAGE_ENTRIES = 64;
/** Those that rollups are made of. */
const ROLLED_TABLES = ['samples', 'waves'] as const;

/** @param replay everything that is not in LMDB, in the order of seq */
export async function recover(
  { database, registry, hours, epoch: current }: RecoveryGround,
  replay: readonly JournalRecord[],
): Promise<Recovery> {
  const ends = endsOf(registry);
  const { contents, problems } = replayed({ database, registry }, replay);
  const rolled = rolledBefore(database, problems);
  for (const content of contents) {
    const written = rolled?.epoch === content.epoch ? rolled.hour : 0;
    await commitContent({ database, registry }, content, { written, ends });
    for (const [number, end] of content.ends) ends.set(number, end);
  }
  const last = replay.at(-1);
  if (last) await database.commit([sealedChange(last.seq)]);
  problems.push(...(await completeRollups({ database, registry, hours, epoch: current }, rolled)));
  const count = contents.reduce((sum, content) => sum + content.count, 0);
  return { count, problems };
}

interface Replayed {
  /** Of each epoch, in their order. */
  readonly contents: readonly Unsealed[];
  /** A sentence for each record that cannot be read. */
  readonly problems: string[];
}

/** What is to be sealed of the journal. The registry comes to know the streams that it defines. */
export function replayed(
  { database, registry }: Ground,
  replay: readonly JournalRecord[],
): Replayed {
  const problems: string[] = [];
  const keys = new BlockKeys(database);
  const contents: Unsealed[] = [];
  for (const { epoch, seq, payload } of replay) {
    let content = contents.at(-1);
    if (content?.epoch !== epoch) {
      content = new Unsealed(epoch, keys, true);
      contents.push(content);
    }
    try {
      replayInto(content, registry, decodeBatch(payload));
    } catch (error) {
      // Whatever it is, and a bug too: one record must not keep the store from ever opening again.
      if (!(error instanceof Error)) throw error;
      problems.push(`record ${seq} of the journal: ${error.message}`);
    }
  }
  return { contents, problems };
}

/** Adds one record to what is to be sealed. What comes a second time is left out, by its seq. */
function replayInto(
  content: Unsealed,
  registry: StreamRegistry,
  parts: readonly BatchPart[],
): void {
  for (const stored of definitionsOf(parts)) registry.restore(stored, 0);
  for (const { number, columns, events } of parts) {
    const stored = registry.byNumber(number);
    if (stored === undefined) {
      throw new StoreError('BAD_RECORD', `stream ${number} is defined nowhere`);
    }
    const fresh = columns.filter((piece) => piece.seq >= registry.nextSeqOf(number));
    const next = registry.nextSeqOf(number);
    const placed = events.map((event, i) => ({ ...event, ordinal: event.ordinal ?? next + i }));
    const freshEvents = placed.filter(({ ordinal }) => ordinal >= next);
    content.add({ ...stored, columns: fresh, events: freshEvents });
    const last = fresh.at(-1);
    if (last) registry.restore(stored, last.seq + countOf(last));
    const lastEvent = freshEvents.at(-1);
    if (lastEvent) registry.restore(stored, lastEvent.ordinal + 1);
  }
}

interface Before {
  /** Hours of the epoch that have their rollups. */
  readonly written: number;
  /** How far the seq of each stream was, by its number. */
  readonly ends: ReadonlyMap<number, number>;
}

async function commitContent(
  { database, registry }: Ground,
  content: Unsealed,
  { written, ends }: Before,
): Promise<void> {
  const late = new RollupHours();
  const byStream = new Map<number, readonly Sealed[]>();
  for (const { number, stream } of content.streams()) {
    const { sealed, columns } = content.seal(number);
    for (const part of columns) late.add(number, stream, content.epoch, part);
    byStream.set(number, sealed);
  }
  const blocks = [...byStream.values()].flat();
  const from = (number: number): number => ends.get(number) ?? 0;
  // An hour that is written already gets what came late for it; the others are made of their blocks.
  const closed = late.close(written);
  await database.commit([
    ...blocks.map(({ table, key, block }): Change => ({ table, key, value: block })),
    ...closed.map((rollup) => addedRollup(database, rollup)),
    ...eventChanges(content),
    ...sealChanges(database, content, byStream, { from, now: content.end ?? 0 }),
    ...registry.changes(),
  ]);
}

/**
 * Writes the rollups of the hours that the last epoch left open: at most the hour in which it ended,
 * and the one before. Where no record tells which, these two are made again.
 *
 * @returns a sentence for each block that cannot be read
 */
async function completeRollups(
  { database, registry, hours: open, epoch }: RecoveryGround,
  rolled: RolledUpTo | undefined,
): Promise<string[]> {
  const problems: string[] = [];
  const last = lastBlock(database, ROLLED_TABLES);
  if (last === undefined) return problems;
  const end = Math.floor((last.slot * SLOT_US) / HOUR_US) + 1;
  const known = rolled?.epoch === last.epoch ? rolled.hour : 0;
  for (let hour = rolled ? known : Math.max(0, end - 2); hour < end; hour++) {
    // A store that is opened again within its epoch goes on with the hour that is not over.
    const isOpen = last.epoch === epoch && hour === end - 1;
    const hours = isOpen ? open : new RollupHours();
    problems.push(...addHour(hours, { database, registry }, last.epoch, hour));
    if (isOpen) break;
    const changes = hours.close(Number.POSITIVE_INFINITY).map(rollupChange);
    await database.commit([...changes, rolledChange(last.epoch, hour + 1)]);
  }
  return problems;
}

type RolledUpTo = ReturnType<typeof rolledUpTo>;

/** Up to where there were rollups when the last start ended; undefined where its record is damaged. */
function rolledBefore(database: Database, problems: string[]): RolledUpTo | undefined {
  try {
    return rolledUpTo(database);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    problems.push(`up to where there are rollups: ${error.message}`);
    return undefined;
  }
}

/** Adds up the blocks of an hour. Returns a sentence for each that cannot be read. */
export function addHour(
  hours: RollupHours,
  { database, registry }: Ground,
  epoch: number,
  hour: number,
): string[] {
  const problems: string[] = [];
  const slots = HOUR_US / SLOT_US;
  const query = {
    start: slotKey(epoch, hour * slots),
    end: slotKey(epoch, (hour + 1) * slots),
    limit: PAGE_ENTRIES,
  };
  const add = ({ key, value }: Entry): void => {
    const { stream: number } = parseBlockKey(key);
    const stored = registry.byNumber(number);
    const columns = decoded(key, value, problems);
    if (stored && columns) hours.add(number, stored.stream, epoch, columns);
  };
  for (const table of ROLLED_TABLES) {
    for (const page of entryPages(database, table, query)) page.forEach(add);
  }
  return problems;
}

function decoded(key: Uint8Array, value: Uint8Array, problems: string[]): Columns | undefined {
  try {
    return decodeBlock(value, key);
  } catch (error) {
    if (!(error instanceof BlockError)) throw error;
    problems.push(`block ${Buffer.from(key).toString('hex')}: ${error.message}`);
    return undefined;
  }
}

function lastBlock(
  reads: Reads,
  tables: readonly BlockTable[],
): { epoch: number; slot: number } | undefined {
  const query = { start: FIRST_KEY, end: BEHIND_KEYS, limit: 1, reverse: true };
  const keys = tables.flatMap((table) => reads.keys(table, query));
  const places = keys.map(parseBlockKey);
  return places.toSorted((a, b) => b.epoch - a.epoch || b.slot - a.slot)[0];
}

/** Where the data ends that is older than `epoch`, which begins now. */
export function lastSeenOf(reads: Reads, epoch: number): LastSeen | undefined {
  const before = lastBlock(reads, BLOCK_TABLES)?.epoch;
  if (before === undefined || before === epoch) return undefined;
  const t = new StoreReader(reads, undefined).lastTime(before);
  return t === undefined ? undefined : { epoch: before, t };
}
