import { crc32 } from 'node:zlib';
import type { Transaction } from './database.ts';
import type { Arrived } from './store.ts';

/**
 * What was erased at a person's wish, so that a batch that comes late does not bring it back.
 *
 * Who stores holds a lock that others who store share; who notes an erasure takes it alone. So whatever
 * is stored without knowing of an erasure is committed before the rows of it are looked for.
 */

/** Any number that nobody else takes. */
const LOCK = 7_441_003;
/** The server has room for some thousands of locks, and there are more gateways than that. */
const LOCKS = 64;

/** Microseconds of an epoch. */
export interface ErasedRange {
  readonly epoch: number;
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
}

/** A store of a gateway. */
export interface StoreKey {
  readonly tenant: string;
  readonly dev: string;
  readonly store: string;
}

export interface Erased {
  /** What of the epoch of a batch is not to be stored. */
  of(arrived: Arrived): readonly ErasedRange[];
}

/** To be called before anything else is locked, so that nobody waits in a circle. */
export async function lockErased(
  { query }: Transaction,
  arrived: readonly Arrived[],
): Promise<Erased> {
  const epochs = new Map(arrived.map((one) => [epochText(one), one]));
  const wanted = [...epochs.values()].map((one) => ({
    ...keyOf(one),
    epoch: one.batch.head.epoch,
  }));
  const locks = new Set(wanted.map(lockOf));
  await query(
    `SELECT count(pg_advisory_xact_lock_shared(${LOCK}, lock)) AS n
     FROM unnest($1::text::integer[]) AS locks (lock)`,
    [`{${[...locks].join(',')}}`],
  );
  // A statement of its own, as it sees what was committed before it began.
  const rows = await query(
    `SELECT tenant, dev, store, epoch, from_us, to_us FROM erasures JOIN
       jsonb_to_recordset($1::text::jsonb) AS wanted
         (tenant text, dev text, store text, epoch bigint)
       USING (tenant, dev, store, epoch)`,
    [JSON.stringify(wanted)],
  );
  const ranges = new Map<string, ErasedRange[]>();
  for (const { tenant, dev, store, epoch, from_us: from, to_us: to } of rows) {
    const key = [tenant, dev, store, epoch].join('/');
    const range = { epoch: Number(epoch), from: Number(from), to: Number(to) };
    ranges.set(key, [...(ranges.get(key) ?? []), range]);
  }
  return { of: (one) => ranges.get(epochText(one)) ?? [] };
}

/** Waits for whoever stores something of this gateway, and keeps others from it until the commit. */
export async function lockAlone({ query }: Transaction, store: StoreKey): Promise<void> {
  await query(`SELECT count(pg_advisory_xact_lock(${LOCK}, ${lockOf(store)})) AS n`);
}

function keyOf({ place, batch }: Arrived): StoreKey {
  return { tenant: place.tenant, dev: batch.head.dev, store: batch.head.store };
}

function keyText({ tenant, dev, store }: StoreKey): string {
  return `${tenant}/${dev}/${store}`;
}

function epochText(one: Arrived): string {
  return `${keyText(keyOf(one))}/${one.batch.head.epoch}`;
}

function lockOf(store: StoreKey): number {
  return crc32(keyText(store)) % LOCKS;
}
