import type { Stream, StreamKind } from '#core/stream.ts';
import { asc } from './asc.ts';
import { blf } from './blf.ts';
import { candump } from './candump.ts';
import { csv, csvWide } from './csv.ts';
import { ExportError } from './errors.ts';
import { jsonl } from './jsonl.ts';
import { parquet, parquetWide } from './parquet.ts';
import type { ExportSource } from './source.ts';

export interface ExportFormat {
  readonly mime: string;
  /** Of the file's name, with the dot. */
  readonly extension: string;
  /** What it holds. Streams of another kind are refused, or left out by a log of frames. */
  readonly kinds: readonly StreamKind[];
  /**
   * The file, in pieces of some 64 KB, now and then an empty one, that belong to whoever takes them.
   * Nothing is read ahead: the next piece is made when it is asked for. `return()` ends it early, and
   * the source's iterators.
   *
   * @throws ExportError at once, where the format cannot hold what is to be exported
   */
  export(source: ExportSource): Generator<Uint8Array>;
}

export type ExportFormatName =
  | 'csv'
  | 'csv-wide'
  | 'jsonl'
  | 'parquet'
  | 'parquet-wide'
  | 'candump'
  | 'asc'
  | 'blf';

const CSV = 'text/csv; charset=utf-8; header=present'; // RFC 4180, section 3
const JSONL = 'application/jsonl; charset=utf-8';
const PARQUET = 'application/vnd.apache.parquet'; // registered with IANA
const ASCII = 'text/plain; charset=us-ascii';
const TEXT = 'text/plain; charset=utf-8';
const BINARY = 'application/octet-stream'; // Vector has registered nothing.

const EVERYTHING: readonly StreamKind[] = ['sample', 'wave', 'frame', 'event'];
const NUMBERS: readonly StreamKind[] = ['sample', 'wave'];
const FRAMES: readonly StreamKind[] = ['frame'];

// biome-ignore format: a table
export const FORMATS: Readonly<Record<ExportFormatName, ExportFormat>> = {
  'csv':          { mime: CSV,     extension: '.csv',          kinds: EVERYTHING, export: (source) => csv(some(source)) },
  'csv-wide':     { mime: CSV,     extension: '.wide.csv',     kinds: NUMBERS,    export: (source) => csvWide(values(source)) },
  'jsonl':        { mime: JSONL,   extension: '.jsonl',        kinds: EVERYTHING, export: (source) => jsonl(some(source)) },
  'parquet':      { mime: PARQUET, extension: '.parquet',      kinds: EVERYTHING, export: (source) => parquet(some(source)) },
  'parquet-wide': { mime: PARQUET, extension: '.wide.parquet', kinds: NUMBERS,    export: (source) => parquetWide(values(source)) },
  'candump':      { mime: ASCII,   extension: '.log',          kinds: FRAMES,     export: (source) => candump(frames(source, 'a candump log')) },
  'asc':          { mime: TEXT,    extension: '.asc',          kinds: FRAMES,     export: (source) => asc(frames(source, 'an ASC log')) },
  'blf':          { mime: BINARY,  extension: '.blf',          kinds: FRAMES,     export: (source) => blf(frames(source, 'a BLF log')) },
};

/** @throws ExportError UNKNOWN_FORMAT */
export function formatOf(name: string): ExportFormatName {
  if (isFormatName(name)) return name;
  const known = Object.keys(FORMATS).join(', ');
  throw new ExportError('UNKNOWN_FORMAT', `no format ${quote(name)}: one of ${known}`);
}

function isFormatName(name: string): name is ExportFormatName {
  return Object.hasOwn(FORMATS, name);
}

/** Longest text of a request that an error repeats; the rest is left out. */
const QUOTED_MAX = 40;

function quote(text: string): string {
  return JSON.stringify(text.length > QUOTED_MAX ? `${text.slice(0, QUOTED_MAX)}...` : text);
}

function some(source: ExportSource): ExportSource {
  if (source.streams.length > 0) return source;
  throw new ExportError('NO_STREAMS', `${source.title}: no stream to export`);
}

/** A column a stream can hold numbers only. */
function values(source: ExportSource): ExportSource {
  const others = some(source).streams.filter(({ kind }) => !NUMBERS.includes(kind));
  if (others.length === 0) return source;
  throw new ExportError(
    'UNSUPPORTED',
    `a column a stream holds numbers, not the frames or events of ${named(others)}`,
  );
}

function frames(source: ExportSource, what: string): ExportSource {
  if (source.streams.some(({ kind }) => FRAMES.includes(kind))) return source;
  const words =
    source.streams.length === 0
      ? `${source.title} has no CAN frames`
      : `${what} holds CAN frames, and ${named(source.streams)} have none`;
  throw new ExportError('NO_FRAMES', words);
}

function named(streams: readonly Stream[]): string {
  return streams.map(({ id }) => id).join(', ');
}

/** Characters of a title in a file's name; the rest is cut off. */
const NAME_MAX = 80;

/**
 * A name for the file that is one on every system: lower-case ASCII letters, digits, `-` and `_`
 * before the extension, so neither a path, nor hidden, nor an option of a command, nor a device of
 * Windows, nor anything to be quoted in a Content-Disposition header.
 */
export function exportFileName(title: string, format: ExportFormatName): string {
  const plain = title.normalize('NFKD').replaceAll(/\p{Mn}/gu, '');
  const words = plain.toLowerCase().match(/[a-z0-9_]+/g) ?? [];
  const name = words.join('-').slice(0, NAME_MAX).replace(/-+$/, '');
  return `vigil-${name === '' ? 'export' : name}${FORMATS[format].extension}`;
}
