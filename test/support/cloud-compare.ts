/** What a gateway has stored, value by value, held against what the cloud's database has of it. */
import { statSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { EXTENDED_FLAG, type Micros, type Stream } from '#core/stream.ts';
import { isInternal } from '#core/sys-streams.ts';
import type { Database as CloudDatabase, Row } from '../../src/cloud/database.ts';
import { TABLES } from '../../src/cloud/rows.ts';
import type { Columns } from '../../src/codec/columns.ts';
import { waveTime } from '../../src/codec/cut.ts';
import { monotonicClock } from '../../src/io/clock.ts';
import { EPOCH_US_MAX, parseEventKey } from '../../src/store/keys.ts';
import { openDatabase } from '../../src/store/lmdb.ts';
import { openOffline } from '../../src/store/opening/offline.ts';
import { DATA_FILE } from '../../src/store/opening/opening.ts';
import { StoreReader } from '../../src/store/reading/reader.ts';
import { recordsOf } from '../../src/store/reading/walk.ts';
import { eventRecord } from '../../src/store/record.ts';
import { StreamRegistry } from '../../src/store/writing/registry.ts';

/** A value, a frame or an event. */
export interface Item {
  readonly seq: number;
  readonly epoch: number;
  readonly t: Micros;
  readonly value: unknown;
}

export interface StoredStream {
  readonly number: number;
  readonly stream: Stream;
  /** One behind the last `seq` that was given. */
  readonly end: number;
  readonly items: readonly Item[];
}

/**
 * Everything in the store of a gateway that has ended well, by the number of the stream. Not by way of
 * the queue, which is under test.
 */
export async function readStore(directory: string): Promise<ReadonlyMap<number, StoredStream>> {
  const offline = await openOffline(directory, monotonicClock());
  const { records } = offline.journal;
  const epochs = [...offline.epochs().keys()];
  await offline.close();
  if (records > 0) throw new Error(`${records} records are in the journal alone`);
  const file = path.join(directory, DATA_FILE);
  const database = openDatabase(file, { fileBytes: statSync(file).size, readOnly: true });
  try {
    const registry = new StreamRegistry();
    const problems = registry.load(recordsOf(database, 'streams'));
    if (problems.length > 0) throw new Error(problems.join('; '));
    const events = Map.groupBy(eventsIn(database), ({ number }) => number);
    const reader = new StoreReader(database, undefined);
    const streams = registry.list().map(({ number, stream }): StoredStream => {
      const columns = epochs.flatMap((epoch) => columnsIn(reader, { number, stream, epoch }));
      const items = [...columns, ...(events.get(number) ?? [])].sort((a, b) => a.seq - b.seq);
      return { number, stream, end: registry.nextSeqOf(number), items };
    });
    return new Map(streams.map((one) => [one.number, one]));
  } finally {
    await database.close();
  }
}

function* eventsIn(database: Parameters<typeof recordsOf>[0]) {
  for (const { key, value } of recordsOf(database, 'events')) {
    const { stream: number, ordinal, data } = eventRecord(key, value);
    if (ordinal === undefined) throw new Error('an event without its place in its stream');
    const { epoch, t } = parseEventKey(key);
    yield { number, seq: ordinal, epoch, t, value: data };
  }
}

function columnsIn(
  reader: StoreReader,
  { number, stream, epoch }: { number: number; stream: Stream; epoch: number },
): Item[] {
  if (stream.kind === 'event') return [];
  const items: Item[] = [];
  for (const piece of reader.columns(number, { epoch, from: 0, to: EPOCH_US_MAX })) {
    for (let i = 0; i < (piece.kind === 'waves' ? piece.v : piece.t).length; i++) {
      items.push({ seq: piece.seq + i, epoch, ...itemOf(piece, i, stream.lsb ?? 1) });
    }
  }
  return items;
}

function itemOf(piece: Columns, i: number, lsb: number): Pick<Item, 't' | 'value'> {
  switch (piece.kind) {
    case 'waves':
      return { t: waveTime(piece, i), value: (piece.v[i] ?? 0) * lsb };
    case 'scalars':
      return { t: piece.t[i] ?? 0, value: piece.v[i] };
    case 'frames': {
      const id = piece.id[i] ?? 0;
      const data = piece.data.subarray(i * 8, i * 8 + (piece.length[i] ?? 0));
      const value = frameText(id & ~EXTENDED_FLAG, (id & EXTENDED_FLAG) !== 0, data);
      return { t: piece.t[i] ?? 0, value };
    }
  }
}

function frameText(id: number, extended: boolean, data: Uint8Array): string {
  return `${id}${extended ? 'x' : ''} ${Buffer.from(data).toString('hex')}`;
}

/** What the database has of one stream of one store. */
export interface ArrivedStream {
  readonly number: number;
  readonly stream: string;
  /** What was acknowledged. */
  readonly next: number;
  /** As the database writes it: `{[0,17)}`. */
  readonly received: string;
  /** In the order of `seq`. */
  readonly items: readonly Item[];
  readonly gaps: readonly { readonly seq: number; readonly n: number; readonly reason: string }[];
}

/** How far the database is with each stream of a gateway, by number; it has one store only. */
export async function readProgress(cloud: CloudDatabase): Promise<ReadonlyMap<number, number>> {
  const rows = await query(cloud, 'SELECT number, next FROM feeds');
  return new Map(rows.map((row) => [Number(row['number']), Number(row['next'])]));
}

/** All that the database has, of a single gateway with a single store. */
export async function readCloud(cloud: CloudDatabase): Promise<readonly ArrivedStream[]> {
  const items: { feed: number; item: Item }[] = [];
  for (const [table, columns] of Object.entries(TABLES)) {
    const rows = await query(
      cloud,
      `SELECT ${columns}, (extract(epoch FROM ts - base) * 1000000)::bigint AS t
       FROM ${table} JOIN feeds USING (feed) JOIN epochs USING (tenant, dev, store, epoch)`,
    );
    for (const row of rows) items.push({ feed: Number(row['feed']), item: arrivedItem(row) });
  }
  const byFeed = Map.groupBy(items, ({ feed }) => feed);
  const gaps = Map.groupBy(await query(cloud, 'SELECT * FROM gaps'), (row) => Number(row['feed']));
  const feeds = await query(cloud, 'SELECT *, received::text AS ranges FROM feeds ORDER BY number');
  if (new Set(feeds.map((row) => `${row['dev']} ${row['store']}`)).size !== 1) {
    throw new Error('more than one store');
  }
  return feeds.map((row) => {
    const feed = Number(row['feed']);
    return {
      ...{ number: Number(row['number']), stream: String(row['stream']) },
      ...{ next: Number(row['next']), received: String(row['ranges']) },
      items: (byFeed.get(feed) ?? []).map(({ item }) => item).sort((a, b) => a.seq - b.seq),
      gaps: (gaps.get(feed) ?? []).map((gap) => {
        return { seq: Number(gap['seq']), n: Number(gap['n']), reason: String(gap['reason']) };
      }),
    };
  });
}

export function query(cloud: CloudDatabase, text: string): Promise<readonly Row[]> {
  return cloud.transaction((transaction) => transaction.query(text));
}

function arrivedItem(row: Row): Item {
  const place = { seq: Number(row['seq']), epoch: Number(row['epoch']), t: Number(row['t']) };
  const { id, data, value } = row;
  if (data instanceof Uint8Array) {
    return { ...place, value: frameText(Number(id), row['extended'] === true, data) };
  }
  return { ...place, value: data ?? value };
}

/** Of all streams together. */
export interface Comparison {
  /** What is wrong, a sentence each. */
  readonly faults: readonly string[];
  /** Values, frames and events that are the same on both sides. */
  readonly same: number;
  /** Behind what was acknowledged: only the store has them. */
  readonly behind: number;
  /** Missing on both sides. */
  readonly inGaps: number;
  /** The largest difference between two times of a wave, microseconds. */
  readonly waveErrorUs: Micros;
}

/**
 * A wave is told as straight lines through its times, which leave 1 ms to each side; what was sent
 * before it became a block went as a line of its own.
 */
const WAVE_ERROR_US_MAX = 2_000;
const TOLD_MAX = 5;

/** Exactly the same values, times and gaps, each once, up to what was acknowledged. */
export function compare(
  stored: ReadonlyMap<number, StoredStream>,
  arrived: readonly ArrivedStream[],
): Comparison {
  const sums = { same: 0, behind: 0, inGaps: 0, waveErrorUs: 0 };
  const faults: string[] = [];
  const seen = new Set<number>();
  for (const one of arrived) {
    seen.add(one.number);
    const mine = stored.get(one.number);
    if (mine?.stream.id !== one.stream) faults.push(`stream ${one.number} is no ${one.stream}`);
    else faults.push(...compareStream(mine, one, sums));
  }
  for (const { number, stream, end } of stored.values()) {
    if (end > 0 && !seen.has(number)) faults.push(`${stream.id}: nothing of it has come`);
  }
  return { faults, ...sums };
}

type Sums = { -readonly [name in Exclude<keyof Comparison, 'faults'>]: number };

function compareStream(mine: StoredStream, theirs: ArrivedStream, sums: Sums): string[] {
  const { next } = theirs;
  const { stream } = mine;
  const found: string[] = [];
  const expected = new Map<number, Item>();
  for (const item of mine.items) {
    if (expected.has(item.seq)) found.push(`seq ${item.seq} is in the store twice`);
    if (item.seq < next) expected.set(item.seq, item);
    else sums.behind++;
  }
  if (next > mine.end) found.push(`${next} were acknowledged, of ${mine.end}`);
  if (next > 0 && theirs.received !== `{[0,${next})}`) {
    found.push(`of ${next} it has ${theirs.received}`);
  }
  // What is known of the gateway is a record of its own, and no row.
  if (!isInternal(stream.id)) {
    const errorMax = errorMaxOf(stream);
    found.push(...compareItems(expected, theirs, { errorMax, sums }));
  }
  found.push(...compareGaps(expected, theirs, sums), ...compareOrder(mine, theirs));
  const told = found.slice(0, TOLD_MAX);
  if (found.length > TOLD_MAX) told.push(`and ${found.length - TOLD_MAX} more`);
  return told.map((text) => `${stream.id} (${mine.number}): ${text}`);
}

function compareItems(
  expected: ReadonlyMap<number, Item>,
  { items }: ArrivedStream,
  { errorMax, sums }: { readonly errorMax: Micros; readonly sums: Sums },
): string[] {
  const found: string[] = [];
  const missing = new Set(expected.keys());
  const seen = new Set<number>();
  for (const item of items) {
    const { seq, epoch, t, value } = item;
    const right = expected.get(seq);
    if (seen.has(seq)) found.push(`seq ${seq} has come twice, here at ${epoch}/${t}`);
    else if (right === undefined) found.push(`seq ${seq} is in no store: ${textOf(item)}`);
    else {
      const error = Math.abs(right.t - t);
      const isSame = right.epoch === epoch && isDeepStrictEqual(right.value, value);
      if (isSame && error <= errorMax) sums.same++;
      else found.push(`seq ${seq} is ${textOf(item)} and was ${textOf(right)}`);
      sums.waveErrorUs = Math.max(sums.waveErrorUs, error);
    }
    seen.add(seq);
    missing.delete(seq);
  }
  const [first] = missing;
  if (first !== undefined) found.push(`${missing.size} are missing, seq ${first} the first`);
  return found;
}

/** A gap may be told in pieces, and pieces again; together they are what the store does not have. */
function compareGaps(
  expected: ReadonlyMap<number, Item>,
  { next, gaps }: ArrivedStream,
  sums: Sums,
): string[] {
  const found: string[] = [];
  const told = new Set<number>();
  for (const { seq, n, reason } of gaps) {
    if (reason !== 'lost') found.push(`a gap that is ${reason}: ${n} from seq ${seq} on`);
    for (let i = seq; i < seq + n; i++) told.add(i);
  }
  for (let seq = 0; seq < next; seq++) {
    if (told.has(seq) !== expected.has(seq)) continue;
    found.push(`seq ${seq} is ${told.has(seq) ? 'there, and told as' : 'not there, and no'} gap`);
  }
  sums.inGaps += told.size;
  return found;
}

/**
 * In the order of `seq`, times never go back. Two pieces of a wave may meet within what their lines leave.
 */
function compareOrder({ stream }: StoredStream, { items }: ArrivedStream): string[] {
  if (stream.kind === 'event') return [];
  const wrong = items.filter((item, i) => {
    const before = items[i - 1];
    if (before === undefined || before.epoch < item.epoch) return false;
    return before.epoch > item.epoch || before.t - item.t > errorMaxOf(stream);
  });
  const [first] = wrong;
  return first ? [`${wrong.length} are before what came before them: ${textOf(first)}`] : [];
}

function errorMaxOf({ kind }: Stream): Micros {
  return kind === 'wave' ? WAVE_ERROR_US_MAX : 0;
}

function textOf({ seq, epoch, t, value }: Item): string {
  return `${seq} at ${epoch}/${t}: ${JSON.stringify(value)}`;
}
