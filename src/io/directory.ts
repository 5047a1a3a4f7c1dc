import { open, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';

/** Changes to a directory. Errors of the system are thrown as they come, here and from each. */
export interface Directory {
  /** Names of what is in it, in no order. */
  names(): Promise<string[]>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file, which need not be there. */
  remove(name: string): Promise<void>;
  /** Resolves when all of this is on the device. */
  sync(): Promise<void>;
}

export function directoryAt(directory: string): Directory {
  return {
    names: () => readdir(directory),
    rename: (from, to) => rename(path.join(directory, from), path.join(directory, to)),
    remove: (name) => rm(path.join(directory, name), { force: true }),
    async sync() {
      const handle = await open(directory, 'r');
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    },
  };
}
