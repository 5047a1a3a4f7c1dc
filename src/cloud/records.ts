import { TRUST } from '#core/clock.ts';
import type { BatchHead, EventItem } from '../wire/batch.ts';
import type { Row, Transaction } from './database.ts';
import { jsonText, recordKindOf } from './rows.ts';
import type { Arrived } from './store.ts';

/**
 * Records of a gateway: what is true of it now, and not what happened. They come as events, each the
 * whole record as it has become; the newest by `seq` counts, whatever came first.
 *
 *   sys.session  {"id": 12, "spans": [{"epoch": 7, "from": 0, "to": 1000000}], ...}
 *   sys.user     {"id": "..", ...}
 *   sys.device   {...}
 *   sys.clock    {"epoch": 7, "wallMs": 1795000000000, "trust": "ntp"}
 *
 * One with `"removed": true` is the last of its id, whatever comes after it: nothing of the record is
 * kept but that there was one. What was measured in a session that was removed is erased by erasing.ts.
 */
const KEPT = { 'sys.session': 'sessions', 'sys.user': 'users', 'sys.device': 'devices' } as const;
/** Of a record that has no id, as there is one alone. */
const ONLY = '';
/** 1990 to 2200; what lies outside is no time that a gateway was told. */
const WALL_MS_MIN = 631_152_000_000;
const WALL_MS_MAX = 7_258_118_400_000;

interface RecordRow {
  readonly tenant: string;
  readonly dev: string;
  readonly store: string;
  readonly id: string;
  readonly seq: number;
  readonly data: EventItem['data'];
  readonly removed: boolean;
  /** Of a session that was removed. */
  readonly spans: readonly Span[];
  /** Of the stream that it came by. */
  readonly number: number;
}

/** Where a session is in the recording; `to` is null while it lasts. */
export interface Span {
  readonly epoch: number;
  readonly from: number;
  readonly to: number | null;
}

/** The spans of a session; without what is none. */
export function spansIn(spans: unknown): Span[] {
  if (!Array.isArray(spans)) return [];
  return spans.flatMap((span: unknown) => {
    const { epoch, from, to }: Record<string, unknown> = Object(span);
    const isSpan = isNumber(epoch) && isNumber(from) && (to === null || isNumber(to));
    return isSpan ? [{ epoch, from, to }] : [];
  });
}

function isNumber(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

export async function insertRecords(
  transaction: Transaction,
  arrived: readonly Arrived[],
): Promise<void> {
  const newest = new Map<string, Map<string, RecordRow>>();
  const clocks: object[] = [];
  for (const one of arrived) {
    const kind = recordKindOf(one.batch.head.stream);
    if (kind === undefined) continue;
    if (kind === 'sys.clock') clocks.push(...clocksIn(one));
    else keepNewest(newest, KEPT[kind], one);
  }
  for (const [table, rows] of newest) await upsert(transaction, table, [...rows.values()]);
  if (clocks.length > 0) await appendClocks(transaction, clocks);
}

function keepNewest(
  newest: Map<string, Map<string, RecordRow>>,
  table: string,
  { place, batch: { head, content } }: Arrived,
): void {
  if (content.kind !== 'events') return;
  const rows = newest.get(table) ?? new Map<string, RecordRow>();
  newest.set(table, rows);
  for (const [i, { data }] of content.events.entries()) {
    const row = recordRow(place.tenant, head, content.seq + i, data);
    const key = [row.tenant, row.dev, row.store, row.id].join('/');
    const before = rows.get(key);
    const isNewer = row.seq >= (before?.seq ?? 0);
    if (before === undefined || row.removed || (isNewer && !before.removed)) rows.set(key, row);
  }
}

function recordRow(
  tenant: string,
  { dev, store, number }: BatchHead,
  seq: number,
  data: EventItem['data'],
): RecordRow {
  const removed = data['removed'] === true;
  return {
    ...{ tenant, dev, store, number, id: idOf(data), seq, removed },
    ...(removed ? { data: {}, spans: spansIn(data['spans']) } : { data, spans: [] }),
  };
}

function clocksIn({ place, batch: { head, content } }: Arrived): object[] {
  if (content.kind !== 'events') return [];
  const owner = { tenant: place.tenant, dev: head.dev, store: head.store, number: head.number };
  return content.events.flatMap(({ data }, i) => {
    const clock = clockOf(data, head.epoch);
    return clock ? [{ ...owner, ...clock, seq: content.seq + i }] : [];
  });
}

function idOf({ id }: EventItem['data']): string {
  return typeof id === 'string' || typeof id === 'number' ? String(id) : ONLY;
}

/** Undefined for what tells no time; the batch is stored all the same. */
function clockOf(data: EventItem['data'], epochOfHead: number): object | undefined {
  const { epoch, wallMs, trust } = data;
  if (typeof wallMs !== 'number' || !(wallMs >= WALL_MS_MIN && wallMs <= WALL_MS_MAX))
    return undefined;
  const known = TRUST.find((name) => name === trust);
  const about = typeof epoch === 'number' && Number.isInteger(epoch) ? epoch : epochOfHead;
  return known === undefined ? undefined : { epoch: about, wall: wallMs / 1000, trust: known };
}

async function upsert(
  transaction: Transaction,
  table: string,
  rows: readonly RecordRow[],
): Promise<void> {
  const { query } = transaction;
  const sorted = rows.toSorted((a, b) =>
    `${a.tenant}/${a.dev}/${a.id}` < `${b.tenant}/${b.dev}/${b.id}` ? -1 : 1,
  );
  const texts = sorted.map(({ data, ...row }) => ({ ...row, data: JSON.parse(jsonText(data)) }));
  const changed = await query(
    `INSERT INTO ${table} AS old (tenant, dev, store, id, seq, data, removed_at)
     SELECT tenant, dev, store, id, seq, data, CASE WHEN removed THEN now() END
     FROM jsonb_to_recordset($1::text::jsonb) AS new
       (tenant text, dev text, store text, id text, seq bigint, data jsonb, removed boolean)
     ON CONFLICT (tenant, dev, store, id) DO UPDATE
       SET seq = excluded.seq, data = excluded.data, removed_at = excluded.removed_at
     WHERE old.removed_at IS NULL AND (excluded.seq > old.seq OR excluded.removed_at IS NOT NULL)
     RETURNING tenant, dev, store, id, removed_at`,
    [JSON.stringify(texts)],
  );
  // Only once: a copy of the batch changes nothing.
  const gone = changed.filter((row) => row['removed_at'] !== null).map(keyText);
  const removals = sorted.filter(
    (row) => row.spans.length > 0 && gone.includes(keyText({ ...row })),
  );
  if (removals.length > 0) await insertRemovals(transaction, removals);
}

function keyText({ tenant, dev, store, id }: Row): string {
  return [tenant, dev, store, id].join('/');
}

/** What erasing.ts begins with. */
async function insertRemovals({ query }: Transaction, rows: readonly RecordRow[]): Promise<void> {
  const removals = rows.map(({ data: _, ...row }) => row);
  await query(
    `INSERT INTO removals (tenant, dev, store, id, number, seq, spans)
     SELECT tenant, dev, store, id, number, seq, spans FROM jsonb_to_recordset($1::text::jsonb)
       AS new (tenant text, dev text, store text, id text, number integer, seq bigint, spans jsonb)
     ON CONFLICT DO NOTHING`,
    [JSON.stringify(removals)],
  );
}

async function appendClocks({ query }: Transaction, clocks: readonly object[]): Promise<void> {
  await query(
    `INSERT INTO clock_corrections (tenant, dev, store, epoch, number, seq, wall, trust)
     SELECT tenant, dev, store, epoch, number, seq, to_timestamp(wall), trust
     FROM jsonb_to_recordset($1::text::jsonb) AS new (tenant text, dev text, store text,
       epoch bigint, number integer, seq bigint, wall float8, trust text)
     ON CONFLICT DO NOTHING`,
    [JSON.stringify(clocks)],
  );
}
