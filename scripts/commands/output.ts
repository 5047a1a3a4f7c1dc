import { once } from 'node:events';
import type { Stats } from 'node:fs';
import { link, open, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { codeOf } from '#core/errors.ts';
import { Interrupted, UsageError } from './errors.ts';
import { bytesText } from './words.ts';

/** Where an export goes: a file that is whole or not there, or standard output. */

const EXIT_SIGNALS = [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const;
/** Bytes between two lines of progress. */
const PROGRESS_BYTES = 4 * 2 ** 20;

/** @throws UsageError when it is there and must not be written over, or its folder is not there */
export async function checkFree(file: string, force: boolean): Promise<void> {
  const found = await statOf(file);
  if (found?.isDirectory()) throw new UsageError(`${file}: expected a file, found a directory`);
  if (found && !force) throw taken(file);
  const folder = path.dirname(file);
  if (found || (await statOf(folder))?.isDirectory()) return;
  throw new UsageError(`${folder}: no folder is there`);
}

/** Undefined where nothing is. */
async function statOf(place: string): Promise<Stats | undefined> {
  try {
    return await stat(place);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error))) return undefined;
    throw error;
  }
}

/**
 * Writes a file under a name of its own and gives it its name when it is whole and on the disk.
 * Returns its bytes.
 *
 * @throws UsageError when something has come there meanwhile; Interrupted, and nothing is left
 */
export async function writeFile(
  file: string,
  pieces: Iterable<Uint8Array>,
  { force }: { readonly force: boolean },
): Promise<number> {
  const part = `${file}.part-${process.pid}`;
  using signals = watchSignals();
  const handle = await open(part, 'wx');
  try {
    let bytes = 0;
    try {
      for (const piece of pieces) {
        await handle.appendFile(piece);
        progress(bytes, bytes + piece.length);
        bytes += piece.length;
        signals.check();
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    if (force) await rename(part, file);
    else await giveName(part, file);
    return bytes;
  } finally {
    await rm(part, { force: true });
  }
}

/** A rename would write over what has come there since we looked. */
async function giveName(part: string, file: string): Promise<void> {
  try {
    await link(part, file);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EEXIST') throw taken(file);
    // A file system without links, as that of most memory sticks.
    if (code !== 'EPERM' && code !== 'ENOTSUP') throw error;
    await checkFree(file, false);
    await rename(part, file);
  }
}

/** To standard output, as fast as it is taken. Who reads it may leave: vigil.ts ends us then. */
export async function writeOut(pieces: Iterable<Uint8Array>): Promise<void> {
  for (const piece of pieces) {
    if (!process.stdout.write(piece)) await once(process.stdout, 'drain');
  }
}

/** What was written so far, where a person watches. */
function progress(before: number, after: number): void {
  if (!process.stderr.isTTY) return;
  if (Math.floor(before / PROGRESS_BYTES) === Math.floor(after / PROGRESS_BYTES)) return;
  process.stderr.write(`\r${bytesText(after)} `);
}

function watchSignals(): Disposable & { check(): void } {
  let exitCode: number | undefined;
  const handlers = EXIT_SIGNALS.map(([name, code]) => {
    const handler = (): void => {
      exitCode = code;
    };
    process.on(name, handler);
    return [name, handler] as const;
  });
  return {
    check() {
      if (exitCode !== undefined) throw new Interrupted(exitCode);
    },
    [Symbol.dispose]() {
      for (const [name, handler] of handlers) process.off(name, handler);
    },
  };
}

function taken(file: string): UsageError {
  return new UsageError(`${file} is there already; --force writes over it`);
}
