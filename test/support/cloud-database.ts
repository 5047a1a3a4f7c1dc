/** The fleet side's database in the tree, with its tables. */
import { readFileSync } from 'node:fs';
import { type Database, openDatabase, type Row } from '../../src/cloud/database.ts';
import { migrate, readMigrations } from '../../src/cloud/migrate.ts';
import { BatchStore } from '../../src/cloud/store.ts';
import type { Batch } from '../../src/wire/batch.ts';
import { arrived, STORE, TENANT } from './cloud-batches.ts';
import { type Cloud, startCloud } from './cloud-tree.ts';

export const MIGRATIONS = readMigrations(readFileSync('src/cloud/schema.sql', 'utf8'));

type Parameters = readonly (string | number)[];

export interface CloudDatabase extends AsyncDisposable {
  readonly cloud: Cloud;
  readonly database: Database;
  readonly store: BatchStore;
  query(text: string, parameters?: Parameters): Promise<readonly Row[]>;
  put(...batches: Batch[]): ReturnType<BatchStore['store']>;
  /** What the car is told of one of its streams. */
  nextOf(dev: string, number?: number): Promise<number | undefined>;
  /** The rows of a car, in the order of seq. */
  rowsOf(table: string, dev: string): Promise<readonly Row[]>;
}

/** @param connections that may be in use at a time */
export async function startCloudDatabase(connections: number): Promise<CloudDatabase> {
  const cloud = await startCloud({ parts: ['database'], tenant: TENANT });
  const database = openDatabase(cloud.databaseUrl, connections);
  const stop = async (): Promise<void> => {
    await database.close();
    await cloud.stop();
  };
  try {
    // As two instances that start at once: one makes the tables, the other finds them.
    const ran = await Promise.all([migrate(database, MIGRATIONS), migrate(database, MIGRATIONS)]);
    const made = ran.map((list) => list.length).sort((a, b) => a - b);
    if (made[0] !== 0 || made[1] !== MIGRATIONS.length) throw new Error(`${made} migrations ran`);
  } catch (error) {
    await stop();
    throw error;
  }
  const store = new BatchStore(database);
  const query: CloudDatabase['query'] = (...asked) => queryOf(database, ...asked);
  return {
    ...{ cloud, database, store, query, [Symbol.asyncDispose]: stop },
    put: (...batches) => store.store(batches.map(arrived)),
    nextOf: async (dev, number = 1) =>
      (await store.next({ tenant: TENANT, device: dev }, STORE)).get(number),
    rowsOf: (table, dev) =>
      query(
        `SELECT d.*, f.stream FROM ${table} d JOIN feeds f USING (feed) WHERE f.dev = $1 ORDER BY seq`,
        [dev],
      ),
  };
}

/** Over a connection of its own: the database may have been killed since the last. */
export async function queryOnce(
  databaseUrl: string,
  text: string,
  parameters: Parameters = [],
): Promise<readonly Row[]> {
  const database = openDatabase(databaseUrl, 1);
  try {
    return await queryOf(database, text, parameters);
  } finally {
    await database.close();
  }
}

function queryOf(
  database: Database,
  text: string,
  parameters: Parameters = [],
): Promise<readonly Row[]> {
  return database.transaction((transaction) => transaction.query(text, parameters));
}
