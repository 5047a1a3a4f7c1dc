import type { Clock } from '#core/clock.ts';
import type { Log } from '../io/log.ts';
import { type Database, DatabaseError, type Row, type Transaction } from './database.ts';
import { type ErasedRange, lockAlone, type StoreKey } from './erased.ts';
import { missingIn, type Ranges, withRange } from './ranges.ts';
import { type Span, spansIn } from './records.ts';
import { recordKindOf, type Table, tableOf } from './rows.ts';

/**
 * Erases what was measured in a session that was removed at its gateway, as the gateway does: all of its
 * spans, but for what another session of the gateway covers.
 *
 * That a session is removed is stored with the batch that says so, and its notes go at once. Its rows may
 * be millions: they go afterwards, piece by piece, a transaction each, so that nobody waits for them. How
 * far it is is in the database, so that any instance goes on where one was killed.
 *
 *   removals -> erasures -> rows
 *
 * A removal becomes erasures when all that the gateway noted of its sessions before it has come: one that
 * is on its way may cover some of it.
 */
const EVERY_MS = 2_000;
/** After a failure. */
const RETRY_MS = 10_000;
/** Of a transaction. Some 100 ms. */
const PIECE_ROWS_MAX = 50_000;

/**
 * Does one piece of what is to be erased.
 *
 * @returns the rows that are gone, or undefined where nothing is left to be done
 */
export async function eraseSome(
  database: Database,
  rowsMax = PIECE_ROWS_MAX,
): Promise<number | undefined> {
  if (await database.transaction(beginErasure)) return 0;
  return await database.transaction((transaction) => erasePiece(transaction, rowsMax));
}

export interface ErasingOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly database: Database;
  readonly counters: { erased: number; erasuresWaiting: number };
}

/** Until the signal. Rejects on a bug only. */
export async function runErasing(options: ErasingOptions, signal: AbortSignal): Promise<void> {
  const { clock, log, database, counters } = options;
  while (!signal.aborted) {
    let pauseMs = EVERY_MS;
    try {
      const rows = await eraseSome(database);
      counters.erased += rows ?? 0;
      if (rows !== undefined) pauseMs = 0;
      else counters.erasuresWaiting = await erasuresWaiting(database);
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      log.warn({ source: 'erasing' }, error.message);
      pauseMs = RETRY_MS;
    }
    await clock.sleep(pauseMs, signal).catch(() => {}); // The stop ends the loop.
  }
}

/** One that waits for long is of a gateway whose notes have a hole. */
async function erasuresWaiting(database: Database): Promise<number> {
  const [row] = await database.transaction(({ query }) =>
    query(
      `SELECT (SELECT count(*) FROM removals)
         + (SELECT count(*) FROM erasures WHERE done_at IS NULL) AS n`,
    ),
  );
  return Number(row?.['n']);
}

/** Finds out what is to be erased of one session. @returns whether there was any */
async function beginErasure(transaction: Transaction): Promise<boolean> {
  const { query } = transaction;
  const [found] = await query(
    `SELECT r.tenant, r.dev, r.store, r.id FROM removals r JOIN feeds f
       USING (tenant, dev, store, number)
     WHERE f.next > r.seq ORDER BY r.removed_at LIMIT 1`,
  );
  if (found === undefined) return false;
  const store = storeOf(found);
  await lockAlone(transaction, store);
  const key = [store.tenant, store.dev, store.store];
  // Another instance may have done it meanwhile.
  const [removal] = await query(
    `DELETE FROM removals WHERE tenant = $1 AND dev = $2 AND store = $3 AND id = $4
     RETURNING spans`,
    [...key, String(found['id'])],
  );
  if (removal === undefined) return true;
  const others = await query(
    `SELECT data->'spans' AS spans FROM sessions
     WHERE tenant = $1 AND dev = $2 AND store = $3 AND removed_at IS NULL`,
    key,
  );
  const covered = others.flatMap(({ spans }) => spansIn(spans));
  const rest = uncovered(spansIn(removal['spans']), covered);
  await query(
    `INSERT INTO erasures (tenant, dev, store, epoch, from_us, to_us)
     SELECT tenant, dev, store, epoch, from_us, to_us FROM jsonb_to_recordset($1::text::jsonb)
       AS new (tenant text, dev text, store text, epoch bigint, from_us bigint, to_us bigint)`,
    [JSON.stringify(rest.map(({ epoch, from, to }) => erasureRow(store, { epoch, from, to })))],
  );
  return true;
}

function erasureRow(store: StoreKey, { epoch, from, to }: ErasedRange): object {
  return { ...store, epoch, from_us: Math.floor(from), to_us: Math.ceil(to) };
}

/** What of `spans` none of `others` covers. One that lasts is left out: nobody can have removed it. */
export function uncovered(spans: readonly Span[], others: readonly Span[]): ErasedRange[] {
  return spans.flatMap(({ epoch, from, to }) => {
    const covered = others
      .filter((other) => other.epoch === epoch)
      .reduce<Ranges>((ranges, other) => withRange(ranges, endless(other)), []);
    if (to === null || to <= from) return [];
    return missingIn(covered, { from, to }).map((range) => ({ epoch, ...range }));
  });
}

function endless({ from, to }: Span): { from: number; to: number } {
  return { from, to: to ?? Number.POSITIVE_INFINITY };
}

/** @returns the rows that are gone; undefined where no erasure waits that no other instance is at */
async function erasePiece(
  { query, change }: Transaction,
  rowsMax: number,
): Promise<number | undefined> {
  const [erasure] = await query(
    `SELECT erasure, tenant, dev, store, epoch, at_feed, at_seq,
       (SELECT jsonb_build_array(base + from_us * interval '1 microsecond',
                                 base + to_us * interval '1 microsecond')
        FROM epochs e WHERE (e.tenant, e.dev, e.store, e.epoch) = (x.tenant, x.dev, x.store, x.epoch)
       ) AS times
     FROM erasures x WHERE done_at IS NULL ORDER BY erasure LIMIT 1 FOR UPDATE SKIP LOCKED`,
  );
  if (erasure === undefined) return undefined;
  let rows = 0;
  let place = { feed: Number(erasure['at_feed']), seq: Number(erasure['at_seq']) };
  for (const { feed, table } of await feedsFrom(query, erasure, place.feed)) {
    if (feed !== place.feed) place = { feed, seq: 0 };
    const piece = await deleteRows({ query, change }, table, {
      ...{ ...place, limit: rowsMax - rows },
      ...{ epoch: Number(erasure['epoch']), times: timesOf(erasure) },
    });
    rows += piece.rows;
    place = { feed, seq: piece.next };
    if (rows >= rowsMax) {
      await query(
        `UPDATE erasures SET at_feed = $2::text::integer, at_seq = $3::text::bigint
         WHERE erasure = $1::text::bigint`,
        [String(erasure['erasure']), `${place.feed}`, `${place.seq}`],
      );
      return rows;
    }
  }
  await query('UPDATE erasures SET done_at = now() WHERE erasure = $1::text::bigint', [
    String(erasure['erasure']),
  ]);
  return rows;
}

/** Streams of the gateway with rows of their own; none where nothing of the epoch has come. */
async function feedsFrom(
  query: Transaction['query'],
  erasure: Row,
  first: number,
): Promise<readonly { readonly feed: number; readonly table: Table }[]> {
  if (erasure['times'] === null) return [];
  const { tenant, dev, store } = storeOf(erasure);
  const rows = await query(
    `SELECT feed, stream, kind FROM feeds WHERE tenant = $1 AND dev = $2 AND store = $3
       AND feed >= $4::text::integer ORDER BY feed`,
    [tenant, dev, store, `${first}`],
  );
  return rows.flatMap((row) => {
    const stream = { id: String(row['stream']), kind: String(row['kind']) };
    if (recordKindOf(stream) !== undefined) return [];
    return [{ feed: Number(row['feed']), table: tableOf(stream) }];
  });
}

interface Piece {
  readonly feed: number;
  readonly seq: number;
  readonly limit: number;
  readonly epoch: number;
  readonly times: readonly [from: string, to: string];
}

/** By the index of a stream's seqs, from where the last piece ended. */
async function deleteRows(
  { query, change }: Pick<Transaction, 'query' | 'change'>,
  table: Table,
  { feed, seq, limit, epoch, times }: Piece,
): Promise<{ rows: number; next: number }> {
  const wanted = `FROM ${table} WHERE feed = $1::text::integer AND seq >= $2::text::bigint
    AND epoch = $3::text::bigint AND ts >= $4::text::timestamptz AND ts < $5::text::timestamptz`;
  const parameters = [`${feed}`, `${seq}`, `${epoch}`, ...times];
  const [last] = await query(
    `SELECT max(seq) AS seq FROM (SELECT seq ${wanted} ORDER BY seq LIMIT ${limit}) AS piece`,
    parameters,
  );
  const to = last?.['seq'];
  if (to === null || to === undefined) return { rows: 0, next: seq };
  const rows = await change(`DELETE ${wanted} AND seq <= $6::text::bigint`, [
    ...parameters,
    String(to),
  ]);
  return { rows, next: Number(to) + 1 };
}

function timesOf({ times }: Row): readonly [string, string] {
  // Two texts, which our own question made.
  const [from, to] = times as readonly [string, string];
  return [from, to];
}

function storeOf({ tenant, dev, store }: Row): StoreKey {
  return { tenant: String(tenant), dev: String(dev), store: String(store) };
}
