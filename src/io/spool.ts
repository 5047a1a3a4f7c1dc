import { mkdir, open, rm, statfs } from 'node:fs/promises';
import path from 'node:path';

/**
 * Files that are written once from the front to the end, then read in parts, and of no use to the
 * next start: nothing is synced. Errors of the system are thrown as they come.
 */
export interface Spool {
  /** Removes all files, and makes the directory. */
  clear(): Promise<void>;
  /** Bytes that the disk has room for. */
  free(): Promise<number>;
  create(name: string): Promise<SpoolWriter>;
  /** The bytes from `from` to `to`, which is not one of them; a file that is removed meanwhile goes on. */
  read(name: string, from: number, to: number): AsyncIterable<Uint8Array>;
  /** Removes a file, which need not be there. */
  remove(name: string): Promise<void>;
}

export interface SpoolWriter {
  write(bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

const PIECE_BYTES = 64 * 1024;
/** What is recorded is nobody else's business. */
const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;

/** @param directory of its own; the one above it is there */
export function spoolAt(directory: string): Spool {
  const fileOf = (name: string): string => path.join(directory, name);
  return {
    async clear() {
      await rm(directory, { recursive: true, force: true });
      await mkdir(directory, { mode: DIRECTORY_MODE });
    },
    async free() {
      const { bavail, bsize } = await statfs(directory);
      return bavail * bsize;
    },
    async create(name) {
      const handle = await open(fileOf(name), 'wx', FILE_MODE);
      return {
        async write(bytes) {
          await handle.writeFile(bytes);
        },
        close: () => handle.close(),
      };
    },
    read: (name, from, to) => piecesOf(fileOf(name), from, to),
    remove: (name) => rm(fileOf(name), { force: true }),
  };
}

async function* piecesOf(file: string, from: number, to: number): AsyncGenerator<Uint8Array> {
  const handle = await open(file, 'r');
  try {
    for (let at = from; at < to; ) {
      const piece = new Uint8Array(Math.min(PIECE_BYTES, to - at));
      const { bytesRead } = await handle.read(piece, 0, piece.length, at);
      if (bytesRead === 0) return; // Shorter than it was: the client sees the bytes missing.
      at += bytesRead;
      yield piece.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}
