/**
 * A disk of its own for a benchmark: ext4 on a loop device over a file in memory, so that the kernel
 * counts what reaches the device and nothing else writes to it. /proc/self/io would not do: it counts
 * whole folios, and nothing of what the file system writes for itself.
 */
import { execFile } from 'node:child_process';
import { access, mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { deviceWrites, type Writes } from './block-stat.ts';

const run = promisify(execFile);
/** Where images are kept: in memory if there is such a place, as they are only written once. */
const MEMORY = '/dev/shm';

/** The disk cannot be had here: it takes root and a kernel with loop devices. */
export class NoDiskError extends Error {}

export class LoopDisk implements AsyncDisposable {
  /** Where the file system is mounted. */
  readonly directory: string;
  readonly #device: string;
  readonly #undo: AsyncDisposableStack;

  private constructor(directory: string, device: string, undo: AsyncDisposableStack) {
    this.directory = directory;
    this.#device = device;
    this.#undo = undo;
  }

  /** @throws NoDiskError */
  static async create(bytes: number): Promise<LoopDisk> {
    await using undo = new AsyncDisposableStack();
    try {
      const place = await access(MEMORY).then(() => MEMORY, tmpdir);
      const directory = await mkdtemp(path.join(place, 'vigil-bench-'));
      undo.defer(() => rm(directory, { recursive: true, force: true }));
      const image = path.join(directory, 'image');
      const file = await open(image, 'w');
      await file.truncate(bytes);
      await file.close();
      // Everything the file system would set up in the background is done before it is measured.
      await run('mkfs.ext4', ['-q', '-F', '-E', 'lazy_itable_init=0,lazy_journal_init=0', image]);
      const { stdout } = await run('losetup', ['--find', '--show', image]);
      const device = stdout.trim();
      undo.defer(async () => void (await run('losetup', ['--detach', device])));
      const mounted = await mkdtemp(path.join(tmpdir(), 'vigil-disk-'));
      undo.defer(() => rm(mounted, { recursive: true }));
      await run('mount', ['-t', 'ext4', '-o', 'noatime', device, mounted]);
      undo.defer(async () => void (await run('umount', [mounted])));
      return new LoopDisk(mounted, path.basename(device), undo.move());
    } catch (error) {
      const reason = error instanceof Error ? error.message.trim() : String(error);
      throw new NoDiskError(`no ext4 on a loop device, which takes root: ${reason}`);
    }
  }

  /** What the device has been given so far, with everything that was still to be written. */
  async writes(): Promise<Writes> {
    await run('sync', ['-f', this.directory]);
    return deviceWrites(await readFile(`/sys/block/${this.#device}/stat`, 'latin1'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#undo.disposeAsync();
  }
}
