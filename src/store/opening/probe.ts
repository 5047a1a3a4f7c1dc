import type { Json } from '#core/stream.ts';
import { type ChildEnd, runChild } from '../../io/child.ts';
import { monotonicClock } from '../../io/clock.ts';
import { nameKey } from '../keys.ts';
import { type Database, openDatabase, type Reads, TABLES, type TableName } from '../lmdb.ts';
import { BEHIND_KEYS, FIRST_KEY, keyPages } from '../reading/walk.ts';
import { decodeRecord } from '../record.ts';
import { renewLockFile } from './quarantine.ts';

/**
 * Opens a data file in a child process and walks through every key, because LMDB trusts what it
 * reads: a page number that a damaged disk made up ends in a segmentation fault or a bus error, and
 * with it the process. This file is the child's program as well as what starts it.
 *
 * It opens read-only, which writes to nothing but the lock file. What LMDB does about the boot id
 * (it goes back to an older transaction when that of the newest is another) belongs to its
 * `overlappingSync`, which is off both here and in the gateway: a commit is synced before its meta
 * page is written, so the newest meta page is the truth, and the probe sees what the gateway will.
 * With `overlappingSync` a reader that comes first leaves its transaction in the lock file and the
 * going back does not happen. To open for writing would be no better: it makes the missing tables, a
 * commit into a file of which nothing is known yet.
 *
 * What it does not find, by itself: a flipped bit within a value (that is what their CRCs are for)
 * and, unless `values` is set, a value whose length or whose place is damaged.
 */

/** What is not through by then is killed; the store is opened, and the scrub goes on looking. */
export const PROBE_MS_MAX = 10_000;
const PAGE_KEYS = 1000;
const DAMAGED_CODE = 3;

/**
 * The signals of a process that met a damage. Others say nothing about the file: SIGTERM is the
 * system going down, SIGKILL the kernel out of memory.
 */
const CRASHES: readonly (string | undefined)[] = [
  ...['SIGSEGV', 'SIGBUS', 'SIGABRT', 'SIGILL', 'SIGFPE', 'SIGTRAP'],
];

/** What a good file holds. */
export interface ProbeFacts {
  /** The record `schema`, or null where nothing was committed yet. */
  readonly schema: Json;
  /** Entries of each table that there is. */
  readonly tables: Readonly<Partial<Record<TableName, number>>>;
  /** Whole milliseconds that the walk took. */
  readonly ms: number;
}

export type ProbeResult =
  | { readonly state: 'good'; readonly facts: ProbeFacts }
  /** Damaged: not to be opened. */
  | { readonly state: 'bad'; readonly text: string }
  /** Ended before it was through, by its time limit or from outside: nothing is known against it. */
  | { readonly state: 'slow'; readonly text: string };

export interface ProbeOptions {
  /** Milliseconds; PROBE_MS_MAX in the gateway. */
  readonly timeoutMs: number;
  /**
   * Whether to read the values too, which is the whole file: for a start after a crash that nothing
   * else explains.
   */
  readonly values?: boolean;
  /** Whether to leave the lock file as it is: on a full disk there is no room for a new one. */
  readonly keepLock?: boolean;
  /** The child's environment; by itself it has none. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Ends the child, and the probe with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Probes a file that inspect.ts found good and that nobody has open; for the holder of the
 * directory's lock. A crash counts when a second run crashes as well: a damage is still there then,
 * and a moment without memory may be over.
 *
 * @throws Error when the child could not be started or ended by a bug of ours; the signal's reason
 */
export async function runProbe(file: string, options: ProbeOptions): Promise<ProbeResult> {
  const first = await runOnce(file, options);
  const crashed = first.state === 'bad' && first.crashed;
  const { state, text, facts } = crashed ? await runOnce(file, options) : first;
  return state === 'good' ? { state, facts } : { state, text };
}

type Run =
  | { readonly state: 'good'; readonly facts: ProbeFacts; readonly text?: never }
  | {
      readonly state: 'bad';
      readonly text: string;
      readonly crashed: boolean;
      readonly facts?: never;
    }
  | { readonly state: 'slow'; readonly text: string; readonly facts?: never };

async function runOnce(
  file: string,
  { timeoutMs, values, keepLock, env = {}, signal }: ProbeOptions,
): Promise<Run> {
  if (!keepLock) await renewLockFile(file);
  const args = [file, values ? 'values' : 'keys'];
  const end = await runChild(import.meta.filename, args, { timeoutMs, env, signal });
  if (end.late) return { state: 'slow', text: `was not through after ${timeoutMs} ms` };
  if (CRASHES.includes(end.signal)) {
    return { state: 'bad', text: `crashes who reads it (${end.signal})`, crashed: true };
  }
  if (end.signal !== undefined) return { state: 'slow', text: `was ended by ${end.signal}` };
  return answerOf(end);
}

function answerOf({ code, stdout, stderr }: ChildEnd): Run {
  if (code === 0) return { state: 'good', facts: JSON.parse(stdout) };
  if (code !== DAMAGED_CODE) throw new Error(`probe: exit code ${code}: ${stderr.trim()}`);
  const { text } = JSON.parse(stdout);
  return { state: 'bad', text: String(text), crashed: false };
}

/** The program: facts on stdout and 0, or `{"text": ...}` and 3. */
async function probe(file: string, values: boolean): Promise<void> {
  try {
    const clock = monotonicClock();
    const database = openDatabase(file, { fileBytes: 0, readOnly: true });
    const key = nameKey('schema');
    const record = database.get('meta', key);
    const schema = record === undefined ? null : decodeRecord(key, record);
    const tables = walkAll(database, values);
    await database.close();
    const facts: ProbeFacts = { schema, tables, ms: Math.ceil(clock.now() / 1000) };
    process.stdout.write(`${JSON.stringify(facts)}\n`);
  } catch (error) {
    // Whatever LMDB or a record says: that the file could be opened at all is settled before.
    process.exitCode = DAMAGED_CODE;
    process.stdout.write(`${JSON.stringify({ text: String(error) })}\n`);
  }
}

/** The small tables first: they matter most, and there may be no time for the others. */
function walkAll(database: Database, values: boolean): ProbeFacts['tables'] {
  const { tables } = database.use();
  const names = TABLES.filter((name) => Object.hasOwn(tables, name));
  names.sort((a, b) => tables[a].entries - tables[b].entries);
  const counts = names.map((name) => {
    const found = walk(database, name, { entries: tables[name].entries, values });
    return [name, found] as const;
  });
  return Object.fromEntries(counts);
}

function walk(
  database: Database,
  table: TableName,
  { entries, values }: { readonly entries: number; readonly values: boolean },
): number {
  let found = 0;
  let before: Uint8Array = new Uint8Array();
  const query = { start: FIRST_KEY, end: BEHIND_KEYS, limit: PAGE_KEYS };
  const reads: Pick<Reads, 'keys'> = values
    ? { keys: (...asked) => database.page(...asked).map(({ key }) => key) }
    : database;
  for (const keys of keyPages(reads, table, query)) {
    before = checkOrder(table, before, keys);
    found += keys.length;
    if (found > entries) break; // Perhaps a tree that leads back to itself.
  }
  if (found !== entries) {
    throw new Error(`table ${table}: expected ${entries} entries, found ${found}`);
  }
  return found;
}

/** @returns the last of them, or `before` */
function checkOrder(table: TableName, before: Uint8Array, keys: readonly Uint8Array[]): Uint8Array {
  let last = before;
  for (const key of keys) {
    if (Buffer.compare(last, key) >= 0) {
      const names = [last, key].map((each) => Buffer.from(each).toString('hex'));
      throw new Error(`table ${table}: key ${names[1]} comes behind ${names[0]}`);
    }
    last = key;
  }
  return last;
}

if (import.meta.main) {
  const [file = '', depth] = process.argv.slice(2);
  await probe(file, depth === 'values');
}
