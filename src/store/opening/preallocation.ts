import path from 'node:path';
import { codeOf } from '#core/errors.ts';
import type { extendWithZeros, freeBytes } from '../../io/data-file.ts';

/**
 * Zeros for the data file to grow into, written ahead of LMDB and in the background.
 *
 * They are there for two reasons. A commit into blocks that have been written before costs a fifth of
 * one that makes the file grow; and a disk that is full aborts LMDB's process, so its room is taken
 * while that can still be refused.
 *
 * LMDB never asks how long its file is: it writes each page at its number times 4096, and a page that
 * it has not used yet comes behind the last one in use (`endBytes`). So everything between there and
 * the end of the file is free to hold zeros. They are appended, under the store's write lock:
 *
 * - No commit is under way, so all pages up to `endBytes` are in the file, and zeros behind the end of
 *   the file are behind them.
 * - Where LMDB has grown the file past what was written for it, the end is LMDB's last page, and the
 *   zeros go on from there.
 * - Were there a commit after all, O_APPEND has the kernel find the end and write in one: of a page
 *   and a zero at the same place the page is always the later.
 * - A power cut leaves a shorter file with no less of LMDB's data, which was synced on its own.
 */
const STEP_BYTES = 16 * 2 ** 20;
/** What one call writes and syncs: some 50 ms of an SD card, in which no commit can begin. */
const PIECE_BYTES = 2 ** 20;
/** This much of the disk stays free: logs and other programs need it more than the ring does. */
export const DISK_FREE_BYTES_MIN = 256 * 2 ** 20;
/** The file for a quota: blocks that are freed come back only in whole pages, some transactions later. */
const FILE_PER_QUOTA = 1.4;
/** What of the file may be in use; above it the ring gives up its oldest. */
const FILL_MAX = 0.7;

export interface PreallocationState {
  /** Bytes that the store may keep. */
  readonly quotaBytes: number;
  /** Size of the file. */
  readonly fileBytes: number;
  /** Where LMDB's last page ends (DatabaseUse.end). */
  readonly endBytes: number;
  /** Free on the disk. */
  readonly freeBytes: number;
  /** Of these must stay; DISK_FREE_BYTES_MIN in the gateway. */
  readonly lowBytes: number;
}

export type NextStep =
  /** The file is to become so long, in as many pieces as it takes. */
  | { readonly kind: 'extend'; readonly to: number }
  | { readonly kind: 'done' }
  /** The disk is too full for the next step. */
  | { readonly kind: 'held'; readonly text: string };

/**
 * The next step of a file's growth. It ends at a multiple of 16 MB, and is taken only where all of it
 * leaves the disk its free bytes. A file that LMDB has filled gets a step beyond its quota, whatever
 * the reason: a commit must not be what finds the disk full.
 */
export function nextStep(state: PreallocationState): NextStep {
  const { quotaBytes, fileBytes, endBytes, freeBytes, lowBytes } = state;
  const target = roundUp(Math.max(quotaBytes * FILE_PER_QUOTA, endBytes + PIECE_BYTES));
  if (fileBytes >= target) return { kind: 'done' };
  const to = Math.min(target, roundUp(fileBytes + 1));
  if (freeBytes - (to - fileBytes) < lowBytes) {
    const free = `${megabytes(freeBytes)} MB are free, ${megabytes(lowBytes)} MB have to stay so`;
    const size = `${megabytes(fileBytes)} MB of ${megabytes(target)} MB`;
    return {
      kind: 'held',
      text: `the disk is too full for the data file to grow: ${free}; it has ${size}`,
    };
  }
  return { kind: 'extend', to };
}

/** Bytes that the ring may have in use: of a file that is still growing less than its quota. */
export function ringBytes(fileBytes: number, quotaBytes: number): number {
  return Math.min(Math.floor(fileBytes * FILL_MAX), quotaBytes);
}

/** Of io/data-file.ts. */
export interface PreallocationFiles {
  readonly extend: typeof extendWithZeros;
  readonly free: typeof freeBytes;
}

export interface PreallocationOptions {
  readonly quotaBytes: number;
  /** DISK_FREE_BYTES_MIN in the gateway. */
  readonly lowBytes: number;
}

export interface Progress {
  /** `extend`: one piece was written and there is more to do. */
  readonly step: NextStep;
  /** Size of the file now. */
  readonly fileBytes: number;
}

/** Extends one file, a piece a call; the pace is the caller's. */
export class Preallocation {
  readonly #file: string;
  readonly #files: PreallocationFiles;
  readonly #options: PreallocationOptions;

  /** @param file of the data, which is there */
  constructor(file: string, files: PreallocationFiles, options: PreallocationOptions) {
    this.#file = file;
    this.#files = files;
    this.#options = options;
  }

  /**
   * Writes and syncs the next piece, if there is one. The caller holds the store's write lock: no
   * commit is under way.
   *
   * @param endBytes where LMDB's last page ends
   * @throws errors of the system as they come, except that of a full disk: that is `held`
   */
  async step(endBytes: number): Promise<Progress> {
    const piece = { piece: PIECE_BYTES };
    const before = await this.#files.extend(this.#file, 0, piece); // Its size, as it is.
    const freeBytes = await this.#files.free(path.dirname(this.#file));
    const step = nextStep({ ...this.#options, fileBytes: before, endBytes, freeBytes });
    if (step.kind !== 'extend') return { step, fileBytes: before };
    try {
      const fileBytes = await this.#files.extend(this.#file, step.to, piece);
      return { step, fileBytes };
    } catch (error) {
      if (!isFull(error)) throw error;
      const text = `the disk filled up while the data file grew at ${megabytes(before)} MB`;
      return { step: { kind: 'held', text }, fileBytes: before };
    }
  }
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / STEP_BYTES) * STEP_BYTES;
}

function megabytes(bytes: number): number {
  return Math.floor(bytes / 2 ** 20);
}

/** Full for everybody, or for this user. */
function isFull(error: unknown): boolean {
  return /^(ENOSPC|EDQUOT)$/.test(codeOf(error));
}
