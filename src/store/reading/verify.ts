import { readHeader, verifyBlock } from '../../codec/block.ts';
import { SLOT_US } from '../../codec/slot.ts';
import {
  eventIndexKey,
  eventKey,
  parseBlockKey,
  parseEventIndexKey,
  parseEventKey,
  parseRollupKey,
  subOf,
} from '../keys.ts';
import { type DatabaseUse, type Entry, type Reads, TABLES, type TableName } from '../lmdb.ts';
import { decodeSeal } from '../outbox/seal-record.ts';
import { decodeRecord, eventRecord } from '../record.ts';
import { decodeRollup } from '../rollup/rollup.ts';
import { damageText, keyText } from './damage.ts';
import { BEHIND_KEYS, BLOCK_TABLES, entryPages, FIRST_KEY } from './walk.ts';

/** Something that is not as it was written. */
export interface VerifyProblem {
  readonly table: TableName;
  /** In hexadecimal; empty where it is about the table. */
  readonly key: string;
  readonly text: string;
}

/** One page. Whoever does not want to keep the disk busy waits between two. */
export interface VerifyStep {
  readonly table: TableName;
  readonly entries: number;
  /** Of keys and values. */
  readonly bytes: number;
  readonly problems: readonly VerifyProblem[];
}

/** Entries of a page: a step of blocks is some 2 MB at most. */
const PAGE_ENTRIES = 8;
const PAGE_RECORDS = 256;
/** Those whose values are large. */
const LARGE_TABLES: readonly TableName[] = [...BLOCK_TABLES, 'rollups'];

/** What a key of a table has to look like: its bytes; undefined for names. */
const KEY_BYTES: Readonly<Record<TableName, number | undefined>> = {
  meta: undefined,
  epochs: 4,
  sessions: 4,
  streams: 4,
  samples: 10,
  waves: 10,
  frames: 10,
  rollups: 9,
  events: 12,
  eventIndex: 14,
  users: undefined,
  tokens: undefined,
  rules: undefined,
  audit: undefined,
  cursors: undefined,
  retained: undefined,
  alerts: undefined,
  mail: undefined,
  mqtt: undefined,
  seals: 10,
  erased: 10,
};

/**
 * Goes through everything that is stored, a page at a time.
 *
 * @param use where nobody writes meanwhile: the entries that each table must turn out to have
 */
export function* verifyAll(reads: Reads, use: DatabaseUse | undefined): Generator<VerifyStep> {
  for (const table of TABLES) {
    try {
      yield* verifyTable(reads, table, use?.tables[table]?.entries);
    } catch (error) {
      // Nothing leads to what lies behind a damaged page: the table is told once, and left.
      yield tableProblem(table, damageText(error));
    }
  }
}

/** @throws StoreError BAD_FILE at a page that is damaged */
function* verifyTable(
  reads: Reads,
  table: TableName,
  expected: number | undefined,
): Generator<VerifyStep> {
  const limit = LARGE_TABLES.includes(table) ? PAGE_ENTRIES : PAGE_RECORDS;
  const all = { start: FIRST_KEY, end: BEHIND_KEYS, limit };
  let entries = 0;
  for (const page of entryPages(reads, table, all)) {
    entries += page.length;
    yield stepOf(reads, table, page);
  }
  if (expected === undefined || expected === entries) return;
  yield tableProblem(table, `${entries} entries were found, the table says ${expected}`);
}

function tableProblem(table: TableName, text: string): VerifyStep {
  return { table, entries: 0, bytes: 0, problems: [{ table, key: '', text }] };
}

function stepOf(reads: Reads, table: TableName, page: readonly Entry[]): VerifyStep {
  const problems: VerifyProblem[] = [];
  let bytes = 0;
  for (const entry of page) {
    bytes += entry.key.length + entry.value.length;
    const text = problemOf(reads, table, entry);
    if (text !== '') problems.push({ table, key: keyText(entry.key), text });
  }
  return { table, entries: page.length, bytes, problems };
}

/** A sentence, or nothing where the entry is sound. */
function problemOf(reads: Reads, table: TableName, entry: Entry): string {
  const expected = KEY_BYTES[table];
  const { length } = entry.key;
  if (expected !== undefined && length !== expected) {
    return `a key of ${length} bytes, ${expected} expected`;
  }
  try {
    return valueProblem(reads, table, entry);
  } catch (error) {
    return damageText(error);
  }
}

/** @throws BlockError, StoreError */
function valueProblem(reads: Reads, table: TableName, entry: Entry): string {
  const { key, value } = entry;
  switch (table) {
    case 'samples':
    case 'waves':
    case 'frames':
      return blockProblem(entry);
    case 'rollups':
      decodeRollup(parseRollupKey(key), value);
      return '';
    case 'events':
      return eventProblem(reads, entry);
    case 'eventIndex':
      return indexProblem(reads, entry);
    case 'seals':
      decodeSeal(key, value);
      return '';
    default:
      decodeRecord(key, value);
      return '';
  }
}

function blockProblem({ key, value }: Entry): string {
  verifyBlock(value, key);
  const { t0, span } = readHeader(value);
  const { slot, sub } = parseBlockKey(key);
  const begin = slot * SLOT_US;
  const end = begin + SLOT_US;
  if (t0 < begin || t0 + span > end) return `it has ${t0} to ${t0 + span} us, slot ${slot} has not`;
  return sub < subOf(t0) ? `it begins at ${t0} us, behind what its key says` : '';
}

function eventProblem(reads: Reads, { key, value }: Entry): string {
  const { stream } = eventRecord(key, value);
  const index = eventIndexKey(stream, parseEventKey(key));
  return reads.get('eventIndex', index) === undefined ? 'it is not in the index' : '';
}

function indexProblem(reads: Reads, { key }: Entry): string {
  const event = reads.get('events', eventKey(parseEventIndexKey(key)));
  return event === undefined ? 'it leads to no event' : '';
}
