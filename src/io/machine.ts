import { statfs } from 'node:fs/promises';
import { freemem, release } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { memoryUsage, versions } from 'node:process';
import { isSystemError } from '#core/errors.ts';

/** How often the event loop is looked at: a wait that is shorter goes unseen. */
const RESOLUTION_MS = 20;
const MEGABYTE = 2 ** 20;

/** What the computer and this process are like at one moment. */
export interface MachineState {
  readonly node: string;
  readonly kernel: string;
  /** How much later than it was due something ran, in milliseconds, since the start. */
  readonly eventLoop: { readonly p50Ms: number; readonly p99Ms: number; readonly maxMs: number };
  /** In MiB: resident, the heap's part that is in use, buffers outside of it, and free for all. */
  readonly memory: {
    readonly rssMB: number;
    readonly heapMB: number;
    readonly externalMB: number;
    readonly freeMB: number;
  };
  /** Of the file system with the data, in MiB; null where it cannot be asked. */
  readonly disk: { readonly freeMB: number; readonly totalMB: number } | null;
}

/** Looks at the computer while it is open. */
export class Machine implements Disposable {
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  /** From now on the event loop is watched. */
  start(): void {
    this.#delay.enable();
  }

  [Symbol.dispose](): void {
    this.#delay.disable();
  }

  /** @param directory where the data is */
  async state(directory: string): Promise<MachineState> {
    const { rss, heapUsed, external } = memoryUsage();
    return {
      node: versions.node,
      kernel: release(),
      eventLoop: {
        p50Ms: this.#lateMs(this.#delay.percentile(50)),
        p99Ms: this.#lateMs(this.#delay.percentile(99)),
        maxMs: this.#lateMs(this.#delay.max),
      },
      memory: {
        rssMB: megabytes(rss),
        heapMB: megabytes(heapUsed),
        externalMB: megabytes(external),
        freeMB: megabytes(freemem()),
      },
      disk: await diskOf(directory),
    };
  }

  /** The histogram holds nanoseconds between two looks, RESOLUTION_MS where nothing is late. */
  #lateMs(ns: number): number {
    if (this.#delay.count === 0) return 0;
    return Math.max(0, Math.round(ns / 1e4 - RESOLUTION_MS * 100) / 100);
  }
}

async function diskOf(directory: string): Promise<MachineState['disk']> {
  try {
    const { bavail, blocks, bsize } = await statfs(directory);
    return { freeMB: megabytes(bavail * bsize), totalMB: megabytes(blocks * bsize) };
  } catch (error) {
    // A disk that fails is told of by the store; the rest is of all the more interest then.
    if (isSystemError(error)) return null;
    throw error;
  }
}

function megabytes(bytes: number): number {
  return Math.round((bytes / MEGABYTE) * 10) / 10;
}
