import type { Transaction } from './database.ts';
import type { Arrived } from './store.ts';

/** Streams of gateways and epochs, which a database knows by numbers and by a base: see schema.sql. */

/** Kept in memory, and forgotten altogether beyond this: the database has them. */
const KEPT_MAX = 200_000;

export interface Feed {
  readonly feed: number;
  /** Id of the stream. */
  readonly stream: string;
  readonly kind: string;
}

/** What a transaction knows of its batches. */
export interface Known<T> {
  of(arrived: Arrived): T;
  readonly all: ReadonlyMap<string, T>;
}

/** Remembers what the database has, so that it is asked once. */
export class Feeds {
  readonly #feeds = new Map<string, Feed>();
  readonly #bases = new Map<string, number>();

  /** Makes the database know the streams of all of them. */
  async feeds(transaction: Transaction, arrived: readonly Arrived[]): Promise<Known<Feed>> {
    const all = await declareFeeds(transaction, arrived, this.#feeds);
    return { all, of: (one) => found(all, feedKey(one)) };
  }

  /** The base of the epoch of each, whole microseconds since 1970. */
  async bases(transaction: Transaction, arrived: readonly Arrived[]): Promise<Known<number>> {
    const all = await declareEpochs(transaction, arrived, this.#bases);
    return { all, of: (one) => found(all, epochKey(one)) };
  }

  /** After the commit: what was rolled back has no number. */
  keep(feeds: Known<Feed>, bases: Known<number>): void {
    if (this.#feeds.size > KEPT_MAX) this.#feeds.clear();
    if (this.#bases.size > KEPT_MAX) this.#bases.clear();
    for (const [key, feed] of feeds.all) this.#feeds.set(key, feed);
    for (const [key, base] of bases.all) this.#bases.set(key, base);
  }
}

function found<T>(map: ReadonlyMap<string, T>, key: string): T {
  const value = map.get(key);
  if (value === undefined) throw new Error(`${key} was not declared`);
  return value;
}

function feedKey({ place, batch: { head } }: Arrived): string {
  return `${place.tenant}/${head.dev}/${head.store}/${head.number}`;
}

function epochKey({ place, batch: { head } }: Arrived): string {
  return `${place.tenant}/${head.dev}/${head.store}/${head.epoch}`;
}

/** Each key once, in an order that is the same for all instances. */
function unknownOf<T>(
  arrived: readonly Arrived[],
  keyOf: (one: Arrived) => string,
  known: ReadonlyMap<string, T>,
): { kept: Map<string, T>; missing: readonly (readonly [string, Arrived])[] } {
  const kept = new Map<string, T>();
  const missing = new Map<string, Arrived>();
  for (const one of arrived) {
    const key = keyOf(one);
    const value = known.get(key);
    if (value !== undefined) kept.set(key, value);
    else if (!missing.has(key)) missing.set(key, one);
  }
  return { kept, missing: [...missing].sort(([a], [b]) => (a < b ? -1 : 1)) };
}

async function declareFeeds(
  { query }: Transaction,
  arrived: readonly Arrived[],
  known: ReadonlyMap<string, Feed>,
): Promise<ReadonlyMap<string, Feed>> {
  const { kept, missing } = unknownOf(arrived, feedKey, known);
  if (missing.length === 0) return kept;
  const wanted = JSON.stringify(missing.map(([, one]) => feedRow(one)));
  // A conflict would use up a number of the identity each time: mostly there is none.
  await query(
    `INSERT INTO feeds (tenant, dev, store, number, stream, name, unit, kind, hz, lsb, states)
     SELECT tenant, dev, store, number, stream, name, unit, kind, hz, lsb, states
     FROM ${FEED_ROWS} WHERE NOT EXISTS (
       SELECT FROM feeds f
       WHERE (f.tenant, f.dev, f.store, f.number) = (new.tenant, new.dev, new.store, new.number))
     ON CONFLICT DO NOTHING`,
    [wanted],
  );
  const rows = await query(
    `SELECT f.feed, f.tenant, f.dev, f.store, f.number, f.stream, f.kind
     FROM ${FEED_ROWS} JOIN feeds f USING (tenant, dev, store, number)`,
    [wanted],
  );
  for (const row of rows) {
    const feed = {
      feed: Number(row['feed']),
      stream: String(row['stream']),
      kind: String(row['kind']),
    };
    kept.set(`${row['tenant']}/${row['dev']}/${row['store']}/${row['number']}`, feed);
  }
  return kept;
}

const FEED_ROWS = `jsonb_to_recordset($1::text::jsonb) AS new (tenant text, dev text, store text,
  number integer, stream text, name text, unit text, kind text, hz float8, lsb float8, states jsonb)`;

function feedRow({ place, batch: { head } }: Arrived) {
  const { id, name, unit, kind, hz, lsb, states } = head.stream;
  const key = { tenant: place.tenant, dev: head.dev, store: head.store, number: head.number };
  return { ...key, stream: id, name, unit, kind, hz, lsb: lsb ?? null, states: states ?? null };
}

/**
 * The base of an epoch, where it is new: what its gateway believed, if that is a time that can be, or
 * now less the time of what came, which is right but for how long that was on its way.
 */
async function declareEpochs(
  { query }: Transaction,
  arrived: readonly Arrived[],
  known: ReadonlyMap<string, number>,
): Promise<ReadonlyMap<string, number>> {
  const { kept, missing } = unknownOf(arrived, epochKey, known);
  if (missing.length === 0) return kept;
  const wanted = JSON.stringify(missing.map(([, one]) => epochRow(one)));
  await query(
    `INSERT INTO epochs (tenant, dev, store, epoch, base)
     SELECT tenant, dev, store, epoch, coalesce(
       (SELECT wall FROM clock_corrections c
        WHERE (c.tenant, c.dev, c.store, c.epoch) = (new.tenant, new.dev, new.store, new.epoch)
          AND trust <> 'none' AND wall BETWEEN now() - interval '400 days' AND now() + interval '1 day'
        ORDER BY seq DESC LIMIT 1),
       now() - new.us * interval '1 microsecond')
     FROM ${EPOCH_ROWS} ON CONFLICT DO NOTHING`,
    [wanted],
  );
  const rows = await query(
    `SELECT e.tenant, e.dev, e.store, e.epoch, (extract(epoch FROM e.base) * 1000000)::bigint AS us
     FROM ${EPOCH_ROWS} JOIN epochs e USING (tenant, dev, store, epoch)`,
    [wanted],
  );
  for (const { tenant, dev, store, epoch, us } of rows) {
    kept.set(`${tenant}/${dev}/${store}/${epoch}`, Number(us));
  }
  return kept;
}

const EPOCH_ROWS = `jsonb_to_recordset($1::text::jsonb)
  AS new (tenant text, dev text, store text, epoch bigint, us float8)`;

/** A time that no gateway measures is refused later, and is to make no base. */
const PLAUSIBLE_US = 400 * 86_400_000_000;

function epochRow({ place, batch: { head } }: Arrived) {
  const us = Math.min(Math.max(head.t0, 0), PLAUSIBLE_US);
  return { tenant: place.tenant, dev: head.dev, store: head.store, epoch: head.epoch, us };
}
