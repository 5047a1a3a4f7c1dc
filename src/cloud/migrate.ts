import { ConfigError } from '#core/errors.ts';
import type { Database } from './database.ts';

/** Brings the tables to what this release knows: the migrations of schema.sql that have not run yet. */

/** Any number that nobody else takes: one instance at a time, the others wait and find it done. */
const LOCK = 7_441_001;
const MARK = /^-- migration (\d+): (.*)$/gm;

export interface Migration {
  readonly number: number;
  readonly title: string;
  readonly sql: string;
}

/** @throws RangeError where they are not numbered 1, 2, 3 ... */
export function readMigrations(text: string): readonly Migration[] {
  const marks = [...text.matchAll(MARK)];
  return marks.map((mark, i) => {
    const number = Number(mark[1]);
    if (number !== i + 1) throw new RangeError(`migration ${number} where ${i + 1} is expected`);
    const sql = text.slice(mark.index, marks[i + 1]?.index ?? text.length);
    return { number, title: mark[2] ?? '', sql };
  });
}

/**
 * @returns those that have run now
 * @throws ConfigError for tables of a newer release, DatabaseError
 */
export function migrate(
  database: Database,
  migrations: readonly Migration[],
): Promise<readonly Migration[]> {
  return database.transaction(async ({ query }) => {
    await query(`SELECT pg_advisory_xact_lock(${LOCK})`);
    await query(
      `CREATE TABLE IF NOT EXISTS migrations (
         number integer PRIMARY KEY, title text NOT NULL, at timestamptz NOT NULL DEFAULT now())`,
    );
    const [found] = await query('SELECT coalesce(max(number), 0) AS number FROM migrations');
    const last = Number(found?.['number']);
    if (last > migrations.length) {
      const known = migrations.length;
      const text = `the database has tables of a newer release: migration ${last}, ${known} is known here`;
      throw new ConfigError(text);
    }
    const missing = migrations.slice(last);
    for (const { number, title, sql } of missing) {
      for (const statement of statementsOf(sql)) await query(statement);
      await query('INSERT INTO migrations (number, title) VALUES ($1, $2)', [number, title]);
    }
    return missing;
  });
}

/** Statements end with a semicolon at the end of a line; those within $$ do not count. */
export function statementsOf(sql: string): string[] {
  const statements: string[] = [];
  let statement = '';
  for (const line of sql.split('\n')) {
    statement += `${line}\n`;
    const quoted = statement.split('$$').length % 2 === 0;
    if (quoted || !/;\s*(--.*)?$/.test(line)) continue;
    statements.push(statement);
    statement = '';
  }
  return statements;
}
