import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Epoch } from '#core/clock.ts';
import { codeOf } from '#core/errors.ts';
import {
  type DataFile,
  extendWithZeros,
  freeBytes,
  hasBlocks,
  openDataFile,
} from '../../io/data-file.ts';
import { epochChange, sealedChange, sealedSeq } from '../changes.ts';
import { StoreError } from '../errors.ts';
import { Journal, SEGMENT_BYTES } from '../journal/journal.ts';
import { nameKey } from '../keys.ts';
import { type Change, type Database, openDatabase } from '../lmdb.ts';
import { recordsOf } from '../reading/walk.ts';
import { decodeRecord, encodeRecord } from '../record.ts';
import { RollupHours } from '../rollup/rollup-hours.ts';
import { StreamRegistry } from '../writing/registry.ts';
import { beginAttempt, endAttempt } from './attempts.ts';
import { type Inspection, inspect } from './inspect.ts';
import { DISK_FREE_BYTES_MIN, Preallocation } from './preallocation.ts';
import { PROBE_MS_MAX, runProbe } from './probe.ts';
import { LOCK_BYTES, lockName, renewLockFile, setAside } from './quarantine.ts';
import { type LastSeen, lastSeenOf, recover } from './recovery.ts';

/**
 * From a directory, in whatever state the last power cut left it, to a store that can be written to.
 * A data file that is damaged is set aside and a new one begun; what the journal has is not lost by
 * that. Nothing here runs while another process has the store: the caller holds its lock.
 */

/** Raised by a change that older versions cannot read; a newer store is left as it is. */
const SCHEMA = { major: 1, minor: 0 };
export const SCHEMA_KEY = nameKey('schema');
/** Whether a gateway has the store open, or has left it without closing it. */
const RUNNING_KEY = nameKey('running');
/** Starts that end without a stop, before their cause is looked for in every value. */
const CRASHES_MAX = 3;
/** Openings that end the process, before the file is opened no more: what a commit does no probe finds. */
const ATTEMPTS_MAX = 2;
/** A look at every value, which is the whole file, at the pace of an SD card. */
const WHOLE_PROBE_MS_MAX = 120_000;
/**
 * What has to be free before anything is opened, unless all of it is there already: LMDB maps its
 * lock file, and begins a new data file, before there are zeros to write into; on a full disk either
 * is a SIGBUS, or an abort.
 */
const FREE_TO_OPEN_BYTES = 2 ** 20;
const FULL_TEXT = 'the disk is full';
/** The file begins with so much, so that the first seals have room. */
const FIRST_BYTES = 16 * 2 ** 20;
export const DATA_FILE = 'data.mdb';
/** Of the journal. */
export const SEGMENTS = ['j0', 'j1'] as const;

export interface OpeningOptions {
  /** Which is there and ours. */
  readonly directory: string;
  readonly quotaBytes: number;
  readonly epoch: Epoch;
  /** Bytes of the disk that stay free; DISK_FREE_BYTES_MIN where it is left out. */
  readonly lowBytes?: number;
  /** A stop while it opens. */
  readonly signal?: AbortSignal | undefined;
}

export interface Opened {
  readonly database: Database;
  readonly journal: Journal;
  readonly registry: StreamRegistry;
  readonly hours: RollupHours;
  readonly preallocation: Preallocation;
  readonly fileBytes: number;
  /** The journal's last record that is in LMDB. */
  readonly sealed: number;
  /** The newest data of the epochs before this one. */
  readonly lastSeen: LastSeen | undefined;
  /** Samples, frames and events that the journal gave back. */
  readonly recovered: number;
  /** What went wrong and was got over, in sentences for people. */
  readonly problems: readonly string[];
  /** What is as after any power cut, in sentences for people. */
  readonly notes: readonly string[];
  /** Frees everything, also where the file takes no commit any more. */
  close(): Promise<void>;
}

/**
 * @throws StoreError NEWER for a store of a later version, NO_ROOM where the disk is too full to begin;
 *   errors of the system as they come; the signal's reason. Nothing is left open then
 */
export async function openStore(options: OpeningOptions): Promise<Opened> {
  const file = path.join(options.directory, DATA_FILE);
  const attempts = await beginAttempt(file, options.epoch.bootId);
  try {
    return await openProbed(file, options, attempts);
  } finally {
    await endAttempt(file);
  }
}

/** @param attempts that ended the process, one after the other, before this one */
async function openProbed(
  file: string,
  options: OpeningOptions,
  attempts: number,
): Promise<Opened> {
  const { signal } = options;
  const full = await checkRoom(options.directory);
  signal?.throwIfAborted();
  const problems = await setDamageAside(file, full, signal);
  if (attempts >= ATTEMPTS_MAX && problems.length === 0 && existsSync(file)) {
    problems.push(await putDamageAside(file, `ended the process ${attempts} times`, full));
  }
  // That of a new file, which was not probed.
  if (!(await hasBlocks(lockName(file), LOCK_BYTES))) await renewLockFile(file);
  await using opening = new AsyncDisposableStack();
  // The first to be written to: a disk that takes nothing says so here, and not within LMDB.
  const segments = await openSegments(options.directory, opening);
  const { database, crashes } = await openUncrashed(file, { ...options, full }, problems);
  opening.defer(() => database.close());
  database.checkReaders();
  await checkSchema(database);
  signal?.throwIfAborted();
  await database.commit([runningChange(options.epoch.bootId, crashes + 1)]);
  opening.defer(() => tellStopped(database));
  const preallocation = new Preallocation(
    file,
    { extend: extendWithZeros, free: freeBytes },
    { quotaBytes: options.quotaBytes, lowBytes: options.lowBytes ?? DISK_FREE_BYTES_MIN },
  );
  const preallocated = await preallocateFirst(preallocation, database, signal);
  const before = sealedBefore(database, problems);
  const { journal, replay, problems: lost, notes } = await Journal.open(segments, before);
  signal?.throwIfAborted();
  const registry = new StreamRegistry();
  problems.push(...lost, ...registry.load(recordsOf(database, 'streams')));
  const hours = new RollupHours();
  const recovery = await recover({ database, registry, hours, epoch: options.epoch.id }, replay);
  problems.push(...recovery.problems);
  journal.retired();
  const sealed = replay.at(-1)?.seq ?? before;
  await database.commit([epochChange(options.epoch), sealedChange(sealed)]);
  const lastSeen = lastSeenOf(database, options.epoch.id);
  signal?.throwIfAborted();
  const kept = opening.move();
  return {
    database,
    journal,
    registry,
    hours,
    preallocation,
    fileBytes: preallocated,
    sealed,
    lastSeen,
    recovered: recovery.count,
    problems,
    notes,
    close: () => kept.disposeAsync(),
  };
}

/**
 * Opens the file. Where the gateway has crashed with it again and again in this boot, every value is
 * read by the probe first: a length that is damaged is met by no other look, and ends the process
 * whenever somebody reads the value.
 *
 * @returns with the crashes that the file may still be to blame for
 */
async function openUncrashed(
  file: string,
  { quotaBytes, epoch, full, signal }: OpeningOptions & { readonly full: boolean },
  problems: string[],
): Promise<{ database: Database; crashes: number }> {
  const open = () => openDatabase(file, { fileBytes: 2 * quotaBytes, readOnly: false });
  const database = open();
  const crashes = crashesOf(database, epoch.bootId);
  if (crashes < CRASHES_MAX) return { database, crashes };
  await database.close();
  if (full) throw new StoreError('NO_ROOM', `${FULL_TEXT}, and ${file} may be damaged`);
  const probe = await runProbe(file, { timeoutMs: WHOLE_PROBE_MS_MAX, values: true, signal });
  if (probe.state === 'bad') problems.push(await putAside(file, `is damaged: ${probe.text}`));
  // It is not this file: the next look at all of it is so many starts away.
  return { database: open(), crashes: 0 };
}

/** Starts of this boot that did not end in an orderly stop, one after the other. */
function crashesOf(database: Database, bootId: string): number {
  try {
    const record = database.get('meta', RUNNING_KEY);
    if (record === undefined) return 0;
    const { bootId: last, starts } = Object(decodeRecord(RUNNING_KEY, record));
    return last === bootId ? Number(starts) : 0;
  } catch (error) {
    // It only counts: one that is damaged counts from the beginning.
    if (error instanceof StoreError) return 0;
    throw error;
  }
}

/**
 * An orderly end, whether of the gateway or of an opening that came to nothing. What the disk does not
 * take counts as a crash, and that is all the harm there is.
 */
async function tellStopped(database: Database): Promise<void> {
  if (database.isBroken) return;
  try {
    await database.commit([{ table: 'meta', key: RUNNING_KEY, value: undefined }]);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
  }
}

function runningChange(bootId: string, starts: number): Change {
  return { table: 'meta', key: RUNNING_KEY, value: encodeRecord(RUNNING_KEY, { bootId, starts }) };
}

/** @throws StoreError NO_ROOM where the disk is full: without room there is no beginning anew */
async function setDamageAside(
  file: string,
  full: boolean,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const { state, text, doubt } = await inspectFile(file, { writes: false });
  if (state === 'missing') return [];
  const doubts = doubt === undefined ? [] : [`${file} ${doubt}`];
  if (state === 'bad') return [await putDamageAside(file, text, full)];
  // Each takes its time over a large file, and they are in processes of their own.
  const [probe, free] = await both(
    runProbe(file, { timeoutMs: PROBE_MS_MAX, keepLock: full, signal }),
    inspectFile(file, { writes: true }),
  );
  if (free.state === 'bad') return [await putDamageAside(file, free.text, full)];
  switch (probe.state) {
    case 'good':
      checkMajor(Object(probe.facts.schema).major ?? SCHEMA.major);
      return doubts;
    case 'slow':
      return [
        ...doubts,
        `${file} could not be looked through before it was opened: the probe ${probe.text}`,
      ];
    case 'bad':
      // On a full disk its lock file may be what is damaged, and not the file.
      return [await putDamageAside(file, `is damaged: ${probe.text}`, full)];
  }
}

/** Waits for both, whatever comes of them, so that none goes on behind the back of who asked. */
async function both<A, B>(a: Promise<A>, b: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([a, b]);
  return [await a, await b];
}

/** @throws StoreError NO_ROOM where the disk is full */
async function putDamageAside(file: string, text: string, full: boolean): Promise<string> {
  if (full) throw new StoreError('NO_ROOM', `${FULL_TEXT}, and ${file} ${text}`);
  return await putAside(file, text);
}

/** Sets a file aside, and says so. */
async function putAside(file: string, why: string): Promise<string> {
  return `${file} ${why}; it was set aside as ${await setAside(file)}`;
}

async function inspectFile(file: string, use: { writes: boolean }): Promise<Inspection> {
  const opened = await openExisting(file);
  try {
    return await inspect(opened, use);
  } finally {
    await opened?.close();
  }
}

/** Undefined where it is not there. */
export async function openExisting(file: string): Promise<DataFile | undefined> {
  try {
    return await openDataFile(file, { bytes: 0, create: false });
  } catch (error) {
    if (/^(ENOENT|ENOTDIR)$/.test(codeOf(error))) return undefined;
    throw error;
  }
}

async function checkSchema(database: Database): Promise<void> {
  const record = database.get('meta', SCHEMA_KEY);
  if (record === undefined) {
    const value = encodeRecord(SCHEMA_KEY, SCHEMA);
    return await database.commit([{ table: 'meta', key: SCHEMA_KEY, value }]);
  }
  checkMajor(Object(decodeRecord(SCHEMA_KEY, record)).major);
}

/** @throws StoreError NEWER */
function checkMajor(major: unknown): void {
  const text = laterVersion(major);
  if (text === undefined) return;
  const advice = 'install that version, or name another data directory';
  throw new StoreError('NEWER', `the store ${text}; ${advice}`);
}

/** What makes a schema unreadable to this version; undefined where nothing does. */
export function laterVersion(major: unknown): string | undefined {
  if (typeof major === 'number' && major <= SCHEMA.major) return undefined;
  const versions = `schema ${major}, this one knows ${SCHEMA.major}`;
  return `was made by a later version of Vigil (${versions})`;
}

/**
 * Whether the disk is full, and the store can be opened all the same: everything it needs is there.
 *
 * @throws StoreError NO_ROOM
 */
async function checkRoom(directory: string): Promise<boolean> {
  const free = await freeBytes(directory);
  if (free >= FREE_TO_OPEN_BYTES) return false;
  const files = [
    [DATA_FILE, FIRST_BYTES],
    [lockName(DATA_FILE), LOCK_BYTES],
    ...SEGMENTS.map((name) => [name, SEGMENT_BYTES] as const),
  ] as const;
  const whole = await Promise.all(
    files.map(([name, bytes]) => hasBlocks(path.join(directory, name), bytes)),
  );
  if (whole.every((one) => one)) return true;
  const needed = `${FREE_TO_OPEN_BYTES >> 10} KB have to be`;
  throw new StoreError('NO_ROOM', `${FULL_TEXT}: ${free >> 10} KB are free, ${needed}`);
}

/**
 * Where that is damaged, everything in the journal is gone through again: what LMDB has already is
 * told by the `seq` of its stream, and an event by its key.
 */
function sealedBefore(database: Database, problems: string[]): number {
  try {
    return sealedSeq(database);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    problems.push(`up to where the journal is in the store: ${error.message}`);
    return 0;
  }
}

async function preallocateFirst(
  preallocation: Preallocation,
  database: Database,
  signal: AbortSignal | undefined,
): Promise<number> {
  for (;;) {
    signal?.throwIfAborted();
    const { step, fileBytes } = await preallocation.step(database.use().end);
    if (fileBytes >= FIRST_BYTES) return fileBytes;
    if (step.kind === 'held') throw new StoreError('NO_ROOM', step.text);
  }
}

async function openSegments(
  directory: string,
  opening: AsyncDisposableStack,
): Promise<readonly [DataFile, DataFile]> {
  const open = async (name: string): Promise<DataFile> => {
    const file = await openDataFile(path.join(directory, name), {
      bytes: SEGMENT_BYTES,
      create: true,
    });
    opening.defer(() => file.close());
    return file;
  };
  return [await open(SEGMENTS[0]), await open(SEGMENTS[1])];
}
