import type { Clock } from '#core/clock.ts';
import type { Log } from '../io/log.ts';
import { type Database, DatabaseError } from './database.ts';
import type { Table } from './rows.ts';

/**
 * Drops what is older than it is to be kept, a chunk at a time: a file is deleted, no row is looked at.
 * TimescaleDB's Apache build has no policies that would do it by themselves. A chunk goes when all of
 * it is too old, so some rows stay a day, or a week, longer. What came is still known to have come
 * (feeds.received): nothing of it is asked for again.
 */
const EVERY_MS = 6 * 3_600_000;
/** After a failure. */
const RETRY_MS = 60_000;
/** One instance at a time; the others leave it to that one. */
const LOCK = 7_441_002;

/** @returns the chunks that are gone */
export function dropOld(
  database: Database,
  days: ReadonlyMap<Table, number>,
): Promise<readonly string[]> {
  return database.transaction(async ({ query }) => {
    const [lock] = await query(`SELECT pg_try_advisory_xact_lock(${LOCK}) AS taken`);
    if (lock?.['taken'] !== true) return [];
    const dropped: string[] = [];
    for (const [table, keep] of days) {
      const rows = await query(
        `SELECT drop_chunks('${table}', older_than => now() - $1 * interval '1 day')::text AS chunk`,
        [keep],
      );
      dropped.push(...rows.map((row) => String(row['chunk'])));
    }
    return dropped;
  });
}

export interface RetentionOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly database: Database;
  readonly days: ReadonlyMap<Table, number>;
}

/** At the start and every 6 hours until the signal. Rejects on a bug only. */
export async function runRetention(options: RetentionOptions, signal: AbortSignal): Promise<void> {
  const { clock, log, database, days } = options;
  while (!signal.aborted) {
    let pauseMs = EVERY_MS;
    try {
      const dropped = await dropOld(database, days);
      if (dropped.length > 0) log.info({ source: 'retention', dropped }, 'old chunks are gone');
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      log.warn({ source: 'retention' }, error.message);
      pauseMs = RETRY_MS;
    }
    await clock.sleep(pauseMs, signal).catch(() => {}); // The stop ends the loop.
  }
}
