import type { DataFile } from '../../src/io/data-file.ts';

/** What a device writes whole or not at all. */
const SECTOR_BYTES = 512;
/** What the kernel writes at once. */
const PAGE_BYTES = 4096;

export type DiskOperation = 'read' | 'write' | 'sync';

/** Numbers in [0, 1). */
type Random = () => number;

interface Fault {
  readonly operation: DiskOperation;
  readonly code: string;
}

/**
 * A disk in memory that keeps apart what is on the device and what is in the page cache only.
 *
 *   - A crash leaves of each sector what was last synced or any later content of it, one sector
 *     independently of the other: that covers lost, partial and reordered writes.
 *   - A sync that fails leaves its pages clean, as Linux does: a later sync does not write them, and
 *     whether they were written at all stays open until they are written again.
 *   - A write that fails has got through with its first half.
 */
export class FaultyDisk {
  /** Operations done so far. */
  operations = 0;
  /** Most operations that were under way on one file at a time. */
  overlapping = 0;
  readonly #files = new Map<string, MemoryFile>();
  readonly #faults: Fault[] = [];
  #operationsMax = Number.POSITIVE_INFINITY;

  /** Opens a file, which is made of zeros or filled up with them to `bytes`, and that synced. */
  open(name: string, bytes: number): DataFile {
    const old = this.#files.get(name)?.current ?? new Uint8Array();
    if (old.length < bytes || !this.#files.has(name)) {
      const filled = new Uint8Array(Math.max(bytes, old.length));
      filled.set(old);
      this.put(name, filled);
    }
    const file = this.#file(name);
    const run = <T>(operation: DiskOperation, work: (failed: boolean) => T): Promise<T> =>
      this.#run(file, operation, work);
    return {
      path: name,
      size: file.current.length,
      read: (offset, length) => run('read', () => file.current.slice(offset, offset + length)),
      write: (offset, data) => {
        if (offset + data.length > file.current.length) throw new RangeError('behind the end');
        const copy = data.slice();
        return run('write', (failed) =>
          file.write(offset, failed ? copy.subarray(0, copy.length >> 1) : copy),
        );
      },
      sync: () => run('sync', (failed) => file.sync(failed)),
      close: () => Promise.resolve(),
    };
  }

  /** The next such operation fails with `code`; one after the other where this is called again. */
  failNext(operation: DiskOperation, code: string): void {
    this.#faults.push({ operation, code });
  }

  /** The power goes after so many more operations: what follows is never done, and never answered. */
  haltAfter(operations: number): void {
    this.#operationsMax = this.operations + operations;
  }

  get halted(): boolean {
    return this.operations >= this.#operationsMax;
  }

  /** The power goes now. Returns the disk as the next start may find it; this one answers no more. */
  crash(random: Random): FaultyDisk {
    this.haltAfter(0);
    const disk = new FaultyDisk();
    const likely = random(); // Some crashes lose nearly everything, some nearly nothing.
    for (const [name, file] of this.#files) disk.put(name, file.survivor(likely, random));
    return disk;
  }

  /** What a reader sees. */
  image(name: string): Uint8Array {
    return this.#file(name).current.slice();
  }

  /** Replaces a file, durably. */
  put(name: string, content: Uint8Array): void {
    this.#files.set(name, new MemoryFile(content));
  }

  #file(name: string): MemoryFile {
    const file = this.#files.get(name);
    if (file === undefined) throw new Error(`no file ${name} on this disk`);
    return file;
  }

  async #run<T>(
    file: MemoryFile,
    operation: DiskOperation,
    work: (failed: boolean) => T,
  ): Promise<T> {
    file.busy++;
    this.overlapping = Math.max(this.overlapping, file.busy);
    await Promise.resolve(); // So that the caller has a chance to do the next thing too early.
    file.busy--;
    if (this.halted) return new Promise(() => {});
    this.operations++;
    const at = this.#faults.findIndex((fault) => fault.operation === operation);
    const [fault] = at < 0 ? [] : this.#faults.splice(at, 1);
    const done = work(fault !== undefined);
    if (fault) throw systemError(fault.code, operation);
    return done;
  }
}

class MemoryFile {
  busy = 0;
  readonly current: Uint8Array;
  readonly #durable: Uint8Array;
  /** Sector -> what it has held since it was last surely durable. */
  readonly #versions = new Map<number, Uint8Array[]>();
  readonly #dirtyPages = new Set<number>();

  constructor(content: Uint8Array) {
    this.current = content.slice();
    this.#durable = content.slice();
  }

  write(offset: number, data: Uint8Array): void {
    if (data.length === 0) return;
    this.current.set(data, offset);
    for (const sector of unitsOf(offset, data.length, SECTOR_BYTES)) {
      const versions = this.#versions.get(sector) ?? [];
      versions.push(this.current.slice(sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES));
      this.#versions.set(sector, versions);
    }
    for (const page of unitsOf(offset, data.length, PAGE_BYTES)) this.#dirtyPages.add(page);
  }

  sync(failed: boolean): void {
    const pages = failed ? [] : this.#dirtyPages;
    for (const page of pages) {
      const from = page * PAGE_BYTES;
      this.#durable.set(this.current.subarray(from, from + PAGE_BYTES), from);
      for (const sector of unitsOf(from, PAGE_BYTES, SECTOR_BYTES)) this.#versions.delete(sector);
    }
    this.#dirtyPages.clear();
  }

  /** @param likely how likely a sector that was not synced is there */
  survivor(likely: number, random: Random): Uint8Array {
    const image = this.#durable.slice();
    for (const [sector, versions] of this.#versions) {
      if (random() >= likely) continue;
      const version = versions[Math.floor(random() * versions.length)];
      if (version) image.set(version, sector * SECTOR_BYTES);
    }
    return image;
  }
}

/** The numbers of the units of `bytes` that a stretch touches. */
function unitsOf(offset: number, length: number, bytes: number): number[] {
  const first = Math.floor(offset / bytes);
  const last = Math.floor((offset + length - 1) / bytes);
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

function systemError(code: string, syscall: string): Error {
  return Object.assign(new Error(`${code}: ${syscall}`), { code, errno: -5, syscall });
}
