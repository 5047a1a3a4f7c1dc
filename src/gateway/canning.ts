import type { PartHealth } from '#core/health.ts';
import { type KeptFiles, keptFiles } from '../io/kept-files.ts';
import type { Log } from '../io/log.ts';
import type { CanSource, CanStatus } from '../sources/can/can.ts';
import { KeptDbc } from '../sources/can/kept-dbc.ts';
import { DbcShelf, type FixedFile } from '../sources/can/shelf.ts';

/** Below the data: a directory for each bus. */
const DBC_DIRECTORY = 'dbc';
/** Files that cannot be used and are told of by name in a sentence; health has them all. */
const PROBLEMS_SAID = 2;

export interface CanningOptions {
  /** Of the buses that are read; no two have the same name. */
  readonly sources: readonly CanSource[];
  /** DBC files that are not sent. */
  readonly dbc: readonly FixedFile[];
  /** The data directory. */
  readonly data: string;
  readonly log: Log;
  /** Resolves in a later turn of the event loop. */
  readonly rest: () => Promise<void>;
}

/** Where the DBC files are that were sent for a bus. @param data the data directory */
export function dbcFilesOf(data: string, bus: string): KeptFiles {
  return keptFiles(data, [DBC_DIRECTORY, bus]);
}

/** The DBC files that were sent, also of buses that are not read now. @param data the data directory */
export function keptDbc(data: string): KeptDbc {
  return new KeptDbc({
    buses: () => keptFiles(data, [DBC_DIRECTORY]).names(),
    filesOf: (bus) => dbcFilesOf(data, bus),
  });
}

/** The CAN buses as a whole: what they are read with, and how they are. */
export class Canning {
  /** The DBC files of all buses. */
  readonly files: DbcShelf;
  readonly #options: CanningOptions;

  constructor(options: CanningOptions) {
    const { sources, dbc, data, rest } = options;
    this.#options = options;
    this.files = new DbcShelf({
      buses: sources.map(({ bus }) => bus),
      fixed: dbc,
      filesOf: (bus) => dbcFilesOf(data, bus),
      changed: async (bus, databases) => {
        await sources.find((one) => one.bus === bus)?.use(databases, rest);
      },
      rest,
    });
  }

  /** Reads the DBC files; to be awaited before anything is received. What cannot be read is told. */
  async open(): Promise<void> {
    await this.files.open();
    for (const problem of this.files.problems) {
      this.#options.log.warn({ source: 'dbc' }, `${problem}; its signals are missing`);
    }
  }

  buses(): readonly CanStatus[] {
    return this.#options.sources.map((source) => source.status());
  }

  /** Of the DBC files; none where there is no bus. */
  health(): readonly PartHealth[] {
    const { sources } = this.#options;
    if (sources.length === 0) return [];
    const { problems } = this.files;
    const files = sources.flatMap(({ bus }) => this.files.list(bus));
    const said = problems.slice(0, PROBLEMS_SAID).join('; ');
    const rest = problems.length > PROBLEMS_SAID ? `; ${problems.length - PROBLEMS_SAID} more` : '';
    return [
      {
        id: 'dbc',
        status: problems.length === 0 ? 'ok' : 'waiting',
        text: problems.length === 0 ? countText(files.length) : `${said}${rest}`,
        details: { files: files.length, problems },
      },
    ];
  }
}

function countText(files: number): string {
  if (files === 0) return 'no DBC file';
  return files === 1 ? '1 DBC file' : `${files} DBC files`;
}
