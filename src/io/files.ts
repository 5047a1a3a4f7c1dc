import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';

const EPOCH_MAX = 0xffff_ffff;

/**
 * Replaces a file so that a power cut leaves the old or the new content, never a part: a new file
 * in the same directory, synced, then renamed, then the directory synced.
 */
export function writeAtomically(file: string, content: string): void {
  const fresh = `${file}.new`;
  const fd = openSync(fresh, 'w', 0o600);
  try {
    writeSync(fd, content);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(fresh, file);
  const directory = openSync(path.dirname(file), 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

/**
 * Counts one start of the process in `directory`, which is made if it is missing, and returns its
 * number: 1 for the first. A counter that cannot be read starts again at 1.
 */
export function nextEpoch(directory: string): number {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = path.join(directory, 'epoch');
  const last = Number(readIfThere(file) ?? '0');
  const next = Number.isInteger(last) && last >= 0 && last < EPOCH_MAX ? last + 1 : 1;
  writeAtomically(file, `${next}\n`);
  return next;
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1').trim();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
