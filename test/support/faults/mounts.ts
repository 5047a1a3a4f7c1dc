/** File systems that fill up or turn read-only, for tests that run as root. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

export class Mount {
  /** Where files may be made. */
  readonly directory: string;
  readonly #top: string;

  private constructor(top: string) {
    this.#top = top;
    this.directory = path.join(top, 'mount');
  }

  /** An ext4 of its own in a file. @throws Error in words where it cannot be mounted */
  static ext4(megabytes: number): Mount {
    const mount = new Mount(mkdtempSync(path.join(tmpdir(), 'vigil-mount-')));
    const image = path.join(mount.#top, 'image');
    mkdirSync(mount.directory);
    try {
      run('truncate', '-s', `${megabytes}M`, image);
      run('mkfs.ext4', '-q', '-m', '0', image);
      run('mount', '-o', 'loop', image, mount.directory);
    } catch (error) {
      rmSync(mount.#top, { recursive: true });
      const text =
        'this test mounts an ext4 of its own: it needs root, a loop device and mkfs.ext4';
      throw new Error(text, { cause: error });
    }
    return mount;
  }

  /** For the first time or again: `ro`, `rw`. */
  remount(how: 'ro' | 'rw'): void {
    run('mount', '-o', `remount,${how}`, this.directory);
  }

  close(): void {
    run('umount', this.directory);
    rmSync(this.#top, { recursive: true });
  }
}

function run(program: string, ...args: readonly string[]): void {
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
