import { constants } from 'node:fs';
import { type FileHandle, open, stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import { codeOf } from '#core/errors.ts';
import { directoryAt } from './directory.ts';

/**
 * Files of a fixed size that are written in place.
 *
 * A sync of one 4 KB page that overwrites blocks already written costs the device 4.1 KB; one that
 * makes the file grow costs 24.6 KB, because the file system then writes its own journal as well.
 * So a file is filled with zeros once. They have to be written: `fallocate` only reserves blocks, and
 * the first write to each of them is noted in the file system's journal again.
 */
const ZEROS = new Uint8Array(1 << 20);

/** The unit of `blocks`, whatever the file system has (stat(2)). */
const STAT_BLOCK_BYTES = 512;

/** What is recorded is nobody else's business. */
const FILE_MODE = 0o600;

/** A file of a fixed size. Calls may overlap; what overlapping writes leave is up to the caller. */
export interface DataFile {
  readonly path: string;
  /** Bytes; never changes while it is open. */
  readonly size: number;
  /** `length` bytes from `offset`, fewer where the file ends. */
  read(offset: number, length: number): Promise<Uint8Array>;
  /**
   * Durable only after the next sync. An error says nothing of which bytes were written.
   *
   * @throws RangeError behind the end: the file does not grow
   */
  write(offset: number, bytes: Uint8Array): Promise<void>;
  /** Resolves when everything written before is on the device (fdatasync). */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface DataFileOptions {
  /** What the file has at least: a shorter one is filled up with zeros, a longer one stays. */
  readonly bytes: number;
  /** Whether to make the file where it is missing; else that is an ENOENT. */
  readonly create: boolean;
}

/**
 * Opens a file for reading and writing in place, and returns when its size and its zeros are on the
 * device. Errors of the system are thrown as they come, here and from the file: ENOSPC, EIO, EROFS.
 * A file whose making was cut off is found short at the next time, and filled up then.
 */
export async function openDataFile(file: string, options: DataFileOptions): Promise<DataFile> {
  const { handle, made } = await openOrMake(file, options.create);
  try {
    const { size } = await handle.stat();
    if (size < options.bytes) {
      await writeZeros(handle, size, options.bytes);
      await handle.datasync();
    }
    if (made) await directoryAt(path.dirname(file)).sync();
    return new HandleFile(file, Math.max(size, options.bytes), handle);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * Makes an existing file one step longer, by zeros at its end, and returns its size then. Somebody
 * else may write the file meanwhile, as LMDB does: the zeros are appended (O_APPEND), so they go
 * behind whatever is there at that moment, and never over it.
 *
 * @param upTo bytes; a file that has as many stays as it is
 * @param piece bytes of one step: what one call keeps the device busy with
 */
export async function extendWithZeros(
  file: string,
  upTo: number,
  { piece }: { readonly piece: number },
): Promise<number> {
  const handle = await open(file, constants.O_WRONLY | constants.O_APPEND);
  try {
    const { size } = await handle.stat();
    if (size >= upTo) return size;
    await writeZeros(handle, size, Math.min(upTo, size + piece));
    await handle.datasync();
    return (await handle.stat()).size;
  } finally {
    await handle.close();
  }
}

/** Bytes that an ordinary user may still write to the file system that `directory` is on. */
export async function freeBytes(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}

/** Whether a file has so many bytes at least, and a block of the disk for each: no write needs room. */
export async function hasBlocks(file: string, bytes: number): Promise<boolean> {
  try {
    const { size, blocks } = await stat(file);
    return size >= bytes && blocks * STAT_BLOCK_BYTES >= size;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

class HandleFile implements DataFile {
  readonly path: string;
  readonly size: number;
  readonly #handle: FileHandle;

  constructor(file: string, size: number, handle: FileHandle) {
    this.path = file;
    this.size = size;
    this.#handle = handle;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, this.size - offset)));
    let n = 0;
    while (n < bytes.length) {
      const { bytesRead } = await this.#handle.read(bytes, n, bytes.length - n, offset + n);
      if (bytesRead === 0) break; // Cut off by somebody else since it was opened.
      n += bytesRead;
    }
    return bytes.subarray(0, n);
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    if (offset < 0 || offset + bytes.length > this.size) {
      throw new RangeError(
        `${this.path}: ${bytes.length} bytes at ${offset} are not within its ${this.size}`,
      );
    }
    await writeAll(this.#handle, offset, bytes);
  }

  async sync(): Promise<void> {
    await this.#handle.datasync();
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

async function openOrMake(
  file: string,
  create: boolean,
): Promise<{ handle: FileHandle; made: boolean }> {
  try {
    return { handle: await open(file, 'r+'), made: false };
  } catch (error) {
    if (!create || codeOf(error) !== 'ENOENT') throw error;
    return { handle: await open(file, 'wx+', FILE_MODE), made: true };
  }
}

async function writeZeros(handle: FileHandle, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at += ZEROS.length) {
    await writeAll(handle, at, ZEROS.subarray(0, Math.min(ZEROS.length, to - at)));
  }
}

/** The system may take fewer bytes than it is given, above all before it says that it is full. */
async function writeAll(handle: FileHandle, offset: number, bytes: Uint8Array): Promise<void> {
  let n = 0;
  while (n < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, n, bytes.length - n, offset + n);
    n += bytesWritten;
  }
}
