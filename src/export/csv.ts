import type { Stretch } from '#core/session.ts';
import type { Stream } from '#core/stream.ts';
import { type Offsets, offsetsOf, statesOf } from './describe.ts';
import { frameText } from './frame.ts';
import { merge } from './merge.ts';
import type { Rows } from './rows.ts';
import type { ExportSource } from './source.ts';
import { TextWriter } from './text.ts';
import { type Grid, grids } from './wide.ts';

/**
 * CSV after RFC 4180: UTF-8 without a mark, lines end in CRLF (section 2.1: it is what text/csv
 * means, and every reader takes it), a first line with names (2.3), quotes where a cell has a comma,
 * a quote or a line break (2.6), quotes in it doubled (2.7). There is no place for metadata, and a
 * line that is no record would break readers; so how far the clock can be believed is a column.
 *
 *   long   time,t_us,stream,value,unit,"text",clock   a row a sample, frame or event
 *   wide   time,t_us,<stream [unit]>...,clock         a row a time
 *
 *   time   RFC 3339, UTC, microseconds      t_us   microseconds since the session's start
 *   value  shortest text of the double, `NaN` and `Infinity` included; empty for frames and events
 *   text   what an enumeration's number means; a frame as `123#DEADBEEF`; an event's JSON
 *   clock  none, rtc, phone, ntp or gps
 *
 * A name is in quotes that need not be: DuckDB and others look at the first rows only to find out what
 * quotes are, and the first text with a comma may be the hundred-thousandth row.
 *
 * Spreadsheets take text that begins with = + - @ (or their full-width forms), tab or a line break
 * for a formula, so such text gets a ' in front (OWASP, CSV Injection). Numbers are left alone: they
 * are computed here.
 */

const COMMA = 0x2c;
const LINE_END = '\r\n';
const LONG_HEADER = 'time,t_us,stream,value,unit,"text",clock';
const FORMULA = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;
const SPECIAL = /[",\r\n]/;

/** Text as a cell. */
export function cellOf(text: string): string {
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return SPECIAL.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

const encoder = new TextEncoder();

/** What is the same in all rows of a stream. */
interface LongStream {
  readonly kind: Stream['kind'];
  /** From the time to the value: `,eeg.raw,`. */
  readonly before: Uint8Array;
  /** From the value to the text: `,uV,`. */
  readonly after: Uint8Array;
  /** By number: the text of an enumeration, as a cell. */
  readonly states: ReadonlyMap<number, string> | undefined;
}

/** A row a sample, frame or event, of streams of any kind. */
export function* csv(source: ExportSource): Generator<Uint8Array> {
  const out = new TextWriter();
  const streams = source.streams.map(longStream);
  out.ascii(`${LONG_HEADER}${LINE_END}`);
  for (const stretch of source.stretches) {
    const writer = { out, streams, offsets: offsetsOf(stretch), end: endOf(stretch) };
    for (const rows of merge(source, stretch)) {
      for (let i = 0; i < rows.n; ) {
        i = writeLong(writer, rows, i);
        if (out.full) yield out.take();
      }
    }
  }
  if (!out.empty) yield out.take();
}

function longStream(stream: Stream): LongStream {
  const { id, unit, kind } = stream;
  return {
    kind,
    before: encoder.encode(`,${cellOf(id)},`),
    after: encoder.encode(`,${cellOf(unit)},`),
    states: statesOf(stream, cellOf),
  };
}

/** `,ntp` and the end of the line. */
function endOf(stretch: Stretch): string {
  return `,${stretch.epoch.trust}${LINE_END}`;
}

interface LongWriter {
  readonly out: TextWriter;
  readonly streams: readonly LongStream[];
  readonly offsets: Offsets;
  readonly end: string;
}

/** Writes rows from `from` on until a piece is full. Returns the first row that was not written. */
function writeLong({ out, streams, offsets, end }: LongWriter, rows: Rows, from: number): number {
  let i = from;
  while (i < rows.n && !out.full) {
    const t = rows.t[i] ?? 0;
    const stream = streams[rows.stream[i] ?? 0];
    if (!stream) throw new Error(`row of stream ${rows.stream[i]}, of ${streams.length}`);
    out.time(t + offsets.wall);
    out.char(COMMA);
    out.number(t + offsets.session);
    out.bytes(stream.before);
    const v = rows.v[i] ?? 0;
    const hasValue = stream.kind === 'sample' || stream.kind === 'wave';
    if (hasValue) out.number(v);
    out.bytes(stream.after);
    if (stream.states) out.text(stream.states.get(v) ?? '');
    else if (!hasValue) out.text(textOf(stream.kind, rows, i));
    out.ascii(end);
    i++;
  }
  return i;
}

function textOf(kind: Stream['kind'], rows: Rows, i: number): string {
  return kind === 'frame' ? frameText(rows, i) : cellOf(JSON.stringify(rows.event[i]));
}

/** A row a time, a column a stream; of samples and waves only. See wide.ts for what a row is. */
export function* csvWide(source: ExportSource): Generator<Uint8Array> {
  const out = new TextWriter();
  const names = source.streams.map(({ id, unit }) => `,${cellOf(`${id} [${unit}]`)}`).join('');
  out.text(`time,t_us${names},clock${LINE_END}`);
  for (const stretch of source.stretches) {
    const writer = { out, offsets: offsetsOf(stretch), end: endOf(stretch) };
    for (const grid of grids(source, stretch)) {
      for (let row = 0; row < grid.n; ) {
        row = writeWide(writer, grid, row);
        if (out.full) yield out.take();
      }
    }
  }
  if (!out.empty) yield out.take();
}

interface WideWriter {
  readonly out: TextWriter;
  readonly offsets: Offsets;
  readonly end: string;
}

/** Like writeLong. */
function writeWide({ out, offsets, end }: WideWriter, grid: Grid, from: number): number {
  let row = from;
  while (row < grid.n && !out.full) {
    const t = grid.t[row] ?? 0;
    out.time(t + offsets.wall);
    out.char(COMMA);
    out.number(t + offsets.session);
    for (const column of grid.columns) {
      out.char(COMMA);
      if (column.rows[column.next] !== row) continue;
      out.number(column.v[column.next] ?? 0);
      column.next++;
    }
    out.ascii(end);
    row++;
  }
  return row;
}
