/**
 * A binary of a package that is changed in place at set-up: only the one that is known by its hash, and
 * only into the one known result, as it runs inside the gateway.
 */
import { createHash } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';

export interface KnownBinary {
  /** sha256 as published. */
  readonly untouched: string;
  /** sha256 after the change. */
  readonly mended: string;
}

/**
 * The published bytes; undefined where the change was made before.
 *
 * @throws Error when the file is neither
 */
export function readKnown(path: string, { untouched, mended }: KnownBinary): Buffer | undefined {
  const bytes = readFileSync(path);
  const found = sha256(bytes);
  if (found === mended) return undefined;
  if (found === untouched) return bytes;
  throw new Error(`${path}: expected sha256 ${untouched}, found ${found}`);
}

/** Puts the result in the place of the published file. @throws Error when it is not the known one */
export function replaceKnown(path: string, { mended }: KnownBinary, result: Uint8Array): void {
  const found = sha256(result);
  if (found !== mended) {
    throw new Error(`${path}: expected sha256 ${mended} after it, found ${found}`);
  }
  // A process that has the old file mapped keeps it: the new one is renamed over it.
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, result);
  renameSync(temporary, path);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
