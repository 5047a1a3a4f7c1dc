import { codeOf, isExpected } from '#core/errors.ts';
import type { KeptFiles } from '../../io/kept-files.ts';
import { FILE_BYTES_MAX } from './dbc/text.ts';
import { ShelfError } from './shelf-errors.ts';
import { BUS_NAME, dbcNameOf, EXTENSION, FILE_NAME, FILES_MAX } from './shelf-names.ts';

/** Of a name that is none, in a sentence. */
const NAME_CHARS_SHOWN = 80;

/** A DBC file that somebody has sent. */
export interface KeptDbcFile {
  readonly bus: string;
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface KeptDbcOptions {
  /** Names of the buses that files were ever sent for, whether they are read now or not, and of anything else. */
  readonly buses: () => Promise<readonly string[]>;
  /** Where the files of a bus are kept. */
  readonly filesOf: (bus: string) => KeptFiles;
}

/** All DBC files that were sent, as they are on the disk: what a backup takes, and gives back. */
export class KeptDbc {
  readonly #options: KeptDbcOptions;

  constructor(options: KeptDbcOptions) {
    this.#options = options;
  }

  /** In the order of buses and names. @throws ShelfError UNREADABLE */
  async all(): Promise<readonly KeptDbcFile[]> {
    return await onDisk('UNREADABLE', async () => {
      const files: KeptDbcFile[] = [];
      for (const { bus, name } of await this.#names()) {
        const bytes = await this.#options.filesOf(bus).read(`${name}${EXTENSION}`, FILE_BYTES_MAX);
        // One that is too large has not been sent, and counts for nothing.
        if (bytes) files.push({ bus, name, bytes });
      }
      return files;
    });
  }

  /** Why `replace` cannot take these, in a sentence; undefined where it can. */
  problemOf(files: readonly KeptDbcFile[]): string | undefined {
    const named = files.find(({ bus, name }) => !BUS_NAME.test(bus) || !FILE_NAME.test(name));
    if (named) {
      const found = JSON.stringify(`${named.bus}/${named.name}`.slice(0, NAME_CHARS_SHOWN));
      return `no name of a bus and of a DBC file, found ${found}`;
    }
    const large = files.find(({ bytes }) => bytes.length > FILE_BYTES_MAX);
    if (large) {
      return `${large.bus}/${large.name} has ${large.bytes.length} bytes, at most ${FILE_BYTES_MAX} can be read`;
    }
    const crowded = [...Map.groupBy(files, ({ bus }) => bus)].find(
      ([, all]) => all.length > FILES_MAX,
    );
    return (
      crowded && `${crowded[0]} has ${crowded[1].length} files, and ${FILES_MAX} at most count`
    );
  }

  /** Takes these in place of all that there are; they count from the next start on. @throws ShelfError UNWRITABLE */
  async replace(files: readonly KeptDbcFile[]): Promise<void> {
    await onDisk('UNWRITABLE', async () => {
      const before = await this.#names();
      for (const { bus, name, bytes } of files) {
        await this.#options.filesOf(bus).write(`${name}${EXTENSION}`, bytes);
      }
      const stays = new Set(files.map(({ bus, name }) => `${bus}/${name}`));
      for (const { bus, name } of before) {
        if (stays.has(`${bus}/${name}`)) continue;
        await this.#options.filesOf(bus).remove(`${name}${EXTENSION}`);
      }
    });
  }

  async #names(): Promise<{ bus: string; name: string }[]> {
    const { buses, filesOf } = this.#options;
    const found: { bus: string; name: string }[] = [];
    for (const bus of (await buses()).filter((one) => BUS_NAME.test(one)).toSorted()) {
      const names = (await namesIn(filesOf(bus))).flatMap((entry) => dbcNameOf(entry) ?? []);
      found.push(...names.map((name) => ({ bus, name })));
    }
    return found;
  }
}

/** None where something else has the name of a bus. */
async function namesIn(files: KeptFiles): Promise<readonly string[]> {
  try {
    return await files.names();
  } catch (error) {
    if (codeOf(error) === 'ENOTDIR') return [];
    throw error;
  }
}

async function onDisk<T>(code: 'UNREADABLE' | 'UNWRITABLE', work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!isExpected(cause)) throw cause;
    const what = code === 'UNREADABLE' ? 'read' : 'written';
    throw new ShelfError(code, `the DBC files cannot be ${what}: ${cause.message}`, { cause });
  }
}
