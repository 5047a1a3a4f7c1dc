import type { Batch, BatchHead } from '../wire/batch.ts';
import type { Place } from '../wire/topics.ts';
import { type Database, DatabaseError, type Transaction } from './database.ts';
import { lockErased } from './erased.ts';
import { type Feed, Feeds, type Known } from './feeds.ts';
import {
  missingIn,
  nextOf,
  parseRanges,
  RANGES_MAX,
  type Ranges,
  rangesText,
  withRange,
} from './ranges.ts';
import { insertRecords } from './records.ts';
import { badTime, RowWriter, recordKindOf, TABLES, type Table } from './rows.ts';

/**
 * Stores batches, any number of them in one transaction, and brings up to date what has come of each
 * stream. All of it or nothing: what is acknowledged is read from what is committed.
 *
 * The streams are locked first. So a batch of which no seq has come before is new for certain, and is
 * copied straight into its table. One that overlaps with what has come goes by a temporary table of the
 * connection, from where INSERT takes what is not there yet; that takes twice as long, and is rare. What
 * is there goes by the seq alone, as the times of a wave that comes again may be a little different: what
 * was sent before it became a block is another line through its times (codec/even.ts). Should the table
 * know better than what has come (it was restored from a copy), all of the transaction is done again in
 * that way.
 */

/** A batch and from whom it came. */
export interface Arrived {
  readonly place: Place;
  readonly batch: Batch;
}

export interface Stored {
  /** By the place of a batch: why it cannot be stored, for those that cannot. */
  readonly refused: ReadonlyMap<Arrived, string>;
  /** Rows of batches, and of them those that were new. */
  readonly rows: number;
  readonly inserted: number;
}

export class BatchStore {
  readonly #database: Database;
  readonly #feeds = new Feeds();

  constructor(database: Database) {
    this.#database = database;
  }

  /** @throws DatabaseError */
  async store(arrived: readonly Arrived[]): Promise<Stored> {
    try {
      return await this.#store(arrived, true);
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.code !== 'BAD_DATA') throw error;
      return await this.#store(arrived, false);
    }
  }

  /** @param direct what is new is copied straight into its table */
  async #store(arrived: readonly Arrived[], direct: boolean): Promise<Stored> {
    const refused = new Map<Arrived, string>();
    const done = await this.#database.transaction(async (transaction) => {
      refused.clear();
      const erased = await lockErased(transaction, arrived);
      const feeds = await this.#feeds.feeds(transaction, arrived);
      const good = arrived.filter((one) => {
        const reason = badTime(one.batch) ?? mismatch(one.batch.head, feeds.of(one));
        if (reason !== undefined) refused.set(one, reason);
        return reason === undefined;
      });
      const states = await lock(transaction, new Set(good.map((one) => feeds.of(one).feed)));
      const progress = moveOn(good, feeds, states);
      for (const [one, reason] of progress.refused) refused.set(one, reason);
      // First, as a clock record among them tells where an epoch begins.
      const taken = good.filter((one) => !refused.has(one));
      await insertRecords(transaction, taken);
      const bases = await this.#feeds.bases(transaction, taken);
      const [fresh, known] = [new RowWriter(), new RowWriter()];
      for (const one of taken) {
        if (recordKindOf(one.batch.head.stream)) continue;
        const writer = direct && progress.fresh.has(one) ? fresh : known;
        const { feed } = feeds.of(one);
        writer.add(one.batch, { feed, baseUs: bases.of(one), erased: erased.of(one) });
      }
      const counts = await insertRows(transaction, fresh, known);
      await insertGaps(transaction, progress.gaps);
      await keepStates(transaction, states);
      return { feeds, bases, counts };
    });
    this.#feeds.keep(done.feeds, done.bases);
    return { refused, ...done.counts };
  }

  /**
   * What is acknowledged of a gateway's store: for each of its streams the first seq that is wanted.
   *
   * @throws DatabaseError
   */
  async next({ tenant, device }: Place, store: string): Promise<ReadonlyMap<number, number>> {
    const rows = await this.#database.transaction(({ query }) =>
      query('SELECT number, next FROM feeds WHERE tenant = $1 AND dev = $2 AND store = $3', [
        ...[tenant, device, store],
      ]),
    );
    return new Map(rows.map((row) => [Number(row['number']), Number(row['next'])]));
  }
}

type Gap = readonly [feed: number, seq: number, n: number, reason: string];

interface Progress {
  /** Of which nothing had come before. */
  readonly fresh: ReadonlySet<Arrived>;
  readonly gaps: readonly Gap[];
  readonly refused: ReadonlyMap<Arrived, string>;
}

/** @param states what has come of each stream; brought up to date */
function moveOn(
  good: readonly Arrived[],
  feeds: Known<Feed>,
  states: Map<number, Ranges>,
): Progress {
  const fresh = new Set<Arrived>();
  const gaps: Gap[] = [];
  const refused = new Map<Arrived, string>();
  for (const one of good) {
    const { head, content } = one.batch;
    const { feed } = feeds.of(one);
    const before = states.get(feed) ?? [];
    const { ranges, elsewhere } = merged(before, head);
    if (ranges.length > RANGES_MAX) {
      refused.set(one, `${ranges.length} holes in its stream, ${RANGES_MAX} at most`);
      continue;
    }
    const whole = { from: head.first, to: head.first + head.n };
    const [missing] = missingIn(before, whole);
    if (missing?.from === whole.from && missing.to === whole.to) fresh.add(one);
    states.set(feed, ranges);
    for (const { from, to } of elsewhere) gaps.push([feed, from, to - from, 'elsewhere']);
    if (content.kind === 'gap') gaps.push([feed, content.seq, content.n, content.reason]);
  }
  return { fresh, gaps, refused };
}

async function keepStates(
  { query }: Transaction,
  states: ReadonlyMap<number, Ranges>,
): Promise<void> {
  const rows = [...states].map(([feed, ranges]) => {
    return { feed, received: rangesText(ranges), next: nextOf(ranges) };
  });
  await query(
    `UPDATE feeds SET received = new.received::int8multirange, next = new.next
     FROM jsonb_to_recordset($1::text::jsonb) AS new (feed integer, received text, next bigint)
     WHERE feeds.feed = new.feed`,
    [JSON.stringify(rows)],
  );
}

/** In the order of their key, so that two instances never wait for each other. */
async function lock(
  { query }: Transaction,
  feeds: ReadonlySet<number>,
): Promise<Map<number, Ranges>> {
  const rows = await query(
    `SELECT feed, received::text AS received FROM feeds
     WHERE feed = ANY ($1::text::integer[]) ORDER BY feed FOR UPDATE`,
    [`{${[...feeds].join(',')}}`],
  );
  return new Map(rows.map((row) => [Number(row['feed']), parseRanges(String(row['received']))]));
}

/** With what the gateway will not send again, which may have gone to another database. */
function merged(
  before: Ranges,
  { first, n, acked = 0 }: BatchHead,
): { ranges: Ranges; elsewhere: Ranges } {
  const settled = { from: 0, to: Math.min(acked, first) };
  const elsewhere = missingIn(before, settled);
  return {
    ranges: withRange(withRange(before, settled), { from: first, to: first + n }),
    elsewhere,
  };
}

/** A number means one stream for the life of a store. */
function mismatch(
  { number, stream }: BatchHead,
  known: { stream: string; kind: string },
): string | undefined {
  if (known.stream === stream.id && known.kind === stream.kind) return undefined;
  const was = `${known.stream} (${known.kind})`;
  return `stream ${number} is ${stream.id} (${stream.kind}), and was ${was}`;
}

/** @param known batches of which something has come before */
async function insertRows(
  transaction: Transaction,
  fresh: RowWriter,
  known: RowWriter,
): Promise<{ rows: number; inserted: number }> {
  let rows = 0;
  let inserted = 0;
  for (const one of fresh.tables()) {
    const columns = TABLES[one.table];
    await transaction.copy(`COPY ${one.table} (${columns}) FROM STDIN (FORMAT binary)`, one.data);
    rows += one.rows;
    inserted += one.rows;
  }
  for (const one of known.tables()) {
    rows += one.rows;
    inserted += await insertNew(transaction, one.table, one.data);
  }
  return { rows, inserted };
}

/** Times of a row that comes again are no further apart; so that not every chunk is looked at. */
const NEAR = '1 second';

async function insertNew(
  { query, copy, change }: Transaction,
  table: Table,
  data: Uint8Array,
): Promise<number> {
  const incoming = `incoming_${table}`;
  const columns = TABLES[table];
  await query(
    `CREATE TEMPORARY TABLE IF NOT EXISTS ${incoming} (LIKE ${table}) ON COMMIT DELETE ROWS`,
  );
  await copy(`COPY ${incoming} (${columns}) FROM STDIN (FORMAT binary)`, data);
  const [span] = await query(
    `SELECT (min(ts) - interval '${NEAR}')::text AS since, (max(ts) + interval '${NEAR}')::text AS until
     FROM ${incoming}`,
  );
  // Two batches of one transaction may overlap too.
  return change(
    `INSERT INTO ${table} (${columns}) SELECT DISTINCT ON (feed, seq) ${columns} FROM ${incoming} new
     WHERE NOT EXISTS (
       SELECT FROM ${table} old WHERE old.feed = new.feed AND old.seq = new.seq
         AND old.ts BETWEEN $1::text::timestamptz AND $2::text::timestamptz)
     ON CONFLICT (feed, seq, ts) DO NOTHING`,
    [String(span?.['since']), String(span?.['until'])],
  );
}

async function insertGaps({ query }: Transaction, gaps: readonly Gap[]): Promise<void> {
  if (gaps.length === 0) return;
  const rows = gaps.map(([feed, seq, n, reason]) => ({ feed, seq, n, reason }));
  await query(
    `INSERT INTO gaps (feed, seq, n, reason)
     SELECT feed, seq, n, reason FROM jsonb_to_recordset($1::text::jsonb)
       AS new (feed integer, seq bigint, n bigint, reason text)
     ON CONFLICT DO NOTHING`,
    [JSON.stringify(rows)],
  );
}
