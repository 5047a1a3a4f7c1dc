import { open, readFile, rename } from 'node:fs/promises';
import path from 'node:path';
import { codeOf } from '#core/errors.ts';
import { directoryAt } from './directory.ts';

/**
 * A small file that is always whole, and a copy of it: each is written beside its name, synced, and put
 * in its place by a rename, which a power cut leaves done or not done. Where one of the two is damaged
 * later, the other still has it. Nobody but us may read them.
 */
export interface WholeFile {
  /**
   * What the file and its copy hold, as far as they are there and can be read. Rejects with an error of
   * the system where one cannot be, and the other is not there or cannot be either.
   */
  read(): Promise<readonly string[]>;
  /** Resolves when it is on the device, twice. One at a time. */
  write(text: string): Promise<void>;
}

const FILE_MODE = 0o600;

export function wholeFile(file: string): WholeFile {
  const both = [file, `${file}.copy`];
  return {
    async read() {
      const read = await Promise.allSettled(both.map(readIfThere));
      const texts = read.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
      const failed = read.find((one) => one.status === 'rejected');
      if (failed && texts.length === 0) throw failed.reason;
      return texts;
    },
    async write(text) {
      for (const one of both) await replaceFile(one, text);
    },
  };
}

/** None where there is no such file. */
async function readIfThere(file: string): Promise<readonly string[]> {
  try {
    return [await readFile(file, 'utf8')];
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** One file alone, in the same way. Resolves when it is on the device. */
export async function replaceFile(file: string, text: string | Uint8Array): Promise<void> {
  const written = `${file}.new`;
  const handle = await open(written, 'w', FILE_MODE);
  try {
    // One that was left behind keeps its own mode.
    await handle.chmod(FILE_MODE);
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(written, file);
  await directoryAt(path.dirname(file)).sync();
}
