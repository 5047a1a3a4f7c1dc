import { closeSync, fchmodSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { codeOf } from '#core/errors.ts';

/** A short text that only we and the administrator of the computer may read. Errors as they come. */

const MODE = 0o600;

/** Without blanks at its ends; undefined where there is no such file. */
export function readSecret(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

export function writeSecret(file: string, text: string): void {
  const handle = openSync(file, 'w', MODE);
  try {
    // One that was there keeps its own mode; by now it is empty.
    fchmodSync(handle, MODE);
    writeSync(handle, `${text}\n`);
  } finally {
    closeSync(handle);
  }
}

/** One that is not there has been removed. */
export function removeSecret(file: string): void {
  try {
    unlinkSync(file);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}
