import { parseArgs } from 'node:util';
import type { Stretch } from '#core/session.ts';
import { type ExportFormatName, exportFileName, formatOf } from '../../src/export/formats.ts';
import { exportPieces } from '../../src/reading/answers.ts';
import { sessionStretches, within } from '../../src/reading/stretches.ts';
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
    const { title, stretches } = chosen(store, which);
    const reader = store.reader();
    const pieces = exportPieces(reader, {
      ...{ title, format, stretches: within(stretches, window) },
      streams: values.streams === undefined ? undefined : idsOf(reader, values.streams),
    });
    await write(pieces, { format, title, output: values.output, force: values.force });
    return told(reader);
  } finally {
    await store.close();
  }
}

function chosen(
  store: OfflineStore,
  which: string | undefined,
): { title: string; stretches: Stretch[] } {
  if (which === 'all') return { title: 'all', stretches: allStretches(store) };
  const session = findSession(store, which);
  return { title: `session ${session.id}`, stretches: sessionStretches(store, session) };
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
  readonly title: string;
  readonly output: string | undefined;
  readonly force: boolean;
}

async function write(
  pieces: Iterable<Uint8Array>,
  { format, title, output, force }: Target,
): Promise<void> {
  if (output === '-' || output === '/dev/stdout') {
    if (process.stdout.isTTY && format.startsWith('parquet')) {
      throw new UsageError('parquet is nothing for a terminal; -o FILE names a file');
    }
    await writeOut(pieces);
    return;
  }
  const file = output ?? exportFileName(title, format);
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
