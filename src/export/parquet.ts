import { constants, zstdCompressSync } from 'node:zlib';
import { ByteWriter, ParquetWriter, type SchemaElement } from 'hyparquet-writer';
import type { Stretch } from '#core/session.ts';
import type { Stream } from '#core/stream.ts';
import { describe, offsetsOf, statesOf } from './describe.ts';
import { frameText } from './frame.ts';
import { merge } from './merge.ts';
import type { Rows } from './rows.ts';
import type { ExportSource } from './source.ts';
import { PIECE_BYTES } from './text.ts';
import { GRID_ROWS, type Grid, type GridColumn, grids } from './wide.ts';

/**
 * Parquet (apache/parquet-format 2.x), written row group by row group.
 *
 *   long   time, t_us, stream, value, text     a row a sample, frame or event
 *   wide   time, t_us, <stream>...             a row a time; empty cells are null
 *
 *   time    TIMESTAMP, microseconds, UTC       t_us   INT64, microseconds since the session's start
 *   stream  STRING, as a dictionary            value  DOUBLE; null for frames and events
 *   text    STRING: what an enumeration's number means, a frame as `123#DEADBEEF`, an event's JSON;
 *           null for the rest
 *
 * The metadata has `title`, and as JSON `about` (what people said of the session, and when it was),
 * where that is known, `streams` (units, names, rates, states) and `stretches` (how far the clock can
 * be believed in each), as in describe.ts.
 *
 * Pages are compressed by zstd at its lowest level, which comes with Node and is both faster and
 * smaller than the writer's own Snappy; times are delta-encoded, which leaves less than a byte of
 * each. Memory: one row group, and some 1 KB a column of each row group for the footer.
 */

/** Rows of a row group: memory of the writer, and what a reader can skip. */
const GROUP_ROWS = GRID_ROWS;
/** Characters of text after which a row group ends early, as an event may have very long ones. */
const GROUP_TEXT_CHARS = 4_194_304;
const COMPRESSION = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
const CREATED_BY = 'vigil';

type Cells = BigInt64Array | Float64Array | (number | string | null)[];

interface Column {
  readonly element: SchemaElement;
  readonly encoding?: 'DELTA_BINARY_PACKED' | 'RLE_DICTIONARY' | 'PLAIN';
  /** The cells of the current row group. Asked for once, when its turn has come. */
  cells(): Cells;
}

const required = { repetition_type: 'REQUIRED' } as const;
const optional = { repetition_type: 'OPTIONAL' } as const;
const string = { type: 'BYTE_ARRAY', converted_type: 'UTF8' } as const;

/** The columns of time that both layouts begin with. */
function timeColumns(wall: () => BigInt64Array, session: () => BigInt64Array): Column[] {
  const micros = { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' } as const;
  const timestamp = { converted_type: 'TIMESTAMP_MICROS', logical_type: micros } as const;
  return [
    {
      element: { name: 'time', type: 'INT64', ...timestamp, ...required },
      encoding: 'DELTA_BINARY_PACKED',
      cells: wall,
    },
    {
      element: { name: 't_us', type: 'INT64', ...required },
      encoding: 'DELTA_BINARY_PACKED',
      cells: session,
    },
  ];
}

/** The file as it comes. */
class ParquetFile {
  readonly #bytes = new ByteWriter();
  readonly #columns: readonly Column[];
  readonly #writer: ParquetWriter;

  constructor(source: ExportSource, columns: readonly Column[]) {
    const { title, about, streams, stretches } = describe(source);
    this.#columns = columns;
    this.#writer = new ParquetWriter({
      writer: this.#bytes,
      schema: [
        { name: 'vigil', num_children: columns.length },
        ...columns.map(({ element }) => element),
      ],
      codec: 'ZSTD',
      compressors: { ZSTD: (page) => zstdCompressSync(page, COMPRESSION) },
      kvMetadata: [
        { key: 'title', value: title },
        ...(about ? [{ key: 'about', value: JSON.stringify(about) }] : []),
        { key: 'streams', value: JSON.stringify(streams) },
        { key: 'stretches', value: JSON.stringify(stretches) },
      ],
      createdBy: CREATED_BY,
    });
  }

  /** Writes the cells that the columns have as a row group. */
  *group(): Generator<Uint8Array> {
    // Nothing to wait for: a ByteWriter takes everything at once.
    void this.#writer.write({
      // The writer reads `data` column by column, so only one has its cells at a time.
      columnData: this.#columns.map(({ element, encoding, cells }) => ({
        name: element.name,
        ...(encoding ? { encoding } : {}),
        get data() {
          return cells();
        },
      })),
      rowGroupSize: GROUP_ROWS,
      pageSize: 0, // A page a column: a row group is small.
    });
    yield* this.#drain();
  }

  *end(): Generator<Uint8Array> {
    void this.#writer.finish();
    yield* this.#drain();
  }

  *#drain(): Generator<Uint8Array> {
    const bytes = this.#bytes.getBytes();
    for (let from = 0; from < bytes.length; from += PIECE_BYTES) {
      yield bytes.slice(from, from + PIECE_BYTES);
    }
    this.#bytes.index = 0;
  }
}

/** The row group that fills up, of the long layout. */
class LongGroup {
  n = 0;
  #chars = 0;
  readonly #time = new BigInt64Array(GROUP_ROWS);
  readonly #session = new BigInt64Array(GROUP_ROWS);
  readonly #stream = new Array<string>(GROUP_ROWS).fill('');
  readonly #value = new Float64Array(GROUP_ROWS);
  readonly #text = new Array<string | null>(GROUP_ROWS).fill(null);
  readonly #streams: readonly LongStream[];

  constructor(source: ExportSource) {
    this.#streams = source.streams.map(longStream);
  }

  columns(): Column[] {
    const hasNulls = this.#streams.some(({ hasValue }) => !hasValue);
    return [
      ...timeColumns(
        () => this.#time.subarray(0, this.n),
        () => this.#session.subarray(0, this.n),
      ),
      {
        element: { name: 'stream', ...string, ...required },
        encoding: 'RLE_DICTIONARY',
        cells: () => this.#stream.slice(0, this.n),
      },
      {
        element: { name: 'value', type: 'DOUBLE', ...(hasNulls ? optional : required) },
        cells: () => (hasNulls ? this.#valuesOrNull() : this.#value.subarray(0, this.n)),
      },
      {
        element: { name: 'text', ...string, ...optional },
        cells: () => this.#text.slice(0, this.n),
      },
    ];
  }

  get full(): boolean {
    return this.n === GROUP_ROWS || this.#chars >= GROUP_TEXT_CHARS;
  }

  clear(): void {
    this.n = 0;
    this.#chars = 0;
  }

  /** Adds rows from `from` on until the group is full. Returns the first that was not added. */
  add(rows: Rows, from: number, stretch: Stretch): number {
    const { wall, session } = offsetsOf(stretch);
    let i = from;
    while (i < rows.n && !this.full) {
      const t = rows.t[i] ?? 0;
      const stream = this.#streams[rows.stream[i] ?? 0];
      if (!stream) throw new Error(`row of stream ${rows.stream[i]}, of ${this.#streams.length}`);
      this.#time[this.n] = BigInt(t + wall);
      this.#session[this.n] = BigInt(t + session);
      this.#stream[this.n] = stream.id;
      this.#value[this.n] = rows.v[i] ?? 0;
      const text = stream.text ? stream.text(rows, i) : null;
      this.#text[this.n] = text;
      this.#chars += text?.length ?? 0;
      this.n++;
      i++;
    }
    return i;
  }

  #valuesOrNull(): (number | null)[] {
    const values = new Array<number | null>(this.n).fill(null);
    const without = new Set(this.#streams.filter((s) => !s.hasValue).map(({ id }) => id));
    for (let i = 0; i < this.n; i++) {
      if (!without.has(this.#stream[i] ?? '')) values[i] = this.#value[i] ?? 0;
    }
    return values;
  }
}

interface LongStream {
  readonly id: string;
  readonly hasValue: boolean;
  readonly text: ((rows: Rows, i: number) => string | null) | undefined;
}

function longStream(stream: Stream): LongStream {
  const { id, kind } = stream;
  switch (kind) {
    case 'event':
      return { id, hasValue: false, text: (rows, i) => JSON.stringify(rows.event[i]) };
    case 'frame':
      return { id, hasValue: false, text: frameText };
    case 'sample':
    case 'wave': {
      const texts = statesOf(stream, (text) => text);
      return { id, hasValue: true, text: texts && (({ v }, i) => texts.get(v[i] ?? 0) ?? null) };
    }
  }
}

/** A row a sample, frame or event, of streams of any kind. */
export function* parquet(source: ExportSource): Generator<Uint8Array> {
  const group = new LongGroup(source);
  const file = new ParquetFile(source, group.columns());
  for (const stretch of source.stretches) {
    for (const rows of merge(source, stretch)) {
      for (let i = 0; i < rows.n; ) {
        i = group.add(rows, i, stretch);
        if (!group.full) continue;
        yield* file.group();
        group.clear();
      }
    }
  }
  if (group.n > 0) yield* file.group();
  yield* file.end();
}

/** A row a time, a column a stream; of samples and waves only. See wide.ts for what a row is. */
export function* parquetWide(source: ExportSource): Generator<Uint8Array> {
  let grid: Grid = { n: 0, values: 0, t: new Float64Array(0), columns: [] };
  let offsets = { wall: 0, session: 0 };
  const file = new ParquetFile(source, [
    ...timeColumns(
      () => microsOf(grid, offsets.wall),
      () => microsOf(grid, offsets.session),
    ),
    ...source.streams.map(
      ({ id }, index): Column => ({
        element: { name: id, type: 'DOUBLE', ...optional },
        cells: () => cellsOf(grid.columns[index], grid.n),
      }),
    ),
  ]);
  for (const stretch of source.stretches) {
    offsets = offsetsOf(stretch);
    for (const next of grids(source, stretch)) {
      grid = next;
      yield* file.group();
    }
  }
  yield* file.end();
}

function microsOf({ t, n }: Grid, offset: number): BigInt64Array {
  return BigInt64Array.from({ length: n }, (_, i) => BigInt((t[i] ?? 0) + offset));
}

function cellsOf(column: GridColumn | undefined, n: number): (number | null)[] {
  const cells = new Array<number | null>(n).fill(null);
  column?.rows.forEach((row, i) => {
    cells[row] = column.v[i] ?? 0;
  });
  return cells;
}
