import path from 'node:path';
import { isExpected } from '#core/errors.ts';
import { Turns } from '#core/turns.ts';
import { type KeptFiles, readAtMost } from '../../io/kept-files.ts';
import { DbcError } from './dbc/errors.ts';
import { type Parsed, parseDbcInTurns } from './dbc/parse.ts';
import { FILE_BYTES_MAX, readDbcText } from './dbc/text.ts';
import type { NamedDatabase } from './decoding.ts';
import { ShelfError } from './shelf-errors.ts';
import { dbcNameOf, EXTENSION, FILE_NAME, FILES_MAX, NAME_CHARS_MAX } from './shelf-names.ts';

/** A DBC file of a bus. */
export interface ShelfFile {
  /** `[a-z0-9_-]{1,40}`. */
  readonly name: string;
  /** Whether somebody has sent it, a setting names it, or it comes with a simulated bus. */
  readonly origin: 'upload' | FixedFile['origin'];
  readonly bytes: number;
  /** What is in it; undefined where it cannot be used. */
  readonly parsed: Parsed | undefined;
  /** Why it cannot be used; empty where it can. */
  readonly problem: string;
}

/** A file that is changed where it is. */
export interface FixedFile {
  readonly bus: string;
  readonly file: string;
  readonly origin: 'setting' | 'simulator';
}

export interface ShelfOptions {
  /** Where the files of a bus are kept. */
  readonly filesOf: (bus: string) => KeptFiles;
  /** Names of the buses there are, `[a-z0-9_-]{1,23}`. */
  readonly buses: readonly string[];
  /** Those that are not sent. */
  readonly fixed: readonly FixedFile[];
  /** Told whenever the files of a bus are others than before, and at first; one at a time for each bus. */
  readonly changed: (bus: string, databases: readonly NamedDatabase[]) => Promise<void>;
  /** Resolves in a later turn of the event loop: a large file is read in many. */
  readonly rest: () => Promise<void>;
}

/**
 * The DBC files of all buses. One that cannot be read is told of and counts for nothing; it keeps nothing
 * else from working. Files in the directories that have no name of a DBC file are left alone, such as what
 * a power cut has left of one that was being written.
 */
export class DbcShelf {
  readonly #options: ShelfOptions;
  readonly #files: ReadonlyMap<string, Map<string, ShelfFile>>;
  readonly #turns = new Turns();
  /** What is wrong with files that are not in the list. */
  readonly #problems: string[] = [];

  constructor(options: ShelfOptions) {
    this.#options = options;
    this.#files = new Map(options.buses.map((bus) => [bus, new Map()]));
  }

  /** Reads all files. What cannot be read is in `problems` afterwards. */
  async open(): Promise<void> {
    for (const bus of this.#options.buses) {
      // What is not sent comes first: the person who wrote the setting cannot see what was sent.
      for (const one of this.#options.fixed) {
        if (one.bus === bus) await this.#readFixed(one);
      }
      await this.#readKept(bus);
      await this.#tell(bus);
    }
  }

  /** A sentence for each file that cannot be used. */
  get problems(): readonly string[] {
    const files = [...this.#files].flatMap(([bus, all]) =>
      [...all.values()].flatMap(({ name, problem }) =>
        problem === '' ? [] : [`${bus}/${name}${EXTENSION}: ${problem}`],
      ),
    );
    return [...this.#problems, ...files];
  }

  /** Those of a bus, in the order of their names. @throws ShelfError NOT_FOUND */
  list(bus: string): readonly ShelfFile[] {
    return [...this.#of(bus).values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** A file as it was sent. @throws ShelfError NOT_FOUND, UNREADABLE */
  async read(bus: string, name: string): Promise<Uint8Array> {
    const { origin } = this.#find(bus, name);
    const { fixed, filesOf } = this.#options;
    const named = fixed.find(({ file, ...one }) => one.bus === bus && nameOf(file) === name);
    const bytes = await readable(
      origin !== 'upload' && named
        ? readAtMost(named.file, FILE_BYTES_MAX)
        : filesOf(bus).read(`${name}${EXTENSION}`, FILE_BYTES_MAX),
    );
    if (bytes === undefined) throw new ShelfError('UNREADABLE', TOO_LARGE);
    return bytes;
  }

  /**
   * Takes a file in place of one with its name. Resolves when it is on the device, and counts.
   *
   * @throws ShelfError NOT_FOUND, BAD_NAME, UNREADABLE, TOO_MANY, FROM_SETTING, UNWRITABLE
   */
  async put(bus: string, name: string, bytes: Uint8Array): Promise<ShelfFile> {
    const files = this.#of(bus);
    if (!FILE_NAME.test(name)) {
      const text = `the name of a file has 1 to ${NAME_CHARS_MAX} of a-z, 0-9, - and _, found ${JSON.stringify(name)}`;
      throw new ShelfError('BAD_NAME', text);
    }
    const file: ShelfFile = {
      ...{ name, origin: 'upload', bytes: bytes.length, problem: '' },
      parsed: await parsedOrRefused(bytes, this.#options.rest),
    };
    return await this.#turns.run(bus, async () => {
      const before = files.get(name);
      if (before && before.origin !== 'upload') throw notSent(before);
      if (!files.has(name) && files.size >= FILES_MAX) {
        throw new ShelfError('TOO_MANY', `${TOO_MANY}; remove one first`);
      }
      await onDisk(this.#options.filesOf(bus).write(`${name}${EXTENSION}`, bytes));
      files.set(name, file);
      await this.#tell(bus);
      return file;
    });
  }

  /** Removes a file: it counts no more. @throws ShelfError NOT_FOUND, FROM_SETTING, UNWRITABLE */
  async remove(bus: string, name: string): Promise<void> {
    await this.#turns.run(bus, async () => {
      const file = this.#find(bus, name);
      if (file.origin !== 'upload') throw notSent(file);
      await onDisk(this.#options.filesOf(bus).remove(`${name}${EXTENSION}`));
      this.#of(bus).delete(name);
      await this.#tell(bus);
    });
  }

  #of(bus: string): Map<string, ShelfFile> {
    const files = this.#files.get(bus);
    if (files) return files;
    const known = [...this.#files.keys()].join(', ') || 'none';
    throw new ShelfError('NOT_FOUND', `there is no bus ${JSON.stringify(bus)}; there is: ${known}`);
  }

  #find(bus: string, name: string): ShelfFile {
    const file = this.#of(bus).get(name);
    if (file) return file;
    throw new ShelfError('NOT_FOUND', `${bus} has no DBC file ${JSON.stringify(name)}`);
  }

  async #tell(bus: string): Promise<void> {
    const databases = this.list(bus).flatMap(({ name, parsed }): NamedDatabase[] => {
      if (!parsed) return [];
      const { database, warnings, unlisted } = parsed;
      return [{ name, database, warnings: warnings.length + unlisted }];
    });
    await this.#options.changed(bus, databases);
  }

  async #readFixed({ bus, file, origin }: FixedFile): Promise<void> {
    await this.#add(bus, nameOf(file), origin, () => readAtMost(file, FILE_BYTES_MAX));
  }

  async #readKept(bus: string): Promise<void> {
    const kept = this.#options.filesOf(bus);
    try {
      const names = (await kept.names()).flatMap((entry) => dbcNameOf(entry) ?? []);
      for (const name of names) {
        const read = () => kept.read(`${name}${EXTENSION}`, FILE_BYTES_MAX);
        await this.#add(bus, name, 'upload', read);
      }
    } catch (error) {
      if (!isExpected(error)) throw error;
      this.#problems.push(`the DBC files of ${bus}: ${error.message}`);
    }
  }

  /** Of two with one name the first counts. */
  async #add(
    bus: string,
    name: string,
    origin: ShelfFile['origin'],
    read: () => Promise<Uint8Array | undefined>,
  ): Promise<void> {
    const files = this.#of(bus);
    const hidden = files.has(name) ? HIDDEN : files.size >= FILES_MAX ? TOO_MANY : undefined;
    if (hidden !== undefined) {
      this.#problems.push(`${bus}/${name}${EXTENSION}: ${hidden}`);
      return;
    }
    const found: { bytes: number; parsed: Parsed | undefined; problem: string } = {
      ...{ bytes: 0, parsed: undefined, problem: '' },
    };
    try {
      const bytes = await read();
      found.bytes = bytes?.length ?? 0;
      if (bytes === undefined) found.problem = TOO_LARGE;
      else found.parsed = await parseDbcInTurns(readDbcText(bytes), this.#options.rest);
    } catch (error) {
      if (!isExpected(error)) throw error;
      found.problem = error.message;
    }
    files.set(name, { name, origin, ...found });
  }
}

const TOO_MANY = `a bus has ${FILES_MAX} files at most`;
const HIDDEN = 'another file is called so, which the setting dbc names or the simulated bus brings';
const TOO_LARGE = `the file has more than ${FILE_BYTES_MAX} bytes`;

/** The name of a file that is not sent: what of its own fits into one. */
function nameOf(file: string): string {
  const stem = path.basename(file).replace(/\.dbc$/i, '');
  const name = stem
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, '-')
    .slice(0, NAME_CHARS_MAX);
  return name === '' ? 'dbc' : name;
}

/** @throws ShelfError UNREADABLE */
async function parsedOrRefused(bytes: Uint8Array, rest: () => Promise<void>): Promise<Parsed> {
  try {
    return await parseDbcInTurns(readDbcText(bytes), rest);
  } catch (error) {
    if (error instanceof DbcError) throw new ShelfError('UNREADABLE', error.message);
    throw error;
  }
}

function notSent({ name, origin }: ShelfFile): ShelfError {
  const text =
    origin === 'simulator'
      ? 'comes with the simulated bus, and says what its frames mean'
      : 'is named by the setting dbc: it is changed where it is, and counts after a restart';
  return new ShelfError('FROM_SETTING', `${name} ${text}`);
}

/** @throws ShelfError UNWRITABLE */
async function onDisk(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isExpected(error)) throw error;
    throw new ShelfError('UNWRITABLE', `the disk does not take it: ${error.message}`);
  }
}

/** @throws ShelfError UNREADABLE */
async function readable<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!isExpected(error)) throw error;
    throw new ShelfError('UNREADABLE', `the file cannot be read: ${error.message}`);
  }
}
