import path from 'node:path';
import type { AlertRule } from '#core/alert.ts';
import type { Clock, Epoch } from '#core/clock.ts';
import { BusyError } from '#core/errors.ts';
import type { Session } from '#core/session.ts';
import type { DataFile } from '../../io/data-file.ts';
import { lockDirectory } from '../../io/lock.ts';
import { sealedSeq } from '../changes.ts';
import { StoreError } from '../errors.ts';
import { Journal, type OpenedJournal } from '../journal/journal.ts';
import { type Database, type DatabaseUse, openDatabase } from '../lmdb.ts';
import { StoreReader } from '../reading/reader.ts';
import { recordsOf } from '../reading/walk.ts';
import { decodeRecord } from '../record.ts';
import { itemsIn } from '../table-records.ts';
import type { Tail } from '../tail.ts';
import { StreamRegistry } from '../writing/registry.ts';
import type { Unsealed } from '../writing/unsealed.ts';
import { type Inspection, inspect } from './inspect.ts';
import { DATA_FILE, laterVersion, openExisting, SCHEMA_KEY, SEGMENTS } from './opening.ts';
import { PROBE_MS_MAX, runProbe } from './probe.ts';
import { replayed } from './recovery.ts';

/**
 * A store for programs that only look at it: what is in LMDB, and what the journal has beyond that as
 * the tail. It goes by files alone, whether a gateway runs on them or not, and writes to none of them
 * but LMDB's lock file.
 *
 * The journal is read before LMDB is asked anything. What a gateway seals in between is then in both,
 * and told apart by its `seq`; only what it evicts or erases meanwhile may be missing.
 */
export interface OfflineStore {
  /** What the store has at this moment; the tail is that of the opening. One for each question. */
  reader(): StoreReader;
  /** By id. */
  epochs(): ReadonlyMap<number, Epoch>;
  /** In the order of their ids. Damaged ones are left out: `reader().verify()` tells of them. */
  sessions(): Session[];
  /** Alert rules that somebody made, or changed from how they came. */
  rules(): AlertRule[];
  use(): DatabaseUse;
  /** What the inspection of the file found, and what of the journal cannot be had, in sentences. */
  readonly inspection: Inspection;
  readonly journal: JournalSummary;
  close(): Promise<void>;
}

interface JournalSummary {
  /** Records beyond LMDB. */
  readonly records: number;
  /** Samples, frames and events in them. */
  readonly count: number;
  readonly problems: readonly string[];
}

/**
 * Two commits of a gateway between two reads of the inspection look like damage. So a file counts as
 * damaged only when it looks so every time, with a pause for a commit to end.
 */
const INSPECTIONS_MAX = 4;
const INSPECTION_PAUSE_MS = 100;

export interface OfflineOptions {
  /**
   * Whether to have a child process walk through every key first, as a gateway does at its start: of
   * a file that is damaged where the inspection does not look, reading it may end the process.
   */
  readonly probe: boolean;
}

/**
 * Opens the store in `directory`.
 *
 * @throws StoreError BAD_FILE where there is none or it is damaged, NEWER, BAD_RECORD where nothing
 *   tells how far LMDB is; errors of the system as they come
 */
export async function openOffline(
  directory: string,
  clock: Clock,
  { probe }: OfflineOptions = { probe: false },
): Promise<OfflineStore> {
  const file = path.join(directory, DATA_FILE);
  await using opening = new AsyncDisposableStack();
  const data = await openExisting(file);
  if (data === undefined) throw new StoreError('BAD_FILE', `${directory}: no store is there`);
  opening.defer(() => data.close());
  const inspection = await inspectTwice(data, clock);
  if (inspection.state !== 'good') {
    throw new StoreError('BAD_FILE', `${file} is damaged: ${inspection.text}`);
  }
  if (probe) await probeUnused(directory, file);
  const database = openDatabase(file, { fileBytes: data.size, readOnly: true });
  await using opened = new AsyncDisposableStack();
  opened.defer(() => database.close());
  checkSchema(directory, database);
  const { tail, journal } = await readTail(directory, database);
  const kept = opened.move();
  const reader = (): StoreReader => new StoreReader(database, tail);
  return {
    reader,
    epochs: () => reader().epochs(),
    sessions: () => itemsIn(database, 'sessions'),
    rules: () => itemsIn(database, 'rules'),
    use: () => database.use(),
    inspection,
    journal,
    close: () => kept.disposeAsync(),
  };
}

async function inspectTwice(data: DataFile, clock: Clock): Promise<Inspection> {
  let inspection = await inspect(data, { writes: false });
  const isSound = () => inspection.state !== 'bad' && inspection.doubt === undefined;
  for (let n = 1; n < INSPECTIONS_MAX && !isSound(); n++) {
    await clock.sleep(INSPECTION_PAUSE_MS);
    inspection = await inspect(data, { writes: false });
  }
  return inspection;
}

/** A file that a gateway has open was probed by that one, and must not be by us (see probe.ts). */
async function probeUnused(directory: string, file: string): Promise<void> {
  try {
    const lock = await lockDirectory(directory);
    try {
      const result = await runProbe(file, { timeoutMs: PROBE_MS_MAX });
      if (result.state !== 'bad') return;
      throw new StoreError('BAD_FILE', `${file} is damaged: ${result.text}`);
    } finally {
      await lock.release();
    }
  } catch (error) {
    if (!(error instanceof BusyError)) throw error;
  }
}

function checkSchema(directory: string, database: Database): void {
  const record = database.get('meta', SCHEMA_KEY);
  if (record === undefined) throw new StoreError('BAD_FILE', `${directory}: its store is empty`);
  const text = laterVersion(Object(decodeRecord(SCHEMA_KEY, record)).major);
  if (text !== undefined) throw new StoreError('NEWER', `${directory}: its store ${text}`);
}

async function readTail(
  directory: string,
  database: Database,
): Promise<{ tail: Tail | undefined; journal: JournalSummary }> {
  const sealed = sealedSeq(database);
  const registry = new StreamRegistry();
  registry.load(recordsOf(database, 'streams'));
  const { replay, problems: lost } = await readSegments(directory, sealed);
  const { contents, problems: unread } = replayed({ database, registry }, replay);
  const problems = [...lost, ...unread];
  const content = contents.at(-1);
  // A gateway puts what it finds of earlier epochs into LMDB before it records anything.
  for (const earlier of contents.slice(0, -1)) {
    problems.push(
      `epoch ${earlier.epoch}: ${earlier.count} values are in the journal until the next start`,
    );
  }
  const journal = { records: replay.length, count: content?.count ?? 0, problems };
  return { tail: content && tailOf(content, registry, sealed), journal };
}

/** Without the sums of open hours: what they would save has to be read to make them. */
function tailOf(content: Unsealed, registry: StreamRegistry, sealed: number): Tail {
  const numbers = content.streams().map(({ number }) => number);
  return {
    epoch: content.epoch,
    sealed,
    streams: registry.list(),
    pieces: new Map(numbers.map((number) => [number, content.columns(number)])),
    events: content.events,
    hours: [],
  };
}

/** A store that was begun and never recorded into has no segments. */
async function readSegments(
  directory: string,
  sealed: number,
): Promise<Pick<OpenedJournal, 'replay' | 'problems'>> {
  await using opening = new AsyncDisposableStack();
  const [first, second] = await Promise.all(
    SEGMENTS.map(async (name) => {
      const file = await openExisting(path.join(directory, name));
      if (file !== undefined) opening.defer(() => file.close());
      return file;
    }),
  );
  if (first !== undefined && second !== undefined) {
    return await Journal.open([first, second], sealed);
  }
  const problems = first === second ? [] : ['the journal lacks one of its two segments'];
  return { replay: [], problems };
}
