import type { Stretch } from '#core/session.ts';
import { merge } from './merge.ts';
import type { Rows } from './rows.ts';
import type { ExportSource } from './source.ts';

/**
 * Rows by time: one for each time at which a stream has a sample, with the values of all that have.
 *
 * A stream has at most one value in a row, and a row is complete when time moves on. So a second
 * sample of a stream at the same time, and one whose time goes back, begin a row: none is lost, and
 * only there a time comes twice.
 *
 * Most cells are empty, so a column holds its values and their rows, not its cells.
 */

/** Rows in a grid, and in a row group of Parquet. */
export const GRID_ROWS = 65_536;
/** Values after which a grid ends with its row: bounds it where many streams share their times. */
const GRID_VALUES = 1_048_576;

export interface Grid {
  /** Rows in use. */
  n: number;
  /** Values of all columns together. */
  values: number;
  /** Microseconds of the epoch. */
  readonly t: Float64Array;
  /** One a stream, in the order of the streams. */
  readonly columns: readonly GridColumn[];
}

export interface GridColumn {
  /** In which rows there is a value, ascending. */
  readonly rows: number[];
  readonly v: number[];
  /** Where one who goes through the rows is: the first of `rows` still ahead. */
  next: number;
}

/** Yields the same grid with its next rows again and again, at least one row each. */
export function* grids(source: ExportSource, stretch: Stretch): Generator<Grid> {
  const grid: Grid = {
    n: 0,
    values: 0,
    t: new Float64Array(GRID_ROWS),
    columns: source.streams.map(() => ({ rows: [], v: [], next: 0 })),
  };
  for (const rows of merge(source, stretch)) {
    for (let i = 0; i < rows.n; ) {
      i = place(grid, rows, i);
      if (i < rows.n) {
        yield grid;
        clear(grid);
      }
    }
  }
  if (grid.n > 0) yield grid;
}

function clear(grid: Grid): void {
  grid.n = 0;
  grid.values = 0;
  for (const column of grid.columns) {
    column.rows.length = 0;
    column.v.length = 0;
    column.next = 0;
  }
}

/** Fills the grid with rows from `from` on. Returns the first that begins a row it has no place for. */
function place(grid: Grid, rows: Rows, from: number): number {
  const { t: times, columns } = grid;
  for (let i = from; i < rows.n; i++) {
    const t = rows.t[i] ?? 0;
    const column = columns[rows.stream[i] ?? 0];
    if (!column) throw new Error(`row of stream ${rows.stream[i]}, of ${columns.length}`);
    const last = grid.n - 1;
    if (last < 0 || times[last] !== t || column.rows.at(-1) === last) {
      if (grid.n === GRID_ROWS || grid.values >= GRID_VALUES) return i;
      times[grid.n++] = t;
    }
    grid.values++;
    column.rows.push(grid.n - 1);
    column.v.push(rows.v[i] ?? 0);
  }
  return rows.n;
}
