import { parseArgs } from 'node:util';
import { durationText } from '#core/duration.ts';
import type { Stretch } from '#core/session.ts';
import { aboutSession, type ExportAbout } from '../../src/export/about.ts';
import { type ExportFormatName, exportFileName, formatOf } from '../../src/export/formats.ts';
import { exportPieces } from '../../src/reading/answers.ts';
import { endOf, sessionStretches, type Window, within } from '../../src/reading/stretches.ts';
import type { OfflineStore } from '../../src/store/opening/offline.ts';
import type { StoreReader } from '../../src/store/reading/reader.ts';
import { UsageError } from './errors.ts';
import { checkFree, writeFile, writeOut } from './output.ts';
import {
  allStretches,
  DATA_OPTION,
  dataDirectory,
  findSession,
  openRecording,
} from './recording.ts';
import { bytesText, parseDuration } from './words.ts';

const OPTIONS = {
  ...DATA_OPTION,
  format: { type: 'string' },
  streams: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  output: { type: 'string', short: 'o' },
  force: { type: 'boolean', default: false },
} as const;

/** Writes a session, or everything, as a file. Returns the exit code. */
export async function exportCommand(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: argv.map((arg, i) => (argv[i - 1] === '-o' && arg === '-' ? '/dev/stdout' : arg)),
    options: OPTIONS,
    allowPositionals: true,
  });
  const [which, ...more] = positionals;
  if (more.length > 0) throw new UsageError(`expected one session, found ${positionals.join(' ')}`);
  if (values.format === undefined) throw new UsageError('expected --format; see --help');
  const format = formatOf(values.format);
  const window = {
    ...(values.from !== undefined && { from: parseDuration(values.from, '--from') }),
    ...(values.to !== undefined && { to: parseDuration(values.to, '--to') }),
  };
  const store = await openRecording(dataDirectory(values.data));
  try {
    const asked = chosen(store, which);
    const part = { ...asked, stretches: partOf(asked, window) };
    const reader = store.reader();
    const streams = values.streams === undefined ? undefined : idsOf(reader, values.streams);
    const pieces = exportPieces(reader, { ...part, format, streams });
    const { output, force } = values;
    await write(pieces, { format, name: asked.name, output, force });
    return told(reader);
  } finally {
    await store.close();
  }
}

interface Chosen {
  /** Of the file. */
  readonly name: string;
  readonly title: string;
  readonly about: ExportAbout | undefined;
  readonly stretches: readonly Stretch[];
}

function chosen(store: OfflineStore, which: string | undefined): Chosen {
  if (which === 'all') {
    const stretches = allStretches(store);
    return { name: 'all', title: 'the recording', about: undefined, stretches };
  }
  const session = findSession(store, which);
  const stretches = sessionStretches(store, session);
  const title = `session ${session.id}`;
  return { name: title, title, about: aboutSession(session, stretches), stretches };
}

/** @throws UsageError where nothing is left: a file without a row is no answer */
function partOf({ title, stretches }: Chosen, window: Window): Stretch[] {
  const { from, to } = window;
  const time = (us: number): string => durationText(us / 1e6);
  if (from !== undefined && to !== undefined && from > to) {
    throw new UsageError(`--from: expected at most --to, ${time(to)}, found ${time(from)}`);
  }
  const part = within(stretches, window);
  if (part.length > 0 || (from === undefined && to === undefined)) return part;
  const range = `${time(from ?? 0)} to ${to === undefined ? 'its end' : time(to)}`;
  const last = stretches.at(-1);
  const lasts = time(last ? endOf(last) : 0);
  throw new UsageError(`nothing of ${title} lies in ${range}: it lasts ${lasts}`);
}

/** An id, or what ids begin with up to a dot. What nobody knows stays, for the export to tell. */
function idsOf(reader: StoreReader, written: string): string[] {
  const known = new Set(reader.streams().map(({ stream }) => stream.id));
  return written.split(',').flatMap((name) => {
    const found = [...known].filter((id) => `${id}.`.startsWith(`${name}.`));
    return found.length > 0 ? found : [name];
  });
}

interface Target {
  readonly format: ExportFormatName;
  /** Of the file where nothing else is said. */
  readonly name: string;
  readonly output: string | undefined;
  readonly force: boolean;
}

async function write(
  pieces: Iterable<Uint8Array>,
  { format, name, output, force }: Target,
): Promise<void> {
  if (output === '-' || output === '/dev/stdout') {
    if (process.stdout.isTTY && format.startsWith('parquet')) {
      throw new UsageError('parquet is nothing for a terminal; -o FILE names a file');
    }
    await writeOut(pieces);
    return;
  }
  const file = output ?? exportFileName(name, format);
  await checkFree(file, force);
  const bytes = await writeFile(file, pieces, { force });
  process.stderr.write(`${process.stderr.isTTY ? '\r' : ''}${file}: ${bytesText(bytes)}\n`);
}

/** What could not be read is left out of the export, which must not go unnoticed. */
function told({ damaged }: StoreReader): number {
  if (damaged.count === 0) return 0;
  const [first] = damaged.first;
  process.stderr.write(`vigil: ${damaged.count} damaged entries were left out: ${first}\n`);
  return 1;
}
