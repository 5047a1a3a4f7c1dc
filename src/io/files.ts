import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { ConfigError, codeOf } from '#core/errors.ts';

const EPOCH_MAX = 0xffff_ffff;
const EPOCH_FILES = ['epoch', 'epoch.copy'] as const;
/** A number of 10 digits and the end of the line: a shorter one is written over whole. */
const FILE_CHARS = 11;
/** What is recorded is nobody else's business. */
const DIRECTORY_OPTIONS = { mode: 0o700 };

/** Errors of a directory that was chosen badly. A full or broken disk is none of them. */
const UNUSABLE: Readonly<Record<string, string>> = {
  EEXIST: 'it is a file',
  ENOTDIR: 'there is a file in its path',
  ENOENT: 'it cannot be made there',
  ENAMETOOLONG: 'a name in its path is too long',
  EACCES: 'no permission to write there',
  EPERM: 'no permission to write there',
};

/**
 * Counts one start of the process in `directory`, which is made if it is missing, and returns its
 * number: 1 for the first, and larger at every later one.
 *
 * A number used twice would mix two recordings, so the counter is kept in two files that are written
 * one after the other: where one cannot be read the other still has it. Each is written in place, and
 * is always as long, so that a start needs no room on the disk: a full one must not end the recording.
 * A sector is written whole or not at all, so a power cut leaves the old or the new number.
 *
 * @throws ConfigError when neither can be read, because it never starts again by itself, and when
 *   the directory cannot be used; a full or broken disk is thrown as it comes
 */
export function nextEpoch(directory: string): number {
  return using(directory, countStart);
}

/**
 * Makes the data directory where it is missing.
 *
 * @throws as nextEpoch
 */
export function makeDataDirectory(directory: string): void {
  using(directory, (one) => makeDirectory(path.resolve(one)));
}

function using<T>(directory: string, work: (directory: string) => T): T {
  try {
    return work(directory);
  } catch (error) {
    const reason = UNUSABLE[codeOf(error)];
    if (reason === undefined) throw error;
    const found = JSON.stringify(directory);
    throw new ConfigError(`data: expected a directory to write to, found ${found}: ${reason}`, {
      cause: error,
    });
  }
}

function countStart(directory: string): number {
  makeDirectory(path.resolve(directory));
  const files = EPOCH_FILES.map((name) => path.join(directory, name));
  const texts = files.map(readIfThere).filter((text) => text !== undefined);
  const counts = texts.filter((text) => /^ *\d{1,10}\n?$/.test(text)).map(Number);
  const last = texts.length === 0 ? 0 : Math.max(...counts);
  if (last < 0 || last >= EPOCH_MAX) {
    throw new ConfigError(
      `${files.join(' and ')}: expected the number of the last epoch, below ${EPOCH_MAX}, found ` +
        `${JSON.stringify(texts)}; write one there that is higher than any recorded`,
    );
  }
  for (const file of files) writeNumber(file, last + 1);
  return last + 1;
}

/**
 * Makes the directory and what is missing above it. Node's recursive mkdir would try for ever where
 * the parent is there and still nothing can be made in it, as in /proc.
 */
function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, DIRECTORY_OPTIONS);
    return;
  } catch (error) {
    if (codeOf(error) === 'EEXIST' && statSync(directory).isDirectory()) return;
    if (codeOf(error) !== 'ENOENT') throw error;
  }
  makeDirectory(path.dirname(directory)); // The root is always there.
  mkdirSync(directory, DIRECTORY_OPTIONS);
}

/** Over what is there, and to the disk. */
function writeNumber(file: string, number: number): void {
  const isNew = readIfThere(file) === undefined;
  const fd = openSync(file, isNew ? 'w' : 'r+', 0o600);
  try {
    writeSync(fd, `${number}\n`.padStart(FILE_CHARS), 0);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  if (isNew) syncDirectory(path.dirname(file));
}

function syncDirectory(directory: string): void {
  const fd = openSync(directory, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
