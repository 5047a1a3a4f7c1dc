import { createReadStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { codeOf } from '#core/errors.ts';
import { directoryAt } from './directory.ts';
import { replaceFile } from './whole-file.ts';

/**
 * Files of a person's that are kept as they are: each is put in its place whole (whole-file.ts). Errors of
 * the system are thrown as they come.
 */
export interface KeptFiles {
  /** Names of the files there are, sorted; none where there is no directory yet. */
  names(): Promise<readonly string[]>;
  /** A file, or undefined where it is longer than that: then no more than that is read. */
  read(name: string, bytesMax: number): Promise<Uint8Array | undefined>;
  /** Resolves when it is on the device. One at a time for each name. */
  write(name: string, bytes: Uint8Array): Promise<void>;
  /** Removes a file, which need not be there. Resolves when that is on the device. */
  remove(name: string): Promise<void>;
}

/** What is kept is nobody else's business. */
const DIRECTORY_MODE = 0o700;

/**
 * @param top a directory that is there
 * @param parts names of those below it, each in the one before, which are made when they are needed
 */
export function keptFiles(top: string, parts: readonly string[]): KeptFiles {
  const directory = path.join(top, ...parts);
  return {
    async names() {
      try {
        return (await directoryAt(directory).names()).toSorted();
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return [];
        throw error;
      }
    },
    read: (name, bytesMax) => readAtMost(path.join(directory, name), bytesMax),
    async write(name, bytes) {
      await makeBelow(top, parts);
      await replaceFile(path.join(directory, name), bytes);
    },
    async remove(name) {
      const files = directoryAt(directory);
      await files.remove(name);
      await files.sync();
    },
  };
}

/** A file anywhere, or undefined where it is longer than that: then no more than that is read. */
export async function readAtMost(file: string, bytesMax: number): Promise<Uint8Array | undefined> {
  const pieces: Uint8Array[] = [];
  // The size that the system tells says nothing of a device, nor of a file that still grows.
  const read = createReadStream(file, { start: 0, end: bytesMax });
  for await (const piece of read) pieces.push(piece);
  const bytes = Buffer.concat(pieces);
  return bytes.length > bytesMax ? undefined : bytes;
}

/** Node's recursive mkdir would try for ever where nothing can be made, as in /proc. */
async function makeBelow(top: string, parts: readonly string[]): Promise<void> {
  let directory = top;
  for (const part of parts) {
    const above = directory;
    directory = path.join(above, part);
    try {
      await mkdir(directory, { mode: DIRECTORY_MODE });
      await directoryAt(above).sync();
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
  }
}
