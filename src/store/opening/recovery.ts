import type { Micros } from '#core/stream.ts';
import {
  addedRollup,
  eventChanges,
  rolledChange,
  rolledUpTo,
  rollupChange,
  sealedChange,
} from '../changes.ts';
import { decodeBlock } from '../codec/block.ts';
import { BlockError } from '../codec/block-error.ts';
import { type Columns, countOf } from '../columns.ts';
import { StoreError } from '../errors.ts';
import { type BatchPart, decodeBatch, definitionsOf } from '../journal/batch.ts';
import type { JournalRecord } from '../journal/journal-record.ts';
import { HOUR_US, parseBlockKey, SLOT_US, slotKey } from '../keys.ts';
import type { Change, Database, Reads } from '../lmdb.ts';
import { keyAfter } from '../reading/read-blocks.ts';
import { StoreReader } from '../reading/reader.ts';
import { RollupHours } from '../rollup/rollup-hours.ts';
import type { StreamRegistry } from '../writing/registry.ts';
import { BlockKeys, Unsealed } from '../writing/unsealed.ts';

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
const BLOCK_TABLES = ['samples', 'waves'] as const;
const ALL_BLOCK_TABLES = [...BLOCK_TABLES, 'frames'] as const;

/** @param replay everything that is not in LMDB, in the order of seq */
export async function recover(
  { database, registry, hours, epoch: current }: RecoveryGround,
  replay: readonly JournalRecord[],
): Promise<Recovery> {
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
      if (!(error instanceof Error)) throw error;
      problems.push(`record ${seq} of the journal: ${error.message}`);
    }
  }
  for (const content of contents) await commitContent(database, registry, content);
  const last = replay.at(-1);
  if (last) await database.commit([sealedChange(last.seq)]);
  await completeRollups({ database, registry, hours, epoch: current }, problems);
  const count = contents.reduce((sum, content) => sum + content.count, 0);
  return { count, problems };
}

/** Adds one record to what is to be sealed. What comes a second time is left out, by its seq. */
export function replayInto(
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
    content.add({ ...stored, columns: fresh, events });
    const last = fresh.at(-1);
    if (last) registry.restore(stored, last.seq + countOf(last));
    if (events.length > 0) registry.restore(stored, registry.nextSeqOf(number) + events.length);
  }
}

async function commitContent(
  database: Database,
  registry: StreamRegistry,
  content: Unsealed,
): Promise<void> {
  const late = new RollupHours();
  const blocks = content.streams().flatMap(({ number, stream }) => {
    const { sealed, columns } = content.seal(number);
    for (const part of columns) late.add(number, stream, content.epoch, part);
    return sealed;
  });
  // An hour that is written already gets what came late for it; the others are made of their blocks.
  const closed = late.close(writtenHours(database, content.epoch));
  await database.commit([
    ...blocks.map(({ table, key, block }): Change => ({ table, key, value: block })),
    ...closed.map((rollup) => addedRollup(database, rollup)),
    ...eventChanges(content),
    ...registry.changes(),
  ]);
}

/**
 * Writes the rollups of the hours that the last epoch left open: at most the hour in which it ended,
 * and the one before.
 */
async function completeRollups(
  { database, registry, hours: open, epoch }: RecoveryGround,
  problems: string[],
): Promise<void> {
  const last = lastBlock(database, BLOCK_TABLES);
  if (last === undefined) return;
  const end = Math.floor((last.slot * SLOT_US) / HOUR_US) + 1;
  const from = rolledHour(database, { epoch: last.epoch, end }, problems);
  for (let hour = from; hour < end; hour++) {
    // A store that is opened again within its epoch goes on with the hour that is not over.
    const isOpen = last.epoch === epoch && hour === end - 1;
    const hours = isOpen ? open : new RollupHours();
    problems.push(...addHour(hours, { database, registry }, last.epoch, hour));
    if (isOpen) return;
    const changes = hours.close(Number.POSITIVE_INFINITY).map(rollupChange);
    await database.commit([...changes, rolledChange(last.epoch, hour + 1)]);
  }
}

/** The hours of an epoch that have their rollups; none where no record tells. */
function writtenHours(database: Database, epoch: number): number {
  try {
    const rolled = rolledUpTo(database);
    return rolled.epoch === epoch ? rolled.hour : 0;
  } catch (error) {
    if (error instanceof StoreError) return 0; // Told when the others are made.
    throw error;
  }
}

/** The first hour of an epoch without rollups; where no record tells, the last two are made again. */
function rolledHour(
  database: Database,
  { epoch, end }: { readonly epoch: number; readonly end: number },
  problems: string[],
): number {
  try {
    const rolled = rolledUpTo(database);
    return rolled.epoch === epoch ? rolled.hour : 0;
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    problems.push(`up to where there are rollups: ${error.message}`);
    return Math.max(0, end - 2);
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
  for (const table of BLOCK_TABLES) {
    for (const { key, value } of blocksOf(database, table, epoch, hour)) {
      const { stream: number } = parseBlockKey(key);
      const stored = registry.byNumber(number);
      const columns = decoded(key, value, problems);
      if (stored && columns) hours.add(number, stored.stream, epoch, columns);
    }
  }
  return problems;
}

function* blocksOf(reads: Reads, table: 'samples' | 'waves', epoch: number, hour: number) {
  const slots = HOUR_US / SLOT_US;
  let start: Uint8Array = slotKey(epoch, hour * slots);
  const end = slotKey(epoch, (hour + 1) * slots);
  for (;;) {
    const page = reads.page(table, { start, end, limit: PAGE_ENTRIES });
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE_ENTRIES) return;
    start = keyAfter(last.key);
  }
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
  tables: readonly (typeof ALL_BLOCK_TABLES)[number][],
): { epoch: number; slot: number } | undefined {
  const query = { start: Buffer.of(0), end: Buffer.alloc(16, 0xff), limit: 1, reverse: true };
  const keys = tables.flatMap((table) => reads.keys(table, query));
  const places = keys.map(parseBlockKey);
  return places.toSorted((a, b) => b.epoch - a.epoch || b.slot - a.slot)[0];
}

/** Where the data ends that is older than `epoch`, which begins now. */
export function lastSeenOf(reads: Reads, epoch: number): LastSeen | undefined {
  const before = lastBlock(reads, ALL_BLOCK_TABLES)?.epoch;
  if (before === undefined || before === epoch) return undefined;
  const t = new StoreReader(reads, undefined).lastTime(before);
  return t === undefined ? undefined : { epoch: before, t };
}
