import {
  type Change,
  type DatabaseUse,
  type Entry,
  type PageQuery,
  type Reads,
  TABLES,
  type TableName,
} from '../../src/store/lmdb.ts';

/** The tables of a store in memory, which counts what it is asked for. */
export class MemoryReads implements Reads {
  /** Values that were looked at. */
  values = 0;
  /** Keys that were looked at. */
  looked = 0;
  readonly #tables = new Map<TableName, Map<string, Uint8Array>>();
  readonly #sorted = new Map<TableName, string[]>();

  get(table: TableName, key: Uint8Array): Uint8Array | undefined {
    this.values++;
    return this.#tables.get(table)?.get(hex(key));
  }

  page(table: TableName, query: PageQuery): Entry[] {
    return this.keys(table, query).map((key) => {
      return { key, value: this.get(table, key) ?? new Uint8Array() };
    });
  }

  keys(table: TableName, { start, end, limit, reverse = false }: PageQuery): Uint8Array[] {
    if (reverse) throw new Error('a memory table is not read backwards');
    const all = this.#sortedKeys(table);
    const [low, high] = [hex(start), hex(end)];
    const first = all.findIndex((key) => key >= low);
    if (first < 0) return [];
    const found = all.slice(first, first + limit).filter((key) => key < high);
    this.looked += found.length;
    return found.map((key) => Buffer.from(key, 'hex'));
  }

  commit(changes: readonly Change[]): void {
    for (const { table, key, value } of changes) {
      const rows = this.#tables.get(table) ?? new Map<string, Uint8Array>();
      this.#tables.set(table, rows);
      if (value === undefined) rows.delete(hex(key));
      else rows.set(hex(key), value);
      this.#sorted.delete(table);
    }
  }

  /** Every key of a table, in hexadecimal. */
  list(table: TableName): string[] {
    return [...this.#sortedKeys(table)];
  }

  use(): DatabaseUse {
    const tables = TABLES.map((name) => {
      const rows = [...(this.#tables.get(name) ?? new Map<string, Uint8Array>())];
      const bytes = rows.reduce((sum, [key, value]) => sum + key.length / 2 + value.length, 0);
      return [name, { entries: rows.length, bytes }] as const;
    });
    const used = tables.reduce((sum, [, { bytes }]) => sum + bytes, 0);
    return { used, end: used, tables: Object.fromEntries(tables) as DatabaseUse['tables'] };
  }

  #sortedKeys(table: TableName): string[] {
    const sorted = this.#sorted.get(table) ?? [...(this.#tables.get(table)?.keys() ?? [])].sort();
    this.#sorted.set(table, sorted);
    return sorted;
  }
}

function hex(key: Uint8Array): string {
  return Buffer.from(key).toString('hex');
}
