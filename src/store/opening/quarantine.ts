import path from 'node:path';
import { openDataFile } from '../../io/data-file.ts';
import { directoryAt } from '../../io/directory.ts';

/**
 * Sets a damaged data file aside: as `data.mdb.bad-N` beside it, for whoever wants to save something
 * out of it. N counts up, so that the lowest is the oldest, and where there are more than so many the
 * oldest is removed, because each takes as much of the disk as the store itself.
 *
 * A file that is good but of a later version is not set aside: the caller refuses it with NEWER.
 */
const BAD_FILES_MAX = 3;
/** Of LMDB's lock file: more than the 8,272 that it needs for its 126 readers. */
export const LOCK_BYTES = 3 * 4096;

/**
 * Nobody may have the file open, and the caller holds the directory's lock (io/lock.ts). Errors of
 * the system are thrown as they come: on a disk that takes no rename there is no starting anew. A
 * power cut leaves the file under its old or its new name.
 *
 * @param file of the data, which is there
 * @returns what it is called now
 */
export async function setAside(file: string): Promise<string> {
  const directory = directoryAt(path.dirname(file));
  const name = path.basename(file);
  const numbers = (await directory.names())
    .map((other) => numberOf(name, other))
    .filter((number) => number !== undefined)
    .sort((a, b) => a - b);
  const number = (numbers.at(-1) ?? 0) + 1;
  await directory.rename(name, badName(name, number));
  for (const old of [...numbers, number].slice(0, -BAD_FILES_MAX)) {
    await directory.remove(badName(name, old));
  }
  await removeLockFile(file);
  await directory.sync();
  return path.join(path.dirname(file), badName(name, number));
}

/**
 * Begins anew the file in which LMDB keeps its readers and its locks. One that was left by another
 * user or that is damaged would crash it. It is filled with zeros, which LMDB makes its own: that of
 * LMDB has holes, and a disk that is full when one of them is written to ends the process. Only for
 * the holder of the directory's lock, while nobody has the data open.
 */
export async function renewLockFile(file: string): Promise<void> {
  await removeLockFile(file);
  const made = await openDataFile(lockName(file), { bytes: LOCK_BYTES, create: true });
  await made.close();
}

/** What LMDB calls the lock file of a data file. */
export function lockName(file: string): string {
  return `${file}-lock`;
}

async function removeLockFile(file: string): Promise<void> {
  await directoryAt(path.dirname(file)).remove(lockName(path.basename(file)));
}

function badName(name: string, number: number): string {
  return `${name}.bad-${number}`;
}

function numberOf(name: string, other: string): number | undefined {
  if (!other.startsWith(`${name}.bad-`)) return undefined;
  const number = other.slice(`${name}.bad-`.length);
  return /^[1-9]\d{0,8}$/.test(number) ? Number(number) : undefined;
}
