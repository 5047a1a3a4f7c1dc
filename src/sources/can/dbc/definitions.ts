import { Cursor } from './cursor.ts';
import type { MessageFormat } from './database.ts';
import type { Statement } from './statements.ts';
import { TEXTS, type Warnings } from './warnings.ts';

/** Texts of values that a signal keeps; they go out with the catalogue of streams. */
const LABELS_MAX = 1_000;

export interface Labels {
  readonly texts: ReadonlyMap<number, string>;
  /** The smallest and the largest value that has a text; infinite where there is none. */
  readonly min: number;
  readonly max: number;
}

/** Of a signal about which nothing has been said. */
export const NO_LABELS: Labels['texts'] = new Map();

/**
 * What other statements of a file refer to:
 *
 *   VAL_TABLE_ name 0 "off" 1 "on" ;
 *   BA_DEF_ BO_ "VFrameFormat" ENUM "StandardCAN","ExtendedCAN","reserved","J1939PG" ;
 *   BA_DEF_DEF_ "VFrameFormat" "StandardCAN" ;
 */
export class Definitions {
  readonly tables = new Map<string, Labels>();
  /** Values of attributes that are not given, as the file writes them. */
  readonly defaults = new Map<string, string>();
  readonly #enums = new Map<string, readonly string[]>();
  readonly #warnings: Warnings;

  constructor(warnings: Warnings) {
    this.#warnings = warnings;
  }

  readTable(statement: Statement): void {
    const cursor = new Cursor(statement, this.#warnings);
    const name = cursor.word('a name');
    if (!cursor.failed) this.tables.set(name, readLabels(cursor));
  }

  /** Only lists are of interest, for what their numbers mean. */
  readAttribute(statement: Statement): void {
    const cursor = new Cursor(statement, this.#warnings);
    // An attribute of the whole file names no kind of object.
    if (cursor.nextWord !== undefined) cursor.skip();
    const name = cursor.string('a name in quotes');
    if (cursor.nextWord !== 'ENUM') return;
    cursor.skip();
    const names: string[] = [];
    while (!cursor.atEnd) {
      names.push(cursor.string('a value in quotes'));
      if (!cursor.has(',') && !cursor.atEnd && !cursor.nextIsString) cursor.fail('"," or ";"');
    }
    this.#enums.set(name, names);
  }

  readDefault(statement: Statement): void {
    const cursor = new Cursor(statement, this.#warnings);
    const name = cursor.string('a name in quotes');
    if (!cursor.failed && !cursor.atEnd) this.defaults.set(name, cursor.skip());
  }

  /**
   * What a value of VFrameFormat means. Files write the name or its position in the list; undefined for
   * one that is not in there.
   */
  formatOf(value: string): MessageFormat | undefined {
    const names = this.#enums.get('VFrameFormat') ?? FORMATS;
    const name = /^\d+$/.test(value) ? names[Number(value)] : value;
    if (name === undefined) return undefined;
    if (name.startsWith('J1939')) return 'j1939';
    return name.endsWith('_FD') ? 'fd' : 'classic';
  }
}

/** The list of VFrameFormat in files that use it without bringing it. */
const FORMATS: readonly string[] = [
  ...['StandardCAN', 'ExtendedCAN', 'reserved', 'J1939PG'],
  ...Array.from({ length: 10 }, () => 'reserved'),
  ...['StandardCAN_FD', 'ExtendedCAN_FD'],
];

/** `0 "off" 1 "on"` up to the end; up to the first that is something else. */
export function readLabels(cursor: Cursor): Labels {
  const texts = new Map<number, string>();
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  while (!cursor.atEnd) {
    if (texts.size === LABELS_MAX) {
      cursor.warn(TEXTS.manyLabels);
      break;
    }
    const value = cursor.integer('a value');
    const text = cursor.string('a text in quotes');
    if (cursor.failed) break;
    texts.set(value, text);
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  return { texts, min, max };
}
